//! What the agent says, and whether it is believed.

use core::mem;
use core::ops::Range;

use super::call::{Call, Fault, Outcome};
use super::late::{self, Program};
use super::{Client, State};
use crate::buffer::Buffer;
use crate::error::Sent;
use crate::frame::Frame;
use crate::json;
use crate::message::{ErrorObject, Id, Reply};
use crate::time::Instant;

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// Takes frame after frame, until the call is settled.
    pub(super) fn process(&mut self, now: Instant) {
        while !self.is_settled() {
            match self.framer.poll_frame() {
                Some(Frame::Delimiter) => {
                    // One comes before a sync's answer.
                    self.noise |= self.delimited;
                    self.delimited = true;
                }
                Some(Frame::Text) => self.handle_line(now),
                Some(Frame::Oversized { len }) => self.handle_oversized(len, now),
                Some(Frame::Garbage) => {}
                None => return,
            }
        }
    }

    pub(super) fn handle_line(&mut self, now: Instant) {
        let delimited = mem::take(&mut self.delimited);
        let reply = Reply::parse(self.framer.text());
        match reply {
            Some(Reply::Error { id, .. } | Reply::Return { id, .. }) => {
                self.heard = true;
                // A reply without an id says nothing to one who asks with ids: the agent may have changed.
                if id != Id::Absent {
                    self.unanswered = 0;
                }
            }
            Some(Reply::Foreign) | None => self.noise = true,
        }
        if let Some(Reply::Return { id, ref value }) = reply
            && let Ok(number) = json::from_slice(&self.framer.text()[value.clone()])
            && self.sync.is_answered(number, id)
        {
            return self.handle_synced(now);
        }
        if let Some(Reply::Return { id: Id::Number(id), ref value }) = reply
            && let Some(pid) = self.late.arrived(id)
        {
            return self.handle_late(pid, value.clone(), now);
        }
        if let Some(Reply::Return { id: Id::Number(id), ref value }) = reply
            && self.handles.take_late(id, &self.framer.text()[value.clone()])
        {
            return;
        }
        match (self.state, reply) {
            // Monitors' greetings, and echoes of what we sent ourselves.
            (_, Some(Reply::Foreign)) => {}
            (State::Syncing, Some(Reply::Error { id, error })) => self.handle_sync_error(id, error, now),
            (State::Syncing | State::Unsynced | State::Closed, _) => {}
            (State::Waiting | State::Confirming { .. }, Some(reply)) if self.is_ours(&reply) => {
                self.trusted = now;
                self.handle_reply(reply);
            }
            // A line behind 0xFF answers somebody's sync, never a command without an id.
            _ if delimited => {}
            (State::Waiting | State::Confirming { .. }, Some(reply)) => self.handle_unnamed(&reply, now),
            (State::Idle, Some(_)) => {}
            (State::Idle, None) => self.doubt(),
            (State::Waiting | State::Confirming { .. }, None) => self.distrust(Fault::NotAReply, now),
        }
    }

    /// Whether a reply has the `id` of the call.
    fn is_ours(&self, reply: &Reply) -> bool {
        let (Reply::Return { id, .. } | Reply::Error { id, .. }) = reply else { return false };
        self.sync.id_mode() && self.call.as_ref().is_some_and(|call| *id == Id::Number(call.id))
    }

    /// The reply to the call.
    fn handle_reply(&mut self, reply: Reply) {
        let outcome = match reply {
            Reply::Return { value, .. } => {
                self.note_start(&value);
                Outcome::Return(value)
            }
            Reply::Error { error, .. } => Outcome::Failed(Fault::Refused(error)),
            Reply::Foreign => return,
        };
        self.settle(outcome);
    }

    /// The number of a new program may be that of an old one, of which a reply is kept.
    fn note_start(&mut self, value: &Range<usize>) {
        let starts = self.call.as_ref().is_some_and(|call| call.program == Program::Start);
        if starts && let Some(pid) = late::started(&self.framer.text()[value.clone()]) {
            self.late.forget(pid);
        }
    }

    /// A reply that can be had only once has come after its call was given up. Who asks the same again gets it; else it
    /// is kept.
    fn handle_late(&mut self, pid: i64, value: Range<usize>, now: Instant) {
        let text = &self.framer.text()[value.clone()];
        if !late::is_last(text) {
            return;
        }
        if self.in_flight().is_some_and(|call| call.program == Program::Status { pid }) {
            return self.settle(Outcome::Return(value));
        }
        self.late.keep(pid, text, self.config.max_reply, now);
    }

    /// A reply without the call's `id`: in ordered mode the call's, if it has left; in id mode a late one, which harms
    /// nobody, unless it is an error that names no request at all. Such a one can only be about bytes sent since the
    /// sync: ours were not understood.
    fn handle_unnamed(&mut self, reply: &Reply, now: Instant) {
        let answerable = self.call.as_ref().is_some_and(Call::can_be_answered);
        match (self.sync.id_mode(), reply) {
            (false, Reply::Return { id: Id::Absent, .. } | Reply::Error { id: Id::Absent, .. })
                if answerable =>
            {
                self.handle_reply(reply.clone());
            }
            // Unless one of an earlier command is still owed.
            (true, Reply::Error { id: Id::Absent, .. }) if self.unanswered > 0 => {}
            (true, Reply::Error { id: Id::Absent, error }) => {
                self.distrust(Fault::Unattributed(error.clone()), now);
            }
            _ => {}
        }
    }

    fn handle_oversized(&mut self, len: usize, now: Instant) {
        let delimited = mem::take(&mut self.delimited);
        let id = Id::split_tail(self.framer.text()).map(|(_, id)| id).filter(|_| self.sync.id_mode());
        let fault = Fault::TooLong { len, limit: self.framer.limit() };
        match (self.state, &self.call, id) {
            (State::Waiting | State::Confirming { .. }, Some(call), Some(id)) if id == call.id => {
                self.settle(Outcome::Failed(fault));
            }
            _ if delimited => {}
            (State::Waiting, _, None) => self.distrust(fault, now),
            (State::Idle, _, None) => self.doubt(),
            _ => {}
        }
    }

    /// Our sync has been answered: the line can be trusted.
    fn handle_synced(&mut self, now: Instant) {
        self.trusted = now;
        self.noise = false;
        match self.state {
            State::Confirming { .. } => self.settle(Outcome::Silent),
            State::Syncing => {
                self.resynced |= mem::take(&mut self.doubted);
                self.state = if self.sync.id_mode() { State::Idle } else { State::Unsynced };
                if self.in_flight().is_some() {
                    self.begin_waiting();
                }
            }
            _ => {}
        }
    }

    fn handle_sync_error(&mut self, id: Id, error: Range<usize>, now: Instant) {
        let Ok(error) = json::from_slice::<ErrorObject<'_>>(&self.framer.text()[error]) else { return };
        let generic = error.class == "GenericError";
        self.sync.handle_error(generic, id, &mut self.ids, now);
    }

    /// What came makes the line worth no trust. The call fails, if any of it has left; else it waits for a new sync.
    fn distrust(&mut self, fault: Fault, now: Instant) {
        if self.call.as_ref().is_some_and(|call| call.sent() == Sent::Nothing) {
            self.doubted = true;
            return self.begin_sync(now);
        }
        self.settle(Outcome::Failed(fault));
        self.doubt();
    }
}
