//! What comes from a file, a pipe or a terminal of here.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::Patience;

/// A stream of here that is waited for as long as there is [`Patience`]. Then reading fails, with
/// [`Ended`](super::Ended).
///
/// It reads from the descriptor itself, past any buffer: what `std::io::stdin()` has read before is not seen.
#[derive(Debug)]
pub(crate) struct Input<F> {
    stream: F,
    patience: Patience,
}

impl Input<File> {
    /// Opens a file.
    pub(crate) fn open(path: &Path, patience: Patience) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true);
        Ok(Self { stream: patience.open(path, options)?, patience })
    }

    pub(crate) fn file(&self) -> &File {
        &self.stream
    }
}

impl<F: AsFd> Input<F> {
    pub(crate) fn new(stream: F, patience: Patience) -> Self {
        Self { stream, patience }
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
}

impl<F: AsFd> Read for Input<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.patience.wait(&self.stream, PollFlags::IN)?;
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::streams::Ended;

    fn pair(time: Duration) -> (Input<UnixStream>, UnixStream, Arc<AtomicBool>) {
        let (here, there) = UnixStream::pair().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let patience = Patience { stop: Arc::clone(&stop), deadline: Instant::now() + time };
        (Input::new(here, patience), there, stop)
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
        assert_eq!(Ended::of(&input.read_all(100).unwrap_err()), Some(Ended::Late));

        let (mut input, _there, stop) = pair(LONG);
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            stop.store(true, Ordering::Relaxed);
        });
        let start = Instant::now();
        assert_eq!(Ended::of(&input.read_all(100).unwrap_err()), Some(Ended::Stopped));
        assert!(start.elapsed() < LONG / 2);
        stopper.join().unwrap();
    }
}
