//! A virtual line as the streams of every runtime, and its time as their clock.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use qga_proto::{Clock, Instant, Transport};
use qga_sim::VirtualLine;

/// The line, which a connection that ends gives back.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<VirtualLine>>);

impl World {
    pub(crate) fn new(line: VirtualLine) -> Self {
        Self(Arc::new(Mutex::new(line)))
    }

    pub(crate) fn line(&self) -> MutexGuard<'_, VirtualLine> {
        self.0.lock().expect("nobody has panicked")
    }

    /// Makes it the one by which this thread's [`VirtualClock`] goes.
    pub(crate) fn enter(&self) {
        WORLD.set(Some(self.clone()));
    }

    /// Connects, if there is anybody.
    pub(crate) fn connect(&self) -> io::Result<Stream> {
        let connected = qga_std::block_on(self.line().connect(Instant::FAR_FUTURE));
        connected.map_err(|error| io::Error::new(ErrorKind::ConnectionRefused, error))?;
        Ok(Stream { world: self.clone(), timeout: Duration::ZERO })
    }
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// A clock that stands still until somebody waits.
#[derive(Clone, Copy)]
pub(crate) struct VirtualClock;

impl VirtualClock {
    fn world() -> World {
        WORLD.with_borrow(|world| world.clone().expect("the thread has entered one"))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        Self::world().line().now()
    }

    async fn timeout<F: Future>(&self, future: F, deadline: Instant) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Some(output));
                }
                let world = Self::world();
                let mut line = world.line();
                if line.now() >= deadline {
                    return Poll::Ready(None);
                }
                let next = line.poll_timeout().map_or(deadline, |at| at.min(deadline));
                line.advance(next);
            }
        })
        .await
    }
}

/// The client's end of a connection.
pub(crate) struct Stream {
    world: World,
    timeout: Duration,
}

impl Stream {
    /// Reads what is there now.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut line = self.world.line();
        let now = line.now();
        qga_std::block_on(line.read(buffer, now)).expect("reading does not fail")
    }

    /// Writes what there is room for now.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> Option<usize> {
        let mut line = self.world.line();
        let now = line.now();
        qga_std::block_on(line.write(bytes, now)).expect("writing does not fail")
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.world.line().disconnect();
    }
}

/// Blocking.
impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut line = self.world.line();
        let deadline = line.now() + self.timeout;
        let read = qga_std::block_on(line.read(buffer, deadline)).expect("reading does not fail");
        read.ok_or_else(|| ErrorKind::WouldBlock.into())
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.world.line();
        let deadline = line.now() + self.timeout;
        let written = qga_std::block_on(line.write(bytes, deadline)).expect("writing does not fail");
        written.ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl qga_std::Stream for Stream {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }
}

/// As smol has it. Nobody is woken: who waits by the [`VirtualClock`] looks again by himself.
impl smol::io::AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read_now(buffer).map_or(Poll::Pending, |n| Poll::Ready(Ok(n)))
    }
}

impl smol::io::AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write_now(bytes).map_or(Poll::Pending, |n| Poll::Ready(Ok(n)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
