//! From state to state: how a call begins and ends, and what the line is worth then.

use super::call::{Call, Outcome};
use super::{Client, State};
use crate::buffer::{self, Buffer};
use crate::command::Command;
use crate::error::{Error, Misuse, Sent};
use crate::json::WriteError;
use crate::message;
use crate::time::Instant;

/// How many commands in a row may stay without an answer in id mode before the line is not trusted any more.
const MAX_UNANSWERED: u8 = 2;

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    pub(super) fn begin_sync(&mut self, now: Instant) {
        self.state = State::Syncing;
        if let Some(call) = &mut self.call {
            call.len = 0;
        }
        self.sync.begin(&self.config, &mut self.ids, now);
    }

    pub(super) fn begin_waiting(&mut self) {
        let Some(call) = &mut self.call else { return };
        let id = self.sync.id_mode().then_some(call.id);
        // `encode` left room for the tail.
        let tail = &mut self.command.bytes_mut()[call.body..];
        call.len = call.body + message::encode_command_tail(id, tail).unwrap_or_default();
        self.state = State::Waiting;
    }

    pub(super) fn settle(&mut self, outcome: Outcome) {
        let Some(mut call) = self.call.take() else { return };
        self.leave(&call);
        call.outcome = Some(outcome);
        self.call = Some(call);
    }

    /// The call is over: what is the line worth now?
    pub(super) fn leave(&mut self, call: &Call) {
        self.state = match self.state {
            State::Waiting if call.sent() == Sent::Part => {
                self.sync.handle_cut();
                State::Unsynced
            }
            State::Waiting if !self.sync.id_mode() => State::Unsynced,
            State::Waiting => State::Idle,
            State::Confirming { .. } => State::Unsynced,
            // A sync that is under way may still be answered.
            state => state,
        };
    }

    /// A call has ended without an answer. A slow agent does no harm; but one whose parser is stuck in what somebody else
    /// has left would never be heard again.
    pub(super) fn miss(&mut self, sent: Sent) {
        if sent == Sent::All {
            self.unanswered = self.unanswered.saturating_add(1);
        }
        if self.unanswered >= MAX_UNANSWERED && self.state == State::Idle {
            self.state = State::Unsynced;
        }
    }

    /// Encodes the command, without its end, and leaves room for that.
    pub(super) fn encode<C: Command>(&mut self, command: &C) -> Result<usize, Error> {
        let limit = self.config.max_command;
        loop {
            let room = self.command.bytes().len().min(limit);
            let result = match room.checked_sub(message::COMMAND_TAIL) {
                Some(room) => message::encode_command(command, &mut self.command.bytes_mut()[..room]),
                None => Err(WriteError::Full),
            };
            match result {
                Ok(body) => return Ok(body),
                Err(WriteError::Value) => return Err(Error::Misuse(Misuse::Arguments)),
                Err(WriteError::Full) => buffer::grow_for_message(&mut self.command, limit)
                    .ok_or(Error::CommandTooLong { limit: room })?,
            }
        }
    }
}
