//! Files in the guest, blocking, and copies from and to the host's readers and writers.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use qga_proto::{Copied, CopyFrom, CopyTo, Mode, Progress, Sink, Source};

use crate::connect::AnyStream;
use crate::session::{Error, Session, block_on};
use crate::transport::{Connection, Stream};

/// Why a whole file could not be read or written.
pub type FileError = qga_proto::FileError<io::Error>;

/// Why a copy failed.
pub type CopyError = qga_proto::CopyError<io::Error, io::Error>;

/// How much memory a copy takes, beside the session's: as much as is of use.
const COPY_BUFFER: usize = 1024 * 1024;

impl<S: Stream> Session<S> {
    /// Opens a file in the guest. Each command of an operation on it may take as long as the session's timeouts say, and is
    /// repeated where a reply is lost; all of an operation an hour, if [`GuestFile::set_timeout`] does not say otherwise.
    ///
    /// ```
    /// use std::io::{Read, Seek, SeekFrom, Write};
    /// use qga_std::proto::Mode;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = qga_std::Session::new(qga_sim::spawn(qga_sim::Guest::new())?);
    /// let mut file = session.open("/tmp/hello", Mode::CreateRead)?;
    /// file.write_all(b"hello")?;
    /// file.seek(SeekFrom::Start(1))?;
    /// let mut text = String::new();
    /// file.read_to_string(&mut text)?;
    /// assert_eq!(text, "ello");
    /// file.close()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn open(&mut self, path: &str, mode: Mode) -> Result<GuestFile<'_, S>, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(OPEN_TIME);
        Ok(GuestFile { file: block_on(session.open(path, mode, deadline))?, timeout: OPEN_TIME })
    }

    /// Reads a whole file of at most `limit` bytes; see [`qga_proto::Session::read_file`].
    ///
    /// # Errors
    ///
    /// [`FileError`].
    pub fn read_file(&mut self, path: &str, limit: usize, timeout: Duration) -> Result<Vec<u8>, FileError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.read_file(path, limit, deadline))
    }

    /// Writes a whole file, where it is; see [`qga_proto::Session::write_file`].
    ///
    /// # Errors
    ///
    /// [`FileError`].
    pub fn write_file(&mut self, path: &str, bytes: &[u8], timeout: Duration) -> Result<(), FileError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.write_file(path, bytes, deadline))
    }

    /// Copies a file from the guest; see [`qga_proto::Session::copy_from`]. Takes 1 MiB of memory beside the session's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qga_std::proto::CopyFrom;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guest = qga_sim::Guest::new().file("/etc/motd", "hello\n");
    /// let mut session = qga_std::Session::new(qga_sim::spawn(guest)?);
    /// let mut copy = Vec::new();
    /// let what = CopyFrom::new("/etc/motd").verify();
    /// session.copy_from(&what, &mut copy, |progress| println!("{} bytes", progress.done), Duration::from_secs(60))?;
    /// assert_eq!(copy, b"hello\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CopyError`].
    pub fn copy_from(
        &mut self,
        what: &CopyFrom<'_>,
        writer: impl Write,
        progress: impl FnMut(Progress),
        timeout: Duration,
    ) -> Result<Copied, CopyError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        let (mut writer, mut buffer) = (Writer(writer), vec![0; COPY_BUFFER]);
        block_on(session.copy_from(what, &mut writer, &mut buffer, progress, deadline))
    }

    /// Copies to a file in the guest, which gets its name when it is whole; see [`qga_proto::Session::copy_to`]. Takes
    /// 1 MiB of memory beside the session's.
    ///
    /// # Errors
    ///
    /// [`CopyError`].
    pub fn copy_to(
        &mut self,
        what: &CopyTo<'_>,
        reader: impl Read,
        progress: impl FnMut(Progress),
        timeout: Duration,
    ) -> Result<Copied, CopyError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        let (mut reader, mut buffer) = (Reader(reader), vec![0; COPY_BUFFER]);
        block_on(session.copy_to(what, &mut reader, &mut buffer, progress, deadline))
    }

    /// Closes what is open in the guest and nobody has any more; see [`qga_proto::Session::close_abandoned`].
    pub fn close_abandoned(&mut self, timeout: Duration) -> usize {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.close_abandoned(deadline))
    }
}

/// How long an operation may take, with what it has to repeat.
const OPEN_TIME: Duration = Duration::from_secs(3600);

/// A file in the guest, for [`Read`], [`Write`] and [`Seek`]; see [`qga_proto::GuestFile`].
///
/// [`close`](Self::close) says whether there was room for all that was written. A file that is dropped without it is
/// closed beside the session's next call.
#[derive(Debug)]
pub struct GuestFile<'s, S: Stream = AnyStream> {
    file: qga_proto::GuestFile<'s, Connection<S>, Vec<u8>>,
    timeout: Duration,
}

impl<S: Stream> GuestFile<'_, S> {
    /// Sets how long each operation may take.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Flushes what was written, and closes the file. When this succeeds, all of it was taken by the guest's system.
    ///
    /// # Errors
    ///
    /// As [`Session::call`].
    pub fn close(mut self) -> Result<(), Error> {
        let deadline = self.deadline();
        block_on(self.file.close(deadline))
    }

    fn deadline(&mut self) -> qga_proto::Instant {
        self.file.session().deadline(self.timeout)
    }
}

impl<S: Stream> Read for GuestFile<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let deadline = self.deadline();
        Ok(block_on(self.file.read(buffer, deadline))?)
    }
}

impl<S: Stream> Write for GuestFile<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = self.deadline();
        Ok(block_on(self.file.write(bytes, deadline))?)
    }

    /// Hands what has been written to the guest's system.
    fn flush(&mut self) -> io::Result<()> {
        let deadline = self.deadline();
        Ok(block_on(self.file.flush(deadline))?)
    }
}

impl<S: Stream> Seek for GuestFile<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let deadline = self.deadline();
        Ok(block_on(self.file.seek(to.into(), deadline))?)
    }
}

/// Any reader as the [`Source`] of a copy.
#[derive(Debug)]
pub struct Reader<R>(pub R);

impl<R: Read> Source for Reader<R> {
    type Error = io::Error;

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// Any writer as the [`Sink`] of a copy.
#[derive(Debug)]
pub struct Writer<W>(pub W);

impl<W: Write> Sink for Writer<W> {
    type Error = io::Error;

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
