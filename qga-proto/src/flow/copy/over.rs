//! From the host to the guest, into the file itself.

use super::{Check, Copied, CopyError, CopyTo, Digest, InPlace, Placing, Progress, Source, check_buffer};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::flow::file::{GuestFile, Mode, Seek};
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Copies from the host into a file in the guest, where it is: makes or empties it, and fills it. `buffer` is all the
    /// memory that this takes beside the session's; up to 1 MiB of it is used, and more is faster. `progress` is told
    /// after each piece.
    ///
    /// Replies that are lost cost no data: the handle is put back, and the same is written again.
    ///
    /// Dropping the future leaves in the file what has been copied, to be closed beside the next call.
    ///
    /// # Errors
    ///
    /// [`CopyError`]; there is then a part under the file's name. With an empty buffer
    /// [`Misuse::NoBuffer`](crate::Misuse::NoBuffer), before anything is done.
    pub async fn copy_over<S: Source>(
        &mut self,
        what: &CopyTo<'_>,
        source: &mut S,
        buffer: &mut [u8],
        progress: impl FnMut(Progress),
        deadline: Instant,
    ) -> Result<Copied, CopyError<T::Error, S::Error>> {
        check_buffer(buffer)?;
        self.pour(what, (what.path, false), source, buffer, progress, deadline).await
    }

    /// Fills the file at `path`, and verifies it: at least its size, if it has one.
    pub(super) async fn pour<S: Source>(
        &mut self,
        what: &CopyTo<'_>,
        (path, has_size): (&str, bool),
        source: &mut S,
        buffer: &mut [u8],
        mut progress: impl FnMut(Progress),
        deadline: Instant,
    ) -> Result<Copied, CopyError<T::Error, S::Error>> {
        let mut digest = Digest::new();
        let resumed = if what.is_resumed { self.part_len(path, deadline).await? } else { 0 };
        if resumed > 0 {
            skip(resumed, source, buffer, &mut digest).await?;
            if !has_size {
                // Whatever file is there may be shorter: it must be a part of this one.
                self.verify(path, &digest, buffer, deadline).await?;
            }
        }
        let mut file = match resumed {
            0 => self.open(path, Mode::Create, deadline).await?,
            _ => self.open(path, Mode::ReadWrite, deadline).await?,
        };
        if resumed > 0 {
            let len = file.seek(Seek::End(0), deadline).await?;
            if len != resumed {
                // Somebody else writes to it.
                let _ = file.close(deadline).await;
                return Err(CopyError::Differs);
            }
        }
        let total = what.len;
        let mut told = |done| progress(Progress { done, total });
        let hashed = what.verifies().then_some(&mut digest);
        let result = fill(&mut file, resumed, source, buffer, hashed, &mut told, deadline).await;
        let size = match (&result, has_size) {
            (Ok(_), true) => Some(file.seek(Seek::End(0), deadline).await),
            _ => None,
        };
        let closed = file.close(deadline).await;
        let len = result?;
        closed?;
        if size.transpose()?.is_some_and(|size| size != len) {
            return Err(CopyError::Differs);
        }
        let check = match what.verifies() {
            true => self.verify(path, &digest, buffer, deadline).await?,
            false => Check::None,
        };
        Ok(Copied { len, resumed, missing: 0, check, placing: Placing::InPlace(InPlace::Asked) })
    }

    /// How much an earlier copy has left; 0 if it has left nothing.
    async fn part_len(&mut self, path: &str, deadline: Instant) -> Result<u64, Error<T::Error>> {
        let mut file = match self.open(path, Mode::Read, deadline).await {
            Ok(file) => file,
            // There is none.
            Err(Error::Refused(_)) => return Ok(0),
            Err(error) => return Err(error),
        };
        let len = match file.seek(Seek::End(0), deadline).await {
            Ok(len) => len,
            Err(Error::Refused(_)) => 0,
            Err(error) => return Err(error),
        };
        // It was only looked at.
        let _ = file.close(deadline).await;
        Ok(len)
    }
}

/// Passes over what is in the guest already.
async fn skip<S: Source, E>(
    len: u64,
    source: &mut S,
    buffer: &mut [u8],
    digest: &mut Digest,
) -> Result<(), CopyError<E, S::Error>> {
    while digest.len() < len {
        let rest = usize::try_from(len - digest.len()).unwrap_or(usize::MAX);
        let most = buffer.len().min(rest);
        match source.read(&mut buffer[..most]).await.map_err(CopyError::Host)? {
            0 => return Err(CopyError::NotAPart { len }),
            n => digest.update(&buffer[..n.min(most)]),
        }
    }
    Ok(())
}

/// Writes all that the source gives; gives how many bytes there are then.
async fn fill<T: Transport, Rx: Buffer, Tx: Buffer, S: Source>(
    file: &mut GuestFile<'_, T, Rx, Tx>,
    mut done: u64,
    source: &mut S,
    buffer: &mut [u8],
    mut digest: Option<&mut Digest>,
    progress: &mut impl FnMut(u64),
    deadline: Instant,
) -> Result<u64, CopyError<T::Error, S::Error>> {
    loop {
        // As much as goes at once, or what there is.
        let most = buffer.len().min(file.write_len());
        let (mut len, mut ended) = (0, Ok(()));
        while len < most {
            match source.read(&mut buffer[len..most]).await {
                Ok(0) => break,
                Ok(n) => len += n.min(most - len),
                // What came before it can be resumed.
                Err(error) => {
                    ended = Err(CopyError::Host(error));
                    break;
                }
            }
        }
        if len == 0 {
            return ended.map(|()| done);
        }
        let bytes = &buffer[..len];
        if let Some(digest) = &mut digest {
            digest.update(bytes);
        }
        file.write_all(bytes, deadline).await?;
        done += len as u64;
        progress(done);
        ended?;
    }
}
