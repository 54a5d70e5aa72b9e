//! A command of the host while the guest is frozen: whatever happens, the guest is thawed, or it is said aloud that it may
//! be frozen.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

mod common;
use common::{Folder, Simulation, qga, qga_heeding_signals, ran, run, signal, wait, wait_until};
#[path = "common/proxy.rs"]
mod proxy;
use proxy::Proxy;

/// How long something may take to happen.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether the guest is frozen, as its agent says.
#[track_caller]
fn is_frozen(simulation: &Simulation) -> bool {
    let status = run(&["-c", &simulation.folder.address(), "-t", "20", "--json", "status"]).json();
    status["frozen"].as_bool().expect("it says so")
}

/// Begins to run a line of the shell while the guest is frozen; the line says so by making the file `begun`.
fn begin(simulation: &Simulation, line: &str) -> Child {
    begin_at(&simulation.folder.address(), simulation, line)
}

fn begin_at(address: &str, simulation: &Simulation, line: &str) -> Child {
    let line = format!("echo $$ >'{}'; {line}", begun(simulation).display());
    qga_heeding_signals(&["-c", address, "-t", "60", "freeze", "--", "sh", "-c", &line])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn begun(simulation: &Simulation) -> std::path::PathBuf {
    simulation.folder.path().join("begun")
}

/// The number of a process that a line of the shell has written down.
fn process(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')).map(|text| text.trim().to_owned())
}

/// Waits until the line of the shell says that it has begun; gives the number of its process.
#[track_caller]
fn wait_begun(simulation: &Simulation) -> String {
    let path = begun(simulation);
    wait_until("the command begins", LIMIT, || process(&path).is_some());
    process(&path).expect("it was started")
}

fn is_alive(process: &str) -> bool {
    // One that is not reaped yet is dead, too.
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn the_guest_is_frozen_while_the_command_runs_and_thawed_then() {
    let simulation = Simulation::new();
    let go = simulation.folder.path().join("go");
    let mut child =
        begin(&simulation, &format!("until [ -e '{}' ]; do sleep 0.05; done; exit 7", go.display()));
    wait_until("the command begins", LIMIT, || begun(&simulation).exists());
    // The agent has one client at a time, so nobody can ask it meanwhile.
    assert!(child.try_wait().unwrap().is_none());
    fs::write(go, "").unwrap();
    let ran = wait(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(7), ""));
    assert!(!is_frozen(&simulation));
}

#[test]
fn the_commands_exit_code_is_passed_on() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    for (line, code) in
        [("exit 0", 0), ("exit 7", 7), ("exit 200", 200), ("kill -9 $$", 137), ("kill $$", 143)]
    {
        let ran = run(&["-c", &address, "freeze", "--", "sh", "-c", line]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""), "{line}");
        assert!(!is_frozen(&simulation), "{line}");
    }
    let ran = run(&["-c", &address, "freeze", "/", "--", "echo", "a line"]);
    assert_eq!(ran.ok(), "a line\n");
}

#[test]
fn a_command_that_cannot_start() {
    let simulation = Simulation::new();
    for (command, code) in [("/nowhere/at-all", 127), ("/etc/passwd", 126), ("/", 126)] {
        let line = run(&["-c", &simulation.folder.address(), "freeze", "--", command]).failed(code);
        assert!(line.contains(command) && line.contains("the guest is thawed"), "{line}");
        assert!(!is_frozen(&simulation), "{command}");
    }
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_has_started() {
    let simulation = Simulation::new();
    let other = simulation.folder.path().join("other");
    let line = format!("sleep 600 & echo $! >'{}'; wait", other.display());
    let arguments = ["-c", &simulation.folder.address(), "-t", "5", "freeze", "--", "sh", "-c", &line];
    let ran = ran(qga(&arguments).env("LC_ALL", "C"));
    assert_eq!(ran.code, Some(124), "{}", ran.err);
    assert!(ran.err.contains("took too long"), "{}", ran.err);
    assert!(!is_alive(&process(&other).expect("it was started")));
    assert!(!is_frozen(&simulation));
}

const SIGNALS: [(&str, i32); 4] = [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)];

#[test]
fn a_signal_while_the_command_runs() {
    for (name, code) in SIGNALS {
        let simulation = Simulation::new();
        let other = simulation.folder.path().join("other");
        let child = begin(&simulation, &format!("sleep 600 & echo $! >'{}'; wait", other.display()));
        wait_until("the other is started", LIMIT, || process(&other).is_some());
        let processes = [begun(&simulation), other].map(|path| process(&path).expect("it was started"));
        signal(&child, name);
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""), "{name}");
        assert!(processes.iter().all(|process| !is_alive(process)), "{name}");
        assert!(!is_frozen(&simulation), "{name}");
    }
}

/// One that does not heed what asks it to end is killed.
#[test]
fn a_signal_while_a_stubborn_command_runs() {
    let simulation = Simulation::new();
    let child = begin(&simulation, "trap '' TERM; while :; do sleep 1; done");
    let process = wait_begun(&simulation);
    signal(&child, "TERM");
    let ran = wait(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(143), ""));
    assert!(!is_alive(&process));
    assert!(!is_frozen(&simulation));
}

/// When a signal comes.
#[derive(Clone, Copy, Debug)]
enum When {
    /// When this was asked, and the command does nothing.
    Asked(&'static str),
    /// When the command runs, which would for long.
    Running,
}

const ASKED_STATUS: When = When::Asked("guest-fsfreeze-status");
const ASKED_FREEZE: When = When::Asked("guest-fsfreeze-freeze");
const ASKED_THAW: When = When::Asked("guest-fsfreeze-thaw");

/// At each step, with what can go wrong there: before the freeze is answered, and before the thaw is.
#[test]
fn a_signal_at_each_step() {
    for (fault, when) in [
        ("delay=3s@guest-fsfreeze-status#1", ASKED_STATUS),
        ("delay=3s@guest-fsfreeze-freeze", ASKED_FREEZE),
        ("lost@guest-fsfreeze-freeze", ASKED_FREEZE),
        ("delay=3s@guest-fsfreeze-thaw", ASKED_THAW),
        ("delay=3s@guest-fsfreeze-thaw", When::Running),
        ("lost@guest-fsfreeze-thaw#1", ASKED_THAW),
        ("lost@guest-fsfreeze-thaw#1", When::Running),
        ("restart@guest-fsfreeze-thaw#1", When::Running),
    ] {
        for (name, code) in &SIGNALS[..2] {
            let what = format!("{fault}, {name} when {when:?}");
            let simulation = Simulation::with(&["--fault", fault]);
            let proxy = Proxy::new(&simulation);
            let line = if matches!(when, When::Running) { "exec sleep 600" } else { "exit 0" };
            let child = begin_at(&proxy.address(), &simulation, line);
            match when {
                When::Asked(command) => wait_until(command, LIMIT, || proxy.has_heard(command)),
                When::Running => {
                    wait_begun(&simulation);
                }
            }
            signal(&child, name);
            let ran = wait(child);
            assert_eq!((ran.code, ran.err.as_str()), (Some(*code), ""), "{what}");
            assert!(!is_frozen(&simulation), "{what}");
        }
    }
}

/// Shells, terminals and `timeout` often send two.
#[test]
fn a_signal_that_comes_twice_is_one() {
    let simulation = Simulation::with(&["--fault", "delay=1s@guest-fsfreeze-thaw"]);
    let child = begin(&simulation, "exec sleep 600");
    wait_begun(&simulation);
    for name in ["HUP", "HUP", "TERM", "INT"] {
        signal(&child, name);
    }
    let ran = wait(child);
    assert!(matches!(ran.code, Some(129 | 130 | 143)), "{:?}", ran.code);
    assert_eq!(ran.err, "");
    assert!(!is_frozen(&simulation));
}

#[test]
fn who_insists_is_told_that_the_guest_may_be_frozen() {
    let lost = ["--fault", "unheard@guest-fsfreeze-thaw"];
    let simulation = Simulation::with(&lost);
    let mut child = begin(&simulation, "exec sleep 600");
    wait_begun(&simulation);
    let start = Instant::now();
    signal(&child, "TERM");
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
        thread::sleep(Duration::from_millis(500));
        signal(&child, "TERM");
    }
    let ran = wait(child);
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert_eq!(ran.err.matches("THE GUEST MAY BE FROZEN").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("qga thaw"), "{}", ran.err);
    assert!(is_frozen(&simulation));
}

#[test]
fn a_signal_while_the_guest_cannot_be_thawed_is_told_aloud() {
    let folder = Folder::new();
    let simulation = that_cannot_thaw(&folder);
    let child = begin(&simulation, "exec sleep 600");
    wait_begun(&simulation);
    signal(&child, "TERM");
    let ran = wait(child);
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert_eq!(ran.err.matches("THE GUEST MAY BE FROZEN").count(), 1, "{}", ran.err);
    assert!(is_frozen(&simulation));
}

/// Who is stopped thaws nothing.
#[test]
fn the_terminal_does_not_stop_it() {
    let simulation = Simulation::new();
    let child = begin(&simulation, "sleep 1; exit 7");
    wait_begun(&simulation);
    signal(&child, "TSTP");
    assert_eq!(wait(child).code, Some(7));
    assert!(!is_frozen(&simulation));
}

/// As one that reads from a terminal whose foreground is not its own.
#[test]
fn a_command_that_is_stopped_is_ended() {
    let simulation = Simulation::new();
    let ran = wait(begin(&simulation, "kill -s TTIN $$; sleep 600"));
    assert_eq!(ran.code, Some(128 + 21), "{}", ran.err);
    assert!(ran.err.contains("signal 21 stopped 'sh', which was ended; the guest is thawed"), "{}", ran.err);
    assert!(!is_frozen(&simulation));
}

#[test]
fn a_guest_that_is_thawed_late_is_told_of() {
    let simulation = Simulation::new();
    let proxy = Proxy::spoiling(&simulation, "guest-fsfreeze-thaw", 3);
    let error = run(&["-c", &proxy.address(), "--json", "freeze", "--", "true"]).failed_json(125);
    assert_eq!((&error["may_be_frozen"], &error["command_exit_code"]), (&json!(false), &json!(0)));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("it is thawed now") && !message.contains("MAY BE FROZEN"), "{message}");
    assert!(!is_frozen(&simulation));
}

/// The same without signals.
#[test]
fn replies_that_do_not_come() {
    for (fault, code) in [
        ("lost@guest-fsfreeze-status#1", 124),
        ("lost@guest-fsfreeze-freeze#1", 124),
        ("garbage@guest-fsfreeze-freeze#1", 125),
        ("restart@guest-fsfreeze-freeze#1", 125),
        ("lost@guest-fsfreeze-thaw#1", 0),
        ("garbage@guest-fsfreeze-thaw#1", 0),
        ("restart@guest-fsfreeze-thaw#1", 0),
        ("wrong-type@guest-fsfreeze-thaw#1", 0),
    ] {
        let simulation = Simulation::with(&["--fault", fault]);
        let arguments = ["-c", &simulation.folder.address(), "-t", "10", "freeze", "--", "true"];
        let ran = run(&arguments);
        assert_eq!(ran.code, Some(code), "{fault}: {}", ran.err);
        assert!(!ran.err.contains("MAY BE FROZEN"), "{fault}: {}", ran.err);
        assert!(!is_frozen(&simulation), "{fault}");
    }
}

/// An agent that may not thaw keeps to that while it is frozen, before QEMU 9.1.
fn that_cannot_thaw(folder: &Folder) -> Simulation {
    let guest = folder.path().join("guest.toml");
    fs::write(&guest, "personality = \"qemu-7.2\"\ndisabled = [\"guest-fsfreeze-thaw\"]\n").unwrap();
    Simulation::with(&["--guest", guest.to_str().unwrap()])
}

#[test]
fn a_thaw_that_fails_is_told_aloud() {
    let folder = Folder::new();
    let simulation = that_cannot_thaw(&folder);
    let address = simulation.folder.address();
    let error = run(&["-c", &address, "--json", "freeze", "--", "true"]).failed_json(123);
    assert_eq!((&error["kind"], &error["may_be_frozen"]), (&json!("may-be-frozen"), &json!(true)));
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("THE GUEST MAY BE FROZEN")),
        "{error}"
    );
    assert!(is_frozen(&simulation));
    let line = run(&["-c", &address, "thaw"]).failed(8);
    assert!(line.contains("THE GUEST MAY BE FROZEN") && line.contains("qga thaw"), "{line}");
    let line = run(&["-c", &address, "freeze", "--", "true"]).failed(125);
    assert!(line.contains("frozen already"), "{line}");
}

/// Nobody can do anything about that; it is documented.
#[test]
fn who_is_killed_leaves_the_guest_frozen_and_it_can_be_thawed() {
    let simulation = Simulation::new();
    let child = begin(&simulation, "exec sleep 600");
    let command = wait_begun(&simulation);
    signal(&child, "KILL");
    wait_until("it is dead", LIMIT, || !is_alive(&child.id().to_string()));
    // Nobody has ended the command either.
    assert!(is_alive(&command));
    assert!(Command::new("kill").args(["-s", "KILL", &command]).status().unwrap().success());
    assert_eq!(wait(child).code, None);
    assert!(is_frozen(&simulation));
    assert_eq!(run(&["-c", &simulation.folder.address(), "thaw"]).ok(), "thawed 1 file system\n");
    assert!(!is_frozen(&simulation));
}

#[test]
fn freezing_without_a_command_leaves_the_guest_frozen() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    assert!(run(&["-c", &address, "freeze"]).ok().contains("qga thaw"));
    assert!(is_frozen(&simulation));
    assert!(run(&["-c", &address, "freeze"]).failed(1).contains("frozen already"));
    assert!(run(&["-c", &address, "status"]).ok().starts_with("frozen; "));
    assert_eq!(run(&["-c", &address, "--json", "thaw"]).json(), json!({ "thawed": 1, "complaint": null }));
    assert_eq!(run(&["-c", &address, "thaw"]).ok(), "nothing was frozen\n");
    assert!(run(&["-c", &address, "freeze", "/nowhere"]).failed(1).contains("no file system"));
    assert_eq!(run(&["-c", &address, "--json", "freeze", "/"]).json(), json!({ "frozen": 1 }));
    assert!(is_frozen(&simulation));
}

#[test]
fn a_signal_while_freezing_without_a_command_leaves_nothing_frozen() {
    for fault in ["delay=3s@guest-fsfreeze-freeze", "lost@guest-fsfreeze-freeze"] {
        let simulation = Simulation::with(&["--fault", fault]);
        let proxy = Proxy::new(&simulation);
        let child = qga_heeding_signals(&["-c", &proxy.address(), "freeze"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("it freezes", LIMIT, || proxy.has_heard("guest-fsfreeze-freeze"));
        signal(&child, "TERM");
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(143), "", ""), "{fault}");
        assert!(!is_frozen(&simulation), "{fault}");
    }
}
