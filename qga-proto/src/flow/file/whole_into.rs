//! Whole files, into memory that the caller has.

use core::fmt;

use super::Mode;
use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// Why a whole file could not be read or written.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError<E> {
    /// A call failed.
    Call(Error<E>),
    /// The file has more bytes than were wanted at the most. How many more is not known: it is read no further, as it may have
    /// no end.
    TooLong {
        /// How many were wanted.
        limit: usize,
    },
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Reads a whole file into the front of `buffer`; gives how many bytes it has. Its size is not asked for, so files
    /// that do not tell it (`/proc`) can be read.
    ///
    /// Dropping the future leaves the file to be closed beside the next call.
    ///
    /// # Errors
    ///
    /// [`FileError::TooLong`] when it does not fit, as no file without end does.
    pub async fn read_file_into(
        &mut self,
        path: &str,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<usize, FileError<T::Error>> {
        let mut file = self.open(path, Mode::Read, deadline).await?;
        let mut len = 0;
        let result = loop {
            let mut one_more = [0];
            let rest = match &mut buffer[len..] {
                [] => &mut one_more[..],
                rest => rest,
            };
            match file.read_some(rest, deadline).await {
                Ok(piece) if len + piece.len > buffer.len() => {
                    break Err(FileError::TooLong { limit: buffer.len() });
                }
                Ok(piece) => {
                    len += piece.len;
                    if piece.is_last {
                        break Ok(len);
                    }
                }
                Err(error) => break Err(error.into()),
            }
        };
        let closed = file.close(deadline).await;
        let len = result?;
        closed?;
        Ok(len)
    }

    /// Writes a whole file: makes or empties it, and fills it. Succeeds only when the guest's system has taken all.
    ///
    /// The file is changed where it is: while this is under way, and after an error, it has a part of the bytes.
    /// Dropping the future leaves it so, to be closed beside the next call.
    ///
    /// # Errors
    ///
    /// [`FileError::Call`].
    pub async fn write_file(
        &mut self,
        path: &str,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), FileError<T::Error>> {
        let mut file = self.open(path, Mode::Create, deadline).await?;
        let written = file.write_all(bytes, deadline).await;
        let closed = file.close(deadline).await;
        Ok(written.and(closed)?)
    }
}

impl<E> From<Error<E>> for FileError<E> {
    fn from(error: Error<E>) -> Self {
        Self::Call(error)
    }
}

impl<E: fmt::Display> fmt::Display for FileError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::TooLong { limit } => write!(f, "the file has more than {limit} bytes"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for FileError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::TooLong { .. } => None,
        }
    }
}
