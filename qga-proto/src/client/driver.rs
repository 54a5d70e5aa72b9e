//! What a [`Session`](crate::Session) wants to know of its client, beyond what all drivers can.

use core::mem;
use core::time::Duration;

use super::call::{Fault, Outcome};
use super::late::{self, Program};
use super::{Client, Config};
use crate::buffer::Buffer;
use crate::command::Command;
use crate::error::Sent;
use crate::time::Instant;

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// Sets the configuration; that of the framer counts at once, too.
    pub(crate) fn set_config(&mut self, config: Config) {
        self.framer.set_limit(config.max_reply);
        self.config = config;
    }

    /// Whether the answer to this command has come already, late: nothing need be sent.
    pub(crate) fn has_late_reply<C: Command>(&mut self, command: &C, now: Instant) -> bool {
        if !late::can_be_late(command.name()) || self.in_flight().is_some() {
            return false;
        }
        let Ok(body) = self.encode(command) else { return false };
        match Program::of(command.name(), &self.command.bytes()[..body]) {
            Program::Status { pid } => self.late.has(pid, now),
            _ => false,
        }
    }

    /// How long silence must last to be taken for success: [`Config::quiet_time`].
    pub(crate) fn quiet_time(&self) -> Duration {
        self.config.quiet_time
    }

    pub(crate) fn set_quiet_time(&mut self, time: Duration) {
        self.config.quiet_time = time;
    }

    /// Gives up a sync that is under way: the next begins with the shortest interval.
    pub(crate) fn begin_sync_anew(&mut self) {
        if self.state == super::State::Syncing {
            self.state = super::State::Unsynced;
        }
    }

    /// Whether the agent repeats ids, so that a reply which comes late is known and kept.
    pub(crate) fn id_mode(&self) -> bool {
        self.sync.id_mode()
    }

    /// A number that no other call has had.
    #[cfg(feature = "alloc")]
    pub(crate) fn fresh_number(&mut self) -> u64 {
        self.ids.command()
    }

    /// How long nothing has been believed.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now - self.trusted
    }

    /// How much of the command had left, if the call was settled by the end of the connection.
    pub(crate) fn settled_lost(&self) -> Option<Sent> {
        match self.call.as_ref()?.outcome {
            Some(Outcome::Failed(Fault::Closed(sent))) => Some(sent),
            _ => None,
        }
    }

    /// Whether the line has been doubted and found good again since this was asked last.
    pub(crate) fn take_resynced(&mut self) -> bool {
        mem::take(&mut self.resynced)
    }
}
