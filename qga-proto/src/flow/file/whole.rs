//! Whole files, into memory that grows with them.

use alloc::vec::Vec;

use super::{FileError, MAX_CHUNK, Mode};
use crate::buffer::Buffer;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// What is set aside before anything has come.
const FIRST_ROOM: usize = 64 * 1024;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Reads a whole file of at most `limit` bytes. Its size is not asked for, so files that do not tell it (`/proc`) can
    /// be read; what is set aside grows with what comes.
    ///
    /// Dropping the future leaves the file to be closed beside the next call.
    ///
    /// # Errors
    ///
    /// [`FileError::TooLong`] when it has more than `limit` bytes, as every file without end has.
    pub async fn read_file(
        &mut self,
        path: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<u8>, FileError<T::Error>> {
        let mut file = self.open(path, Mode::Read, deadline).await?;
        let mut bytes = Vec::new();
        let result = loop {
            let len = bytes.len();
            // One more than is wanted shows whether there is more.
            let most = limit.saturating_add(1).saturating_sub(len);
            bytes.resize(len + most.min(len.clamp(FIRST_ROOM, MAX_CHUNK)), 0);
            let piece = file.read_some(&mut bytes[len..], deadline).await;
            bytes.truncate(len + piece.as_ref().map_or(0, |piece| piece.len));
            match piece {
                Ok(_) if bytes.len() > limit => break Err(FileError::TooLong { limit }),
                Ok(piece) if piece.is_last => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error.into()),
            }
        };
        let closed = file.close(deadline).await;
        result?;
        closed?;
        Ok(bytes)
    }
}
