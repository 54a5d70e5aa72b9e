//! What adapters on operating systems share.

use core::future::{self, Future};
use core::pin::pin;
use core::task::Poll;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read};
use std::vec::Vec;

use crate::client::{Client, Config};
use crate::transport::Cause;

mod connect_error;
pub use connect_error::ConnectError;

mod polled_file;
pub use polled_file::{Finished, Operating, Operation, PolledFile, operate};

mod polled;
pub use polled::{Connection, PollStream};

/// A client with buffers that grow, and a seed that no other has.
#[must_use]
pub fn client(config: Config) -> Client<Vec<u8>> {
    // A hasher's random keys are the standard library's source of randomness.
    Client::new(config, Vec::new(), Vec::new(), RandomState::new().build_hasher().finish())
}

/// Runs a future until a timer ends it; `None`: that came first. The timer is started only when the future has to wait.
///
/// Dropping this drops the future.
pub async fn with_timer<F: Future, T: Future>(future: F, start: impl FnOnce() -> T) -> Option<F::Output> {
    let (mut future, mut timer, mut start) = (pin!(future), pin!(None), Some(start));
    future::poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if let Some(start) = start.take() {
            timer.set(Some(start()));
        }
        // It was set at the first poll.
        timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(context)).map(|_| None)
    })
    .await
}

/// Sorts out what a read or write with a time limit gives: nothing in time, or no peer, is no error.
///
/// # Errors
///
/// The others.
pub fn in_time(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match peer_or_end(result) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
            ) =>
        {
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// Sorts out what a read or write gives: that the peer is gone is the end of the stream, no error.
///
/// # Errors
///
/// The others.
pub fn peer_or_end(result: io::Result<usize>) -> io::Result<usize> {
    result.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Ok(0),
        // A terminal whose other end is gone.
        _ if error.raw_os_error() == Some(EIO) => Ok(0),
        _ => Err(error),
    })
}

/// The same number on all Unix systems; without a name in the standard library.
const EIO: i32 = 5;

/// Sorts out the result of connecting without waiting: that it is under way is no error.
///
/// # Errors
///
/// The others.
pub fn under_way(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.raw_os_error() == Some(EINPROGRESS) { Ok(()) } else { Err(error) })
}

/// Linux's number, MIPS and SPARC apart; without a name in the standard library. Elsewhere nothing is connected this way.
const EINPROGRESS: i32 = 115;

/// Reads what is left in a connection that has been shut down in both directions, before it is closed: a real agent that
/// listens on a Unix socket exits when its client closes with a reply unread (all versions up to QEMU 11.1).
///
/// Does not wait, if the stream does not: what has been shut down gets nothing new.
pub fn drain(mut stream: impl Read) {
    let mut sink = [0; 16 * 1024];
    let mut drained = 0;
    while let Ok(n @ 1..) = stream.read(&mut sink) {
        drained += n;
        if drained > DRAIN_LIMIT {
            return;
        }
    }
}

/// How many bytes are read at the end of a connection at the most: a bound, far above what systems keep in a socket.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;

impl From<crate::Error<Self>> for io::Error {
    /// Keeps what it says; the kind is `TimedOut` for a deadline that passed, `NotConnected` where there is no connection,
    /// and `Other` for what the agent has refused, as it does not say why in a way that could be relied on.
    fn from(error: crate::Error<Self>) -> Self {
        let kind = match &error {
            _ if error.is_timeout() => ErrorKind::TimedOut,
            _ if error.is_connection_lost() => ErrorKind::NotConnected,
            crate::Error::Protocol(_) => ErrorKind::InvalidData,
            _ => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::PermissionDenied => Self::Denied,
            // A Unix socket whose backlog is full.
            ErrorKind::WouldBlock => Self::Busy,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::InvalidInput | ErrorKind::Unsupported => Self::Invalid,
            _ => Self::Other,
        }
    }
}
