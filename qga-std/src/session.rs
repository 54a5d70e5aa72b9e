//! Blocking calls.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant as StdInstant};

use qga_proto::{
    Capabilities, Command, Config, Diagnosis, Event, Instant, NamedCommand, OwnedCommand, Ready, Reconnect,
    Timeouts, os,
};

use crate::connect::AnyStream;
use crate::shared::Shared;
use crate::transport::{Connection, Stream};

/// Why a call failed.
pub type Error = qga_proto::Error<io::Error>;

/// Why there was no agent ready.
pub type NotReady = qga_proto::NotReady<io::Error>;

/// Blocking calls to one agent. Whatever happens to one call, the next gets its own answer; see [`qga_proto::Session`],
/// which this wraps.
#[derive(Debug)]
pub struct Session<S: Stream = AnyStream>(pub(crate) qga_proto::Session<Connection<S>, Vec<u8>>);

impl<S: Stream> Session<S> {
    /// A session over a connection that stands. Nothing is sent before the first call.
    pub fn new(stream: S) -> Self {
        Self::with_config(stream, Config::default())
    }

    /// A session with other limits and intervals.
    pub fn with_config(stream: S, config: Config) -> Self {
        Self(qga_proto::Session::new(Connection::new(stream), os::client(config)))
    }

    /// A session that makes its connections, with a function that tries once, up to a deadline. There is none yet: the
    /// first call makes it.
    pub fn with_connector(connector: impl FnMut(StdInstant) -> io::Result<S> + Send + 'static) -> Self {
        Self(qga_proto::Session::unconnected(
            Connection::with_connector(connector),
            os::client(Config::default()),
        ))
    }

    /// Sets how long calls may take that do not say it themselves, by kind of command.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.0.set_timeouts(timeouts);
    }

    /// Sets how long a call of any command may take that does not say it itself, instead of the [`Timeouts`] of its kind.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.0.set_timeout(timeout);
    }

    /// Sets what happens when the connection is over. Default: [`Reconnect::NEVER`].
    pub fn set_reconnect(&mut self, policy: Reconnect) {
        self.0.set_reconnect(policy);
    }

    /// Makes a connection, now, whatever the policy says; ends the one that there is.
    ///
    /// # Errors
    ///
    /// `Connect`, or `Closed` when the session was not told how to connect.
    pub fn connect(&mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.connect(deadline))
    }

    /// Waits until an agent answers and the guest is not frozen; see [`qga_proto::Session::wait_ready`].
    ///
    /// # Errors
    ///
    /// What was seen up to the deadline.
    pub fn wait_ready(&mut self, timeout: Duration) -> Result<Ready, NotReady> {
        let deadline = self.deadline(timeout);
        block_on(self.0.wait_ready(deadline))
    }

    /// What the agent can do. Asked once for each connection.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        block_on(self.0.capabilities())
    }

    /// Whether the agent carries a command out, or does not say. Costs a call only when that is not known.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn supports<C: NamedCommand>(&mut self) -> Result<bool, Error> {
        block_on(self.0.supports::<C>())
    }

    /// Finds out what is behind a call's error; asks the agent, if need be, for as long as `timeout`.
    pub fn diagnose(&mut self, error: &Error, timeout: Duration) -> Diagnosis {
        let deadline = self.deadline(timeout);
        block_on(self.0.diagnose(error, deadline))
    }

    /// What has happened to the connection since it was asked last, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.0.poll_event()
    }

    /// Makes handles of this session for many threads. No more than `limit` calls may wait, beside the one that is
    /// served.
    pub fn share(self, limit: usize) -> Shared<S> {
        Shared::new(self.0, limit)
    }

    /// Calls a command and waits for the reply. Takes no longer than the session's [`Timeouts`] say.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but `QueueFull`.
    pub fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error> {
        block_on(self.0.call(command))
    }

    /// Calls a command that may take as long as `timeout`, connection and sync included.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but `QueueFull`.
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
    /// Every [`Error`] but `QueueFull`.
    pub fn call_view<C: Command>(&mut self, command: &C) -> Result<C::View<'_>, Error> {
        block_on(self.0.call_view(command))
    }

    /// Calls as [`call_view`](Self::call_view) a command that may take as long as `timeout`, connection and sync included.
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
        self.0.heard()
    }

    /// The session inside, whose futures [`block_on`] runs.
    pub fn as_inner(&mut self) -> &mut qga_proto::Session<Connection<S>, Vec<u8>> {
        &mut self.0
    }

    /// The session inside, whose futures [`block_on`] runs.
    #[must_use]
    pub fn into_inner(self) -> qga_proto::Session<Connection<S>, Vec<u8>> {
        self.0
    }

    pub(crate) fn deadline(&self, timeout: Duration) -> Instant {
        self.0.deadline(timeout)
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
