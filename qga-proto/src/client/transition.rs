//! From state to state: how connections and calls begin and end, and what the line is worth then.

use super::call::{Call, Outcome};
use super::late::{self, Program};
use super::sync::Sync;
use super::{Client, State};
use crate::buffer::Buffer;
use crate::command::Command;
use crate::error::{Error, Misuse, Sent};
use crate::json::{WriteError, Writer};
use crate::message;
use crate::time::Instant;

/// Writes the arguments of a command: without its type, so that the code which handles it stands once.
pub(super) type Arguments<'a> = dyn Fn(&mut Writer<'_>) -> Result<(), WriteError> + 'a;

/// How many commands in a row may stay without an answer in id mode before the line is not trusted any more.
const MAX_UNANSWERED: u8 = 2;

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// Begins a new connection, over which nothing has come yet. What the last one taught about the agent is forgotten;
    /// numbers by which replies are told apart are not used again, and a late reply that can be had only once is still
    /// waited for: some channels deliver it to the next connection.
    pub fn handle_connected(&mut self) {
        self.give_up();
        self.framer.reset();
        self.state = State::Unsynced;
        self.sync = Sync::default();
        self.heard = false;
        self.noise = false;
        self.unanswered = 0;
        self.delimited = false;
        self.doubted = false;
        self.resynced = false;
    }

    /// Gives up the command in flight, if there is one, and says how much of it had left. Dropping the future of a
    /// [`Session`](crate::Session) amounts to this.
    pub fn give_up(&mut self) -> Sent {
        let Some(call) = self.call.take() else { return Sent::Nothing };
        match &call.outcome {
            None => {
                self.leave(call.sent());
                self.miss(&call);
            }
            Some(outcome) => self.keep_unread(&call, outcome),
        }
        call.sent()
    }

    /// The call that has not been settled.
    pub(super) fn in_flight(&self) -> Option<&Call> {
        self.call.as_ref().filter(|call| call.outcome.is_none())
    }

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
        let Some(call) = &mut self.call else { return };
        call.outcome = Some(outcome);
        let sent = call.sent();
        self.leave(sent);
    }

    /// The call is over, and so much of it had left: what is the line worth now?
    fn leave(&mut self, sent: Sent) {
        self.state = match self.state {
            State::Waiting if sent == Sent::Part => {
                self.sync.handle_cut();
                self.doubted = true;
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
    pub(super) fn miss(&mut self, call: &Call) {
        if call.sent() == Sent::All {
            self.unanswered = self.unanswered.saturating_add(1);
        }
        if self.unanswered >= MAX_UNANSWERED && self.state == State::Idle {
            self.doubt();
        }
        self.wait_for_late(call);
    }

    /// The reply to a call that is over may still come: if it can be had only once, it is not passed over then.
    pub(super) fn wait_for_late(&mut self, call: &Call) {
        self.wait_for_handle(call);
        if let Program::Status { pid } = call.program
            && self.sync.id_mode()
            && call.can_be_answered()
        {
            self.late.wait_for(call.id, pid);
        }
    }

    /// Something made the line worth no trust.
    pub(super) fn doubt(&mut self) {
        self.state = State::Unsynced;
        self.doubted = true;
    }

    /// A call has been given up with its reply unread. One that can be had only once is kept.
    pub(super) fn keep_unread(&mut self, call: &Call, outcome: &Outcome) {
        self.keep_handle(call, outcome);
        let Program::Status { pid } = call.program else { return };
        match outcome {
            Outcome::Return(value) => {
                let value = &self.framer.text()[value.clone()];
                if late::is_last(value) {
                    self.late.keep(pid, value, self.config.max_reply, self.trusted);
                }
            }
            Outcome::Late => self.late.take_back(pid, self.config.max_reply, self.trusted),
            Outcome::Silent | Outcome::Failed(_) => {}
        }
    }

    /// Encodes the command, without its end, and leaves room for that.
    pub(super) fn encode<C: Command>(&mut self, command: &C) -> Result<usize, Error> {
        self.encode_arguments(command.name(), &|writer| writer.value(command))
    }

    pub(super) fn encode_arguments(&mut self, name: &str, arguments: &Arguments<'_>) -> Result<usize, Error> {
        let limit = self.config.max_command;
        let tail = message::COMMAND_TAIL;
        let result = message::encode_growing(&mut self.command, limit, tail, &|buffer| {
            message::encode_command(name, arguments, buffer)
        });
        result.map_err(|error| match error {
            WriteError::Full { len } => {
                Error::CommandTooLong { len, limit: self.command.bytes().len().min(limit) }
            }
            WriteError::Value => Error::Misuse(Misuse::Arguments),
        })
    }
}
