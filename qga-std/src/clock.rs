//! Time, for threads.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use qga_proto::Instant as ProtoInstant;

/// The system's monotonic clock, for calls that block.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

/// The longest time limit that is set: systems do not all take what a `Duration` can hold. Who waits waits again.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Clock {
    /// A clock that counts from now.
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now() }
    }
}

/// How long it is until `deadline`; never zero, which would mean no limit to the system.
pub(crate) fn wait(clock: &impl qga_proto::Clock, deadline: ProtoInstant) -> Duration {
    (deadline - clock.now()).clamp(Duration::from_micros(1), LONGEST_WAIT)
}

impl qga_proto::Clock for Clock {
    fn now(&self) -> ProtoInstant {
        ProtoInstant::from_epoch(self.epoch.elapsed())
    }

    /// Blocks the thread.
    async fn timeout<F: Future>(&self, future: F, deadline: ProtoInstant) -> Option<F::Output> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            if self.now() >= deadline {
                return None;
            }
            thread::park_timeout(wait(self, deadline));
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
