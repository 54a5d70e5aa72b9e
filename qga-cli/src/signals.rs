//! Ending on a signal.
//!
//! A real agent that listens on a Unix socket exits when its peer closes the socket with a reply unread in it. So the
//! connection in use is kept here, and a signal ends it in order before it ends the process.

use std::io;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use qga_std::AnyStream;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Failure, Kind, reason};

/// The connection in use. Whoever ends the process holds the lock until the end, so that no other begins.
static STREAM: Mutex<Option<AnyStream>> = Mutex::new(None);

/// While it lives, signals end the connection. When it is dropped after a signal, it waits for the process's end, so
/// that what the signal did to the connection is never reported as a failure.
#[derive(Debug)]
pub(crate) struct Guard(());

impl Guard {
    /// Guards a connection over which nothing was sent yet.
    pub(crate) fn new(stream: &AnyStream) -> Result<Self, Failure> {
        let second = stream.try_clone().map_err(|error| failure(&error))?;
        let mut signals = signals()?;
        thread::Builder::new()
            .spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    end(signal);
                }
            })
            .map_err(|error| failure(&error))?;
        *lock() = Some(second);
        Ok(Self(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        *lock() = None;
    }
}

/// Waits for a signal that asks to end.
pub(crate) fn wait() -> Result<(), Failure> {
    signals()?.forever().next();
    Ok(())
}

fn signals() -> Result<Signals, Failure> {
    Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(|error| failure(&error))
}

fn failure(error: &io::Error) -> Failure {
    Failure::new(Kind::Connection, format!("cannot catch signals: {}", reason(error)))
}

fn end(signal: i32) -> ! {
    let mut stream = lock();
    if let Some(stream) = stream.take() {
        stream.end();
    }
    process::exit(128 + signal)
}

fn lock() -> MutexGuard<'static, Option<AnyStream>> {
    STREAM.lock().unwrap_or_else(PoisonError::into_inner)
}
