//! Pipes of here that nobody reads or writes: `-t` and signals end the wait for them, and nothing is left in the guest.

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Folder, Ran, has_signal, qga, qga_heeding_signals, run, signal, text, wait, wait_until};
use qga_sim::{Guest, ServerHandle};
use qga_tests::bytes::bytes;

/// How long something may take to happen.
const LIMIT: Duration = Duration::from_secs(60);

/// A simulated guest with a file that no pipe holds.
fn sim(folder: &Folder) -> ServerHandle {
    common::sim(folder, Guest::new().file("/big", bytes(1 << 20)))
}

fn fifo(folder: &Folder) -> String {
    let path = text(&folder.path().join("fifo"));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

fn start(folder: &Folder, arguments: &[&str], stdin: Stdio) -> Child {
    let mut command = qga_heeding_signals(&[&["-c", &folder.address()], arguments].concat());
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether a signal that asks to end is caught. Before that it would just be killed.
fn heeds_signals(child: &Child) -> bool {
    has_signal(child, "SigCgt", 15)
}

/// Runs it twice, at a pipe for input to which nothing comes: to the deadline, and to a signal, which comes when this is so.
fn ends(folder: &Folder, arguments: &[&str], is_begun: impl Fn(&Child) -> bool) -> [Ran; 2] {
    let late = start(folder, &[&["-t", "10"], arguments].concat(), Stdio::piped());
    let late = wait_open(late);
    let stopped = start(folder, &[&["-t", "300"], arguments].concat(), Stdio::piped());
    wait_until("it begins", LIMIT, || is_begun(&stopped));
    // So that it most likely waits then. If not, it ends in the same way.
    thread::sleep(Duration::from_millis(300));
    signal(&stopped, "TERM");
    [late, wait_open(stopped)]
}

/// Waits for a program whose standard input stays open.
fn wait_open(mut child: Child) -> Ran {
    let stdin = child.stdin.take();
    let ran = wait(child);
    drop(stdin);
    ran
}

#[track_caller]
fn assert_ends([late, stopped]: [Ran; 2], code: i32, message: &str) {
    assert_eq!(late.code, Some(code), "{}", late.err);
    assert!(late.err.contains(message) && late.err.lines().count() == 1, "{}", late.err);
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(143), ""));
}

#[test]
fn output_that_nobody_reads_is_waited_for_until_the_deadline_or_a_signal() {
    thread::scope(|scope| {
        for arguments in [&["cat", "/big"][..], &["cp", ":/big", "-"]] {
            scope.spawn(|| assert_unread_ends(arguments));
        }
    });
}

fn assert_unread_ends(arguments: &[&str]) {
    let folder = Folder::new();
    let server = sim(&folder);
    let late = run_unread(&folder, &[&["-t", "10"], arguments].concat(), |_| ());
    assert_eq!(late.code, Some(4), "{arguments:?}: {}", late.err);
    assert!(late.err.contains("standard output: the deadline passed"), "{}", late.err);
    assert_eq!(server.guest().open_files(), 0, "{arguments:?}");
    let stopped = run_unread(&folder, &[&["-t", "300"], arguments].concat(), |child| {
        wait_until("it opens the file", LIMIT, || server.guest().open_files() == 1);
        // So that it most likely waits then. If not, it ends in the same way.
        thread::sleep(Duration::from_millis(300));
        signal(child, "TERM");
    });
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(143), ""), "{arguments:?}");
    assert_eq!(server.guest().open_files(), 0, "{arguments:?}");
}

/// Runs it with an output that is not read before its end.
fn run_unread(folder: &Folder, arguments: &[&str], meanwhile: impl FnOnce(&Child)) -> Ran {
    let mut child = start(folder, arguments, Stdio::null());
    let stdout = child.stdout.take();
    meanwhile(&child);
    let ran = wait(child);
    drop(stdout);
    ran
}

#[test]
fn output_goes_through_a_pipe_whole_however_slowly_it_is_read() {
    let folder = Folder::new();
    let _server = sim(&folder);
    let mut child = start(&folder, &["cat", "/big", "/big"], Stdio::null());
    let (mut stdout, mut read, mut buffer) = (child.stdout.take().unwrap(), Vec::new(), [0; 50_000]);
    while let n @ 1.. = stdout.read(&mut buffer).unwrap() {
        read.extend_from_slice(&buffer[..n]);
        thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    assert!(read == [bytes(1 << 20), bytes(1 << 20)].concat());
    let file = folder.path().join("file");
    let status = qga(&["-c", &folder.address(), "cat", "/big"]).stdout(File::create(&file).unwrap()).status();
    assert!(status.unwrap().success() && fs::read(&file).unwrap() == bytes(1 << 20));
}

#[test]
fn a_pipe_to_copy_to_is_waited_for_and_then_filled() {
    let folder = Folder::new();
    let server = sim(&folder);
    let fifo = fifo(&folder);
    assert_ends(ends(&folder, &["cp", ":/big", &fifo], heeds_signals), 4, "fifo: the deadline passed");
    let reader = {
        let fifo = fifo.clone();
        thread::spawn(move || fs::read(fifo).unwrap())
    };
    run(&["-c", &folder.address(), "cp", ":/big", &fifo]).ok();
    assert!(reader.join().unwrap() == bytes(1 << 20));
    // A reader that has come, and does not read.
    let reader = {
        let fifo = fifo.clone();
        thread::spawn(move || File::open(fifo).unwrap())
    };
    let line = run(&["-c", &folder.address(), "-t", "10", "cp", ":/big", &fifo]).failed(4);
    assert!(line.contains("fifo: the deadline passed"), "{line}");
    drop(reader.join().unwrap());
    assert_eq!(server.guest().open_files(), 0);
}

#[test]
fn a_pipe_to_read_is_waited_for_and_then_read() {
    let folder = Folder::new();
    let server = sim(&folder);
    let fifo = fifo(&folder);
    let cases: [(&[&str], i32); 2] =
        [(&["cp", fifo.as_str(), ":/new"], 4), (&["exec", "-i", fifo.as_str(), "cat"], 124)];
    thread::scope(|scope| {
        for (arguments, code) in cases {
            let folder = &folder;
            scope.spawn(move || {
                assert_ends(ends(folder, arguments, heeds_signals), code, "fifo: the deadline passed");
            });
        }
    });
    assert_eq!(server.guest().metadata("/new"), None);
    let write = || {
        let fifo = fifo.clone();
        thread::spawn(move || fs::write(fifo, bytes(300_000)).unwrap())
    };
    let writer = write();
    run(&["-c", &folder.address(), "cp", &fifo, ":/new"]).ok();
    writer.join().unwrap();
    assert!(server.guest().files().any(|(path, content)| path == "/new" && content == bytes(300_000)));
    let writer = write();
    let output = qga(&["-c", &folder.address(), "exec", "-i", &fifo, "cat"]).output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stdout == bytes(300_000), "{:?}", output.status);
    assert_eq!(server.guest().open_files(), 0);
}

#[test]
fn standard_input_that_never_comes_leaves_nothing_in_the_guest() {
    let folder = Folder::new();
    let server = sim(&folder);
    let is_begun = |_: &Child| server.guest().open_files() == 1;
    assert_ends(ends(&folder, &["cp", "-", ":/new"], is_begun), 4, "standard input: the deadline passed");
    let guest = server.guest();
    assert_eq!((guest.open_files(), guest.files().filter(|(path, _)| path.contains("new")).count()), (0, 0));
}

#[test]
fn keys_passwords_and_arguments_that_never_come_are_waited_for_until_the_deadline() {
    let folder = Folder::new();
    let _server = sim(&folder);
    let fifo = fifo(&folder);
    for (arguments, name) in [
        (&["ssh-keys", "alice", "add", "-f", &fifo][..], "fifo"),
        (&["ssh-keys", "alice", "add", "-f", "-"], "'-'"),
        (&["passwd", "alice"], "the password"),
        (&["call", "guest-file-close", "-"], "standard input"),
    ] {
        let ran = wait_open(start(&folder, &[&["-t", "3"], arguments].concat(), Stdio::piped()));
        assert_eq!(ran.code, Some(4), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(name) && ran.err.contains("the deadline passed"), "{}", ran.err);
    }
    let key = "ssh-ed25519 AAAA alice\n";
    let mut child = start(&folder, &["ssh-keys", "alice", "add", "-f", "-"], Stdio::piped());
    child.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    wait(child).ok();
    let writer = {
        let fifo = fifo.clone();
        thread::spawn(move || fs::write(fifo, key).unwrap())
    };
    run(&["-c", &folder.address(), "ssh-keys", "alice", "add", "-f", &fifo]).ok();
    writer.join().unwrap();
    assert!(Path::new(&fifo).exists());
}

#[test]
fn the_deadline_covers_arguments_and_the_call_together() {
    let folder = Folder::new();
    let sim = qga_sim::Sim::new(Guest::new());
    let _server = common::sim(&folder, sim.fault(qga_sim::Fault::new(qga_sim::FaultKind::Deaf)));
    let begin = Instant::now();
    let mut child = start(&folder, &["-t", "10", "call", "guest-file-close", "-"], Stdio::piped());
    thread::sleep(Duration::from_secs(8));
    child.stdin.take().unwrap().write_all(br#"{"handle": 1}"#).unwrap();
    let ran = wait(child);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(begin.elapsed() < Duration::from_secs(17), "{:?}", begin.elapsed());
}

#[test]
fn cat_and_cp_say_the_same_of_an_output_that_fails() {
    let folder = Folder::new();
    let _server = sim(&folder);
    for arguments in [["cat", "/big"].as_slice(), &["cp", ":/big", "-"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = qga(&[&["-c", &folder.address()], arguments].concat());
        let output = command.stdout(full).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{arguments:?}: {err}");
        assert!(err.contains("cannot write to standard output"), "{err}");
        let mut child = start(&folder, arguments, Stdio::null());
        drop(child.stdout.take());
        let ran = wait(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
