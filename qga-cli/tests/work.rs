//! Commands that take several calls: what signals do to them.

use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

mod common;
use common::{Agent, Answer, Ended, qga_heeding_signals, run, signal, wait};

#[test]
fn a_signal_ends_work_at_a_silent_agent_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (sender, called) = mpsc::channel();
        let agent = Agent::new(move |_| {
            sender.send(()).unwrap();
            Answer::Silence
        });
        let child = qga_heeding_signals(&["-c", &agent.address(), "-t", "60", "time", "--set"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        called.recv_timeout(Duration::from_secs(20)).unwrap();
        signal(&child, name);
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""));
        // Long before its deadline.
        assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
        assert_eq!(agent.ended(), Ended::Closed);
    }
}

#[test]
fn work_leaves_nothing_unread() {
    let agent = Agent::new(|name| match name {
        "guest-get-time" => Answer::Return(json!(1_700_000_000_000_000_000_i64)),
        _ => Answer::Refuse("GenericError"),
    });
    let line = run(&["-c", &agent.address(), "time", "--set"]).failed(1);
    assert!(line.contains("refused guest-set-time"), "{line}");
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn work_ends_by_its_deadline() {
    let agent = Agent::new(|_| Answer::Silence);
    let ran = run(&["-c", &agent.address(), "-t", "0.3", "time", "--set"]);
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    ran.failed(4);
    assert_eq!(agent.ended(), Ended::Closed);
}
