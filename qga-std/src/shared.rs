//! Blocking calls from many threads.

use std::fmt;
use std::time::Duration;

use qga_proto::{Clock as _, OwnedCommand, SharedGuard};

use crate::clock::Clock;
use crate::session::{Error, block_on};
use crate::transport::{Connection, Stream};

/// A handle on one [`Session`](crate::Session), for many threads; see [`qga_proto::Shared`], which this wraps.
pub struct Shared<S: Stream>(qga_proto::Shared<Connection<S>, Clock>);

impl<S: Stream> Shared<S> {
    pub(crate) fn new(session: qga_proto::Session<Connection<S>, Vec<u8>>, limit: usize) -> Self {
        let clock = session.transport().clock();
        Self(qga_proto::Shared::new(session, clock, limit))
    }

    pub(crate) fn as_inner(&self) -> &qga_proto::Shared<Connection<S>, Clock> {
        &self.0
    }

    /// Calls a command. Takes no longer than the session's timeouts say, waiting for others included.
    ///
    /// # Errors
    ///
    /// Every [`Error`].
    pub fn call<C: OwnedCommand>(&self, command: &C) -> Result<C::Owned, Error> {
        block_on(self.0.call(command))
    }

    /// Calls a command that may take as long as `timeout`, waiting for others included.
    ///
    /// # Errors
    ///
    /// Every [`Error`].
    pub fn call_timeout<C: OwnedCommand>(&self, command: &C, timeout: Duration) -> Result<C::Owned, Error> {
        block_on(self.0.call_timeout(command, timeout))
    }

    /// Waits until no other call is served, and gives the session inside, whose futures [`block_on`] runs.
    ///
    /// # Errors
    ///
    /// `TimedOut`, `QueueFull`.
    pub fn lock(&self, timeout: Duration) -> Result<SharedGuard<Connection<S>>, Error> {
        block_on(self.0.lock(self.0.clock().now() + timeout))
    }
}

impl<S: Stream> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Stream> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
