//! Every kind of stream, up to the simulated guest and back; and connecting in time.

use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use qga_proto::commands::{GuestGetHostName, GuestPing};
use qga_proto::{Cause, Error, Sent, TimedOut};
use qga_sim::{Guest, Server, Sim};
use qga_std::{AnyStream, Session, connect};
use serial2::SerialPort;
use socket2::{Domain, SockAddr, Socket, Type};

const TIMEOUT: Duration = Duration::from_secs(10);

fn guest() -> Guest {
    Guest::new().host_name("one-of-many")
}

fn assert_answers(mut session: Session) {
    for _ in 0..3 {
        assert_eq!(session.call(&GuestGetHostName::new()).expect("an answer").host_name, "one-of-many");
    }
}

#[test]
fn unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("unix:{}", folder.path().join("socket").display());
    let _server = Server::bind(&address, guest()).expect("a socket").spawn().expect("a thread");
    for _ in 0..3 {
        assert_answers(connect(&address, TIMEOUT).expect("a connection"));
    }
}

#[test]
fn tcp() {
    let server = Server::bind("tcp:127.0.0.1:0", guest()).expect("a port").spawn().expect("a thread");
    let address = server.address().to_string();
    assert_answers(connect(&address, TIMEOUT).expect("a connection"));
    assert_answers(
        connect(&address.replace("127.0.0.1", "localhost"), TIMEOUT).expect("a name is looked up"),
    );
}

#[test]
fn pseudo_terminal() {
    let (host, port) = SerialPort::pair().expect("a pseudo terminal");
    thread::spawn(move || qga_sim::serve(&mut Sim::new(guest()), port));
    assert_answers(Session::new(AnyStream::Serial(host)));
}

#[test]
fn a_stream_that_says_nothing_ends_in_time() {
    let (host, _port) = SerialPort::pair().expect("a pseudo terminal");
    let mut session = Session::new(AnyStream::Serial(host));
    let start = Instant::now();
    let error =
        session.call_timeout(&GuestPing::new(), Duration::from_millis(300)).expect_err("nobody is there");
    assert!(
        matches!(error, Error::TimedOut(TimedOut { sent: Sent::Nothing, heard: false, .. })),
        "{error:?}"
    );
    assert_in_time(start);
}

/// A stream of the user's own needs only reads, writes and time limits.
#[test]
fn a_stream_that_nobody_reads_ends_in_time() {
    let (host, _guest) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
    let mut session = Session::new(host);
    let start = Instant::now();
    session.call_timeout(&GuestPing::new(), Duration::from_millis(300)).expect_err("nobody is there");
    assert_in_time(start);
}

#[test]
fn a_full_backlog_does_not_hold_a_connection_up_beyond_its_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&SockAddr::unix(&path).expect("a path")).expect("a free path");
    listener.listen(0).expect("a listener");
    let address = format!("unix:{}", path.display());
    let start = Instant::now();
    let mut waiting = Vec::new();
    let error = loop {
        match connect(&address, Duration::from_millis(300)) {
            Ok(session) => waiting.push(session),
            Err(error) => break error,
        }
    };
    // Not only that it took too long: the channel is taken.
    assert_eq!(error.io_error().map(Cause::from), Some(Cause::Busy), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(290), "it was waited for room");
    assert_in_time(start);
}

#[test]
fn a_socket_that_nobody_listens_on_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let address = format!("unix:{}", path.display());
    let missing = connect(&address, TIMEOUT).expect_err("no socket");
    assert_eq!(missing.io_error().map(std::io::Error::kind), Some(ErrorKind::NotFound));
    drop(UnixListener::bind(&path).expect("a listener"));
    let refused = connect(&address, TIMEOUT).expect_err("no listener");
    assert_eq!(refused.io_error().map(std::io::Error::kind), Some(ErrorKind::ConnectionRefused));
    let wrong = connect("udp:host:1", TIMEOUT).expect_err("no such scheme");
    assert!(wrong.io_error().is_none());
}

fn assert_in_time(start: Instant) {
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
