//! Whether to ask again.

use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// How often something is asked before it counts as failed.
const TRIES: u8 = 3;

/// Counts attempts at one thing that can be asked again.
#[derive(Debug)]
pub(crate) struct Tries(u8);

impl Tries {
    pub(crate) const fn new() -> Self {
        Self(TRIES)
    }

    /// Whether nothing has been tried before.
    pub(crate) const fn is_first(&self) -> bool {
        self.0 == TRIES
    }

    /// Whether to ask again after this error: not when the agent has said no, or when nobody could hear it say yes.
    pub(crate) fn again<T: Transport, Rx: Buffer, Tx: Buffer>(
        &mut self,
        error: &Error<T::Error>,
        session: &Session<T, Rx, Tx>,
        deadline: Instant,
    ) -> bool {
        let may_help = match error {
            Error::TimedOut(_) | Error::Protocol(_) | Error::ReplyTooLong { .. } => true,
            Error::Closed(_) | Error::Transport { .. } => session.reconnects(),
            _ => false,
        };
        self.0 = self.0.saturating_sub(1);
        may_help && self.0 > 0 && session.transport.now() < deadline
    }
}
