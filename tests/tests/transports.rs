//! What only the blocking adapter has: streams of its own kind; and what its errors say. The rest is in `adapters`.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use qga_proto::commands::GuestPing;
use qga_proto::{Diagnosis, Error, Sent, TimedOut};
use qga_std::{AnyStream, Session, connect};
use serial2::SerialPort;

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
    assert!(error.to_string().contains("another client holds the channel"), "{error}");
    assert_in_time(start);
}

/// A stream of the user's own needs only reads, writes and time limits.
#[test]
fn a_stream_that_nobody_reads_ends_in_time() {
    let (host, _guest) = UnixStream::pair().expect("a socket pair");
    let mut session = Session::new(host);
    let start = Instant::now();
    session.call_timeout(&GuestPing::new(), Duration::from_millis(300)).expect_err("nobody is there");
    assert_in_time(start);
}

#[test]
fn an_error_on_connecting_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("unix:{}", folder.path().join("socket").display());
    let missing = connect(&address, Duration::from_secs(10)).expect_err("no socket");
    assert_eq!(missing.io_error().map(std::io::Error::kind), Some(ErrorKind::NotFound));
    assert_eq!((missing.address(), missing.diagnosis()), (address.as_str(), Diagnosis::NoSocket));
    let wrong = connect("udp:host:1", Duration::from_secs(10)).expect_err("no such scheme");
    assert!(wrong.io_error().is_none());
    assert_eq!(wrong.diagnosis(), Diagnosis::BadAddress);
}

fn assert_in_time(start: Instant) {
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
