//! A guest behind its agent, without I/O.

use std::time::Duration;

use qga_proto::Agent;

use crate::commands::{Admission, Answered};
use crate::error::Refusal;
use crate::fault::{Fault, UselessFault};
use crate::guest::{Guest, Power};
use crate::line::{End, Line};
use crate::transcript::{Replay, TranscriptError};
use crate::value::{Style, Value};
use crate::wire::{Call, Heard, Reply, WINDOW, Wire};

/// A guest and its agent: bytes in, bytes out.
///
/// A function of bytes and time, like the [`Agent`] inside: send what [`poll_transmit`](Self::poll_transmit) gives, read
/// into [`receive_buffer`](Self::receive_buffer). Commands are carried out in the course of that. `now` is the time since
/// 1970, UTC, which is also the guest's until somebody sets its clock; it must never go backwards.
///
/// A guest can be told to stop ([`power`](Self::power)). While it is off nobody reads what arrives, and when it goes off
/// all is lost that was half said, by either side. And a line can have [faults](Self::fault). What is to happen by itself
/// happens at the next call after its time, of which [`poll_timeout`](Self::poll_timeout) tells.
#[derive(Debug)]
pub struct Sim {
    wire: Wire,
    agent: Agent<Vec<u8>>,
    guest: Guest,
    line: Line,
    /// Who answers instead of the guest.
    replay: Option<Replay>,
    window: Vec<u8>,
    /// How often the guest had gone away when this was last looked at.
    guest_ends: u64,
    /// How often a connection has ended, or its agent.
    ends: u64,
    /// Whether the client left while the guest slept, which nobody notices before it wakes.
    is_left: bool,
}

impl Sim {
    /// Starts the agent of a guest.
    #[must_use]
    pub fn new(guest: Guest) -> Self {
        Self {
            wire: guest.wire(),
            agent: Agent::new(Vec::new(), Vec::new()),
            guest_ends: guest.supply.ends,
            guest,
            line: Line::new(),
            replay: None,
            window: vec![0; WINDOW],
            ends: 0,
            is_left: false,
        }
    }

    /// Plays the agent of a [transcript](crate::transcript): it answers as that one did, at once.
    ///
    /// A request gets the answers of the next one that is like it, and only what changes nothing can be asked again; what the
    /// transcript does not have is refused with the class `NotInTranscript`. There is no guest behind it.
    ///
    /// # Errors
    ///
    /// What is wrong with the transcript.
    pub fn replay(transcript: &str) -> Result<Self, TranscriptError> {
        let replay = Replay::parse(transcript)?;
        let mut sim = Self::new(Guest::new());
        sim.line.greet(replay.greeting());
        sim.replay = Some(replay);
        Ok(sim)
    }

    /// Lets something go wrong on the line. Several things can, also to one reply.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.line.add(fault);
        self
    }

    /// Sets where chance starts from: what faults do by chance is the same for the same seed, which is 0 if nobody says
    /// otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.line.seed(seed);
        self
    }

    /// The first of its faults that can never hit, whatever a client does: of a command that this agent does not have, or of a
    /// value that there is not. Most likely something else was meant.
    #[must_use]
    pub fn useless_fault(&self) -> Option<UselessFault> {
        UselessFault::find(self.line.faults(), &self.guest, self.replay.is_some())
    }

    /// The bytes to send next.
    #[must_use]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        self.line.poll_transmit().filter(|_| !self.is_left)
    }

    /// Says that the first `n` bytes of [`poll_transmit`](Self::poll_transmit) have been sent.
    pub fn handle_transmitted(&mut self, n: usize, now: Duration) {
        self.line.handle_transmitted(n);
        self.work(now);
    }

    /// Where to read to. Empty only while there are requests that wait: for a reply to be sent, or for the guest to wake;
    /// and where the agent is deaf.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        let room = if self.reads() { self.wire.room() } else { 0 };
        &mut self.window[..room]
    }

    /// Says that the first `n` bytes of [`receive_buffer`](Self::receive_buffer) have been filled.
    pub fn handle_received(&mut self, n: usize, now: Duration) {
        let n = n.min(self.receive_buffer().len());
        // What is due comes first: it may be the agent's end.
        self.advance(now);
        if matches!(self.power(), Power::On | Power::Asleep) {
            self.wire.receive(&self.window[..n]);
        }
        self.work(now);
    }

    /// Says that the client is gone. What it has asked for is still done, but its answers are dropped. What it has left half
    /// said is the beginning of what the next client says, if the agent is QEMU's.
    pub fn handle_eof(&mut self, now: Duration) {
        self.work(now);
        // Nobody is there to carry anything out.
        self.is_left = matches!(self.power(), Power::On | Power::Asleep);
        self.line.begin();
        self.work(now);
    }

    /// Whether the guest is there to answer.
    #[must_use]
    pub fn power(&self) -> Power {
        self.guest.supply.power()
    }

    /// Powers the guest on, if it is off. It boots first.
    pub fn power_on(&mut self, now: Duration) {
        self.work(now);
        self.guest.power_on(now);
        self.work(now);
    }

    /// Wakes the guest, if it sleeps. It carries out what it was asked meanwhile.
    pub fn wake(&mut self, now: Duration) {
        self.work(now);
        self.guest.wake(now);
        self.work(now);
    }

    /// When something changes by itself: the guest goes down, has booted, or wakes, or there is something to send.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.guest.next_change(), self.line.poll_timeout()].into_iter().flatten().min()
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.work(now);
    }

    /// How often a connection has ended, or its agent: no connection that was there before is there any more.
    #[must_use]
    pub fn ends(&self) -> u64 {
        self.ends
    }

    /// The guest, as the last call left it.
    #[must_use]
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Whether something of what was asked is not done yet, or not said: by itself it will be.
    pub(crate) fn is_busy(&self) -> bool {
        self.power() == Power::Asleep || self.line.is_busy() || self.line.poll_timeout().is_some()
    }

    /// Whether anybody reads what the client sends.
    pub(crate) fn reads(&self) -> bool {
        !self.is_left && !self.line.is_deaf()
    }

    /// Does what is due.
    fn advance(&mut self, now: Duration) {
        self.guest.advance(now);
        self.line.advance(now);
        let end = self.line.take_end();
        if end == Some(End::Restarted) {
            self.guest.restart_agent();
        }
        let is_gone = self.guest_ends != self.guest.supply.ends || end == Some(End::Restarted);
        if is_gone {
            self.guest_ends = self.guest.supply.ends;
            self.wire = self.guest.wire();
        }
        if is_gone || end.is_some() {
            self.ends += 1;
            // Who was cut off has asked for what is still to be read, and nobody else gets the answers.
            self.is_left = !is_gone && matches!(self.power(), Power::On | Power::Asleep);
            self.line.begin();
        }
    }

    /// Does what is due, and carries out requests, up to the first answer that is to be sent.
    fn work(&mut self, now: Duration) {
        loop {
            self.advance(now);
            if self.power() != Power::On {
                return;
            }
            if self.is_left {
                self.line.begin();
            } else if self.line.is_busy() {
                return;
            }
            match self.wire.poll() {
                Some(heard) => self.answer(heard, now),
                None => break,
            }
        }
        if std::mem::take(&mut self.is_left) {
            self.wire.handle_eof();
            self.line.begin();
        }
    }

    fn answer(&mut self, heard: Heard, now: Duration) {
        if let Some(replay) = &mut self.replay {
            let (answer, name) = match heard {
                Heard::Call(call) if self.line.loses_request(&call.name) => return,
                Heard::Call(call) => (Some(replay.answer(&call)), call.name),
                Heard::Fault { .. } => (replay.answer_garbage(), String::new()),
            };
            answer.into_iter().for_each(|answer| self.line.say_bytes(answer.bytes, &name, answer.ends));
            return;
        }
        let (command, id, reply) = match heard {
            Heard::Call(call) if self.line.loses_request(&call.name) => return,
            Heard::Call(call) => {
                let reply = match self.guest.admit(&call) {
                    Admission::Yes => self.carry_out(&call, now),
                    Admission::No(refusal) => Some(Reply::refusal(&refusal)),
                    Admission::Ignored => None,
                };
                (call.name, call.id, reply)
            }
            Heard::Fault { desc, id } => (String::new(), id, Some(Reply::refusal(&Refusal::new(desc)))),
        };
        let Some(reply) = reply else { return };
        let mut reply = reply.with_id(id);
        self.guest.adapt(&command, &mut reply);
        self.line.say(reply, &command, &self.wire);
    }

    /// Hands a call to the agent, which answers the syncs, and to the guest, which answers all else.
    fn carry_out(&mut self, call: &Call, now: Duration) -> Option<Reply> {
        let mut text = String::from("{\"execute\":");
        Value::from(call.name.as_str()).print(&mut text, Style::Compact);
        text.push_str(",\"arguments\":");
        Value::Dict(call.arguments.clone()).print(&mut text, Style::Compact);
        text.push('}');
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let window = self.agent.receive_buffer();
            let n = rest.len().min(window.len());
            window[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            self.agent.handle_received(n);
            if n == 0 {
                break;
            }
        }
        if let Some(request) = self.agent.poll_request() {
            let sent = match self.guest.answer(request, now) {
                Ok(Answered::Reply(reply)) => reply.send(&mut self.agent),
                Ok(Answered::Value(value)) => return Some(Reply::success(value)),
                Err(refusal) => return Some(Reply::refusal(&refusal)),
            };
            if let Err(error) = sent {
                return Some(Reply::refusal(&Refusal::new(error.to_string())));
            }
        }
        let line = self.agent.poll_transmit()?;
        let (reply, len) = (Reply::parse(line), line.len());
        self.agent.handle_transmitted(len);
        Some(reply)
    }
}

impl From<Guest> for Sim {
    fn from(guest: Guest) -> Self {
        Self::new(guest)
    }
}
