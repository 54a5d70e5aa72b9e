//! What comes from a pipe or a terminal of here: it may never come, so a signal and the deadline end the wait for it.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::work::Work;

/// How long nobody looks whether a signal has come.
const SLICE: Duration = Duration::from_millis(50);

/// A stream of here that is waited for until a signal or the deadline. Reading then fails: with
/// [`ErrorKind::ConnectionAborted`] after a signal, with [`ErrorKind::TimedOut`] past the deadline.
///
/// It reads from the descriptor itself, past any buffer: what `std::io::stdin()` has read before is not seen.
#[derive(Debug)]
pub(crate) struct Input<F> {
    stream: F,
    stop: Arc<AtomicBool>,
    deadline: Instant,
}

impl<F: AsFd> Input<F> {
    /// What comes from a file, a pipe or standard input, until `stop` becomes true or the deadline passes.
    pub(crate) fn new(stream: F, stop: Arc<AtomicBool>, deadline: Instant) -> Self {
        Self { stream, stop, deadline }
    }

    /// The same, until a signal stops this work or its deadline passes.
    pub(crate) fn of(work: &Work, stream: F) -> Self {
        Self::new(stream, work.stop_flag(), Instant::now() + work.left())
    }

    /// All that comes; fails with [`ErrorKind::FileTooLarge`] if that is more than so many bytes.
    pub(crate) fn read_all(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(most as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > most {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
        }
        Ok(bytes)
    }

    /// Waits until something can be read, or there is nothing more to come.
    fn wait(&self) -> io::Result<()> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::new(ErrorKind::ConnectionAborted, "a signal came"));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(ErrorKind::TimedOut, "the deadline passed"));
            }
            let slice = Timespec::try_from(left.min(SLICE)).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&slice)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<F: AsFd> Read for Input<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match rustix::io::read(&self.stream, &mut *buffer) {
                // Another has read it meanwhile.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    fn pair(time: Duration) -> (Input<UnixStream>, UnixStream, Arc<AtomicBool>) {
        let (here, there) = UnixStream::pair().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        (Input::new(here, Arc::clone(&stop), Instant::now() + time), there, stop)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn all_is_read_up_to_its_end_and_a_limit() {
        for (most, is_read) in [(100_000, true), (99_999, false)] {
            let (mut input, mut there, _) = pair(LONG);
            let writer = thread::spawn(move || {
                // Who has had enough closes.
                let _ = there.write_all(&[b'x'; 100_000]);
            });
            match input.read_all(most) {
                Ok(bytes) => assert!(is_read && bytes == [b'x'; 100_000]),
                Err(error) => assert!(!is_read && error.kind() == ErrorKind::FileTooLarge, "{error}"),
            }
            drop(input);
            writer.join().unwrap();
        }
    }

    #[test]
    fn what_never_comes_is_waited_for_until_the_deadline_or_a_signal() {
        let (mut input, mut there, _) = pair(Duration::from_millis(100));
        there.write_all(b"begun").unwrap();
        assert_eq!(input.read_all(100).unwrap_err().kind(), ErrorKind::TimedOut);

        let (mut input, _there, stop) = pair(LONG);
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            stop.store(true, Ordering::Relaxed);
        });
        let start = Instant::now();
        assert_eq!(input.read_all(100).unwrap_err().kind(), ErrorKind::ConnectionAborted);
        assert!(start.elapsed() < LONG / 2);
        stopper.join().unwrap();
    }
}
