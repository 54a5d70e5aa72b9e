//! A guest's buttons, which can be pressed while somebody else has the guest.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use crate::guest::Power;
use crate::sim::Sim;

/// What was pressed and is not done yet, and what the lamp shows. Whoever has the guest looks after both, so that nobody has to
/// wait for it, least of all a program of the guest's.
#[derive(Debug, Default)]
pub(super) struct Buttons {
    wake: AtomicBool,
    power_on: AtomicBool,
    lamp: AtomicU8,
}

const LAMP: [Power; 4] = [Power::On, Power::Asleep, Power::Off, Power::Booting];

impl Buttons {
    pub(super) fn wake(&self) {
        self.wake.store(true, Ordering::SeqCst);
    }

    pub(super) fn power_on(&self) {
        self.power_on.store(true, Ordering::SeqCst);
    }

    /// How it was with the guest when somebody last looked after it.
    pub(super) fn power(&self) -> Power {
        LAMP.get(usize::from(self.lamp.load(Ordering::SeqCst))).copied().unwrap_or(Power::On)
    }

    /// Does what was pressed, and what is due.
    pub(super) fn attend(&self, sim: &mut Sim, now: Duration) {
        if self.wake.swap(false, Ordering::SeqCst) {
            sim.wake(now);
        }
        if self.power_on.swap(false, Ordering::SeqCst) {
            sim.power_on(now);
        }
        sim.handle_timeout(now);
        let lit = LAMP.iter().position(|power| *power == sim.power()).unwrap_or_default();
        self.lamp.store(lit as u8, Ordering::SeqCst);
    }
}
