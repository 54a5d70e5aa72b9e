//! Files in the guest as streams of embedded systems.

use core::time::Duration;

use crate::buffer::Buffer;
use crate::error::Error;
use crate::flow::{GuestFile, Seek};
use crate::time::Instant;
use crate::transport::Transport;

#[cfg(not(feature = "embedded-io"))]
use embedded_io_async as traits;
#[cfg(feature = "embedded-io")]
use {super::block_on, embedded_io as traits};

use traits::{ErrorKind, SeekFrom};

/// A file in the guest that has the traits `Read`, `Write` and `Seek` of `embedded-io` and `embedded-io-async`, each with
/// its feature.
///
/// Each operation may take as long as the session's timeouts say of moving data, if [`set_timeout`](Self::set_timeout)
/// does not say otherwise. The traits have no close: [`close`](Self::close) it, as only that says whether there was room
/// for all that was written. One that is dropped is closed beside the session's next call.
///
/// Those of `embedded-io` poll again and again until the operation is done: right over a transport that blocks, as
/// `Blocking` does. Futures of `embedded-io-async` may be dropped at any point: the file then goes on from where it was
/// before the operation, and a write may have happened or not.
///
#[cfg_attr(feature = "embedded-io", doc = "```")]
#[cfg_attr(not(feature = "embedded-io"), doc = "```ignore")]
/// use embedded_io::{Read, Seek, SeekFrom, Write};
/// use qga_proto::embedded::{FileStream, block_on};
/// use qga_proto::{Buffer, Error, Mode, Session, Transport};
///
/// fn append<T, Rx, Tx>(session: &mut Session<T, Rx, Tx>, line: &[u8]) -> Result<(), Error<T::Error>>
/// where
///     T: Transport<Error: core::error::Error + 'static>,
///     Rx: Buffer,
///     Tx: Buffer,
/// {
///     let deadline = session.deadline(core::time::Duration::from_secs(10));
///     let mut file = FileStream::from(block_on(session.open("/var/log/boots", Mode::ReadWrite, deadline))?);
///     file.seek(SeekFrom::End(0))?;
///     file.write_all(line)?;
///     block_on(file.close())
/// }
/// ```
#[derive(Debug)]
pub struct FileStream<'s, T, Rx, Tx = Rx> {
    file: GuestFile<'s, T, Rx, Tx>,
    timeout: Duration,
}

impl<'s, T, Rx, Tx> From<GuestFile<'s, T, Rx, Tx>> for FileStream<'s, T, Rx, Tx> {
    fn from(file: GuestFile<'s, T, Rx, Tx>) -> Self {
        Self { timeout: file.timeout(), file }
    }
}

impl<'s, T, Rx, Tx> FileStream<'s, T, Rx, Tx> {
    /// Sets how long each operation may take.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The file, as it is outside of streams.
    #[must_use = "what is dropped is closed"]
    pub fn into_inner(self) -> GuestFile<'s, T, Rx, Tx> {
        self.file
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> FileStream<'_, T, Rx, Tx> {
    /// Flushes what was written, and closes the file; see [`GuestFile::close`], also for what dropping the future does.
    ///
    /// # Errors
    ///
    /// As [`GuestFile::close`].
    pub async fn close(mut self) -> Result<(), Error<T::Error>> {
        let deadline = self.deadline();
        self.file.close(deadline).await
    }

    fn deadline(&mut self) -> Instant {
        self.file.session().deadline(self.timeout)
    }

    async fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, Error<T::Error>> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let deadline = self.deadline();
        self.file.read(buffer, deadline).await
    }

    async fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Error<T::Error>> {
        let deadline = self.deadline();
        self.file.write(bytes, deadline).await
    }

    async fn flush_all(&mut self) -> Result<(), Error<T::Error>> {
        let deadline = self.deadline();
        self.file.flush(deadline).await
    }

    async fn seek_to(&mut self, to: SeekFrom) -> Result<u64, Error<T::Error>> {
        let to = match to {
            SeekFrom::Start(position) => Seek::Start(position),
            SeekFrom::Current(offset) => Seek::Current(offset),
            SeekFrom::End(offset) => Seek::End(offset),
        };
        let deadline = self.deadline();
        self.file.seek(to, deadline).await
    }
}

impl<T: Transport<Error: core::error::Error + 'static>, Rx, Tx> traits::ErrorType
    for FileStream<'_, T, Rx, Tx>
{
    type Error = Error<T::Error>;
}

#[cfg(feature = "embedded-io")]
mod blocking {
    use super::{Buffer, Error, FileStream, SeekFrom, Transport, block_on};

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io::Read
        for FileStream<'_, T, Rx, Tx>
    {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error<T::Error>> {
            block_on(self.read_some(buffer))
        }
    }

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io::Write
        for FileStream<'_, T, Rx, Tx>
    {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error<T::Error>> {
            block_on(self.write_some(bytes))
        }

        /// Hands what has been written to the guest's system.
        fn flush(&mut self) -> Result<(), Error<T::Error>> {
            block_on(self.flush_all())
        }
    }

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io::Seek
        for FileStream<'_, T, Rx, Tx>
    {
        fn seek(&mut self, to: SeekFrom) -> Result<u64, Error<T::Error>> {
            block_on(self.seek_to(to))
        }
    }
}

#[cfg(feature = "embedded-io-async")]
mod asynchronous {
    use super::{Buffer, Error, FileStream, SeekFrom, Transport};

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io_async::Read
        for FileStream<'_, T, Rx, Tx>
    {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error<T::Error>> {
            self.read_some(buffer).await
        }
    }

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io_async::Write
        for FileStream<'_, T, Rx, Tx>
    {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, Error<T::Error>> {
            self.write_some(bytes).await
        }

        /// Hands what has been written to the guest's system.
        async fn flush(&mut self) -> Result<(), Error<T::Error>> {
            self.flush_all().await
        }
    }

    impl<T: Transport<Error: core::error::Error + 'static>, Rx: Buffer, Tx: Buffer> embedded_io_async::Seek
        for FileStream<'_, T, Rx, Tx>
    {
        async fn seek(&mut self, to: SeekFrom) -> Result<u64, Error<T::Error>> {
            self.seek_to(to).await
        }
    }
}

impl<E: core::error::Error + 'static> traits::Error for Error<E> {
    /// `TimedOut` for a deadline that passed, `NotConnected` where there is no connection, `InvalidData` for what the
    /// protocol does not have, `InvalidInput` for what makes no sense, and `Other` for what the agent has refused, as it
    /// does not say why in a way that could be relied on, and for all else.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TimedOut(_) => ErrorKind::TimedOut,
            Self::Closed(_) | Self::Transport { .. } | Self::Connect(_) => ErrorKind::NotConnected,
            Self::Protocol(_) => ErrorKind::InvalidData,
            Self::Misuse(_) => ErrorKind::InvalidInput,
            _ => ErrorKind::Other,
        }
    }
}
