//! Files in the guest.

use crate::buffer::Buffer;
use crate::commands::{GuestFileClose, GuestFileFlush, GuestFileOpen, GuestFileSeek};
use crate::error::Error;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view::GuestFileWhence;

mod mode;
pub use mode::{Mode, Seek};

mod place;
use place::Place;

mod tries;
pub(crate) use tries::Tries;

mod transfer;
#[cfg(feature = "alloc")]
pub(crate) use transfer::MAX_CHUNK;
use transfer::{Chunk, broken};

#[cfg(feature = "alloc")]
mod whole;
mod whole_into;
pub use whole_into::FileError;

/// A file that is open in the guest. It has the session while it is there.
///
/// The position is kept here, too, so that a reply that is lost loses no data: the handle is put back to where it was,
/// and the same is asked again, a few times while the deadline lasts. That cannot be done with what has no positions
/// (pipes, terminals) and with writes in append mode: there the error says that the fate of the operation is unknown.
///
/// # Closing
///
/// [`close`](Self::close) says whether all that was written is in the file: an agent on POSIX buffers writes, and a
/// full disk may show only then. A file that is dropped without it is closed beside the session's next call, or by
/// [`Session::close_abandoned`], and so is one whose opening was given up, when the agent says later which it is (agents
/// since QEMU 4.0). It stays open in the guest if there is no next call, if the reply that names it never comes, or if
/// more than 16 were dropped since the last call.
///
/// # Dropping a future
///
/// Every future here may be dropped at any point: the file then goes on from where it was before that operation, and a
/// write may have happened or not.
#[derive(Debug)]
pub struct GuestFile<'s, T, Rx, Tx = Rx> {
    session: &'s mut Session<T, Rx, Tx>,
    /// The agent's number for it. `None`: it is closed.
    handle: Option<i64>,
    mode: Mode,
    place: Place,
    read_chunk: Chunk,
    write_chunk: Chunk,
    /// Something was written and not flushed.
    is_dirty: bool,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Opens a file in the guest (`guest-file-open`, since QEMU 0.15). New files get the mode 0666, whatever the guest's
    /// umask is (POSIX). Relative paths start where the agent runs.
    ///
    /// Dropping the future gives the call up; the file may then have been made or emptied. See [`GuestFile`] for what
    /// closes it.
    ///
    /// # Errors
    ///
    /// As [`call_view`](Self::call_view). When the reply is lost the file stays open in the guest.
    pub async fn open(
        &mut self,
        path: &str,
        mode: Mode,
        deadline: Instant,
    ) -> Result<GuestFile<'_, T, Rx, Tx>, Error<T::Error>> {
        let open = GuestFileOpen::new(path).mode(mode.as_str());
        let deadline = self.patience(GuestFileOpen::NAME, deadline);
        let handle = self.call_view_until(&open, deadline).await?;
        self.adopt_file(handle);
        let place = if mode == Mode::Append { Place::Unknown } else { Place::At(0) };
        Ok(GuestFile::new(self, handle, mode, place))
    }

    /// A file that is open already, by the agent's number for it and the mode in which it was opened. Where its position
    /// is nobody knows before the first [`seek`](GuestFile::seek).
    pub fn attach_file(&mut self, handle: i64, mode: Mode) -> GuestFile<'_, T, Rx, Tx> {
        self.adopt_file(handle);
        GuestFile::new(self, handle, mode, Place::Unknown)
    }

    /// The deadline of one command within a flow.
    pub(crate) fn patience(&self, command: &str, deadline: Instant) -> Instant {
        deadline.min(self.deadline(self.timeouts.of(command)))
    }
}

impl<'s, T, Rx, Tx> GuestFile<'s, T, Rx, Tx> {
    fn new(session: &'s mut Session<T, Rx, Tx>, handle: i64, mode: Mode, place: Place) -> Self {
        let (read_chunk, write_chunk) = (Chunk::new(), Chunk::new());
        Self { session, handle: Some(handle), mode, place, read_chunk, write_chunk, is_dirty: false }
    }

    /// The agent's number for it; the file stays open. Whoever has it must close it, or
    /// [attach](Session::attach_file) it again: so several files can be open at once.
    #[must_use = "the file stays open in the guest"]
    pub fn detach(mut self) -> i64 {
        self.handle.take().unwrap_or_default()
    }

    /// The mode in which it was opened.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The session.
    pub fn session(&mut self) -> &mut Session<T, Rx, Tx> {
        self.session
    }

    /// How many bytes go at once now.
    pub(crate) fn write_len(&self) -> usize {
        self.write_chunk.len()
    }

    /// How long an operation may take that does not say it itself.
    #[cfg(any(feature = "std", feature = "embedded-io", feature = "embedded-io-async"))]
    pub(crate) fn timeout(&self) -> core::time::Duration {
        self.session.timeouts.data
    }

    fn number(&self) -> i64 {
        // It is taken only where the file is consumed.
        self.handle.unwrap_or_default()
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> GuestFile<'_, T, Rx, Tx> {
    /// Reads into `buffer`; gives how many bytes, 0 at the end of the file. There may be fewer than fit, and more may
    /// follow: how much is asked for at once grows up to 1 MiB, or what the session's limit for replies allows.
    ///
    /// Of a pipe no more should be asked for than is there: when the rest would block, the agent gives an error and what it
    /// has read is lost.
    ///
    /// # Errors
    ///
    /// As [`Session::call_view`].
    pub async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, Error<T::Error>> {
        Ok(self.read_some(buffer, deadline).await?.len)
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); a part may have been written then.
    pub async fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Error<T::Error>> {
        while !bytes.is_empty() {
            let n = self.write(bytes, deadline).await?;
            bytes = bytes.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// Goes to another position, which may be beyond the end; gives it.
    ///
    /// # Errors
    ///
    /// As [`Session::call_view`]; the agent refuses a position before the start.
    pub async fn seek(&mut self, to: Seek, deadline: Instant) -> Result<u64, Error<T::Error>> {
        let before = self.place;
        let (offset, whence) = match (to, before) {
            // Where it should be is known, and the handle may be elsewhere. The agent refuses what is before the start.
            (Seek::Current(offset), Place::At(at) | Place::Lost { at, .. }) => {
                let (at, whence) = Seek::Start(at).on_the_wire();
                (at.saturating_add(offset), whence)
            }
            (to, _) => to.on_the_wire(),
        };
        let is_repeatable = whence != 1 || offset == 0;
        let mut tries = Tries::new();
        loop {
            let error = match self.seek_once(offset, whence, deadline).await {
                Ok(position) => {
                    self.place = Place::At(position);
                    return Ok(position);
                }
                Err(error) => error,
            };
            if matches!(error, Error::Refused(_)) && tries.is_first() {
                // Nothing has moved.
                self.place = before;
            }
            if !is_repeatable || !tries.again(&error, self.session, deadline) {
                return Err(error);
            }
        }
    }

    /// Hands what has been written to the guest's system, and learns whether there was room. That it is on the disk is
    /// certain only on Windows.
    ///
    /// # Errors
    ///
    /// As [`Session::call_view`].
    pub async fn flush(&mut self, deadline: Instant) -> Result<(), Error<T::Error>> {
        let mut tries = Tries::new();
        loop {
            let flush = GuestFileFlush::new(self.number());
            let until = self.session.patience(GuestFileFlush::NAME, deadline);
            let Err(error) = self.session.call_view_until(&flush, until).await else {
                self.is_dirty = false;
                return Ok(());
            };
            if !tries.again(&error, self.session, deadline) {
                return Err(error);
            }
        }
    }

    /// Flushes what was written, and closes the file. When this succeeds, all of it was taken by the guest's system.
    ///
    /// Dropping the future leaves the file to be closed beside the next call, as if it had been dropped.
    ///
    /// # Errors
    ///
    /// As [`Session::call_view`]. The file is closed all the same, unless the agent was not heard: then it is closed beside
    /// the next call, if it still can be.
    pub async fn close(mut self, deadline: Instant) -> Result<(), Error<T::Error>> {
        let flushed = if self.is_dirty { self.flush(deadline).await } else { Ok(()) };
        let close = GuestFileClose::new(self.number());
        let until = self.session.patience(GuestFileClose::NAME, deadline);
        let closed = self.session.call_view_until(&close, until).await.map(|_| ());
        let is_over = match &closed {
            // A close that is refused has closed the file all the same, unless the guest is frozen; and agents on POSIX
            // do not survive a second one then.
            Err(Error::Refused(refusal)) => !refusal.is_command_not_found(),
            // What has left is carried out, if ever.
            Err(error) => error.is_fate_unknown() && matches!(flushed, Err(Error::Refused(_))),
            Ok(()) => true,
        };
        if is_over {
            self.handle = None;
        }
        flushed.and(closed)
    }

    async fn seek_once(
        &mut self,
        offset: i64,
        whence: i64,
        deadline: Instant,
    ) -> Result<u64, Error<T::Error>> {
        self.place.doubt(false);
        let seek = GuestFileSeek::new(self.number(), offset, GuestFileWhence::Value(whence));
        let until = self.session.patience(GuestFileSeek::NAME, deadline);
        let position = self.session.call_view_until(&seek, until).await?.position;
        u64::try_from(position).map_err(|_| broken("a position before the start of a file"))
    }

    /// Before something is asked again: whether that can be asked where it was. If the agent will not go there, as what
    /// has no positions, nobody knows how much of it was done; what failed first is to be told then.
    async fn can_go_back(&mut self, deadline: Instant) -> bool {
        let Err(Error::Refused(refusal)) = self.regain(deadline).await else { return true };
        if !refusal.is_command_not_found() {
            self.place = Place::Unknown;
        }
        false
    }

    /// Puts the handle back to where it should be.
    async fn regain(&mut self, deadline: Instant) -> Result<(), Error<T::Error>> {
        let Place::Lost { at, is_refused } = self.place else { return Ok(()) };
        let (offset, whence) = Seek::Start(at).on_the_wire();
        let result = self.seek_once(offset, whence, deadline).await;
        self.place = Place::Lost { at, is_refused };
        match result {
            Ok(position) if position == at => self.place = Place::At(at),
            Ok(_) => return Err(broken("another position than was asked for")),
            // What has no positions refuses this; and no reply was lost on the way.
            Err(Error::Refused(refusal)) if is_refused && !refusal.is_command_not_found() => {
                self.place = Place::Unknown;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<T, Rx, Tx> Drop for GuestFile<'_, T, Rx, Tx> {
    /// Leaves it to be closed beside the next call.
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.session.abandon_file(handle);
        }
    }
}
