//! Blocking calls.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use qga_proto::{Client, Command, Config, Instant, OwnedCommand, Transport};

use crate::connect::AnyStream;
use crate::transport::{Connection, Stream};

/// Why a call failed.
pub type Error = qga_proto::Error<io::Error>;

/// A connection to an agent, for blocking calls. Whatever happens to one call, the next gets its own answer.
#[derive(Debug)]
pub struct Session<S: Stream = AnyStream>(qga_proto::Session<Connection<S>, Vec<u8>>);

impl<S: Stream> Session<S> {
    /// A session over a fresh connection. Nothing is sent before the first call.
    pub fn new(stream: S) -> Self {
        Self::with_config(stream, Config::default())
    }

    /// A session with other limits and intervals.
    pub fn with_config(stream: S, config: Config) -> Self {
        // A hasher's random keys are the standard library's source of randomness.
        let seed = RandomState::new().build_hasher().finish();
        let client = Client::new(config, Vec::new(), Vec::new(), seed);
        Self(qga_proto::Session::new(Connection::new(stream), client))
    }

    /// Sets how long a call may take, sync included, where it does not say itself. Default: 10 s.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.0.set_timeout(timeout);
    }

    /// Calls a command and waits for the reply.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After `Closed` and `Transport` the session is over; after all others the next call can follow.
    pub fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error> {
        block_on(self.0.call(command))
    }

    /// Calls a command that may take as long as `timeout`, sync included.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After `Closed` and `Transport` the session is over; after all others the next call can follow.
    pub fn call_timeout<C: OwnedCommand>(
        &mut self,
        command: &C,
        timeout: Duration,
    ) -> Result<C::Owned, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.call_until(command, deadline))
    }

    /// Calls a command; the reply borrows from the session's buffer and is decoded while it is looked at.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After `Closed` and `Transport` the session is over; after all others the next call can follow.
    pub fn call_view<C: Command>(&mut self, command: &C) -> Result<C::View<'_>, Error> {
        block_on(self.0.call_view(command))
    }

    /// Calls as [`call_view`](Self::call_view) a command that may take as long as `timeout`, sync included.
    ///
    /// # Errors
    ///
    /// As [`call_view`](Self::call_view).
    pub fn call_view_timeout<C: Command>(
        &mut self,
        command: &C,
        timeout: Duration,
    ) -> Result<C::View<'_>, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.call_view_until(command, deadline))
    }

    /// Whether an agent has ever answered on this connection.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.0.client().heard()
    }

    /// The session inside, whose futures [`block_on`] runs.
    pub fn as_inner(&mut self) -> &mut qga_proto::Session<Connection<S>, Vec<u8>> {
        &mut self.0
    }

    fn deadline(&self, timeout: Duration) -> Instant {
        self.0.transport().now() + timeout
    }
}

/// Runs a future over blocking transports to its end. Such a future never waits for anything but the transport, which
/// blocks: it is ready when polled once.
///
/// # Panics
///
/// When the future waits for something else.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that is not a blocking transport"),
    }
}
