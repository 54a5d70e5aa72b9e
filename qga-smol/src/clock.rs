//! Time, for tasks.

use std::time::Instant;

use qga_proto::{Instant as ProtoInstant, os};
use smol::Timer;

/// The system's monotonic clock, with smol's timers.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock that counts from now.
    #[must_use]
    pub fn new() -> Self {
        Self { epoch: Instant::now() }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl qga_proto::Clock for Clock {
    fn now(&self) -> ProtoInstant {
        ProtoInstant::from_epoch(self.epoch.elapsed())
    }

    async fn timeout<F: Future>(&self, future: F, deadline: ProtoInstant) -> Option<F::Output> {
        os::with_timer(future, || Timer::after(deadline - self.now())).await
    }
}
