//! A line without I/O and without waiting.

use std::fmt;
use std::time::Duration;

use qga_proto::{Cause, Client, Config, Instant, Session, Transport};

use crate::guest::Power;
use crate::sim::Sim;

/// A [`Transport`] to a simulated guest, for tests in which nothing waits and everything happens in the same order each time:
/// time is a number, and passes only when somebody waits for something.
///
/// ```
/// use std::time::Duration;
/// use qga_proto::commands::GuestPing;
/// use qga_sim::{Guest, Sim, VirtualLine};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = VirtualLine::new(Sim::new(Guest::new()).fault("lost#1".parse()?)).session();
/// let hour = Duration::from_secs(3600);
/// qga_std::block_on(async {
///     // This takes an hour there, and no time here.
///     assert!(session.call_timeout(&GuestPing::new(), hour).await.unwrap_err().is_timeout());
///     session.call(&GuestPing::new()).await
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// Its futures are ready when they are polled first. It can be connected to again when the connection has ended, but for a
/// guest that is off.
#[derive(Debug)]
pub struct VirtualLine {
    sim: Sim,
    now: Instant,
    /// The [`Sim::ends`] of the connection. `None`: there is no connection.
    connection: Option<u64>,
}

/// When its time begins for the guest: 2026-01-01.
const START: Duration = Duration::from_secs(1_767_225_600);

impl VirtualLine {
    /// A line at whose end is a guest. It is connected already.
    #[must_use]
    pub fn new(guest: impl Into<Sim>) -> Self {
        let mut sim = guest.into();
        sim.handle_timeout(START);
        Self { now: Instant::ZERO, connection: Some(sim.ends()), sim }
    }

    /// A session over this line.
    #[must_use]
    pub fn session(self) -> Session<Self, Vec<u8>> {
        Session::new(self, Client::new(Config::default(), Vec::new(), Vec::new(), 1))
    }

    /// The guest and its agent.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// When something happens by itself, if something does.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sim.poll_timeout().map(|at| Instant::from_epoch(at.saturating_sub(START)))
    }

    /// Lets time pass, and happen what is due.
    pub fn advance(&mut self, to: Instant) {
        while self.now < to {
            self.now = self.poll_timeout().map_or(to, |at| at.clamp(self.now, to));
            self.sim.handle_timeout(self.guest_time());
            if self.poll_timeout().is_some_and(|at| at <= self.now) {
                break;
            }
        }
        self.now = self.now.max(to);
        self.sim.handle_timeout(self.guest_time());
    }

    /// Wakes the guest, if it sleeps.
    pub fn wake(&mut self) {
        self.sim.wake(self.guest_time());
    }

    /// Powers the guest on, if it is off.
    pub fn power_on(&mut self) {
        self.sim.power_on(self.guest_time());
    }

    fn guest_time(&self) -> Duration {
        START + self.now.since_epoch()
    }

    fn is_connected(&self) -> bool {
        self.connection == Some(self.sim.ends())
    }

    /// Waits for what happens next, up to a deadline. Gives whether there is time left.
    fn wait(&mut self, deadline: Instant) -> bool {
        let next = self.poll_timeout().map_or(deadline, |at| at.min(deadline));
        self.advance(next.max(self.now));
        self.now < deadline
    }
}

/// The guest is off, and nobody is there to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestIsOff;

impl fmt::Display for GuestIsOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the guest is off")
    }
}

impl std::error::Error for GuestIsOff {}

impl Transport for VirtualLine {
    type Error = GuestIsOff;

    fn now(&self) -> Instant {
        self.now
    }

    async fn connect(&mut self, _: Instant) -> Result<bool, GuestIsOff> {
        self.disconnect();
        if self.sim.power() == Power::Off {
            return Err(GuestIsOff);
        }
        self.connection = Some(self.sim.ends());
        Ok(true)
    }

    fn disconnect(&mut self) -> bool {
        if self.is_connected() {
            self.sim.handle_eof(self.guest_time());
        }
        self.connection = None;
        true
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, GuestIsOff> {
        loop {
            self.sim.handle_timeout(self.guest_time());
            if !self.is_connected() {
                return Ok(Some(0));
            }
            if let Some(bytes) = self.sim.poll_transmit() {
                let n = bytes.len().min(buffer.len());
                buffer[..n].copy_from_slice(&bytes[..n]);
                self.sim.handle_transmitted(n, self.guest_time());
                return Ok(Some(n));
            }
            if !self.wait(deadline) && self.sim.poll_transmit().is_none() && self.is_connected() {
                return Ok(None);
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, GuestIsOff> {
        loop {
            self.sim.handle_timeout(self.guest_time());
            if !self.is_connected() {
                return Ok(Some(0));
            }
            let now = self.guest_time();
            let window = self.sim.receive_buffer();
            let n = bytes.len().min(window.len());
            if n > 0 {
                window[..n].copy_from_slice(&bytes[..n]);
                self.sim.handle_received(n, now);
                return Ok(Some(n));
            }
            if !self.wait(deadline) {
                return Ok(None);
            }
        }
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.advance(deadline);
    }

    fn cause(_: &GuestIsOff) -> Cause {
        Cause::Refused
    }
}
