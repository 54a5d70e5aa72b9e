//! From the guest to the host.

use super::{Check, Copied, CopyError, Digest, InPlace, Placing, Progress, Sink, check_buffer};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::flow::file::{GuestFile, Mode, Seek};
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// What to copy from a guest, and how.
#[derive(Clone, Debug)]
pub struct CopyFrom<'a> {
    path: &'a str,
    prefix: Option<Digest>,
    is_verified: bool,
    limit: u64,
}

impl<'a> CopyFrom<'a> {
    /// The file at `path`, from its start to its end.
    #[must_use]
    pub const fn new(path: &'a str) -> Self {
        Self { path, prefix: None, is_verified: false, limit: u64::MAX }
    }

    /// Goes on where an earlier copy has broken off: with what the sink has already, which is copied no more. The copy is
    /// verified as a whole.
    #[must_use]
    pub fn resume(mut self, prefix: Digest) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Makes sure that the copy is the same as the file in the guest then is, by its SHA-256.
    #[must_use]
    pub const fn verify(mut self) -> Self {
        self.is_verified = true;
        self
    }

    /// Takes no more than so many bytes: some files have no end.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Copies a file from the guest to the host. `buffer` is all the memory that this takes beside the session's; up to
    /// 1 MiB of it is used, and more is faster. `progress` is told after each piece.
    ///
    /// The file's size is not relied on, so files that do not tell it (`/proc`), pipes and devices can be copied. Replies
    /// that are lost are asked for again.
    ///
    /// Dropping the future leaves in the sink what has been copied, and the file in the guest to be closed beside the next
    /// call.
    ///
    /// # Errors
    ///
    /// [`CopyError`]. What the sink has got is then a part of the file, from its start; or, after
    /// [`CopyError::Differs`], of something else. With an empty buffer, [`Misuse::NoBuffer`](crate::Misuse::NoBuffer).
    pub async fn copy_from<S: Sink>(
        &mut self,
        what: &CopyFrom<'_>,
        sink: &mut S,
        buffer: &mut [u8],
        mut progress: impl FnMut(Progress),
        deadline: Instant,
    ) -> Result<Copied, CopyError<T::Error, S::Error>> {
        check_buffer(buffer)?;
        let is_verified = what.is_verified || what.prefix.is_some();
        let mut digest = what.prefix.clone().unwrap_or_default();
        let resumed = digest.len();
        let mut file = self.open(what.path, Mode::Read, deadline).await?;
        let result = match begin(&mut file, resumed, deadline).await {
            Ok(total) => {
                let mut told = |done| progress(Progress { done, total });
                let digest = is_verified.then_some(&mut digest);
                let drained =
                    drain(&mut file, (resumed, what.limit), sink, buffer, digest, &mut told, deadline).await;
                drained.map(|len| (len, total.unwrap_or(len).saturating_sub(len)))
            }
            Err(error) => Err(error),
        };
        // All that was asked for has come: there is nothing that a close could still spoil.
        let _ = file.close(deadline).await;
        let (len, missing) = result?;
        sink.flush().await.map_err(CopyError::Host)?;
        let check = match is_verified {
            true => self.verify(what.path, &digest, buffer, deadline).await?,
            false => Check::None,
        };
        Ok(Copied { len, resumed, missing, check, placing: Placing::InPlace(InPlace::Asked) })
    }
}

/// Goes to where the copy begins; gives the size of the file, if it tells.
async fn begin<T: Transport, Rx: Buffer, Tx: Buffer, H>(
    file: &mut GuestFile<'_, T, Rx, Tx>,
    start: u64,
    deadline: Instant,
) -> Result<Option<u64>, CopyError<T::Error, H>> {
    let total = match file.seek(Seek::End(0), deadline).await {
        Ok(size) => size,
        // A pipe, or an agent that has no seek.
        Err(Error::Refused(_)) if start == 0 => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if file.seek(Seek::Start(start), deadline).await? != start || start > total {
        return Err(CopyError::NotAPart { len: start });
    }
    // Files that do not tell say 0, and folders something absurd.
    Ok(Some(total).filter(|total| (1..1 << 62).contains(total)))
}

/// Reads to the end; gives how many bytes there are then.
async fn drain<T: Transport, Rx: Buffer, Tx: Buffer, S: Sink>(
    file: &mut GuestFile<'_, T, Rx, Tx>,
    (mut done, limit): (u64, u64),
    sink: &mut S,
    buffer: &mut [u8],
    mut digest: Option<&mut Digest>,
    progress: &mut impl FnMut(u64),
    deadline: Instant,
) -> Result<u64, CopyError<T::Error, S::Error>> {
    loop {
        let piece = file.read_some(buffer, deadline).await?;
        let bytes = &buffer[..piece.len];
        if done.saturating_add(bytes.len() as u64) > limit {
            return Err(CopyError::TooLong { limit });
        }
        if let Some(digest) = &mut digest {
            digest.update(bytes);
        }
        sink.write_all(bytes).await.map_err(CopyError::Host)?;
        done += bytes.len() as u64;
        progress(done);
        if piece.is_last {
            return Ok(done);
        }
    }
}
