//! Connections that end, and what is sent again over the next: in virtual time.

use std::time::Duration;

use qga_proto::commands::{GuestExec, GuestExecStatus, GuestGetHostName, GuestPing};
use qga_proto::{Cause, Error, Event, Reconnect, Sent, Session, Transport};
use qga_sim::{Guest, Sim};
use qga_tests::virtual_line::{Peer, VirtualLine, complete, poll_up_to, session};

type Virtual = Session<VirtualLine, Vec<u8>>;

/// When the next peer is there only because the one before has died.
const NEVER: Duration = Duration::MAX;

fn agent(name: &str) -> Peer {
    Peer::agent(Guest::new().host_name(name))
}

/// An agent that dies after so many bytes of the first command.
fn dies_after(bytes: usize) -> Peer {
    Peer::Dies(Box::new(Sim::new(Guest::new().host_name("first"))), bytes, "")
}

fn host_name(session: &mut Virtual) -> Result<String, Error<<VirtualLine as Transport>::Error>> {
    complete(session.call(&GuestGetHostName::new())).map(|name| name.host_name)
}

fn events(session: &mut Virtual) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

#[test]
fn first_connection_is_made_under_every_policy() {
    let mut session = session(VirtualLine::new(agent("first"), 64));
    assert!(!session.is_connected());
    assert_eq!(host_name(&mut session).as_deref(), Ok("first"));
    assert_eq!(events(&mut session), [Event::Connected]);
}

#[test]
fn first_connection_that_fails_is_tried_again_by_the_next_call() {
    let line = VirtualLine::new(Peer::NoSocket, 64).then(Duration::from_secs(1), agent("first"));
    let mut session = session(line);
    let error = host_name(&mut session).expect_err("there is no socket");
    let Error::Connect(cause) = &error else { panic!("{error:?}") };
    assert_eq!(VirtualLine::cause(cause), Cause::NotFound);
    assert!(!error.is_fate_unknown() && error.is_connection_lost());
    complete(session.transport_mut().sleep_until(qga_proto::Instant::from_epoch(Duration::from_secs(1))));
    assert_eq!(host_name(&mut session).as_deref(), Ok("first"));
}

#[test]
fn without_a_policy_a_connection_that_is_over_stays_over_until_one_is_made() {
    let mut session =
        session(VirtualLine::new(dies_after(usize::MAX), usize::MAX).then(NEVER, agent("second")));
    assert_eq!(host_name(&mut session), Err(Error::Closed(Sent::All)));
    assert_eq!(host_name(&mut session), Err(Error::Closed(Sent::Nothing)));
    assert_eq!(events(&mut session), [Event::Connected, Event::Lost]);
    let deadline = session.deadline(Duration::from_secs(1));
    complete(session.connect(deadline)).expect("the agent is back");
    assert_eq!(host_name(&mut session).as_deref(), Ok("second"));
}

#[test]
fn query_is_sent_again_over_the_next_connection() {
    let mut session =
        session(VirtualLine::new(dies_after(usize::MAX), usize::MAX).then(NEVER, agent("second")));
    session.set_reconnect(Reconnect::BACKOFF);
    assert_eq!(host_name(&mut session).as_deref(), Ok("second"));
    assert_eq!(session.transport().count("guest-get-host-name"), 2);
    assert_eq!(events(&mut session), [Event::Connected, Event::Lost, Event::Connected]);
}

#[test]
fn query_is_not_sent_again_more_often_than_the_policy_says() {
    let line = || {
        VirtualLine::new(dies_after(usize::MAX), usize::MAX)
            .then(NEVER, dies_after(usize::MAX))
            .then(NEVER, agent("third"))
    };
    let mut once = session(line());
    once.set_reconnect(Reconnect::BACKOFF);
    assert_eq!(host_name(&mut once), Err(Error::Closed(Sent::All)));
    let mut twice = session(line());
    twice.set_reconnect(Reconnect::BACKOFF.replays(2));
    assert_eq!(host_name(&mut twice).as_deref(), Ok("third"));
    let mut never = session(line());
    never.set_reconnect(Reconnect::BACKOFF.replays(0));
    assert_eq!(host_name(&mut never), Err(Error::Closed(Sent::All)));
}

/// At every byte of the command at which the agent can die.
#[test]
fn what_must_not_happen_twice_is_sent_once_and_its_fate_is_unknown() {
    let exec = GuestExec::new("/bin/true");
    for bytes in 1..=100 {
        let mut session =
            session(VirtualLine::new(dies_after(bytes), usize::MAX).then(NEVER, agent("second")));
        session.set_reconnect(Reconnect::BACKOFF);
        let error = complete(session.call(&exec)).expect_err("the agent died");
        assert!(error.is_fate_unknown() && error.is_connection_lost(), "{error:?}");
        assert!(error.to_string().contains("fate is unknown"), "{error}");
        let sent = session.transport().count("{\"execute\":\"guest-exec\"");
        assert!(sent <= 1, "{sent}");
        // The session goes on, with the next agent.
        assert_eq!(host_name(&mut session).as_deref(), Ok("second"));
        assert_eq!(session.transport().count("\"/bin/true\""), usize::from(bytes >= 55), "{bytes}");
    }
}

#[test]
fn what_had_not_left_is_sent_over_the_next_connection() {
    let mut session = session(VirtualLine::new(dies_after(0), usize::MAX).then(NEVER, agent("second")));
    session.set_reconnect(Reconnect::BACKOFF);
    complete(session.call(&GuestExec::new("/bin/true"))).expect("it was not sent before");
    assert_eq!(session.transport().count("{\"execute\":\"guest-exec\""), 1);
}

#[test]
fn status_of_a_program_is_no_query() {
    // The agent may have told the end and forgotten it: to ask again would say that there is no such program.
    let mut session =
        session(VirtualLine::new(dies_after(usize::MAX), usize::MAX).then(NEVER, agent("second")));
    session.set_reconnect(Reconnect::BACKOFF);
    let error = complete(session.call(&GuestExecStatus::new(1))).expect_err("the agent died");
    assert!(error.is_fate_unknown());
}

#[test]
fn attempts_are_paced_and_end_at_the_deadline() {
    let line = VirtualLine::new(Peer::NotListening, 64);
    let mut session = session(line);
    session.set_reconnect(Reconnect::BACKOFF);
    let deadline = session.deadline(Duration::from_secs(7));
    let error = complete(session.call_until(&GuestPing::new(), deadline)).expect_err("nobody listens");
    let Error::Connect(cause) = error else { panic!("{error:?}") };
    assert_eq!(VirtualLine::cause(&cause), Cause::Refused);
    assert_eq!(session.transport().now(), deadline);
    // 50, 100, 200, 400, 800 ms, then each second.
    assert_eq!(session.transport().attempts, 11);
}

#[test]
fn a_policy_without_pauses_ends_at_the_deadline_all_the_same() {
    for policy in
        [Reconnect::BACKOFF.pauses(Duration::ZERO, Duration::ZERO), Reconnect::NEVER.attempts(u32::MAX)]
    {
        let mut session = session(VirtualLine::new(Peer::NoSocket, 64));
        session.set_reconnect(policy);
        let deadline = session.deadline(Duration::from_secs(2));
        complete(session.call_until(&GuestPing::new(), deadline)).expect_err("there is no socket");
        assert_eq!(session.transport().now(), deadline);
        assert!(session.transport().attempts < 250, "{}", session.transport().attempts);
    }
}

#[test]
fn that_a_query_could_not_be_sent_again_does_not_hide_that_it_was_sent() {
    for policy in
        [Reconnect::BACKOFF.attempts(1), Reconnect::BACKOFF.attempts(2), Reconnect::NEVER.replays(1)]
    {
        let mut session = session(VirtualLine::new(dies_after(usize::MAX), usize::MAX));
        session.set_reconnect(policy);
        let error = host_name(&mut session).expect_err("there is no second agent");
        assert!(error.is_fate_unknown(), "{policy:?}: {error:?}");
    }
}

/// What has come need not be asked for, so it needs no connection.
#[test]
fn a_programs_end_that_came_late_is_given_though_the_connection_is_over() {
    let line = VirtualLine::new(Peer::agent(Guest::new()), usize::MAX)
        .slow(Duration::from_secs(2))
        .then(Duration::from_secs(60), Peer::NoSocket);
    let mut session = session(line);
    session.set_timeout(Duration::from_secs(30));
    let pid = complete(session.call(&GuestExec::new("/bin/false"))).expect("it starts").pid;
    let status = GuestExecStatus::new(pid);
    let error = complete(session.call_timeout(&status, Duration::from_secs(1))).expect_err("it takes longer");
    assert!(error.is_timeout(), "{error:?}");
    complete(session.call(&GuestPing::new())).expect("the late answer comes before this one's");
    complete(session.transport_mut().sleep_until(qga_proto::Instant::from_epoch(Duration::from_secs(60))));
    complete(session.call(&GuestPing::new())).expect_err("it is gone");
    let end = complete(session.call(&status)).expect("it has come before");
    assert_eq!((end.exited, end.exitcode), (true, Some(1)));
    complete(session.call(&status)).expect_err("it is told once");
}

#[test]
fn attempts_are_limited() {
    let mut session = session(VirtualLine::new(Peer::NoSocket, 64));
    session
        .set_reconnect(Reconnect::BACKOFF.attempts(3).pauses(Duration::from_secs(1), Duration::from_secs(1)));
    complete(session.call(&GuestPing::new())).expect_err("there is no socket");
    assert_eq!(session.transport().attempts, 3);
    assert_eq!(session.transport().now().since_epoch(), Duration::from_secs(2));
}

/// A peer that lets clients in and puts them out again at once is not asked without end.
#[test]
fn peer_that_ends_every_connection_is_not_asked_without_pause() {
    let mut line = VirtualLine::new(dies_after(0), usize::MAX);
    for _ in 0..1000 {
        line = line.then(NEVER, dies_after(0));
    }
    let mut session = session(line);
    session.set_reconnect(Reconnect::BACKOFF);
    let deadline = session.deadline(Duration::from_secs(7));
    let error =
        complete(session.call_until(&GuestExec::new("/bin/true"), deadline)).expect_err("it is put out");
    assert_eq!(error.sent(), Some(Sent::Nothing), "{error:?}");
    assert!(session.transport().attempts < 15, "{}", session.transport().attempts);
}

#[test]
fn an_agent_that_is_another_one_is_noticed() {
    let line = VirtualLine::new(Peer::agent(Guest::new().version("7.2.0")), 64)
        .then(Duration::from_secs(1), Peer::agent(Guest::new().version("10.0.2")))
        .then(Duration::from_secs(2), Peer::agent(Guest::new().version("10.0.2")));
    let mut session = session(line);
    session.set_reconnect(Reconnect::BACKOFF);
    for (second, version, expected) in [
        (0, "7.2.0", vec![Event::Connected]),
        (1, "10.0.2", vec![Event::Lost, Event::Connected, Event::AgentChanged]),
        (2, "10.0.2", vec![Event::Lost, Event::Connected]),
    ] {
        let time = qga_proto::Instant::from_epoch(Duration::from_secs(second));
        complete(session.transport_mut().sleep_until(time));
        // The end of the connection shows when something is sent.
        complete(session.call(&GuestPing::new())).expect("there is an agent");
        let capabilities = complete(session.capabilities()).expect("there is an agent");
        assert_eq!(capabilities.version(), version);
        assert_eq!(events(&mut session), expected);
    }
}

#[test]
fn capabilities_are_asked_for_once_for_each_connection() {
    let line = VirtualLine::new(Peer::agent(Guest::new()), 64)
        .then(Duration::from_secs(1), Peer::agent(Guest::new()));
    let mut session = session(line);
    session.set_reconnect(Reconnect::BACKOFF);
    for _ in 0..3 {
        assert_eq!(complete(session.supports::<GuestPing>()), Ok(true));
        assert_eq!(complete(session.supports::<qga_proto::commands::GuestGetDevices>()), Ok(false));
    }
    assert_eq!(session.transport().count("guest-info"), 1);
    complete(session.transport_mut().sleep_until(qga_proto::Instant::from_epoch(Duration::from_secs(1))));
    complete(session.call(&GuestPing::new())).expect("there is an agent");
    assert_eq!(complete(session.supports::<GuestPing>()), Ok(true));
    assert_eq!(session.transport().count("guest-info"), 2);
}

/// On a virtual serial port nobody learns that the agent was replaced.
#[test]
fn a_line_that_was_doubted_is_told_when_it_is_good_again() {
    let line = VirtualLine::new(Peer::agent(Guest::new()), 64)
        .then_quietly(Duration::from_secs(1), Peer::Silent)
        .then_quietly(Duration::from_secs(60), Peer::agent(Guest::new().version("10.1.0")));
    let mut session = session(line);
    assert_eq!(complete(session.supports::<GuestPing>()), Ok(true));
    complete(session.transport_mut().sleep_until(qga_proto::Instant::from_epoch(Duration::from_secs(1))));
    for _ in 0..2 {
        let error = complete(session.call(&GuestPing::new())).expect_err("nobody is there");
        assert!(error.is_timeout(), "{error:?}");
    }
    assert_eq!(events(&mut session), [Event::Connected]);
    complete(session.transport_mut().sleep_until(qga_proto::Instant::from_epoch(Duration::from_secs(60))));
    complete(session.call(&GuestPing::new())).expect("it is back");
    assert_eq!(events(&mut session), [Event::Resynced]);
    assert_eq!(complete(session.capabilities()).map(|is| is.version().to_owned()), Ok("10.1.0".to_owned()));
    assert_eq!(events(&mut session), [Event::AgentChanged]);
}

/// The agent has ended the program's record, and its host's connection breaks: some channels keep the answer for the
/// next connection.
#[test]
fn a_programs_end_that_comes_over_the_next_connection() {
    let guest = Guest::new();
    let mut session = session(VirtualLine::new(Peer::agent(guest), usize::MAX).keeps_answers());
    let pid = complete(session.call(&GuestExec::new("/bin/false"))).expect("it starts").pid;
    // Sent, and dropped before it is read.
    let mut polls = 0;
    while session.transport().count("guest-exec-status") == 0 {
        polls += 1;
        assert!(poll_up_to(polls, session.call(&GuestExecStatus::new(pid))).is_none());
    }
    let deadline = session.deadline(Duration::from_secs(1));
    complete(session.connect(deadline)).expect("the agent is there");
    let status = complete(session.call(&GuestExecStatus::new(pid))).expect("it is told");
    assert_eq!((status.exited, status.exitcode), (true, Some(1)));
}

#[test]
fn capabilities_are_asked_for_again_when_the_guest_was_frozen_or_thawed() {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), 64));
    assert_eq!(complete(session.supports::<GuestExec<'_>>()), Ok(true));
    complete(session.call(&qga_proto::commands::GuestFsfreezeFreeze::new())).expect("it freezes");
    assert_eq!(complete(session.supports::<GuestExec<'_>>()), Ok(false));
    complete(session.call(&qga_proto::commands::GuestFsfreezeThaw::new())).expect("it thaws");
    assert_eq!(complete(session.supports::<GuestExec<'_>>()), Ok(true));
    assert_eq!(events(&mut session), [Event::Connected]);
}
