//! Over streams that are asynchronous.

use core::future::{self, Future};
use core::pin::pin;
use core::task::Poll;

use embedded_io_async::{Read, Write};

use crate::time::Instant;
use crate::transport::Transport;

/// A clock that can wait: what an executor gives.
pub trait Timer {
    /// What time it is.
    fn now(&self) -> Instant;

    /// Waits until the deadline; one that has passed, not at all. May be dropped at any time.
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()>;
}

/// A transport over an asynchronous stream.
///
/// A read or a write that is not done at its deadline is dropped. So the stream's own must be side-effect-free when they are
/// dropped, as those of buffered UARTs are; the trait leaves that open, and one that is not loses bytes, which costs calls
/// but is never taken for an answer. What is written is flushed before the next read.
#[derive(Debug)]
pub struct Async<S, C> {
    stream: S,
    timer: C,
    is_flushed: bool,
}

impl<S, C: Timer> Async<S, C> {
    /// Over this stream, by this clock.
    pub fn new(stream: S, timer: C) -> Self {
        Self { stream, timer, is_flushed: true }
    }

    /// The stream inside. To read from it or write to it breaks a session.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream, back.
    pub fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: Read + Write, C: Timer> Transport for Async<S, C> {
    type Error = S::Error;

    fn now(&self) -> Instant {
        self.timer.now()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, S::Error> {
        if !self.is_flushed {
            match first(self.stream.flush(), self.timer.sleep_until(deadline)).await {
                Some(result) => result?,
                None => return Ok(None),
            }
            self.is_flushed = true;
        }
        first(self.stream.read(buffer), self.timer.sleep_until(deadline)).await.transpose()
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, S::Error> {
        self.is_flushed = false;
        first(self.stream.write(bytes), self.timer.sleep_until(deadline)).await.transpose()
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.timer.sleep_until(deadline).await;
    }
}

/// Runs a future up to the end of another; `None`: that came first.
async fn first<F: Future>(future: F, end: impl Future<Output = ()>) -> Option<F::Output> {
    let (mut future, mut end) = (pin!(future), pin!(end));
    future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}
