//! Waiting for agents that are not up yet: in virtual time.

use std::time::Duration;

use qga_proto::commands::{GuestExec, GuestFileOpen, GuestGetDevices, GuestPing};
use qga_proto::{Diagnosis, Reconnect};
use qga_sim::Guest;
use qga_tests::virtual_line::{Peer, VirtualLine, complete, session};

const SECOND: Duration = Duration::from_secs(1);

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

#[test]
fn an_agent_without_guest_info_is_ready_too() {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::new().disable("guest-info")), 64));
    let deadline = session.deadline(60 * SECOND);
    let ready = complete(session.wait_ready(deadline)).expect("it answers");
    assert_eq!(ready.capabilities.version(), "");
    assert!(ready.capabilities.supports::<GuestPing>());
}

/// The reboot of a guest whose session was in use, under no policy at all.
#[test]
fn a_session_that_was_in_use() {
    let line = VirtualLine::new(agent(), 64).then(SECOND, Peer::NotListening).then(30 * SECOND, agent());
    let mut session = session(line);
    session.set_reconnect(Reconnect::NEVER);
    complete(session.call(&GuestPing::new())).expect("it is there");
    complete(qga_proto::Transport::sleep_until(
        session.transport_mut(),
        qga_proto::Instant::from_epoch(SECOND),
    ));
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
