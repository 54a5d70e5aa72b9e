//! Time as the core sees it: a number that its driver hands in.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time, counted from an epoch that the driver picks.
///
/// Only differences matter: a driver may count from its own start, from boot or from 1970. It must never go backwards.
/// Counts nanoseconds, up to 584 years; what is beyond is [`FAR_FUTURE`](Self::FAR_FUTURE), so that no deadline can overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// A deadline that never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The epoch itself.
    pub const ZERO: Self = Self(0);

    /// The point in time `since_epoch` after the driver's epoch.
    #[must_use]
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(nanoseconds(since_epoch))
    }

    /// How long after the driver's epoch this is.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// A duration in one number, of which the largest stands for all that are longer.
const fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}
