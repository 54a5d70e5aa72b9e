//! What calls leave in a log: which command, how long, how it ended, how many bytes; never what was said.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qga_proto::commands::{GuestGetHostName, GuestPing, GuestSetUserPassword};
use qga_proto::json::Raw;
use qga_proto::{RawCommand, Reconnect};
use qga_sim::{Guest, Sim};
use qga_tests::virtual_line::{Peer, VirtualLine, complete, poll_up_to, session};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("a log is text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn with_log(work: impl FnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    log.text()
}

#[test]
fn a_call_leaves_its_name_outcome_duration_and_bytes() {
    let log = with_log(|| {
        let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), usize::MAX));
        complete(session.call(&GuestPing::new())).expect("it answers");
        let before = session.transport().sent.len();
        complete(session.call(&GuestGetHostName::new())).expect("it answers");
        assert!(before > 0);
        complete(session.call(&RawCommand::new("no-such-command"))).expect_err("there is none");
        assert!(poll_up_to(1, session.call(&GuestPing::new())).is_none());
    });
    let ends: Vec<_> = log.lines().filter(|line| line.contains("close")).collect();
    assert_eq!(ends.len(), 4, "{log}");
    assert!(ends[0].contains(r#"command="guest-ping" outcome="ok" duration_us=0"#), "{log}");
    assert!(
        ends[1].contains(r#"command="guest-get-host-name""#) && ends[1].contains("bytes_received="),
        "{log}"
    );
    assert!(
        ends[2].contains(r#"command="no-such-command""#) && ends[2].contains(r#"outcome="refused""#),
        "{log}"
    );
    // Dropped before it was settled.
    assert!(ends[3].contains(r#"outcome="dropped""#), "{log}");
}

#[test]
fn what_happens_to_the_connection_is_told() {
    let log = with_log(|| {
        let dies = Peer::Dies(Box::new(Sim::new(Guest::new())), usize::MAX, "");
        let mut session =
            session(VirtualLine::new(dies, usize::MAX).then(Duration::MAX, Peer::agent(Guest::new())));
        session.set_reconnect(Reconnect::BACKOFF);
        complete(session.call(&GuestPing::new())).expect("it answers");
    });
    let events: Vec<_> =
        log.lines().filter_map(|line| line.split_once("event=")).map(|(_, name)| name).collect();
    assert_eq!(events, ["Connected", "Lost", "Connected"], "{log}");
}

#[test]
fn nothing_that_was_said_is_told() {
    let log = with_log(|| {
        let mut session = session(VirtualLine::new(Peer::agent(Guest::new().host_name("hidden-name")), 7));
        let password = GuestSetUserPassword::new("root", &b"hunter2"[..], false);
        let _ = complete(session.call(&password));
        let arguments = Raw::new(r#"{"password": "aHVudGVyMg=="}"#).expect("JSON");
        let _ = complete(session.call(&RawCommand::new("guest-set-user-password").arguments(arguments)));
        complete(session.call(&GuestGetHostName::new())).expect("it answers");
    });
    assert!(log.contains("guest-set-user-password"), "{log}");
    for secret in ["hunter2", "aHVudGVyMg", "root", "hidden-name"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
