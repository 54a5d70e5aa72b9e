//! Files, pipes and terminals of here. Nothing may ever come from them, and they may take nothing any more: so the wait for
//! them ends with a signal or the deadline.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::cli::LONGEST;
use crate::error::{Failure, Kind, reason};
use crate::work::{self, Work};

mod input;
pub(crate) use input::Input;

mod output;
pub(crate) use output::Output;

/// How long nobody looks whether a signal has come.
const SLICE: Duration = Duration::from_millis(50);

/// Until when something is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    stop: Arc<AtomicBool>,
    deadline: Instant,
}

/// Why nothing is waited for any more. It is within the [`io::Error`]s of what has waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A signal came.
    Stopped,
    /// The deadline passed.
    Late,
}

impl Patience {
    /// Until a signal stops this work, or its deadline passes.
    pub(crate) fn of(work: &Work) -> Self {
        Self { stop: work.stop_flag(), deadline: Instant::now() + work.left() }
    }

    /// As long as the command line says, from this time on; for ever if it does not. A signal ends the process.
    pub(crate) fn since(begin: Instant, timeout: Option<Duration>) -> Self {
        Self { stop: Arc::default(), deadline: begin + timeout.unwrap_or(LONGEST) }
    }

    /// Does what may keep one waiting, such as to open a pipe before somebody opens its other end. When this fails with
    /// [`Ended`] it may still be done later, if the process does not end before.
    pub(crate) fn perform<R: Send + 'static>(
        &self,
        perform: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<R> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().spawn(move || {
            // Where nobody waits for it any more, it ends unused.
            let _ = sender.send(perform());
        })?;
        loop {
            match receiver.recv_timeout(self.slice()?) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ErrorKind::Interrupted.into()),
            }
        }
    }

    /// Opens what is there. What is no file, such as a pipe, may keep one waiting.
    fn open(&self, path: &Path, options: OpenOptions) -> io::Result<File> {
        if fs::metadata(path)?.is_file() {
            return options.open(path);
        }
        let path = path.to_owned();
        self.perform(move || options.open(path))
    }

    /// Waits until a stream is ready for this, or has ended.
    fn wait(&self, stream: impl AsFd, what: PollFlags) -> io::Result<()> {
        loop {
            let slice = Timespec::try_from(self.slice()?).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&stream, what)], Some(&slice)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Fails if there is none left.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.slice().map(drop)
    }

    /// How long to wait before one looks again.
    fn slice(&self) -> io::Result<Duration> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Ended::Stopped.into());
        }
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Ended::Late.into()),
            left => Ok(left.min(SLICE)),
        }
    }
}

impl Ended {
    /// Whether it is this that an error tells of.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// What an error of here is, as the user is told: of this kind, if it was not the wait that has ended.
pub(crate) fn failure(kind: Kind, what: &str, error: &io::Error) -> Failure {
    let kind = match Ended::of(error) {
        Some(Ended::Stopped) => return work::Stopped.into(),
        Some(Ended::Late) => Kind::Deadline,
        None => kind,
    };
    Failure::new(kind, format!("{what}: {}", reason(error)))
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "a signal came",
            Self::Late => "the deadline passed",
        })
    }
}

impl std::error::Error for Ended {}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> Self {
        Self::other(ended)
    }
}
