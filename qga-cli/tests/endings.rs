//! However the program ends, it ends soon, and leaves no reply unread in a Unix socket: a real agent would exit.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

mod common;
use common::{Agent, Answer, Ended, Folder, qga, run, signal, wait};

/// An agent that says when it has got a command, and sends a part of an answer.
fn talkative_agent() -> (Agent, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let agent = Agent::new(move |_| {
        sender.send(()).unwrap();
        Answer::Bytes(b"{\"return\": \"and so on and so on".to_vec())
    });
    (agent, receiver)
}

#[test]
fn signals_end_it_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let (agent, called) = talkative_agent();
        let child = qga(&["-c", &agent.address(), "-t", "60", "call", "guest-info"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        called.recv_timeout(Duration::from_secs(20)).unwrap();
        signal(&child, name);
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""));
        assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
        assert_eq!(agent.ended(), Ended::Closed);
    }
}

/// A simulated guest that is shut down ends its program, as a virtual machine's process does.
#[test]
fn a_simulated_guest_that_is_shut_down_is_over() {
    let folder = Folder::new();
    let address = folder.address_of("guest");
    let mut child = qga(&["sim", "--listen", &address]).stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    assert_eq!(run(&["-c", &address, "call", "guest-shutdown"]).code, Some(0));
    assert_eq!(wait(child).code, Some(0));
}

/// Started so that it outlives its terminal, it does.
#[test]
#[cfg(target_os = "linux")]
fn signals_that_were_ignored_stay_ignored() {
    let (sender, called) = mpsc::channel();
    let (answer, may_answer) = mpsc::channel::<()>();
    let agent = Agent::new(move |_| {
        sender.send(()).unwrap();
        may_answer.recv().unwrap();
        Answer::Return(json!({}))
    });
    let child = Command::new("sh")
        .args(["-c", "trap '' HUP INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_qga")])
        .args(["-c", &agent.address(), "-t", "60", "ping"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    called.recv_timeout(Duration::from_secs(20)).unwrap();
    signal(&child, "HUP");
    signal(&child, "INT");
    // One that would end it had the time to.
    std::thread::sleep(Duration::from_millis(300));
    answer.send(()).unwrap();
    wait(child).ok();
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn a_deadline_leaves_nothing_unread() {
    let (agent, _called) = talkative_agent();
    run(&["-c", &agent.address(), "-t", "0.3", "call", "guest-info"]).failed(4);
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn success_leaves_nothing_unread() {
    let agent = Agent::new(|_| Answer::Return(json!({})));
    run(&["-c", &agent.address(), "ping"]).ok();
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn a_broken_pipe_is_quiet() {
    let mut child = qga(&["commands"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = wait(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));

    let mut child = qga(&["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(wait(child).err, "");

    // More than a pipe holds, of which one line is read.
    let long = json!(vec!["a line"; 100_000]);
    let agent = Agent::new(move |_| Answer::Return(long.clone()));
    let mut child = qga(&["-c", &agent.address(), "call", "guest-get-users"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap().take(100)).read_line(&mut line).unwrap();
    assert_eq!(line, "[\n");
    let ran = wait(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(agent.ended(), Ended::Closed);
}
