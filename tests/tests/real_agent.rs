//! The blocking session against a real `qemu-ga`, and what others leave behind on its socket.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use qga_proto::commands::{
    GuestFileClose, GuestFileOpen, GuestFileRead, GuestGetOsinfo, GuestInfo, GuestPing, GuestShutdown,
};
use qga_proto::json::Raw;
use qga_proto::{Error, RawCommand, Sent, TimedOut};
use qga_std::Session;
use qga_tests::real_agent::RealAgent;

fn connect(agent: &RealAgent) -> Session {
    qga_std::connect(&agent.address(), Duration::from_secs(10)).expect("the agent listens")
}

fn assert_answers(agent: &RealAgent) {
    connect(agent).call(&GuestPing::new()).expect("the agent answers");
}

/// Opens a file of `len` bytes and gives its handle.
fn open_file(agent: &RealAgent, session: &mut Session, len: usize) -> i64 {
    let path = agent.folder().join("large");
    std::fs::write(&path, vec![b'x'; len]).expect("room for the file");
    session.call(&GuestFileOpen::new(path.to_str().expect("a path in UTF-8"))).expect("the file opens")
}

#[test]
fn answers_typed_and_raw_commands() {
    let agent = RealAgent::start();
    let mut session = connect(&agent);

    session.call(&GuestPing::new()).expect("ping");
    let info = session.call(&GuestInfo::new()).expect("info");
    assert!(info.supported_commands.iter().any(|command| command.name == "guest-ping" && command.enabled));
    let blocked = info.supported_commands.iter().find(|command| command.name == "guest-shutdown");
    assert_eq!(
        blocked.map(|command| (command.enabled, command.success_response)),
        Some((false, Some(false)))
    );
    let os = session.call(&GuestGetOsinfo::new()).expect("osinfo");
    assert!(os.kernel_release.is_some());
    let raw = session.call(&RawCommand::new("guest-get-osinfo")).expect("osinfo, raw");
    assert_eq!(raw.as_raw().decode(), Ok(os));
}

#[test]
fn refusals_keep_class_and_command() {
    let agent = RealAgent::start();
    let mut session = connect(&agent);

    let error = session.call(&RawCommand::new("no-such-command")).expect_err("unknown");
    let refusal = error.refusal().expect("a refusal");
    assert_eq!((refusal.command.as_str(), refusal.class.as_str()), ("no-such-command", "CommandNotFound"));
    let arguments = Raw::new(r#"{"handle": "x"}"#).expect("JSON");
    let error =
        session.call(&RawCommand::new("guest-file-close").arguments(arguments)).expect_err("a wrong type");
    assert_eq!(error.refusal().map(|refusal| refusal.class.as_str()), Some("GenericError"));
    let error = session.call(&GuestShutdown::new()).expect_err("blocked");
    assert!(error.refusal().is_some_and(qga_proto::Refusal::is_command_not_found));
    session.call(&GuestPing::new()).expect("the session goes on");
}

#[test]
fn file_comes_as_bytes() {
    let agent = RealAgent::start();
    let mut session = connect(&agent);
    let handle = open_file(&agent, &mut session, 3_000_000);

    let read = session.call(&GuestFileRead::new(handle).count(1 << 20)).expect("a read");
    assert_eq!((read.count, read.eof), (1 << 20, false));
    assert_eq!(*read.buf_b64, vec![b'x'; 1 << 20]);
    session.call(&GuestFileClose::new(handle)).expect("a close");
}

#[test]
fn session_goes_on_after_a_deadline_midway_through_a_large_reply() {
    let agent = RealAgent::start();
    let mut session = connect(&agent);
    let handle = open_file(&agent, &mut session, 40_000_000);

    let error = session
        .call_timeout(&GuestFileRead::new(handle).count(40_000_000), Duration::from_millis(50))
        .expect_err("40 MB take longer");
    assert!(matches!(error, Error::TimedOut(TimedOut { sent: Sent::All, heard: true, .. })), "{error:?}");
    let info = session.call(&GuestInfo::new()).expect("the next call gets its own answer");
    assert!(!info.version.is_empty());
}

#[test]
fn agent_survives_a_session_dropped_midway_through_a_large_reply() {
    let mut agent = RealAgent::start();
    for wait in [1, 30, 100, 300] {
        let mut session = connect(&agent);
        let handle = open_file(&agent, &mut session, 20_000_000);
        let read = GuestFileRead::new(handle).count(20_000_000);
        session.call_timeout(&read, Duration::from_millis(wait)).expect_err("20 MB take longer");
        drop(session);
        assert_answers(&agent);
    }
    assert!(agent.is_alive());
}

#[test]
fn what_others_left_in_the_parser_does_no_harm() {
    let mut agent = RealAgent::start();
    let leftovers: [&[u8]; 7] = [
        b"[[[[",
        br#"{"execute":"guest-get-os"#,
        br#"{"execute":"guest-ping","arguments":{"#,
        b"garbage that is no JSON",
        br#"{"a": "an open string"#,
        b"\xff\xff\xff",
        b"\xfe\x00\x1b[31m {]}",
    ];
    for leftover in leftovers {
        let mut other = agent.connect();
        other.write_all(leftover).expect("the agent reads");
        other.shutdown(Shutdown::Write).expect("a connection");
        // The agent's errors must be read, or it exits.
        other.read_to_end(&mut Vec::new()).expect("the agent's last words");
        assert_answers(&agent);
    }
    assert!(agent.is_alive());
}

#[test]
fn an_agent_that_is_taken_is_silent_not_hanging() {
    let agent = RealAgent::start();
    let mut first = connect(&agent);
    first.call(&GuestPing::new()).expect("the agent answers");

    let mut second = connect(&agent);
    let start = Instant::now();
    let error =
        second.call_timeout(&GuestPing::new(), Duration::from_millis(700)).expect_err("the agent is taken");
    assert!(
        matches!(error, Error::TimedOut(TimedOut { sent: Sent::Nothing, heard: false, .. })),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(first);
    second.call(&GuestPing::new()).expect("it is served when the first is gone");
}

#[test]
fn reply_over_the_limit_costs_one_call() {
    let agent = RealAgent::start();
    let stream = UnixStream::connect(agent.socket()).expect("the agent listens");
    let mut config = qga_proto::Config::default();
    config.max_reply = 100_000;
    let mut session = Session::with_config(stream, config);
    let path = agent.folder().join("large");
    std::fs::write(&path, vec![b'x'; 200_000]).expect("room for the file");
    let handle = session.call(&GuestFileOpen::new(path.to_str().expect("UTF-8"))).expect("the file opens");

    let error = session.call(&GuestFileRead::new(handle).count(200_000)).expect_err("too long");
    assert!(matches!(error, Error::ReplyTooLong { len: 266_000..267_000, limit: 100_000 }), "{error:?}");
    session.call(&GuestPing::new()).expect("the session goes on");
}
