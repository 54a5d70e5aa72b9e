//! What guest `qga sim` plays, and what goes wrong with it.
#![cfg(unix)]

use std::fs;
use std::time::Duration;

mod common;
use common::{Folder, Simulation, run};

#[test]
fn agents_by_name() {
    for (name, version) in [("qemu-7.2", "7.2.22"), ("windows", "108.0.2"), ("strings", "0.3.1")] {
        let simulation = Simulation::with(&["--personality", name]);
        for address in [simulation.folder.address(), format!("sim:{name}")] {
            let info = run(&["-c", &address, "--json", "info"]).json();
            assert_eq!(info["agent_version"], version);
        }
    }
    let line = run(&["-c", "sim:qemu", "ping"]).failed(2);
    assert!(
        line.starts_with("qga: 'sim:qemu' is no address: there is no such personality; there are qemu-2.12")
    );
    let rows = run(&["-c", "sim:apple", "-c", "sim:minimal", "--json", "ping"]).rows(0);
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_guest_from_a_file() {
    let folder = Folder::new();
    let path = folder.path().join("guest.toml");
    let given = path.to_str().unwrap();
    fs::write(&path, "host-name = \"build-7\"\n[files]\n\"/etc/motd\" = \"hello\"\n").unwrap();
    let simulation = Simulation::with(&["--guest", given]);
    let address = simulation.folder.address();
    assert_eq!(run(&["-c", &address, "--json", "info"]).json()["host_name"], "build-7");
    run(&["-c", &address, "call", "guest-file-open", "path=/etc/motd"]).ok();

    let sim =
        |more: &[&str]| run(&[&["sim", "--listen", &folder.address(), "--guest", given], more].concat());
    assert!(sim(&["--personality", "apple"]).failed(2).contains("cannot be used with"));
    fs::write(&path, "host-name = \"build-7\"\nboot = 5\n").unwrap();
    let line = sim(&[]).failed(2);
    assert!(line.starts_with(&format!("qga: '{given}' is no guest: line 2: unknown field `boot`")), "{line}");
    fs::remove_file(&path).unwrap();
    assert_eq!(sim(&[]).failed(2), format!("qga: cannot read '{given}': No such file or directory\n"));
}

#[test]
fn a_session_is_written_down_and_played_again() {
    let folder = Folder::new();
    let path = folder.path().join("session");
    let given = path.to_str().unwrap();
    let password = ["username=alice", "password=aHVudGVyMg==", "crypted:=false"];
    let call = ["-c", "sim:windows", "--record", given, "call", "guest-set-user-password"];
    run(&[&call[..], &password].concat()).ok();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("C: <ff>{") && text.contains("(secret)") && !text.contains("aHVudGVyMg"),
        "{text}"
    );
    // The end of the connection was ours.
    assert!(!text.contains("EOF"), "{text}");
    let info = run(&["-c", "sim:windows", "info", "--record", given]).ok();

    let simulation = Simulation::with(&["--replay", given]);
    let again = run(&["-c", &simulation.folder.address(), "info"]).ok();
    assert_eq!(again, info);
    let line = run(&["-c", &simulation.folder.address(), "call", "guest-file-open", "path=/x"]).failed(1);
    assert!(line.contains("the transcript has no such request for guest-file-open"), "{line}");

    for (arguments, error) in [
        (&["-c", "sim:", "-c", "sim:", "ping"][..], "--record writes down what goes to one guest"),
        (&["sim", "--listen", "unix:/s"], "'sim' listens, and takes no --record"),
    ] {
        assert!(run(&[&["--record", given], arguments].concat()).failed(2).contains(error));
    }
    let line = run(&["--record", "/no/such/folder/x", "-c", "sim:", "ping"]).failed(2);
    assert!(line.starts_with("qga: cannot write '/no/such/folder/x': No such file or directory;"), "{line}");
    fs::write(&path, "hello\n").unwrap();
    let line = run(&["sim", "--listen", &folder.address(), "--replay", given]).failed(2);
    assert!(line.contains("is no transcript: line 1: a line begins with"), "{line}");
}

#[test]
fn faults() {
    let simulation =
        Simulation::with(&["--fault", "lost@guest-ping#1", "--fault", "close=2000", "--seed", "7"]);
    let address = simulation.folder.address();
    let lost = run(&["-c", &address, "-t", "0.5", "ping"]);
    assert!(lost.took >= Duration::from_millis(500));
    assert!(lost.failed(4).contains("the deadline passed"));
    run(&["-c", &address, "ping"]).ok();
    assert!(run(&["-c", &address, "call", "guest-info"]).failed(3).contains("closed"));
}

#[test]
fn a_serial_line() {
    let folder = Folder::new();
    let link = folder.path().join("line");
    let mut child = common::qga(&["sim", "--listen", &format!("pty:{}", link.display())])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let address = format!("serial:{}", link.display());
    assert_eq!(line, format!("a simulated guest listens at {address}\n"));
    for _ in 0..3 {
        run(&["-c", &address, "ping"]).ok();
    }
    common::signal(&child, "TERM");
    assert_eq!(common::wait(child).code, Some(0));
    assert!(!link.exists());
}
