//! Reads and writes, one command each, of as many bytes as the agent and the session's limits take.

use super::{GuestFile, Place, Tries};
use crate::buffer::Buffer;
use crate::commands::{GuestFileRead, GuestFileWrite};
use crate::error::Error;
use crate::json;
use crate::time::Instant;
use crate::transport::Transport;

/// How many bytes are moved at once at the most: more is no faster, and with libvirt in between longer replies get lost.
pub(crate) const MAX_CHUNK: usize = 1024 * 1024;

/// With how many it begins: enough for most files, and too little to be in anybody's way.
const FIRST_CHUNK: usize = if cfg!(feature = "alloc") { 64 * 1024 } else { 4 * 1024 };

/// The agent's own default. Who refuses so little refuses for another reason.
const SMALL_CHUNK: usize = 4 * 1024;

/// How many bytes to move at once: more while that goes well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    size: usize,
    /// What was too much once.
    limit: usize,
}

impl Chunk {
    pub(super) const fn new() -> Self {
        Self { size: FIRST_CHUNK, limit: MAX_CHUNK }
    }

    pub(super) const fn len(&self) -> usize {
        self.size
    }

    fn grow(&mut self, moved: usize) {
        if moved >= self.size {
            self.size = self.size.saturating_mul(2).min(self.limit);
        }
    }

    /// So many were too many. `false`: there are no fewer.
    fn shrink(&mut self, len: usize) -> bool {
        self.limit = (len / 2).max(1);
        self.size = self.limit;
        len > 1
    }
}

/// What a read gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) len: usize,
    /// Whether there is no more.
    pub(crate) is_last: bool,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> GuestFile<'_, T, Rx, Tx> {
    /// Reads up to the size of the buffer.
    pub(crate) async fn read_some(
        &mut self,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<Piece, Error<T::Error>> {
        let mut tries = Tries::new();
        loop {
            let len = buffer.len().min(self.read_chunk.size);
            let error = match self.read_once(&mut buffer[..len], deadline).await {
                Ok(piece) => {
                    self.read_chunk.grow(piece.len);
                    return Ok(piece);
                }
                Err(error) => error,
            };
            let again = match &error {
                Error::ReplyTooLong { .. } => self.read_chunk.shrink(len),
                // Out of memory, or more than this agent reads at once, maybe.
                Error::Refused(refusal) if len > SMALL_CHUNK && !refusal.is_command_not_found() => {
                    self.read_chunk.shrink(len) && self.regain(deadline).await.is_ok()
                }
                error => tries.again(error, self.session, deadline),
            };
            if !again || self.place == Place::Unknown || !self.can_go_back(deadline).await {
                return Err(error);
            }
        }
    }

    async fn read_once(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Piece, Error<T::Error>> {
        self.regain(deadline).await?;
        self.place.doubt(false);
        let count = i64::try_from(buffer.len()).unwrap_or(i64::MAX);
        let read = GuestFileRead::new(self.number()).count(count);
        let until = self.session.patience(GuestFileRead::NAME, deadline);
        let reply = match self.session.call_view_until(&read, until).await {
            Ok(reply) => reply,
            Err(error) => {
                self.place.doubt(matches!(error, Error::Refused(_)));
                return Err(error);
            }
        };
        let bytes = reply.buf_b64.decode_unpadded_into(buffer);
        let len =
            bytes.map_err(|_| broken("data of a file that is no base64, or more than was asked for"))?.len();
        if i64::try_from(len) != Ok(reply.count) {
            return Err(broken("another number of bytes than it says"));
        }
        self.place.advance(len);
        Ok(Piece { len, is_last: reply.eof || len == 0 })
    }

    /// Writes from the start of `bytes`; gives how many the agent took, at least one. Up to 1 MiB goes at once, or what
    /// the session's limit for commands allows. See [`close`](Self::close) for when it is in the file.
    ///
    /// # Errors
    ///
    /// As [`Session::call_view`](crate::session::Session::call_view).
    pub async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<usize, Error<T::Error>> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut tries = Tries::new();
        loop {
            let len = bytes.len().min(self.write_chunk.size);
            let error = match self.write_once(&bytes[..len], deadline).await {
                Ok(n) => {
                    self.write_chunk.grow(n);
                    return Ok(n);
                }
                Err(error) => error,
            };
            let again = match &error {
                // Nothing was sent.
                Error::CommandTooLong { .. } => self.write_chunk.shrink(len),
                error => {
                    let is_repeatable = self.place != Place::Unknown && !self.mode.appends();
                    is_repeatable && tries.again(error, self.session, deadline)
                }
            };
            if !again || !self.can_go_back(deadline).await {
                return Err(error);
            }
        }
    }

    async fn write_once(&mut self, bytes: &[u8], deadline: Instant) -> Result<usize, Error<T::Error>> {
        if self.mode.appends() {
            // It goes to the end, wherever that is, and so does the position.
            self.place = Place::Unknown;
        }
        self.regain(deadline).await?;
        let before = self.place;
        self.place.doubt(false);
        self.is_dirty = true;
        let write = GuestFileWrite::new(self.number(), bytes);
        let until = self.session.patience(GuestFileWrite::NAME, deadline);
        let count = match self.session.call_view_until(&write, until).await {
            Ok(reply) => reply.count,
            Err(error @ Error::CommandTooLong { .. }) => {
                self.place = before;
                return Err(error);
            }
            Err(error) => {
                self.place.doubt(matches!(error, Error::Refused(_)));
                return Err(error);
            }
        };
        match usize::try_from(count) {
            Ok(n @ 1..) if n <= bytes.len() => {
                self.place.advance(n);
                Ok(n)
            }
            _ => Err(broken("a number of bytes written that cannot be")),
        }
    }
}

/// The agent says what the protocol does not have.
pub(super) fn broken<E>(what: &'static str) -> Error<E> {
    Error::undecodable(json::Error::custom(what))
}
