//! From the host to the guest, so that no part is ever seen under the file's name.

use super::stage::{NoStage, Stage, clear};
use super::{Copied, CopyError, CopyTo, InPlace, Placing, Progress, Source, check_buffer};
use crate::error::Error;
use crate::flow::file::Mode;
use alloc::format;

use crate::buffer::Buffer;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Removes what a copy of this session's to `path` that broke off has left in the guest, as far as that goes: another
    /// one does so, too. What can be resumed stays.
    pub async fn remove_part(&mut self, path: &str, deadline: Instant) {
        let folder = Stage::folder(path, Some(self.client.mark()));
        clear(self, &folder, deadline).await;
    }

    /// Makes an empty file with the mode that it is to have, as far as that goes.
    async fn make_file(&mut self, what: &CopyTo<'_>, deadline: Instant) -> Result<(), Error<T::Error>> {
        self.open(what.path, Mode::Create, deadline).await?.close(deadline).await?;
        let mode = format!("{:04o}", what.mode);
        self.run_tool("chmod", &[&mode, "--", what.path], deadline).await.map(|_| ())
    }

    /// Copies from the host to a file in the guest: writes it into a private folder beside it, `PATH.qga-part-` and a
    /// number of the session's, or `PATH.qga-part` if it can be resumed. When it is whole, it is renamed, with the mode and
    /// owner of the file that it replaces. Where that cannot be done, or must not,
    /// it is written where it is, as [`copy_over`](Self::copy_over) does, and the result says why.
    ///
    /// The guest's system has the copy then; that it is on the disk is not waited for.
    ///
    /// Dropping the future leaves the folder, as does a deadline that passes or a connection that breaks; another copy of
    /// this session's to the same path removes it, as does [`remove_part`](Self::remove_part), or goes on with it
    /// ([`CopyTo::resume`]).
    ///
    /// # Errors
    ///
    /// [`CopyError`]. What was at the path is still there then, unless it had to be written where it is. With an empty
    /// buffer [`Misuse::NoBuffer`](crate::Misuse::NoBuffer), before anything is done.
    pub async fn copy_to<S: Source>(
        &mut self,
        what: &CopyTo<'_>,
        source: &mut S,
        buffer: &mut [u8],
        progress: impl FnMut(Progress),
        deadline: Instant,
    ) -> Result<Copied, CopyError<T::Error, S::Error>> {
        check_buffer(buffer)?;
        let stage = match Stage::begin(self, what, deadline).await? {
            Ok(stage) => stage,
            Err(NoStage { why, is_new }) => {
                if is_new && why == InPlace::NoFolder {
                    self.make_file(what, deadline).await?;
                }
                let copied = self.copy_over(what, source, buffer, progress, deadline).await?;
                return Ok(Copied { placing: Placing::InPlace(why), ..copied });
            }
        };
        let part = stage.part();
        let result = self.pour(what, (&part, true), source, buffer, progress, deadline).await;
        let result = match result {
            Ok(copied) => {
                stage.commit(self, copied.len, deadline).await.map(|placing| Copied { placing, ..copied })
            }
            Err(error) => Err(error),
        };
        match &result {
            Err(error) if what.is_resumed && error.can_be_resumed() => {}
            Err(_) => stage.remove(self, deadline).await,
            Ok(_) => {}
        }
        result
    }
}
