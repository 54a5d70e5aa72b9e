//! Waiting for agents that are not up yet: in virtual time.

use std::time::Duration;

use qga_proto::commands::{GuestExec, GuestFileOpen, GuestGetDevices, GuestPing};
use qga_proto::{Client, Config, Diagnosis, Instant, Reconnect, Session, Transport};
use qga_sim::Guest;
use qga_tests::virtual_line::{Peer, VirtualLine, complete, session};

const SECOND: Duration = Duration::from_secs(1);

/// A session over a line that is connected already.
fn session_over(line: VirtualLine) -> Session<VirtualLine, Vec<u8>> {
    Session::new(line, Client::new(Config::default(), Vec::new(), Vec::new(), 1))
}

/// Waits for up to a minute; gives how long that took, or what was seen.
fn wait(line: VirtualLine) -> Result<Duration, Diagnosis> {
    let mut session = session(line);
    let deadline = session.deadline(60 * SECOND);
    let result = complete(session.wait_ready(deadline));
    match result {
        Ok(ready) => {
            assert_eq!(ready.capabilities.version(), "10.0.2");
            complete(session.call(&GuestPing::new())).expect("it is ready");
            Ok(ready.waited)
        }
        Err(error) => {
            assert_eq!(error.waited, 60 * SECOND);
            assert!(error.to_string().contains(&error.diagnosis.to_string()), "{error}");
            Err(error.diagnosis)
        }
    }
}

fn agent() -> Peer {
    Peer::agent(Guest::new())
}

#[test]
fn an_agent_that_is_there() {
    assert_eq!(wait(VirtualLine::new(agent(), 64)), Ok(Duration::ZERO));
}

#[test]
fn a_socket_that_comes_later() {
    let line =
        VirtualLine::new(Peer::NoSocket, 64).then(10 * SECOND, Peer::NotListening).then(20 * SECOND, agent());
    let waited = wait(line).expect("it comes");
    assert!((20 * SECOND..20 * SECOND + Duration::from_millis(101)).contains(&waited), "{waited:?}");
}

#[test]
fn what_was_seen_is_told() {
    assert_eq!(wait(VirtualLine::new(Peer::NoSocket, 64)), Err(Diagnosis::NoSocket));
    assert_eq!(wait(VirtualLine::new(Peer::NotListening, 64)), Err(Diagnosis::NotListening));
    assert_eq!(wait(VirtualLine::new(Peer::Silent, 64)), Err(Diagnosis::Silent));
    assert_eq!(wait(VirtualLine::new(Peer::agent(Guest::new().frozen()), 64)), Err(Diagnosis::Frozen));
    let gone = VirtualLine::new(agent(), 64).then(Duration::ZERO, Peer::NoSocket);
    assert_eq!(wait(gone), Ok(Duration::ZERO));
    let silent_again = VirtualLine::new(Peer::NoSocket, 64).then(5 * SECOND, Peer::Silent);
    assert_eq!(wait(silent_again), Err(Diagnosis::Silent));
}

/// Firmware takes what is sent and says nothing, on the same connection: the sync is repeated.
#[test]
fn firmware_that_swallows_what_is_sent() {
    let line = VirtualLine::new(Peer::Silent, 64).then_quietly(9 * SECOND, agent());
    let waited = wait(line).expect("the agent comes up");
    assert!((9 * SECOND..12 * SECOND).contains(&waited), "{waited:?}");
}

/// Somebody listens and never says a word, until the connection is made anew.
#[test]
fn a_connection_that_is_deaf_is_made_anew() {
    let mut deaf = session(VirtualLine::new(Peer::Silent, 64).deaf_once(agent()));
    let deadline = deaf.deadline(60 * SECOND);
    let ready = complete(deaf.wait_ready(deadline)).expect("a second connection works");
    assert_eq!(deaf.transport().connections, 2);
    assert!((10 * SECOND..15 * SECOND).contains(&ready.waited), "{:?}", ready.waited);
}

#[test]
fn a_guest_that_thaws() {
    let line = VirtualLine::new(Peer::agent(Guest::new().frozen()), 64).then_quietly(3 * SECOND, agent());
    let waited = wait(line).expect("it thaws");
    assert!((3 * SECOND..5 * SECOND).contains(&waited), "{waited:?}");
}

/// It is all there is: nobody could make it anew.
#[test]
fn a_line_that_cannot_be_made_anew_is_not_given_up() {
    let line = VirtualLine::new(Peer::Silent, 64).all_there_is().then_quietly(25 * SECOND, agent());
    let mut session = session_over(line);
    let deadline = session.deadline(60 * SECOND);
    let ready = complete(session.wait_ready(deadline)).expect("the agent comes up");
    assert!((25 * SECOND..28 * SECOND).contains(&ready.waited), "{:?}", ready.waited);
}

#[test]
fn a_line_that_is_over_and_cannot_be_made_anew_is_not_waited_for() {
    let line = VirtualLine::new(Peer::Silent, 64).all_there_is().then(25 * SECOND, Peer::NoSocket);
    let mut session = session_over(line);
    let deadline = session.deadline(60 * SECOND);
    let error = complete(session.wait_ready(deadline)).expect_err("the line is over");
    assert_eq!(error.diagnosis, Diagnosis::Lost);
    assert!((25 * SECOND..26 * SECOND).contains(&error.waited), "{:?}", error.waited);
}

/// A look must not cut short what is under way.
#[test]
fn an_agent_that_is_slow() {
    for latency in [100, 500, 1500, 2000, 3600] {
        let mut session = session(VirtualLine::new(agent(), usize::MAX).slow(Duration::from_millis(latency)));
        let deadline = session.deadline(120 * SECOND);
        let result = complete(session.wait_ready(deadline));
        assert!(result.is_ok(), "{latency} ms: {result:?}");
    }
}

#[test]
fn a_frozen_guest_is_told_whenever_the_deadline_comes() {
    for latency in [0, 5, 60, 100] {
        for timeout in (800..2000).step_by(10) {
            let line = VirtualLine::new(Peer::agent(Guest::new().frozen()), usize::MAX);
            let mut session = session(line.slow(Duration::from_millis(latency)));
            let deadline = session.deadline(Duration::from_millis(timeout));
            let error = complete(session.wait_ready(deadline)).expect_err("it is frozen");
            assert_eq!(error.diagnosis, Diagnosis::Frozen, "{timeout} ms, answers after {latency} ms");
        }
    }
}

/// Whenever the agent comes up, between which syncs ever: it is asked for ids.
#[test]
fn an_agent_that_came_up_late_costs_no_sync_for_each_call() {
    for quarters in 0..120 {
        let line = VirtualLine::new(Peer::Silent, usize::MAX).then_quietly(quarters * SECOND / 4, agent());
        let mut session = session(line);
        let deadline = session.deadline(60 * SECOND);
        complete(session.wait_ready(deadline)).expect("it comes up");
        complete(session.call(&GuestPing::new())).expect("it is there");
        let before = session.transport().count("\"guest-sync");
        for _ in 0..10 {
            complete(session.call(&GuestPing::new())).expect("it is there");
        }
        assert_eq!(session.transport().count("\"guest-sync"), before, "up after {quarters} quarters");
    }
}

/// Whatever ends a look at once, it is not repeated at once.
#[test]
fn an_agent_that_says_more_than_can_be_taken_is_not_asked_without_pause() {
    let mut config = Config::default();
    config.max_reply = 500;
    let client = Client::new(config, Vec::new(), Vec::new(), 1);
    let mut session = Session::unconnected(VirtualLine::new(agent(), usize::MAX), client);
    let deadline = session.deadline(60 * SECOND);
    let error = complete(session.wait_ready(deadline)).expect_err("its commands are too many");
    assert_eq!(error.diagnosis, Diagnosis::TooLong);
    assert!(session.transport().count("guest-info") < 700);
}

#[test]
fn what_is_no_agent_is_told() {
    for noise in ["\u{1b}[Hlogin: \n", "{\"QMP\": {}}\n", "{{{{", "no end of text, and no newline either"] {
        let client = Client::new(Config::default(), Vec::new(), Vec::new(), 1);
        let mut session = Session::new(Noise { text: noise, now: Instant::ZERO }, client);
        let deadline = session.deadline(5 * SECOND);
        let error = complete(session.wait_ready(deadline)).expect_err("that is no agent");
        assert_eq!(error.diagnosis, Diagnosis::Foreign, "{noise}");
    }
}

/// Says the same each second.
struct Noise {
    text: &'static str,
    now: Instant,
}

impl Transport for Noise {
    type Error = std::convert::Infallible;

    fn now(&self) -> Instant {
        self.now
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Self::Error> {
        self.now = self.now.max(deadline.min(self.now + SECOND));
        if self.now == deadline {
            return Ok(None);
        }
        let n = buffer.len().min(self.text.len());
        buffer[..n].copy_from_slice(&self.text.as_bytes()[..n]);
        Ok(Some(n))
    }

    async fn write(&mut self, bytes: &[u8], _: Instant) -> Result<Option<usize>, Self::Error> {
        Ok(Some(bytes.len()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.now = self.now.max(deadline);
    }
}

#[test]
fn a_frozen_guest_without_guest_info_is_not_ready() {
    let guest = Guest::new().disable("guest-info").disable("guest-exec");
    let mut session = session(VirtualLine::new(Peer::agent(guest), 64));
    complete(session.call(&qga_proto::commands::GuestFsfreezeFreeze::new())).expect("it freezes");
    let deadline = session.deadline(5 * SECOND);
    // While frozen the agent carries guest-info out, whatever its configuration says.
    let error = complete(session.wait_ready(deadline)).expect_err("it is frozen");
    assert_eq!(error.diagnosis, Diagnosis::Frozen);
}

#[test]
fn an_agent_without_guest_info_is_ready_too() {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::new().disable("guest-info")), 64));
    let deadline = session.deadline(60 * SECOND);
    let ready = complete(session.wait_ready(deadline)).expect("it answers");
    assert_eq!(ready.capabilities.version(), "");
    assert!(ready.capabilities.supports::<GuestPing>());
    assert_eq!(complete(session.supports::<GuestPing>()), Ok(true));
}

/// The reboot of a guest whose session was in use, under no policy at all.
#[test]
fn a_session_that_was_in_use() {
    let line = VirtualLine::new(agent(), 64).then(SECOND, Peer::NotListening).then(30 * SECOND, agent());
    let mut session = session(line);
    session.set_reconnect(Reconnect::NEVER);
    complete(session.call(&GuestPing::new())).expect("it is there");
    complete(Transport::sleep_until(session.transport_mut(), Instant::from_epoch(SECOND)));
    complete(session.call(&GuestPing::new())).expect_err("it is gone");
    let deadline = session.deadline(60 * SECOND);
    let ready = complete(session.wait_ready(deadline)).expect("it is back");
    assert!((29 * SECOND..30 * SECOND).contains(&ready.waited), "{:?}", ready.waited);
}

#[test]
fn a_refusal_is_explained_by_what_the_agent_tells() {
    let guest = Guest::new().disable("guest-file-open");
    let mut disabled = session(VirtualLine::new(Peer::agent(guest), 64));
    let deadline = disabled.deadline(60 * SECOND);
    let error = complete(disabled.call(&GuestFileOpen::new("/etc/motd"))).expect_err("it is disabled");
    assert_eq!(complete(disabled.diagnose(&error, deadline)), Diagnosis::Disabled);
    let error = complete(disabled.call(&GuestGetDevices::new())).expect_err("it is for Windows");
    let diagnosis = complete(disabled.diagnose(&error, deadline));
    assert!(
        matches!(&diagnosis, Diagnosis::Unknown { version, since: Some("5.2") } if *version == "10.0.2"),
        "{diagnosis:?}"
    );
    let error = complete(disabled.call(&GuestExec::new("/bin/none"))).expect_err("there is no such program");
    assert!(matches!(complete(disabled.diagnose(&error, deadline)), Diagnosis::Refused { .. }));

    // The agent's words are the same as for what is disabled.
    let mut frozen = session(VirtualLine::new(Peer::agent(Guest::new().frozen()), 64));
    let error = complete(frozen.call(&GuestFileOpen::new("/etc/motd"))).expect_err("it is frozen");
    let deadline = frozen.deadline(60 * SECOND);
    assert_eq!(complete(frozen.diagnose(&error, deadline)), Diagnosis::Frozen);
}
