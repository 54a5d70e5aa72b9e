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

/// What comes of one call, by its exit code, with each fault that there is.
#[test]
fn every_fault_can_be_had() {
    for (fault, code) in [
        ("pieces=1", 0),
        ("slow=1ms", 0),
        ("deaf", 4),
        ("close=5", 3),
        ("stale", 0),
        ("unheard", 4),
        ("delay=50ms", 0),
        ("late=50ms", 0),
        ("reordered", 4),
        ("lost", 4),
        ("doubled", 0),
        ("foreign", 0),
        ("garbage", 5),
        ("ff", 0),
        ("nul", 5),
        ("unasked", 0),
        ("cut=20", 4),
        ("hang-up", 3),
        ("half", 4),
        ("restart", 3),
        ("oversized=70000000", 5),
        ("deep", 5),
        ("endless", 4),
        ("bad-utf8", 5),
        ("bad-escape", 5),
        // Whatever comes is printed.
        ("wrong-type", 0),
    ] {
        let simulation = Simulation::with(&["--fault", fault]);
        // Those that come to something have a whole minute for it.
        let time = if code == 4 { "0.5" } else { "60" };
        let call = ["-c", &simulation.folder.address(), "-t", time, "call", "guest-get-host-name"];
        let ran = run(&call);
        assert_eq!(ran.code, Some(code), "{fault}: {}", ran.err);
    }
}

#[test]
fn a_fault_that_can_never_hit_is_refused() {
    let folder = Folder::new();
    let address = folder.address();
    let sim = |more: &[&str]| run(&[&["sim", "--listen", &address], more].concat()).failed(2);
    let line = sim(&["--fault", "lost@guest-pong"]);
    assert!(line.contains("no agent has a command 'guest-pong'"), "{line}");
    let line = sim(&["--fault", "lost@guest-info", "--personality", "minimal"]);
    assert!(
        line.contains("the fault 'lost@guest-info' can never hit: this agent has no such command"),
        "{line}"
    );
    let line = sim(&["--fault", "wrong-type@guest-shutdown"]);
    assert!(line.contains("this command is silent when it succeeds"), "{line}");
    let line = sim(&["--fault", "close=1", "--fault", "close=2"]);
    assert!(line.contains("'close=2' can never hit"), "{line}");
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
