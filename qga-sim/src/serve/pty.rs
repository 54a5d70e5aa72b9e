//! A pseudo terminal: a serial line to clients on this machine.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::pump::Link;

/// The two ends of the line. The clients' end is kept open: without anybody there, reading would fail.
#[derive(Debug)]
pub(super) struct Pty {
    ours: File,
    _theirs: File,
}

/// How often one looks whether the server shall end.
const WAKE_INTERVAL: Duration = Duration::from_millis(200);

impl Pty {
    /// Makes a terminal in raw mode; gives the path of the clients' end, too.
    pub(super) fn open() -> io::Result<(Self, String)> {
        let ours: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let device = ptsname(&ours, Vec::new())?.into_string().map_err(io::Error::other)?;
        let theirs = File::options().read(true).write(true).open(&device)?;
        let mut modes = tcgetattr(&theirs)?;
        modes.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
        Ok((Self { ours: ours.into(), _theirs: theirs }, device))
    }

    pub(super) fn link<'a>(&'a self, stopped: &'a AtomicBool) -> PtyLink<'a> {
        PtyLink { terminal: &self.ours, stopped, timeout: None }
    }
}

/// The guest's end of the line.
pub(super) struct PtyLink<'a> {
    terminal: &'a File,
    stopped: &'a AtomicBool,
    timeout: Option<Duration>,
}

impl PtyLink<'_> {
    /// Waits until something can be done.
    fn wait(&self, what: PollFlags) -> io::Result<()> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if self.stopped.load(Ordering::SeqCst) {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let wait = left.map_or(WAKE_INTERVAL, |left| left.min(WAKE_INTERVAL));
            // Less than a day fits.
            let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
            let mut ends = [PollFd::new(self.terminal, what)];
            match poll(&mut ends, Some(&wait)) {
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Err(ErrorKind::WouldBlock.into()),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Link for PtyLink<'_> {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        self.timeout = timeout;
        Ok(true)
    }

    fn is_lasting(&self) -> bool {
        true
    }
}

impl Read for PtyLink<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN)?;
        self.terminal.read(buffer)
    }
}

impl Write for PtyLink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::OUT)?;
        // No more than surely fits: a terminal that is written to blocks until all has gone.
        self.terminal.write(&bytes[..bytes.len().min(512)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
