//! What goes to a file, a pipe or a terminal of here.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;
use rustix::termios::isatty;

use super::Patience;

/// A stream of here that is waited for as long as there is [`Patience`]. Then writing fails, with
/// [`Ended`](super::Ended).
#[derive(Debug)]
pub(crate) struct Output<F> {
    stream: F,
    patience: Patience,
    at_once: usize,
    is_terminal: bool,
}

/// How much a pipe takes without keeping one waiting, if it takes anything: POSIX's `PIPE_BUF`. To ask the system not to keep
/// one waiting would ask it for all who share the stream, such as the shell.
const PIPE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// How much is written to a terminal at once. That may keep one waiting: a terminal that takes something need not take all.
const TERMINAL: usize = 65_536;

impl Output<File> {
    /// Opens what is there, to write where it is.
    pub(crate) fn open(path: &Path, patience: Patience) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let flags = i32::try_from(OFlags::NOCTTY.bits()).map_err(io::Error::other)?;
        options.write(true).truncate(true).custom_flags(flags);
        Ok(Self::new(patience.open(path, options)?, patience))
    }
}

impl<F: AsFd> Output<F> {
    pub(crate) fn new(stream: F, patience: Patience) -> Self {
        let is_terminal = isatty(&stream);
        let at_once = match fstat(&stream).map(|there| FileType::from_raw_mode(there.st_mode)) {
            Ok(FileType::CharacterDevice) if is_terminal => TERMINAL,
            // None of these keeps one waiting, and of some devices each write makes a block.
            Ok(FileType::RegularFile | FileType::CharacterDevice | FileType::BlockDevice) => usize::MAX,
            _ => PIPE,
        };
        Self { stream, patience, at_once, is_terminal }
    }
}

impl<F: AsFd> Write for Output<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(self.at_once)];
        loop {
            if self.is_terminal {
                let (stream, bytes) = (self.stream.as_fd().try_clone_to_owned()?, bytes.to_vec());
                let written = self.patience.perform(move || Ok(rustix::io::write(&stream, &bytes)));
                match written? {
                    Err(Errno::INTR) => continue,
                    // Another does not want to be kept waiting by it.
                    Err(Errno::AGAIN) => {}
                    result => return Ok(result?),
                }
            }
            self.patience.wait(&self.stream, PollFlags::OUT)?;
            match rustix::io::write(&self.stream, bytes) {
                // Another has filled it meanwhile.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
