//! A guest behind its agent, without I/O.

use std::time::Duration;

use qga_proto::{Agent, ErrorClass};

use crate::guest::{Guest, Power};

/// A guest and its agent: bytes in, bytes out.
///
/// A function of bytes and time, like the [`Agent`] inside: send what [`poll_transmit`](Self::poll_transmit) gives, read
/// into [`receive_buffer`](Self::receive_buffer). Commands are carried out in the course of that. `now` is the time since
/// 1970, UTC, which is also the guest's until somebody sets its clock; it must never go backwards.
///
/// A guest can be told to stop ([`power`](Self::power)). While it is off nobody reads what arrives, and when it goes off
/// all is lost that was half said, by either side. What is to happen by itself happens at the next call after its time,
/// of which [`poll_timeout`](Self::poll_timeout) tells.
#[derive(Debug)]
pub struct Sim {
    agent: Agent<Vec<u8>>,
    guest: Guest,
    /// How often the guest had gone away when this was last looked at.
    ends: u64,
}

impl Sim {
    /// Starts the agent of a guest.
    #[must_use]
    pub fn new(guest: Guest) -> Self {
        Self { agent: Agent::new(Vec::new(), Vec::new()), ends: guest.supply.ends, guest }
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

    /// Where to read to. Empty only while the buffer is full of requests that wait: for a reply to be sent, or for the guest
    /// to wake.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        self.agent.receive_buffer()
    }

    /// Says that the first `n` bytes of [`receive_buffer`](Self::receive_buffer) have been filled.
    pub fn handle_received(&mut self, n: usize, now: Duration) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            self.receive(n);
        } else {
            // The change that is due comes first, and empties or moves the buffer.
            let window = self.agent.receive_buffer();
            let bytes = window[..n.min(window.len())].to_vec();
            self.work(now);
            let window = self.agent.receive_buffer();
            let n = bytes.len().min(window.len());
            window[..n].copy_from_slice(&bytes[..n]);
            self.receive(n);
        }
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

    /// When the guest changes by itself: goes down, has booted, or wakes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.guest.supply.next_change()
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.work(now);
    }

    /// How often the guest has gone away. Connections do not outlive that.
    pub(crate) fn ends(&self) -> u64 {
        self.ends
    }

    /// The guest, as the last call left it.
    #[must_use]
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Takes bytes in, if anybody does.
    fn receive(&mut self, n: usize) {
        match self.power() {
            Power::On | Power::Asleep => self.agent.handle_received(n),
            Power::Off | Power::Booting => {}
        }
    }

    /// Does what is due, and carries out requests, up to the first answer that is to be sent.
    fn work(&mut self, now: Duration) {
        loop {
            self.guest.advance(now);
            if self.ends != self.guest.supply.ends {
                self.ends = self.guest.supply.ends;
                self.agent.handle_eof();
            }
            if self.power() != Power::On {
                return;
            }
            let Some(request) = self.agent.poll_request() else { return };
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
