//! What a [`Session`](crate::Session) wants to know of its client, beyond what all drivers can.

use core::mem;

use super::Client;
use super::call::Outcome;
use crate::buffer::Buffer;
use crate::error::{Error, Sent};

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// Whether the command was one that is silent when it succeeds, and did.
    pub(crate) fn is_accepted(&self) -> bool {
        self.call.as_ref().is_some_and(|call| matches!(call.outcome, Some(Outcome::Silent)))
    }

    /// Gives up a sync that is under way: the next begins with the shortest interval.
    #[cfg(feature = "alloc")]
    pub(crate) fn begin_sync_anew(&mut self) {
        if self.state == super::State::Syncing {
            self.state = super::State::Unsynced;
        }
    }

    /// How much of the command had left, if the call was settled by the end of the connection.
    pub(crate) fn settled_lost(&self) -> Option<Sent> {
        match self.call.as_ref()?.outcome {
            Some(Outcome::Failed(Error::Closed(sent))) => Some(sent),
            _ => None,
        }
    }

    /// Whether the line has been doubted and found good again since this was asked last.
    pub(crate) fn take_resynced(&mut self) -> bool {
        mem::take(&mut self.resynced)
    }
}
