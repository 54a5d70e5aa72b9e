//! Over streams that block.

use core::future::Future;
use core::hint;
use core::mem;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_io::{Read, ReadReady, Write};

use crate::time::Instant;
use crate::transport::Transport;

/// A transport over a stream that blocks, with `now` for a clock.
///
/// A read polls [`ReadReady`] up to its deadline. A write takes as long as the stream's own does: it blocks until at least one
/// byte is taken, so behind flow control a call may last longer than its deadline says. What is written is flushed
/// before the next read. All is done when the future has been polled once; [`block_on`] does that.
///
/// ```
/// use qga_proto::commands::GuestPing;
/// use qga_proto::embedded::{Blocking, block_on};
/// use qga_proto::{Client, Config, Error, Instant, Session};
///
/// fn ping<U>(uart: U, ticks: impl Fn() -> Instant) -> Result<(), Error<U::Error>>
/// where
///     U: embedded_io::Read + embedded_io::ReadReady + embedded_io::Write,
/// {
///     let client = Client::new(Config::default(), [0; 2048], [0; 512], 0x5EED);
///     let mut session = Session::new(Blocking::new(uart, ticks), client);
///     block_on(session.call_view(&GuestPing::new())).map(drop)
/// }
/// ```
#[derive(Debug)]
pub struct Blocking<S, C> {
    stream: S,
    now: C,
    is_flushed: bool,
}

impl<S, C: Fn() -> Instant> Blocking<S, C> {
    /// Over this stream, by this clock.
    pub fn new(stream: S, now: C) -> Self {
        Self { stream, now, is_flushed: true }
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

impl<S: Read + ReadReady + Write, C: Fn() -> Instant> Transport for Blocking<S, C> {
    type Error = S::Error;

    fn now(&self) -> Instant {
        (self.now)()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, S::Error> {
        if !mem::replace(&mut self.is_flushed, true) {
            self.stream.flush()?;
        }
        while !self.stream.read_ready()? {
            if self.now() >= deadline {
                return Ok(None);
            }
            hint::spin_loop();
        }
        self.stream.read(buffer).map(Some)
    }

    async fn write(&mut self, bytes: &[u8], _: Instant) -> Result<Option<usize>, S::Error> {
        self.is_flushed = false;
        self.stream.write(bytes).map(Some)
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        while self.now() < deadline {
            hint::spin_loop();
        }
    }
}

/// Runs a future by polling it again and again; one of a session over [`Blocking`] is ready at once.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        hint::spin_loop();
    }
}
