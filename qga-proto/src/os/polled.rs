//! The transport over streams that are polled: all of an asynchronous adapter that does not depend on its runtime.

use core::fmt;
use core::future::{self, Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::io::{self, ErrorKind};

use super::peer_or_end;
use crate::buffer::Buffer;
use crate::session::Session;
use crate::shared::{Clock, Shared};
use crate::time::Instant;
use crate::transport::{Cause, Transport};

/// A stream of bytes that is polled: what the traits of all runtimes have in common.
pub trait PollStream {
    /// Reads what is there; 0 bytes at the end of the stream.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes what can be written at once.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends what the stream has held back, as TLS does.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the connection before the stream is dropped. A socket is shut down in both directions and
    /// [drained](super::drain); the default, for streams that need nothing of the kind, does nothing.
    fn end(&mut self) {}
}

impl<S: PollStream + ?Sized> PollStream for Box<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        (**self).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(context)
    }

    fn end(&mut self) {
        (**self).end();
    }
}

/// Any [`PollStream`] as a [`Transport`], and the way to make a new one. A stream is [ended](PollStream::end) before
/// another takes its place, and when this is dropped.
pub struct Connection<S: PollStream, K> {
    stream: Option<S>,
    connector: Option<Connector<S>>,
    clock: K,
}

/// Makes a stream.
type Connector<S> = Box<dyn FnMut() -> Connecting<S> + Send>;
type Connecting<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

impl<S: PollStream, K: Clock + Copy> Connection<S, K> {
    /// A transport over a stream. When that has ended, it is over.
    pub fn new(stream: S, clock: K) -> Self {
        Self { stream: Some(stream), connector: None, clock }
    }

    /// A transport that makes its streams, with a function that tries once; its future is dropped when the time is
    /// over. There is no stream yet.
    pub fn with_connector<F>(mut connector: impl FnMut() -> F + Send + 'static, clock: K) -> Self
    where
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let connector: Connector<S> = Box::new(move || Box::pin(connector()));
        Self { stream: None, connector: Some(connector), clock }
    }

    /// The stream, while there is one.
    pub fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// The clock that deadlines are measured by.
    pub fn clock(&self) -> K {
        self.clock
    }
}

impl<S: PollStream, K: Clock + Copy, Rx: Buffer, Tx: Buffer> Session<Connection<S, K>, Rx, Tx> {
    /// Makes handles of this session for many tasks. No more than `limit` calls may wait, beside the one that is served.
    pub fn share(self, limit: usize) -> Shared<Connection<S, K>, K, Rx, Tx> {
        let clock = self.transport().clock();
        Shared::new(self, clock, limit)
    }
}

impl<S: PollStream, K> Connection<S, K> {
    fn end(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            stream.end();
        }
    }
}

impl<S: PollStream, K: Clock + Copy> Transport for Connection<S, K> {
    type Error = io::Error;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    async fn connect(&mut self, deadline: Instant) -> io::Result<bool> {
        self.end();
        let Some(connector) = &mut self.connector else { return Ok(false) };
        let result = self.clock.timeout(connector(), deadline).await;
        self.stream = Some(result.unwrap_or_else(|| Err(ErrorKind::TimedOut.into()))?);
        Ok(true)
    }

    fn disconnect(&mut self) -> bool {
        if self.connector.is_some() {
            self.end();
        }
        self.connector.is_some()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else { return Ok(Some(0)) };
        // What is held back is sent here, not when it is written: a write whose future is dropped must have sent nothing.
        let read = poll_fn(|context| match (stream.poll_flush(context), stream.poll_read(context, buffer)) {
            (Poll::Ready(Err(error)), Poll::Pending) => Poll::Ready(Err(error)),
            // What cannot leave keeps nothing out that comes: the agent may be waiting for that.
            (_, read) => read,
        });
        self.clock.timeout(read, deadline).await.map(peer_or_end).transpose()
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else { return Ok(Some(0)) };
        let write = poll_fn(|context| stream.poll_write(context, bytes));
        self.clock.timeout(write, deadline).await.map(peer_or_end).transpose()
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.clock.timeout(future::pending::<()>(), deadline).await;
    }

    fn cause(error: &io::Error) -> Cause {
        error.into()
    }
}

impl<S: PollStream, K> Drop for Connection<S, K> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<S: PollStream, K> fmt::Debug for Connection<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_connected", &self.stream.is_some()).finish_non_exhaustive()
    }
}
