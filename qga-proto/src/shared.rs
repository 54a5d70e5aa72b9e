//! One session for many tasks or threads.

use core::fmt;
use core::future::Future;
use core::ops::{Deref, DerefMut};
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Vec;

use crate::buffer::Buffer;
use crate::command::OwnedCommand;
use crate::error::{Error, Sent, TimedOut};
use crate::session::Session;
use crate::time::Instant;
use crate::timeouts::Timeouts;
use crate::transport::Transport;

mod line;
use line::{Full, Held, Line};

/// Time for many at once: what a [`Shared`] session needs of a runtime, beyond its transport.
pub trait Clock {
    /// What time it is; the same as the transport's.
    fn now(&self) -> Instant;

    /// Runs a future until the deadline; `None`: that came first.
    fn timeout<F: Future>(&self, future: F, deadline: Instant) -> impl Future<Output = Option<F::Output>>;
}

/// A handle on one [`Session`], for many tasks or threads. Cloning it is cheap.
///
/// Calls are served in the order in which they came. One that waits and is dropped, or whose deadline passes, leaves
/// the queue at once and keeps nobody waiting; so does one that is dropped while it is served.
pub struct Shared<T, K, Rx = Vec<u8>, Tx = Rx> {
    line: Line<Session<T, Rx, Tx>>,
    clock: K,
    pub(crate) timeouts: Timeouts,
    heard: Arc<AtomicBool>,
    /// Whether somebody who held the guest frozen is gone, and has not thawed it.
    pub(crate) abandoned: Arc<AtomicBool>,
}

impl<T: Transport, K: Clock, Rx: Buffer, Tx: Buffer> Shared<T, K, Rx, Tx> {
    /// Shares a session, with its [`Timeouts`] as they are now. No more than `limit` calls may wait, beside the one that is served.
    pub fn new(session: Session<T, Rx, Tx>, clock: K, limit: usize) -> Self {
        let (timeouts, heard) = (session.timeouts, Arc::new(AtomicBool::new(session.heard())));
        Self { line: Line::new(session, limit), clock, timeouts, heard, abandoned: Arc::default() }
    }

    /// Calls a command. Takes no longer than the session's [`Timeouts`] say, waiting for others included.
    ///
    /// Dropping the future gives the call up, as [`Session::call`] says, or leaves the queue.
    ///
    /// # Errors
    ///
    /// Every [`Error`].
    pub async fn call<C: OwnedCommand>(&self, command: &C) -> Result<C::Owned, Error<T::Error>> {
        self.call_timeout(command, self.timeouts.of(command.name())).await
    }

    /// Calls a command that may take as long as `timeout`, waiting for others included. As [`call`](Self::call) otherwise.
    ///
    /// # Errors
    ///
    /// Every [`Error`].
    pub async fn call_timeout<C: OwnedCommand>(
        &self,
        command: &C,
        timeout: Duration,
    ) -> Result<C::Owned, Error<T::Error>> {
        let deadline = self.clock.now() + timeout;
        self.lock(deadline).await?.call_until(command, deadline).await
    }

    /// Waits until no other call is served, and gives the session: for calls between which no other may come. They need
    /// a deadline each; as long as the guard lives, all others wait.
    ///
    /// Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`], [`Error::QueueFull`].
    pub async fn lock(&self, deadline: Instant) -> Result<SharedGuard<T, Rx, Tx>, Error<T::Error>> {
        match self.clock.timeout(self.line.take(), deadline).await {
            Some(Ok(mut held)) => {
                if self.abandoned.swap(false, Ordering::Relaxed) {
                    held.get_mut().owe_thaw();
                }
                Ok(SharedGuard { held, heard: self.heard.clone() })
            }
            Some(Err(Full { limit })) => Err(Error::QueueFull { limit }),
            None => {
                let heard = self.heard.load(Ordering::Relaxed);
                Err(Error::TimedOut(TimedOut { sent: Sent::Nothing, heard, noise: false }))
            }
        }
    }

    /// The point in time that is `timeout` from now, for [`lock`](Self::lock) and what is done with the guard.
    pub fn deadline(&self, timeout: Duration) -> Instant {
        self.clock.now() + timeout
    }

    /// Whether there is any other handle on the session.
    pub(crate) fn is_last(&self) -> bool {
        self.line.is_last()
    }

    /// The clock inside.
    pub fn clock(&self) -> &K {
        &self.clock
    }
}

impl<T, K: Clone, Rx, Tx> Clone for Shared<T, K, Rx, Tx> {
    fn clone(&self) -> Self {
        Self {
            line: self.line.clone(),
            clock: self.clock.clone(),
            timeouts: self.timeouts,
            heard: self.heard.clone(),
            abandoned: self.abandoned.clone(),
        }
    }
}

impl<T, K, Rx, Tx> fmt::Debug for Shared<T, K, Rx, Tx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

/// The session of a [`Shared`], which all others wait for until this is dropped.
pub struct SharedGuard<T: Transport, Rx: Buffer = Vec<u8>, Tx: Buffer = Rx> {
    held: Held<Session<T, Rx, Tx>>,
    heard: Arc<AtomicBool>,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Deref for SharedGuard<T, Rx, Tx> {
    type Target = Session<T, Rx, Tx>;

    fn deref(&self) -> &Self::Target {
        self.held.get()
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> DerefMut for SharedGuard<T, Rx, Tx> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.held.get_mut()
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Drop for SharedGuard<T, Rx, Tx> {
    fn drop(&mut self) {
        self.heard.store(self.held.get().heard(), Ordering::Relaxed);
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> fmt::Debug for SharedGuard<T, Rx, Tx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedGuard").finish_non_exhaustive()
    }
}
