//! `qga cp` and `cat` that are killed, stopped or too late: what can be resumed is, and nothing else is left in the guest.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Folder, qga, qga_heeding_signals, ran, run, signal, text, wait, wait_until};
use qga_sim::{Fault, FaultKind, Guest, ServerHandle, Sim};
use qga_tests::bytes::bytes;
use qga_tests::real_agent::RealAgent;
use serde_json::json;

/// How long something may take to happen.
const LIMIT: Duration = Duration::from_secs(60);

/// A simulated guest that loses all replies to a command.
fn losing(folder: &Folder, command: &str) -> ServerHandle {
    let sim = Sim::new(Guest::new().file("/big", bytes(1 << 20)));
    common::sim(folder, sim.fault(Fault::new(FaultKind::Lost).of(command)))
}

/// The names of what is in the guest beside the files that it had.
fn parts(server: &ServerHandle) -> Vec<String> {
    let guest = server.guest();
    guest.files().map(|(path, _)| path.to_owned()).filter(|path| path.contains("qga-part")).collect()
}

#[test]
fn a_signal_leaves_no_file_open() {
    for arguments in [["cat", "/big"].as_slice(), &["--json", "cat", "/big"], &["cp", ":/big", "-"]] {
        let folder = Folder::new();
        let server = losing(&folder, "guest-file-read");
        let child = qga_heeding_signals(&[&["-c", &folder.address()], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("it opens the file", LIMIT, || server.guest().open_files() == 1);
        signal(&child, "INT");
        let ran = wait(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(130), ""), "{arguments:?}");
        assert_eq!(server.guest().open_files(), 0, "{arguments:?}");
    }
}

#[test]
fn a_deadline_leaves_no_file_open() {
    for arguments in [["cat", "/big"].as_slice(), &["--json", "cat", "/big"], &["cp", ":/big", "-"]] {
        let folder = Folder::new();
        let server = losing(&folder, "guest-file-read");
        run(&[&["-c", &folder.address(), "-t", "2"], arguments].concat()).failed(4);
        assert_eq!(server.guest().open_files(), 0, "{arguments:?}");
    }
}

#[test]
fn a_copy_that_is_stopped_or_late_leaves_nothing_in_the_guest() {
    for is_stopped in [false, true] {
        let folder = Folder::new();
        let server = losing(&folder, "guest-file-write");
        let here = folder.path().join("here");
        fs::write(&here, bytes(300_000)).unwrap();
        let timeout = if is_stopped { "60" } else { "10" };
        let child =
            qga_heeding_signals(&["-c", &folder.address(), "-t", timeout, "cp", &text(&here), ":/new"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
        if is_stopped {
            wait_until("it opens the file", LIMIT, || server.guest().open_files() == 1);
            signal(&child, "INT");
        }
        let ran = wait(child);
        assert_eq!(ran.code, Some(if is_stopped { 130 } else { 4 }), "{}", ran.err);
        assert_eq!((server.guest().open_files(), parts(&server)), (0, Vec::new()));
        assert_eq!(server.guest().metadata("/new"), None);
    }
}

const BIG: usize = 16 << 20;

/// How many bytes of a copy go through a relay, each way: some 3 MiB of content.
const THROUGH: usize = 4 << 20;

/// A line to an agent that breaks off: behind so many bytes nothing more goes through, but the connection stays.
fn relay(folder: &Folder, agent: PathBuf) -> String {
    let listener = UnixListener::bind(folder.path().join("relay")).unwrap();
    thread::spawn(move || {
        let client = listener.accept().unwrap().0;
        let agent = UnixStream::connect(agent).unwrap();
        let (from, to) = (client.try_clone().unwrap(), agent.try_clone().unwrap());
        thread::spawn(move || pass(from, to));
        pass(agent, client);
    });
    folder.address_of("relay")
}

/// Passes on what comes first, and drops the rest: an agent whose replies nobody reads would exit.
fn pass(mut from: UnixStream, mut to: UnixStream) {
    let (mut buffer, mut left) = (vec![0; 65_536], THROUGH);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let n = n.min(left);
        left -= n;
        // Who has gone needs no more.
        let _ = to.write_all(&buffer[..n]);
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Runs `qga cp --resume` over a line that breaks off, and kills it when so much of the part is there.
fn kill_midway(agent: PathBuf, from: &str, to: &str, len: impl Fn() -> u64) {
    let folder = Folder::new();
    let address = relay(&folder, agent);
    let mut child = qga(&["-c", &address, "cp", "--resume", from, to]).spawn().unwrap();
    wait_until("a part is there", LIMIT, || len() >= 1 << 20);
    assert!(child.try_wait().unwrap().is_none(), "it cannot be over");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn resume(address: &str, from: &str, to: &str) {
    let document = ran(&mut qga(&["-c", address, "--json", "cp", "--resume", from, to])).json();
    let resumed = document["resumed_bytes"].as_u64().unwrap();
    assert!((1 << 20..BIG as u64).contains(&resumed), "{document}");
    assert_eq!((&document["bytes"], &document["verified_by"]), (&json!(BIG), &json!("sha256sum")));
}

fn size(path: PathBuf) -> impl Fn() -> u64 {
    move || fs::metadata(&path).map_or(0, |there| there.len())
}

#[test]
fn a_copy_to_a_real_guest_that_was_killed_is_resumed() {
    let agent = RealAgent::start();
    let (here, there) = (agent.folder().join("here"), agent.folder().join("there"));
    fs::write(&here, bytes(BIG)).unwrap();
    let (from, to) = (text(&here), format!(":{}", text(&there)));
    kill_midway(agent.socket(), &from, &to, size(agent.folder().join("there.qga-part/part")));
    assert!(!there.exists());
    resume(&agent.address(), &from, &to);
    assert!(fs::read(&there).unwrap() == bytes(BIG));
    assert!(!agent.folder().join("there.qga-part").exists());
}

#[test]
fn a_copy_from_a_real_guest_that_was_killed_is_resumed() {
    let agent = RealAgent::start();
    let (here, there) = (agent.folder().join("here"), agent.folder().join("there"));
    fs::write(&there, bytes(BIG)).unwrap();
    let (from, to) = (format!(":{}", text(&there)), text(&here));
    kill_midway(agent.socket(), &from, &to, size(agent.folder().join("here.qga-part")));
    assert!(!here.exists());
    resume(&agent.address(), &from, &to);
    assert!(fs::read(&here).unwrap() == bytes(BIG));
}

#[test]
fn a_copy_to_a_simulated_guest_that_was_killed_is_resumed() {
    let folder = Folder::new();
    let server = common::sim(&folder, Guest::new());
    let here = folder.path().join("here");
    fs::write(&here, bytes(BIG)).unwrap();
    let len = || server.guest().metadata("/there.qga-part/part").map_or(0, |there| there.size);
    kill_midway(folder.socket(), &text(&here), ":/there", len);
    assert_eq!(server.guest().metadata("/there"), None);
    resume(&folder.address(), &text(&here), ":/there");
    let guest = server.guest();
    assert!(guest.files().any(|(path, content)| path == "/there" && content == bytes(BIG)));
}

/// Kills `qga cp --resume` at a real agent itself, with no relay between, and starts the agent anew if it ends with its client.
/// Whether that was midway is up to how busy the machine is.
fn kill_at(agent: &mut RealAgent, from: &str, to: &str, len: impl Fn() -> u64) -> bool {
    let mut child = qga(&["-c", &agent.address(), "cp", "--resume", from, to]).spawn().unwrap();
    wait_until("a part is there", LIMIT, || len() >= 1 << 20 || child.try_wait().unwrap().is_some());
    // It cannot go on before the client is killed.
    agent.pause();
    let is_midway = child.try_wait().unwrap().is_none() && (1 << 20..BIG as u64).contains(&len());
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
    let status = Command::new("kill").args(["-s", "CONT", &agent.pid().to_string()]).status().unwrap();
    assert!(status.success());
    // Whether it survives that is its own matter. It is done with the one client before it answers another.
    if run(&["-c", &agent.address(), "-t", "10", "ping"]).code != Some(0) {
        agent.restart();
    }
    is_midway
}

#[test]
fn copies_that_were_killed_at_a_real_agent_are_resumed() {
    let mut agent = RealAgent::start();
    let (here, there, back) =
        (agent.folder().join("here"), agent.folder().join("there"), agent.folder().join("back"));
    fs::write(&here, bytes(BIG)).unwrap();
    let guest = format!(":{}", text(&there));
    for (from, to, target, part) in [
        (text(&here), guest.clone(), &there, agent.folder().join("there.qga-part/part")),
        (guest, text(&back), &back, agent.folder().join("back.qga-part")),
    ] {
        let mut tries = 1;
        while !kill_at(&mut agent, &from, &to, size(part.clone())) {
            tries += 1;
            assert!(tries <= 10, "it is over before, again and again");
            for left in [target, &part] {
                // Only one of them is there.
                let _ = fs::remove_file(left);
            }
        }
        resume(&agent.address(), &from, &to);
    }
    assert!(fs::read(&there).unwrap() == bytes(BIG) && fs::read(&back).unwrap() == bytes(BIG));
}
