//! The line to a guest, on which a signal stops whoever waits.

use std::future;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant as StdInstant};

use qga_proto::{Cause, Instant, Transport};
use qga_std::Connection;

use crate::connection;
use crate::guests::Guest;
use crate::signals::Guarded;

/// How long nobody looks whether a signal has come.
const SLICE: Duration = Duration::from_millis(50);

/// A connection whose futures are ready when they are polled first, or, once a signal has come, never.
#[derive(Debug)]
pub(crate) struct Line {
    connection: Connection<Guarded>,
    stop: Stop,
}

impl Line {
    /// A line to a guest. There is no connection yet.
    pub(super) fn new(guest: Guest, stop: Stop) -> Self {
        Self { connection: Connection::with_connector(connector(guest, stop.clone())), stop }
    }

    /// Waits for ever once a signal has come.
    async fn go_on(&self) {
        if self.stop.is_set() {
            future::pending::<()>().await;
        }
    }
}

impl Transport for Line {
    type Error = io::Error;

    fn now(&self) -> Instant {
        self.connection.now()
    }

    async fn connect(&mut self, deadline: Instant) -> io::Result<bool> {
        let result = self.connection.connect(deadline).await;
        self.go_on().await;
        result
    }

    fn disconnect(&mut self) -> bool {
        self.connection.disconnect()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<Option<usize>> {
        loop {
            self.go_on().await;
            let slice = deadline.min(self.now() + SLICE);
            let read = self.connection.read(buffer, slice).await?;
            if read.is_some() || self.now() >= deadline {
                return Ok(read);
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<Option<usize>> {
        loop {
            self.go_on().await;
            let slice = deadline.min(self.now() + SLICE);
            let written = self.connection.write(bytes, slice).await?;
            if written.is_some() || self.now() >= deadline {
                return Ok(written);
            }
        }
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        loop {
            self.go_on().await;
            let now = self.now();
            if now >= deadline {
                return;
            }
            self.connection.sleep_until(deadline.min(now + SLICE)).await;
        }
    }

    fn cause(error: &io::Error) -> Cause {
        error.into()
    }
}

/// Makes connections to a guest. Who asks for one may be told to stop while the system still tries.
fn connector(guest: Guest, stop: Stop) -> impl FnMut(StdInstant) -> io::Result<Guarded> + Send + 'static {
    move |deadline| {
        let (sender, receiver) = mpsc::channel();
        let mut connect = connection::connector(&guest);
        thread::Builder::new().spawn(move || {
            // Where nobody waits for it any more, it ends unused.
            let _ = sender.send(connect(deadline));
        })?;
        loop {
            match receiver.recv_timeout(SLICE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if !stop.is_set() => {}
                Err(_) => return Err(ErrorKind::Interrupted.into()),
            }
        }
    }
}

/// Whether a signal has come, and how soon to heed it.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    /// When it was first seen to be set.
    seen: Arc<OnceLock<StdInstant>>,
    /// In milliseconds.
    grace: Arc<AtomicU64>,
}

impl Stop {
    pub(super) fn new(flag: Arc<AtomicBool>) -> Self {
        Self { flag, seen: Arc::default(), grace: Arc::default() }
    }

    /// How much later a signal stops the line.
    pub(super) fn set_grace(&self, grace: Duration) {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.grace.store(grace, Ordering::Relaxed);
    }

    pub(super) fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    fn is_set(&self) -> bool {
        let grace = Duration::from_millis(self.grace.load(Ordering::Relaxed));
        self.flag.load(Ordering::Relaxed) && self.seen.get_or_init(StdInstant::now).elapsed() >= grace
    }
}
