//! The guest's clock: how wrong it is, and setting it.

use core::time::Duration;

use crate::buffer::Buffer;
use crate::commands::{GuestGetTime, GuestSetTime};
use crate::error::{Error, Refusal};
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// What a guest's clock showed, and what the host's did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockReading {
    /// What the guest's clock showed, in nanoseconds since 1970-01-01 00:00 UTC. Real agents tell whole microseconds.
    pub guest: i64,
    /// By how many nanoseconds the guest's clock was ahead of the host's; negative where it was behind.
    pub ahead: i64,
    /// How exact `ahead` is: it may be off by so much in both directions. Half of the round trip.
    pub precision: Duration,
}

/// A guest's clock that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockSet {
    /// What it showed before.
    pub before: ClockReading,
    /// What it shows now.
    pub after: ClockReading,
    /// What the agent said if it refused, and set the clock all the same: the hardware's clock could not be set, and the
    /// guest will start with a wrong time.
    pub refusal: Option<Refusal>,
}

/// How far off a clock may be that was just set: much less than what anybody has it set for.
const TOLERANCE: Duration = Duration::from_secs(1);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Reads the guest's clock and compares it with the host's. `host` is what the host's shows as this is called, in
    /// nanoseconds since 1970-01-01 00:00 UTC: the core has no such clock, and counts on from there.
    ///
    /// Asks twice, as the first call may have to connect and to sync: the second is one round trip, in whose middle the
    /// guest is taken to have looked.
    ///
    /// Dropping the future leaves the session as any other dropped call does. `guest-get-time` is there since QEMU 1.5.
    ///
    /// # Errors
    ///
    /// As [`call_view_until`](Self::call_view_until).
    pub async fn read_clock(
        &mut self,
        host: i64,
        deadline: Instant,
    ) -> Result<ClockReading, Error<T::Error>> {
        let start = self.transport.now();
        self.call_view_until(&GuestGetTime::new(), deadline).await?;
        self.look_at_clock(host, start, deadline).await
    }

    /// Sets the guest's clock to the host's, which shows `host` as this is called, in nanoseconds since 1970-01-01 00:00
    /// UTC. What the command takes on its way, half of a round trip, is added.
    ///
    /// An agent whose guest has no hardware clock, or no program to set it, refuses; but since QEMU 9.1 only after it
    /// has set the system's. So the clock is read again, and where it has become right, that is success.
    ///
    /// Dropping the future gives the call up; the clock may still be set. `guest-set-time` is there since QEMU 1.5; QEMU's
    /// agent on POSIX systems takes times from 1970 to 2069.
    ///
    /// # Errors
    ///
    /// As [`call_view_until`](Self::call_view_until). Where the fate is unknown the clock may have been set.
    pub async fn set_clock(&mut self, host: i64, deadline: Instant) -> Result<ClockSet, Error<T::Error>> {
        let start = self.transport.now();
        self.call_view_until(&GuestGetTime::new(), deadline).await?;
        let before = self.look_at_clock(host, start, deadline).await?;
        let now = count_on(host, self.transport.now() - start + before.precision);
        let set = self.call_view_until(&GuestSetTime::new().time(now), deadline).await;
        let refusal = match set {
            Ok(_) => None,
            Err(Error::Refused(refusal)) => Some(refusal),
            Err(error) => return Err(error),
        };
        let after = self.look_at_clock(host, start, deadline).await?;
        match refusal {
            Some(refusal) if before.is_right() || !after.is_right() => Err(Error::Refused(refusal)),
            refusal => Ok(ClockSet { before, after, refusal }),
        }
    }

    /// Looks once. `host` is what the host's clock showed at `start`.
    async fn look_at_clock(
        &mut self,
        host: i64,
        start: Instant,
        deadline: Instant,
    ) -> Result<ClockReading, Error<T::Error>> {
        let sent = self.transport.now();
        let guest = self.call_view_until(&GuestGetTime::new(), deadline).await?;
        let precision = (self.transport.now() - sent) / 2;
        let then = count_on(host, sent - start + precision);
        Ok(ClockReading { guest, ahead: guest.saturating_sub(then), precision })
    }
}

impl ClockReading {
    /// Whether the clock shows what the host's does, as nearly as can be told.
    fn is_right(&self) -> bool {
        Duration::from_nanos(self.ahead.unsigned_abs()) <= self.precision.saturating_add(TOLERANCE)
    }
}

/// The time so much later.
fn count_on(time: i64, by: Duration) -> i64 {
    time.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))
}
