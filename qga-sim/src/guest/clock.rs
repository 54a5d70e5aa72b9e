//! The clocks: the system's, which everybody reads, and the hardware's, which keeps the time while the guest is off.

use std::time::Duration;

use crate::guest::Guest;

/// How far the clocks are from the time that a [`Sim`](crate::Sim) is told, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    system: i64,
    /// `None`: there is none, or no program to set it with.
    hardware: Option<i64>,
}

impl Clocks {
    pub(crate) fn new() -> Self {
        Self { system: 0, hardware: Some(0) }
    }

    /// What the system's clock shows, in nanoseconds since 1970. `None`: they are too many.
    pub(crate) fn system(&self, now: Duration) -> Option<i64> {
        i64::try_from(now.as_nanos()).ok()?.checked_add(self.system)
    }

    /// Sets the system's clock.
    pub(crate) fn set_system(&mut self, time: i64, now: Duration) {
        self.system = time.saturating_sub(nanos(now));
    }

    pub(crate) fn has_hardware(&self) -> bool {
        self.hardware.is_some()
    }

    /// Sets the system's clock by the hardware's. `None`: there is none.
    pub(crate) fn load_hardware(&mut self) -> Option<()> {
        self.system = self.hardware?;
        Some(())
    }

    /// Sets the hardware's clock by the system's. `None`: there is none.
    pub(crate) fn store_hardware(&mut self) -> Option<()> {
        let system = self.system;
        self.hardware.as_mut().map(|hardware| *hardware = system)
    }
}

impl Guest {
    /// Sets the system's clock back, as if the guest had been stopped for so long. The hardware's clock stays right.
    #[must_use]
    pub fn clock_behind(mut self, time: Duration) -> Self {
        self.clocks.system = nanos(time).saturating_neg();
        self
    }

    /// Takes the hardware's clock away, without which `guest-set-time` fails: when it is given a time, only after it has
    /// set the system's clock to it.
    #[must_use]
    pub fn no_hardware_clock(mut self) -> Self {
        self.clocks.hardware = None;
        self
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
