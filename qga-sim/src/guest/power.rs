//! Going down and coming up, falling asleep and waking.

use std::time::Duration;

use crate::guest::Guest;

/// Whether a guest is there to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Power {
    /// It answers. It does so for a moment after it has been told to shut down, too.
    On,
    /// It sleeps, after `guest-suspend-ram` or `guest-suspend-hybrid`. What it is asked waits until it is woken.
    Asleep,
    /// It was powered down or halted, or sleeps on its disk. Nobody is there.
    Off,
    /// It was powered on, or reboots, and will answer in a while. Nobody is there yet.
    Booting,
}

/// How it is with a guest, and how long changes of that take.
#[derive(Clone, Debug)]
pub(crate) struct Supply {
    state: State,
    /// How often the agent has gone away, and every connection with it.
    pub(crate) ends: u64,
    shutdown_time: Duration,
    boot_time: Duration,
    /// `None`: until it is woken.
    sleep_time: Option<Duration>,
    can_suspend: bool,
}

/// ```text
///           shutdown                            power on
///     On ------------> GoingDown -------> Off ------------> Booting --> On
///      |                    |  reboot      ^                   ^
///      |                    +--------------|-------------------+
///      |  suspend to disk                  |
///      +-----------------------------------+
///      |  suspend to RAM            wake
///      +----------------> Asleep ----------> On
/// ```
#[derive(Clone, Copy, Debug)]
enum State {
    On,
    GoingDown { at: Duration, reboots: bool },
    Off { image: Option<Duration> },
    Booting { until: Duration, image: Option<Duration> },
    Asleep { since: Duration, until: Option<Duration> },
}

/// Where a guest that sleeps keeps its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspend {
    Disk,
    Ram,
}

/// A suspend that there is not, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CannotSuspend;

impl Supply {
    pub(crate) fn new() -> Self {
        Self {
            state: State::On,
            ends: 0,
            shutdown_time: Duration::from_millis(200),
            boot_time: Duration::from_secs(1),
            sleep_time: None,
            can_suspend: true,
        }
    }

    pub(crate) fn power(&self) -> Power {
        match self.state {
            State::On | State::GoingDown { .. } => Power::On,
            State::Asleep { .. } => Power::Asleep,
            State::Off { .. } => Power::Off,
            State::Booting { .. } => Power::Booting,
        }
    }

    pub(crate) fn is_going_down(&self) -> bool {
        matches!(self.state, State::GoingDown { .. })
    }

    /// When something changes by itself.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        match self.state {
            State::GoingDown { at, .. } => Some(at),
            State::Booting { until, .. } => Some(until),
            State::Asleep { until, .. } => until,
            State::On | State::Off { .. } => None,
        }
    }
}

impl Guest {
    /// Sets how long it goes on answering after it has been told to shut down: 200 ms if nobody says otherwise.
    #[must_use]
    pub fn shutdown_time(mut self, time: Duration) -> Self {
        self.supply.shutdown_time = time;
        self
    }

    /// Sets how long it takes to boot: 1 s if nobody says otherwise.
    #[must_use]
    pub fn boot_time(mut self, time: Duration) -> Self {
        self.supply.boot_time = time;
        self
    }

    /// Lets it wake by itself when it has slept for so long. Else it sleeps until it is [woken](crate::Sim::wake).
    #[must_use]
    pub fn sleep_time(mut self, time: Duration) -> Self {
        self.supply.sleep_time = Some(time);
        self
    }

    /// Makes it one that cannot be suspended, as most guests without a configured swap or firmware.
    #[must_use]
    pub fn no_suspend(mut self) -> Self {
        self.supply.can_suspend = false;
        self
    }

    /// Begins to go down. One that does so already goes on with that.
    pub(crate) fn shut_down(&mut self, reboots: bool) {
        if !self.supply.is_going_down() {
            let at = self.now.saturating_add(self.supply.shutdown_time);
            self.supply.state = State::GoingDown { at, reboots };
        }
    }

    /// Falls asleep, at once.
    pub(crate) fn suspend(&mut self, to: Suspend) -> Result<(), CannotSuspend> {
        if !self.supply.can_suspend || self.supply.is_going_down() {
            return Err(CannotSuspend);
        }
        let since = self.now;
        self.supply.state = match to {
            Suspend::Disk => {
                self.supply.ends += 1;
                State::Off { image: Some(since) }
            }
            Suspend::Ram => {
                let until = self.supply.sleep_time.map(|time| since.saturating_add(time));
                State::Asleep { since, until }
            }
        };
        Ok(())
    }

    /// Does what was to happen by now.
    pub(crate) fn advance(&mut self, now: Duration) {
        self.advance_freeze(now);
        while self.supply.next_change().is_some_and(|at| at <= now) {
            match self.supply.state {
                State::GoingDown { at, reboots } => {
                    self.lose_memory();
                    self.supply.ends += 1;
                    let until = at.saturating_add(self.supply.boot_time);
                    self.supply.state = if reboots {
                        State::Booting { until, image: None }
                    } else {
                        State::Off { image: None }
                    };
                }
                State::Booting { until, image } => {
                    self.supply.state = State::On;
                    match image {
                        Some(since) => self.processes.stand_still(since, until),
                        // Without a hardware clock there is no better one than what it had.
                        None => drop(self.clocks.load_hardware()),
                    }
                }
                State::Asleep { until, .. } => self.wake(until.unwrap_or(now)),
                State::On | State::Off { .. } => {}
            }
        }
    }

    /// Wakes, if it sleeps.
    pub(crate) fn wake(&mut self, now: Duration) {
        if let State::Asleep { since, .. } = self.supply.state {
            self.processes.stand_still(since, now);
            self.supply.state = State::On;
        }
    }

    /// Begins to boot, if it is off. One that sleeps on its disk goes on where it was.
    pub(crate) fn power_on(&mut self, now: Duration) {
        if let State::Off { image } = self.supply.state {
            let until = now.saturating_add(self.supply.boot_time);
            self.supply.state = State::Booting { until, image };
        }
    }

    /// What is in memory only is gone, and Linux will take all into use that it finds.
    fn lose_memory(&mut self) {
        self.restart_agent();
        self.users.clear();
        // What has lapsed is gone, too.
        let _ = self.thaw();
        self.processors.iter_mut().for_each(|processor| processor.online = true);
        self.memory.blocks.iter_mut().for_each(|block| block.online = true);
    }
}
