//! Connections: when to make a new one, and what to send again over it.

use core::time::Duration;

use super::debts::is_for_frozen;
use super::{Event, Link, Session};
use crate::buffer::Buffer;
use crate::client::Ticket;
use crate::command::Command;
use crate::error::{Error, Sent};
use crate::time::Instant;
use crate::transport::{Cause, Transport};

/// What a session does when its connection is over.
///
/// A call that finds no connection tries to make one, first at once, then after pauses, each twice as long as the one
/// before. A command that was on its way when the connection broke is sent again only if that can do no harm: if nothing
/// of it had left, or if it is a query ([`Command::is_query`]) and `replays` allows it. For all others the call fails with
/// an error that says that their fate is unknown ([`Error::is_fate_unknown`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconnect {
    /// How often one call tries to connect before it fails; its deadline may end that sooner. 0: never.
    pub attempts: u32,
    /// How long to wait after the first attempt; 10 ms at least.
    pub first_pause: Duration,
    /// Up to where the pause grows.
    pub longest_pause: Duration,
    /// How often one call may send a query again.
    pub replays: u32,
}

impl Reconnect {
    /// Not at all: after the connection is over, every call fails until [`Session::connect`] makes a new one.
    pub const NEVER: Self =
        Self { attempts: 0, first_pause: Duration::ZERO, longest_pause: Duration::ZERO, replays: 0 };

    /// Until a call's deadline, with pauses from 50 ms to 1 s; a query is sent again once.
    pub const BACKOFF: Self = Self {
        attempts: u32::MAX,
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_secs(1),
        replays: 1,
    };

    /// Limits how often one call tries to connect.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long to wait after the first attempt, and up to where that grows.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Sets how often one call may send a query again.
    #[must_use]
    pub const fn replays(mut self, replays: u32) -> Self {
        self.replays = replays;
        self
    }
}

/// No policy makes a call try without pause.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Pauses between attempts, each twice as long as the one before.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Duration,
    longest: Duration,
    attempts: u32,
}

impl Pace {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest, attempts: 0 }
    }

    /// How long to wait before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts == 1 {
            return Duration::ZERO;
        }
        let pause = self.next.max(SHORTEST_PAUSE);
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}

/// How soon to knock again where there was no room for another client.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Makes a connection, now, whatever the policy says; ends the one that there is. Tries once, but waits up to the
    /// deadline for room where another client has the channel.
    ///
    /// That a connection stands does not mean that an agent is behind it: see
    /// `wait_ready`. When the future is dropped there is no connection, and the next call tries to make one.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], or [`Error::Closed`] when the transport knows no way to connect.
    pub async fn connect(&mut self, deadline: Instant) -> Result<(), Error<T::Error>> {
        self.lose();
        // As if there had been none yet: who gives up here has asked for one all the same.
        self.link = Link::None;
        loop {
            match self.transport.connect(deadline).await {
                Ok(true) => break,
                Ok(false) => return Err(Error::Closed(Sent::Nothing)),
                Err(error) => {
                    let again = self.transport.now() + BUSY_PAUSE;
                    if T::cause(&error) != Cause::Busy || again >= deadline {
                        return Err(Error::Connect(error));
                    }
                    self.transport.sleep_until(again).await;
                }
            }
        }
        self.client.handle_connected();
        self.link = Link::Up;
        self.events.push(Event::Connected);
        Ok(())
    }

    /// Has a command carried out, after what this session owes the guest.
    pub(super) async fn perform<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
        policy: Reconnect,
    ) -> Result<Ticket<C>, Error<T::Error>> {
        self.pay_debts(command.name(), deadline).await?;
        self.carry_out(command, deadline, policy).await
    }

    /// Has a command carried out, over as many connections as the policy allows.
    pub(crate) async fn carry_out<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
        policy: Reconnect,
    ) -> Result<Ticket<C>, Error<T::Error>> {
        let mut pace = Pace::new(policy.first_pause, policy.longest_pause);
        let mut replays = 0;
        let mut lost = None;
        // No files are closed beside what a frozen guest carries out: it refuses all else, and whoever thaws it must not wait.
        let mut is_tidy = is_for_frozen(command.name());
        loop {
            if !self.is_connected() && !self.client.has_late_reply(command, self.transport.now()) {
                let connected = self.establish(&mut pace, deadline, policy.attempts).await;
                // What was sent before counts for more than that it could not be sent again.
                connected.map_err(|error| lost.take().unwrap_or(error))?;
            }
            if !is_tidy {
                is_tidy = true;
                self.close_orphans(deadline).await;
                // That may have been the end of the connection.
                continue;
            }
            let now = self.transport.now();
            let ticket = self.client.submit(command, now, deadline).map_err(Error::widen)?;
            let error = match (self.drive(now).await, self.client.settled_lost()) {
                (Ok(()), Some(sent)) => Error::Closed(sent),
                (Ok(()), None) => return Ok(self.settle(command, ticket)),
                (Err(error), _) => error,
            };
            self.client.give_up();
            self.lose();
            match error.sent() {
                Some(Sent::Nothing) if policy.attempts > 0 => {}
                _ if command.is_query() && replays < policy.replays => {
                    replays += 1;
                    lost = Some(error);
                }
                _ => return Err(error),
            }
        }
    }

    /// Makes a connection, with so many attempts all together. Ends at the deadline, whatever the pauses are.
    async fn establish(
        &mut self,
        pace: &mut Pace,
        deadline: Instant,
        attempts: u32,
    ) -> Result<(), Error<T::Error>> {
        // A session's first connection is no second one.
        let limit = if self.link == Link::None { attempts.max(1) } else { attempts };
        self.lose();
        if pace.attempts >= limit {
            return Err(Error::Closed(Sent::Nothing));
        }
        let mut last = None;
        loop {
            let pause = pace.pause();
            if !pause.is_zero() {
                self.transport.sleep_until(deadline.min(self.transport.now() + pause)).await;
                if self.transport.now() >= deadline {
                    return Err(last.map_or(Error::Closed(Sent::Nothing), Error::Connect));
                }
            }
            let error = match self.connect(deadline).await {
                Err(Error::Connect(error)) => error,
                result => return result,
            };
            if pace.attempts >= limit || T::cause(&error) == Cause::Invalid {
                return Err(Error::Connect(error));
            }
            last = Some(error);
        }
    }

    /// Takes note that a call has been settled.
    fn settle<C: Command>(&mut self, command: &C, ticket: Ticket<C>) -> Ticket<C> {
        if changes_what_is_enabled(command.name()) {
            self.doubt();
        }
        if self.client.take_resynced() {
            self.doubt();
            self.events.push(Event::Resynced);
        }
        ticket
    }

    /// Takes note that there is no connection.
    pub(crate) fn lose(&mut self) {
        if self.link == Link::Up {
            self.link = Link::Lost;
            self.events.push(Event::Lost);
            self.doubt();
        }
    }

    /// The agent may be another one now.
    fn doubt(&mut self) {
        #[cfg(feature = "alloc")]
        {
            self.is_current = false;
        }
    }
}

/// While a guest is frozen, its agent says that nearly all commands are disabled.
fn changes_what_is_enabled(command: &str) -> bool {
    matches!(command, "guest-fsfreeze-freeze" | "guest-fsfreeze-freeze-list" | "guest-fsfreeze-thaw")
}
