//! What an agent may say of programs that QEMU's never does: none of it may be believed too much, or do harm.

use std::time::Duration;

use qga_proto::exec::{Capture, End, Error, Exec, Fate, Outcome, Reason, Started};
use qga_std::block_on;
use qga_tests::scripted::session;

fn run(answers: &[&'static str]) -> Result<Outcome, Error> {
    let mut session = session(answers);
    let deadline = session.deadline(Duration::from_secs(60));
    block_on(session.run(&Exec::new("program"), deadline))
}

const STARTED: &str = r#"{"pid": 700}"#;

#[test]
fn ends_of_every_kind() {
    for (answer, end) in [
        (r#"{"exited": true, "exitcode": 0}"#, End::Exit(0)),
        (r#"{"exited": true, "exitcode": -1}"#, End::Exit(-1)),
        (r#"{"exited": true, "exitcode": 3221225471}"#, End::Exit(0xBFFF_FFFF)),
        (r#"{"exited": true, "signal": 3221225477}"#, End::Signal(0xC000_0005)),
        (r#"{"exited": true, "signal": 9, "exitcode": 0}"#, End::Signal(9)),
        (r#"{"exited": true}"#, End::Untold),
        (r#"{"exited": true, "exitcode": 3, "more": [{}]}"#, End::Exit(3)),
    ] {
        let outcome = run(&[STARTED, r#"{"exited": false}"#, answer]).expect("it ends");
        assert_eq!((outcome.pid, outcome.end), (700, end), "{answer}");
        assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty());
        assert!(!end.to_string().is_empty());
    }
}

#[test]
fn output_that_is_no_base64_is_told_with_how_the_program_ended() {
    for data in ["!!!!", "YQ", "YQ=", "YQ==YQ==", "Y Q=="] {
        let answer = format!(r#"{{"exited": true, "exitcode": 4, "out-data": "{data}"}}"#);
        let error = run(&[STARTED, answer.leak()]).expect_err("that is no base64");
        assert_eq!((error.reason, error.fate), (Reason::Unreadable(End::Exit(4)), Fate::Ended), "{data}");
    }
    // What was not asked for is not looked at.
    let mut session =
        session(&[STARTED, r#"{"exited": true, "exitcode": 0, "err-data": "!", "out-data": "YQ=="}"#]);
    let deadline = session.deadline(Duration::from_secs(60));
    let exec = Exec::new("program").capture(Capture::Out);
    assert_eq!(block_on(session.run(&exec, deadline)).expect("it ends").stdout, b"a");
}

#[test]
fn answers_that_are_none_are_no_end() {
    for answer in ["{}", "[]", "null", r#"{"exited": 1}"#, r#"{"exited": "true"}"#, r#"{"exitcode": 0}"#] {
        let error = run(&[STARTED, answer, answer, answer, answer]).expect_err("that says nothing");
        assert!(matches!(error.reason, Reason::Lost(_)), "{answer}: {error}");
        assert!(error.may_run(), "{answer}");
        let outcome = run(&[STARTED, answer, r#"{"exited": true, "exitcode": 0}"#]).expect("it ends");
        assert!(outcome.is_success(), "{answer}");
    }
    for answer in ["{}", "null", r#"{"pid": "700"}"#, r#"{"pid": 1.5}"#] {
        let error = run(&[answer]).expect_err("that is no number");
        assert!(matches!(error.reason, Reason::StartUnknown(_)), "{answer}: {error}");
    }
}

/// An agent that says nothing more ends nothing but the wait.
#[test]
fn silence_ends_with_the_deadline() {
    let error = run(&[STARTED, r#"{"exited": false}"#]).expect_err("nothing comes");
    assert!(matches!(error.reason, Reason::TimedOut(Some(_))), "{error}");
    assert_eq!((error.pid, error.fate), (Some(700), Fate::Unknown));
    assert!(error.to_string().ends_with("the program may be running (process 700 of the guest)"), "{error}");
}

/// But a look that only the deadline cuts short says nothing: it ran a moment before.
#[test]
fn a_look_that_the_deadline_cuts_short_is_no_doubt() {
    let mut session = session(&[STARTED, r#"{"exited": false}"#]);
    let deadline = session.deadline(Duration::from_secs(4));
    let error = block_on(session.run(&Exec::new("program"), deadline)).expect_err("it takes longer");
    assert_eq!((error.reason, error.fate), (Reason::TimedOut(None), Fate::Runs));
}

const BARRED: &str = r#"{"class": "CommandNotFound", "desc": "the agent is in frozen state"}"#;

/// It is thawed after it has refused, and before it is asked for that.
#[test]
fn a_guest_that_was_thawed_in_between_is_asked_again() {
    let running = r#"{"exited": false}"#;
    let ended = r#"{"exited": true, "exitcode": 3}"#;
    let answers = [
        STARTED,
        running,
        BARRED,
        r#""thawed""#,
        running,
        BARRED,
        r#""frozen""#,
        BARRED,
        r#""thawed""#,
        ended,
    ];
    assert_eq!(run(&answers).expect("it ends").end, End::Exit(3));
    // But not for ever.
    let error = run(&[STARTED, BARRED, r#""thawed""#, BARRED, r#""thawed""#, ended]).expect_err("it refuses");
    assert!(matches!(error.reason, Reason::Call(qga_proto::Error::Refused(_))), "{error}");
}

/// Numbers that would mean all processes, or the system, are never given to what kills.
#[test]
fn numbers_that_are_no_programs_are_never_killed() {
    for pid in [r#"{"pid": 1}"#, r#"{"pid": 0}"#, r#"{"pid": -1}"#] {
        let mut session = session(&[pid]);
        let deadline = session.deadline(Duration::from_secs(5));
        let exec = Exec::new("program").kill_at_deadline();
        let error = block_on(session.run(&exec, deadline)).expect_err("nothing comes");
        assert!(error.is_timeout() && matches!(error.fate, Fate::NotKilled(_)), "{error}");
        assert!(!session.transport().sent().contains("kill"));
    }
}

#[test]
fn a_program_shows_no_secrets() {
    let exec = Exec::new("mysql").arg("shop").env("MYSQL_PWD", "hunter2").input("insert hunter2");
    assert!(!format!("{exec:?}").contains("hunter2"));
    let started = Started::from(700);
    assert_eq!((started.pid, started.capture), (700, Capture::Separated));
}
