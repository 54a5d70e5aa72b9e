//! Checking agents.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use qga_sim::{Guest, Personality, Run, Server};
use serde_json::Value;

mod common;
use common::{Folder, Simulation, qga, run, signal, wait};

/// The names of the checks that ended so.
fn names(document: &Value, verdict: &str) -> Vec<String> {
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["verdict"] == verdict)
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn agents_of_qemu_pass() {
    for personality in Personality::ALL.into_iter().filter(|personality| personality.is_qemu()) {
        let address = format!("sim:{personality}");
        for options in [&["conform"][..], &["conform", "--write"]] {
            let document = run(&[&["-c", &address, "--json"], options].concat()).json();
            assert_eq!(names(&document, "fail"), [""; 0], "{personality}");
            assert_eq!((&document["complete"], &document["ended"]), (&true.into(), &Value::Null));
            assert_eq!(document["address"], *address);
            for client in document["clients"].as_array().unwrap() {
                assert_eq!(client["content"], true, "{personality}: {client}");
            }
            let all = document["checks"].as_array().unwrap().len() as u64;
            let counts =
                document["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
            assert_eq!(counts.sum::<u64>(), all);
            let is_reading = options.len() == 1;
            assert_eq!(names(&document, "not_run").is_empty(), !is_reading, "{personality}");
            assert_eq!(document["left"], Value::Null, "{personality}");
        }
    }
}

#[test]
fn others_fail_in_what_they_do_otherwise() {
    for (name, expected) in [
        ("apple", "several-lines, no-newline, info-version, kubevirt-commands, kubevirt-version"),
        ("strings", "several-lines, no-newline, guest-info, kubevirt-commands"),
    ] {
        let address = format!("sim:{name}");
        let ran = run(&["-c", &address, "conform"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let count = expected.split(", ").count();
        assert_eq!(ran.err, format!("qga: {address}: {count} of 88 checks failed: {expected}\n"));
        for name in expected.split(", ") {
            let is_row =
                |line: &&str| line.split_whitespace().any(|word| word == name) && line.contains("  fail  ");
            assert!(ran.out.lines().any(|line| is_row(&line)), "{name}: {}", ran.out);
        }
        assert!(ran.out.contains("KubeVirt    not content: kubevirt-commands"), "{}", ran.out);
        let last = ran.out.lines().last().unwrap();
        assert!(last.starts_with(&format!("The agent at {address}, version ")), "{last}");
        assert!(last.contains(&format!(" passed, {count} failed, ")), "{last}");

        let ran = run(&["-c", &address, "--json", "conform"]);
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(names(&document, "fail").join(", "), expected);
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!((&error["error"]["kind"], &error["error"]["exit_code"]), (&"failed".into(), &1.into()));
    }
}

#[test]
fn what_would_change_something_is_told_in_one_row() {
    let out = run(&["-c", "sim:", "conform"]).ok();
    for area in ["files", "exec"] {
        let rows: Vec<_> = out.lines().filter(|line| line.starts_with(area)).collect();
        assert_eq!(rows.len(), 1, "{out}");
        assert!(rows[0].ends_with("not run: it changes the guest, which was not asked for"), "{out}");
    }
    assert!(!out.contains("Failed") && !out.contains("Left"), "{out}");
    let out = run(&["-c", "sim:", "conform", "--write"]).ok();
    assert!(out.contains("file-append  ") && !out.contains("\nLeft in the guest"), "{out}");
    let out = run(&["-c", "sim:windows", "conform", "--write"]).ok();
    assert!(out.contains("file-append  ") && !out.contains("\nLeft in the guest"), "{out}");
    // Nothing there removes a file.
    let folder = Folder::new();
    let fails = || Run::new().exit_code(1);
    let guest = Guest::new().program("/bin/rm", fails()).program("/usr/bin/rm", fails());
    let server = Server::bind(&folder.address(), guest).unwrap().spawn().unwrap();
    let out = run(&["-c", server.address(), "conform", "--write"]).out;
    assert!(out.contains("file-append  ") && out.contains("\nLeft in the guest"), "{out}");
}

#[test]
fn one_guest_is_asked() {
    let line = run(&["conform"]).failed(2);
    assert!(line.contains("no agent's address is given"), "{line}");
    let line = run(&["-c", "sim:", "-c", "sim:", "conform"]).failed(2);
    assert!(line.contains("'conform' asks no more than one guest"), "{line}");
    let folder = Folder::new();
    let line = run(&["-c", &folder.address(), "conform"]).failed(3);
    assert!(line.contains("cannot connect"), "{line}");
}

#[test]
fn nobody_is_there() {
    // The system takes connections, and nobody answers.
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let ran = run(&["-c", &folder.address(), "-t", "0.5", "conform"]);
    assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
    let line = ran.failed(4);
    assert!(line.contains("nobody answers"), "{line}");
    let error = run(&["-c", &folder.address(), "-t", "0.3", "--json", "conform"]).failed_json(4);
    assert_eq!((&error["diagnosis"], &error["heard"]), (&"silent".into(), &false.into()));
    drop(listener);

    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let closing = thread::spawn(move || drop(listener.accept().unwrap()));
    let line = run(&["-c", &folder.address(), "conform"]).failed(3);
    assert!(line.contains("connection"), "{line}");
    closing.join().unwrap();
}

#[test]
fn a_deadline_that_passes_midway() {
    let simulation = Simulation::with(&["--fault", "delay=60ms@sync"]);
    let ran = run(&["-c", &simulation.folder.address(), "-t", "3", "conform"]);
    assert!(ran.took < Duration::from_secs(8), "{:?}", ran.took);
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the deadline passed, and not all was checked"), "{}", ran.err);
    assert!(ran.out.lines().last().unwrap().ends_with("; the deadline passed."), "{}", ran.out);
    // Those that were made have passed.
    assert!(ran.out.contains("sync-delimited") && ran.out.contains("  pass"), "{}", ran.out);
}

#[test]
fn what_an_agent_says_is_only_shown() {
    let folder = Folder::new();
    let guest = Guest::new().version("\u{1b}[2J\u{202e}\n").host_name("\u{9b}");
    let server = Server::bind(&folder.address(), guest).unwrap().spawn().unwrap();
    for options in [&["conform"][..], &["--json", "conform"]] {
        let ran = run(&[&["-c", &folder.address()], options].concat());
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        for text in [&ran.out, &ran.err] {
            let harmful = text.chars().find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
            assert_eq!(harmful, None, "{text}");
        }
    }
    drop(server);
}

/// In the middle of something, with a file open; the agent takes its time for what comes next.
#[test]
fn a_signal_leaves_nothing_open() {
    for name in ["INT", "TERM"] {
        let simulation = Simulation::with(&["--fault", "delay=1500ms@guest-file-write"]);
        let address = simulation.folder.address();
        let child = qga(&["-c", &address, "conform", "--write"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(1000));
        signal(&child, name);
        let ran = wait(child);
        let code = if name == "INT" { 130 } else { 143 };
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""));
        let open = ["-c", &address, "--json", "call", "guest-file-open", "path=/etc/motd"];
        let next = run(&open).json().as_i64().unwrap();
        for handle in 1000..next {
            let handle = format!("handle={handle}");
            let line = run(&["-c", &address, "call", "guest-file-close", &handle]).failed(1);
            assert!(line.contains("has not been found"), "{line}");
        }
    }
}

/// An agent that does not answer is waited for, as something is to be put back; who cannot wait sends a second one.
#[test]
fn a_second_signal_ends_it_at_once() {
    let simulation = Simulation::with(&["--fault", "delay=60s@guest-file-write"]);
    let child = qga(&["-c", &simulation.folder.address(), "-t", "600", "conform", "--write"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(1000));
    signal(&child, "INT");
    thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    let ran = wait(child);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(130), "", ""));
    // By itself it would wait for some seconds.
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
}

#[test]
fn the_help_tells_of_the_verdicts() {
    let help = run(&["conform", "--help"]).ok();
    let words: BTreeSet<_> = help.split_whitespace().collect();
    for word in ["--write", "pass", "fail", "libvirt,", "KubeVirt"] {
        assert!(words.contains(word), "{word}: {help}");
    }
    assert!(run(&["--help"]).ok().contains("conform: a check failed"));
}
