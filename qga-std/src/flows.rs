//! What users do in several calls, blocking.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qga_proto::{ClockReading, ClockSet};

use crate::session::{Error, Session, block_on};
use crate::transport::Stream;

/// What this computer's clock shows, as agents tell theirs: in nanoseconds since 1970-01-01 00:00 UTC.
#[must_use]
pub fn wall_clock() -> i64 {
    let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

/// The guest's clock.
impl<S: Stream> Session<S> {
    /// Reads the guest's clock and compares it with this computer's; see [`qga_proto::Session::read_clock`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn read_clock(&mut self, timeout: Duration) -> Result<ClockReading, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.read_clock(wall_clock(), deadline))
    }

    /// Sets the guest's clock to this computer's; see [`qga_proto::Session::set_clock`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). Where the fate is unknown the clock may have been set.
    pub fn set_clock(&mut self, timeout: Duration) -> Result<ClockSet, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.set_clock(wall_clock(), deadline))
    }
}
