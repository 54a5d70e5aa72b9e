//! Whether a file in the guest is what it should be.

use super::{Check, CopyError, Digest};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::flow::file::Mode;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Compares a file in the guest with what it should be: by a program there, or else by reading it.
    pub(super) async fn verify<H>(
        &mut self,
        path: &str,
        expected: &Digest,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<Check, CopyError<T::Error, H>> {
        #[cfg(feature = "alloc")]
        if let Some((program, found)) = self.digest_by_program(path, deadline).await? {
            return if found == expected.sha256() {
                Ok(Check::Tool(program))
            } else {
                Err(CopyError::Differs)
            };
        }
        let found = self.digest_by_reading(path, expected.len(), buffer, deadline).await?;
        if found.len() == expected.len() && found.sha256() == expected.sha256() {
            Ok(Check::ReadBack)
        } else {
            Err(CopyError::Differs)
        }
    }

    /// Reads a file, but not much further than to `len` bytes.
    async fn digest_by_reading(
        &mut self,
        path: &str,
        len: u64,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<Digest, Error<T::Error>> {
        let mut digest = Digest::new();
        let mut file = self.open(path, Mode::Read, deadline).await?;
        let result = loop {
            match file.read_some(buffer, deadline).await {
                Ok(piece) => {
                    digest.update(&buffer[..piece.len]);
                    if piece.is_last || digest.len() > len {
                        break Ok(digest);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let closed = file.close(deadline).await;
        result.and_then(|digest| closed.map(|()| digest))
    }
}
