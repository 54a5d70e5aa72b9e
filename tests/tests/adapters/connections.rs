//! Connections: none, lost, made again, and of every kind.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant as StdInstant};

use qga_proto::commands::{GuestExec, GuestGetHostName, GuestGetTime, GuestPing};
use qga_proto::{Cause, Diagnosis, Event, Instant, Reconnect, Sent, TimedOut, Transport};
use qga_sim::{Guest, Server, Sim};
use serial2::SerialPort;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::agent::Agent;
use crate::calls::ask;
use crate::runtime::{Error, Runtime, Session};
use crate::tap::Tap;

cases! {
    a_missing_socket_and_a_dead_one_are_told_apart(nobody);
    a_full_backlog_is_waited_for_and_told(nobody);
    who_comes_second_is_told_of_another_client(sim, real);
    a_connection_that_is_lost_is_made_again(sim, real);
    without_a_policy_a_lost_connection_stays_lost(sim, real);
    another_agent_is_noticed(sim);
    what_must_not_happen_twice_is_sent_once(sim, real);
    a_query_is_sent_again(sim, real);
    a_command_that_a_killed_agent_had_not_read_is_not_sent_again(real);
    what_has_come_is_read_without_waiting(nobody);
    every_kind_of_address_leads_to_an_agent(nobody);
    a_terminal_whose_other_end_is_gone_is_a_lost_connection(nobody);
    an_address_that_leads_nowhere_fails_in_time(nobody);
    a_host_that_says_nothing_is_given_up_in_time(nobody);
}

const TIMEOUT: Duration = Duration::from_secs(10);

async fn a_missing_socket_and_a_dead_one_are_told_apart<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    assert_eq!(no_connection::<R>(&mut session).await, (Cause::NotFound, Diagnosis::NoSocket));
    agent.leave_socket();
    assert_eq!(no_connection::<R>(&mut session).await, (Cause::Refused, Diagnosis::NotListening));
    // Neither was a connection.
    assert_eq!(session.poll_event(), None);
}

/// Systems say so at once, and adapters must neither hang in it nor take it for something else.
async fn a_full_backlog_is_waited_for_and_told<R: Runtime>(agent: &Agent) {
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&SockAddr::unix(agent.path()).expect("a path")).expect("a free path");
    listener.listen(0).expect("a listener");
    let mut waiting = Vec::new();
    loop {
        let mut session = R::connect_lazy(&agent.address());
        let start = StdInstant::now();
        let deadline = session.deadline(Duration::from_millis(200));
        match session.connect(deadline).await {
            Ok(()) => waiting.push(session),
            Err(error) => {
                assert_eq!(Diagnosis::of::<R::Transport>(&error), Diagnosis::Busy, "{error:?}");
                assert!(start.elapsed() >= Duration::from_millis(180), "it was waited for room");
                assert_in_time(start);
                break;
            }
        }
        assert!(waiting.len() < 10, "there is always room");
    }
    // One who goes makes room.
    let mut session = R::connect_lazy(&agent.address());
    let open = listener.try_clone().expect("a second handle");
    let room = agent.after(Duration::from_millis(100), move |_| drop((waiting, open.accept())));
    let deadline = session.deadline(TIMEOUT);
    session.connect(deadline).await.expect("there is room");
    room.join().expect("a client");
}

async fn who_comes_second_is_told_of_another_client<R: Runtime>(agent: &Agent) {
    let mut first = R::connect_lazy(&agent.address());
    ask::<R>(&mut first, 1).await;
    let mut second = R::connect_lazy(&agent.address());
    let start = StdInstant::now();
    let error = second.call_timeout(&GuestPing::new(), Duration::from_millis(300)).await;
    let error = error.expect_err("the agent is taken");
    assert!(
        matches!(error, Error::TimedOut(TimedOut { sent: Sent::Nothing, heard: false, .. })),
        "{error:?}"
    );
    assert_in_time(start);
    let deadline = second.deadline(TIMEOUT);
    let diagnosis = second.diagnose(&error, deadline).await;
    assert_eq!(diagnosis, Diagnosis::Silent);
    assert!(diagnosis.advice().contains("another client"), "{}", diagnosis.advice());
    drop(first);
    ask::<R>(&mut second, 2).await;
}

async fn a_connection_that_is_lost_is_made_again<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    session.set_reconnect(Reconnect::BACKOFF);
    for _ in 0..3 {
        session.call(&GuestGetHostName::new()).await.expect("an agent");
        agent.restart();
    }
    session.call(&GuestGetHostName::new()).await.expect("an agent");
    let again = [Event::Lost, Event::Connected];
    assert_eq!(events::<R>(&mut session), [&[Event::Connected][..], &again, &again, &again].concat());
}

async fn without_a_policy_a_lost_connection_stays_lost<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    ask::<R>(&mut session, 1).await;
    agent.restart();
    let error = session.call(&GuestPing::new()).await.expect_err("the connection is over");
    assert!(matches!(error, Error::Closed(_) | Error::Transport { .. }), "{error:?}");
    let error = session.call(&GuestPing::new()).await.expect_err("it still is");
    assert!(matches!(error, Error::Closed(Sent::Nothing)), "{error:?}");
    assert_eq!(events::<R>(&mut session), [Event::Connected, Event::Lost]);
    let deadline = session.deadline(TIMEOUT);
    session.connect(deadline).await.expect("the agent is back");
    ask::<R>(&mut session, 2).await;
    assert_eq!(events::<R>(&mut session), [Event::Connected]);
}

async fn another_agent_is_noticed<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    session.set_reconnect(Reconnect::BACKOFF);
    session.capabilities().await.expect("an agent");
    agent.update("11.0.50");
    ask::<R>(&mut session, 1).await;
    assert_eq!(session.capabilities().await.expect("an agent").version(), "11.0.50");
    assert_eq!(
        events::<R>(&mut session),
        [Event::Connected, Event::Lost, Event::Connected, Event::AgentChanged]
    );
}

async fn what_must_not_happen_twice_is_sent_once<R: Runtime>(agent: &Agent) {
    let tap = Tap::before(agent);
    let mut session = R::connect_lazy(&tap.address());
    session.set_reconnect(Reconnect::BACKOFF);
    ask::<R>(&mut session, 1).await;
    tap.end_at("guest-exec");
    let error = session.call(&GuestExec::new("true")).await.expect_err("the connection was cut");
    assert!(error.is_connection_lost() && error.is_fate_unknown(), "{error:?}");
    ask::<R>(&mut session, 2).await;
    assert_eq!(tap.count("guest-exec"), 1);
}

async fn a_query_is_sent_again<R: Runtime>(agent: &Agent) {
    let tap = Tap::before(agent);
    let mut session = R::connect_lazy(&tap.address());
    session.set_reconnect(Reconnect::BACKOFF);
    tap.end_at("guest-get-time");
    let time = session.call(&GuestGetTime::new()).await.expect("the second is answered");
    assert!(time > 0);
    assert_eq!(tap.count("guest-get-time"), 2);
}

async fn a_command_that_a_killed_agent_had_not_read_is_not_sent_again<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    session.set_reconnect(Reconnect::BACKOFF);
    ask::<R>(&mut session, 1).await;
    agent.pause();
    let end = agent.after(Duration::from_millis(200), Agent::restart);
    let mark = agent.path().with_file_name("mark");
    let mark_path = mark.display().to_string();
    let arguments = [mark_path.as_str().into()];
    let error = session.call(&GuestExec::new("touch").arg(&arguments)).await.expect_err("it was killed");
    assert!(error.is_connection_lost() && error.is_fate_unknown(), "{error:?}");
    end.join().expect("another agent");
    ask::<R>(&mut session, 2).await;
    assert!(!mark.exists());
}

/// A deadline that has passed means a look, not none: what an agent said before it went must be heard.
pub(crate) async fn what_has_come_is_read_without_waiting<R: Runtime>(agent: &Agent) {
    let listener = UnixListener::bind(agent.path()).expect("a free path");
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let start = StdInstant::now();
    for _ in 0..100 {
        session.connect(deadline).await.expect("somebody listens");
        let (mut peer, _) = listener.accept().expect("a client");
        let (line, mut buffer) = (session.transport_mut(), [0; 64]);
        assert_eq!(line.read(&mut buffer, Instant::ZERO).await.expect("a look"), None);
        peer.write_all(b"last words").expect("a client");
        peer.shutdown(Shutdown::Both).expect("a client");
        assert_eq!(line.write(b"?", Instant::ZERO).await.expect("nobody"), Some(0));
        assert_eq!(line.read(&mut buffer, Instant::ZERO).await.expect("a look"), Some(10));
        assert_eq!(line.read(&mut buffer, Instant::ZERO).await.expect("a look"), Some(0));
    }
    assert_in_time(start);
}

async fn every_kind_of_address_leads_to_an_agent<R: Runtime>(_: &Agent) {
    let guest = || Guest::new().host_name("one-of-many");
    let server = Server::bind("tcp:127.0.0.1:0", guest()).expect("a port").spawn().expect("a thread");
    let (port, address) = pseudo_terminal();
    thread::spawn(move || qga_sim::serve(&mut Sim::new(guest()), port));
    for address in [server.address(), &server.address().replace("127.0.0.1", "localhost"), &address] {
        let mut session = R::connect_lazy(address);
        for _ in 0..3 {
            let name = session.call(&GuestGetHostName::new()).await.expect(address).host_name;
            assert_eq!(name, "one-of-many", "{address}");
        }
    }
}

async fn a_terminal_whose_other_end_is_gone_is_a_lost_connection<R: Runtime>(_: &Agent) {
    let (port, address) = pseudo_terminal();
    let mut session = R::connect_lazy(&address);
    let error = session.call_timeout(&GuestPing::new(), Duration::from_millis(100)).await;
    assert!(matches!(error, Err(Error::TimedOut(_))), "{error:?}");
    drop(port);
    let error = session.call(&GuestPing::new()).await.expect_err("there is nobody");
    assert!(matches!(error, Error::Closed(Sent::Nothing)), "{error:?}");
}

/// Where the system has no vsock at all, that is an answer, too.
async fn an_address_that_leads_nowhere_fails_in_time<R: Runtime>(_: &Agent) {
    for address in ["tcp:127.0.0.1:1", "vsock:1:1", "serial:/no/such/device"] {
        let start = StdInstant::now();
        let mut session = R::connect_lazy(address);
        let error = session.call_timeout(&GuestPing::new(), Duration::from_millis(300)).await;
        assert!(matches!(error, Err(Error::Connect(_))), "{address}: {error:?}");
        assert_in_time(start);
    }
}

/// What is sent to a port whose backlog is full is dropped without a word.
async fn a_host_that_says_nothing_is_given_up_in_time<R: Runtime>(_: &Agent) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    listener.listen(0).expect("a listener");
    let address = listener.local_addr().expect("an address").as_socket().expect("of TCP");
    let mut waiting = Vec::new();
    let error = loop {
        let start = StdInstant::now();
        let mut session = R::connect_lazy(&format!("tcp:{address}"));
        let deadline = session.deadline(Duration::from_millis(200));
        let result = session.connect(deadline).await;
        assert_in_time(start);
        match result {
            Ok(()) => waiting.push(session),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "there is always room");
    };
    let Error::Connect(error) = error else { panic!("{error:?}") };
    assert_eq!(R::Transport::cause(&error), Cause::TimedOut, "{error:?}");
}

/// One end, and the address of the other.
fn pseudo_terminal() -> (SerialPort, String) {
    let (port, terminal) = SerialPort::pair().expect("a pseudo terminal");
    let path = format!("/proc/self/fd/{}", terminal.as_raw_fd());
    let path = std::fs::read_link(path).expect("the terminal's path");
    // Kept open: a terminal that nobody has open is gone for its other end.
    std::mem::forget(terminal);
    (port, format!("serial:{}", path.display()))
}

async fn no_connection<R: Runtime>(session: &mut Session<R>) -> (Cause, Diagnosis) {
    let error = session.call(&GuestPing::new()).await.expect_err("there is nobody");
    assert!(!error.is_fate_unknown());
    let deadline = session.deadline(TIMEOUT);
    let diagnosis = session.diagnose(&error, deadline).await;
    let Error::Connect(error) = error else { panic!("{error:?}") };
    (R::Transport::cause(&error), diagnosis)
}

/// What has happened to a session since it was asked last.
pub(crate) fn events<R: Runtime>(session: &mut Session<R>) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

fn assert_in_time(start: StdInstant) {
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
