//! A guest behind its agent, without I/O.

use std::time::Duration;

use qga_proto::{Agent, ErrorClass};

use crate::guest::Guest;

/// A guest and its agent: bytes in, bytes out.
///
/// A function of bytes and time, like the [`Agent`] inside: send what [`poll_transmit`](Self::poll_transmit) gives, read
/// into [`receive_buffer`](Self::receive_buffer). Commands are carried out in the course of that. `now` is the time since
/// 1970, UTC, which is also the guest's; it must never go backwards.
#[derive(Debug)]
pub struct Sim {
    agent: Agent<Vec<u8>>,
    guest: Guest,
}

impl Sim {
    /// Starts the agent of a guest.
    #[must_use]
    pub fn new(guest: Guest) -> Self {
        Self { agent: Agent::new(Vec::new(), Vec::new()), guest }
    }

    /// The bytes to send next.
    #[must_use]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        self.agent.poll_transmit()
    }

    /// Says that the first `n` bytes of [`poll_transmit`](Self::poll_transmit) have been sent.
    pub fn handle_transmitted(&mut self, n: usize, now: Duration) {
        self.agent.handle_transmitted(n);
        self.work(now);
    }

    /// Where to read to. Empty only while a reply is to be sent and the buffer is full of requests that wait for that.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        self.agent.receive_buffer()
    }

    /// Says that the first `n` bytes of [`receive_buffer`](Self::receive_buffer) have been filled.
    pub fn handle_received(&mut self, n: usize, now: Duration) {
        self.agent.handle_received(n);
        self.work(now);
    }

    /// Says that the client is gone. What it has asked for is still done, but its answers are dropped, and so is what it
    /// has left half said.
    pub fn handle_eof(&mut self, now: Duration) {
        while let Some(bytes) = self.poll_transmit() {
            let n = bytes.len();
            self.handle_transmitted(n, now);
        }
        self.agent.handle_eof();
    }

    /// The guest, as it is now.
    #[must_use]
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Carries out requests, up to the first answer that is to be sent.
    fn work(&mut self, now: Duration) {
        while let Some(request) = self.agent.poll_request() {
            let sent = match self.guest.answer(request, now) {
                Ok(reply) => reply.send(&mut self.agent),
                Err(refusal) => self.agent.refuse(refusal.class, refusal.desc),
            };
            if let Err(error) = sent {
                // An error that cannot be said either leaves the client without an answer.
                let _ = self.agent.refuse(ErrorClass::GenericError, error);
            }
        }
    }
}
