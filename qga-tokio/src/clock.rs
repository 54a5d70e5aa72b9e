//! Time, for tasks.

use std::time::Duration;

use qga_proto::{Instant as ProtoInstant, os};
use tokio::time::{Instant, sleep};

/// Tokio's clock, which stands still in a test that pauses it. Waiting needs a runtime whose time is enabled.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

/// A stream learns what has come for it only when the runtime looks: as long as its shortest timer takes, it is given
/// time for that. Without it, what an agent said before it went could be missed. The time is given twice, as a timer is over at
/// once where another of the runtime's threads has looked before, and has not yet said so.
const LOOK: Duration = Duration::from_millis(1);

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
        let timer = async || {
            let left = deadline - self.now();
            if left < LOOK {
                sleep(LOOK).await;
            }
            sleep(left.max(LOOK)).await;
        };
        os::with_timer(future, timer).await
    }
}
