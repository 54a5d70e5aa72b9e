//! Waiting for a program's end: the agent tells it once, and only to who asks.

use core::time::Duration;

use super::error::{Error, Fate, Reason};
use crate::buffer::Buffer;
use crate::commands::{GuestExecStatus, GuestFsfreezeStatus};
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// The pauses between two looks: an eighth of the time that it has been waited so far, so that nobody waits much longer
/// than the program runs, within these limits.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(1)];
const PAUSE_PART: u32 = 8;

/// How often to look while the guest is frozen, at the most.
const FROZEN_PAUSE: Duration = Duration::from_millis(250);

/// How long to wait for one answer at first, where a late one does no harm: it may be lost. Twice as long each time.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many answers in a row may be unreadable.
const MANY_BROKEN: u32 = 3;

/// How often the agent may say, after an answer has been lost, that it knows no such program: the answer may yet come, from
/// behind the others.
const MANY_REFUSALS: u32 = 3;

/// How much silence of the agent is borne while a program is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// All until the deadline: the program may be all that matters.
    ToDeadline,
    /// A few looks in a row without an answer: for a small program that only helps, and that can be done without.
    FewLooks,
}

/// How many looks in a row those are.
const FEW_LOOKS: u32 = 3;

/// What waiting has seen so far.
struct Watch<E> {
    begin: Instant,
    patience: Duration,
    /// The first error after which the agent may have told the end to nobody.
    doubt: Option<crate::Error<E>>,
    /// What the last look met, if it met anything but a program that runs.
    last: Option<crate::Error<E>>,
    /// Whether it has been seen running.
    is_seen: bool,
    is_frozen: bool,
    /// Whether the agent has refused to say since it last said something, though the guest was not frozen when it was
    /// asked for that: it may have been thawed in between.
    is_barred: bool,
    silent: u32,
    broken: u32,
    refusals: u32,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Waits until a program has ended, and reads what the agent says then.
    pub(crate) async fn await_end<R>(
        &mut self,
        pid: i64,
        silence: Silence,
        deadline: Instant,
        read: impl FnOnce(&view::GuestExecStatus<'_>) -> R,
    ) -> Result<R, Error<T::Error>> {
        let longest = self.timeouts.of(GuestExecStatus::NAME);
        // Without ids a late answer is thrown away: better to wait for it.
        let patience = if self.client.id_mode() { PATIENCE.min(longest) } else { longest };
        let mut watch = Watch::new(self.transport.now(), patience);
        loop {
            let now = self.transport.now();
            let limit = deadline.min(now + watch.patience);
            let is_short = deadline - now < PATIENCE;
            let error = match self.call_view_until(&GuestExecStatus::new(pid), limit).await {
                Ok(status) if status.exited => return Ok(read(&status)),
                Ok(_) => None,
                Err(error) => Some(error),
            };
            match error {
                None => {
                    // It runs: whatever was lost before was no end.
                    let patience = watch.patience;
                    watch = Watch { is_seen: true, ..Watch::new(watch.begin, patience) };
                }
                // Only the deadline cut it short, and the look before it was answered.
                Some(crate::Error::TimedOut(_))
                    if watch.is_seen && is_short && self.transport.now() >= deadline => {}
                Some(error) => {
                    watch.silent += u32::from(error.is_timeout());
                    if silence == Silence::FewLooks && watch.silent >= FEW_LOOKS {
                        return Err(Error::new(Some(pid), Reason::Call(error), Fate::Unknown));
                    }
                    self.judge(pid, &mut watch, error, deadline).await?;
                }
            }
            let now = self.transport.now();
            if now >= deadline {
                return Err(watch.give_up(pid));
            }
            self.transport.sleep_until(deadline.min(now + watch.pause(now))).await;
            if self.transport.now() >= deadline {
                return Err(watch.give_up(pid));
            }
        }
    }

    /// Whether there is use in looking again after an error.
    async fn judge(
        &mut self,
        pid: i64,
        watch: &mut Watch<T::Error>,
        error: crate::Error<T::Error>,
        deadline: Instant,
    ) -> Result<(), Error<T::Error>> {
        match error {
            crate::Error::Refused(refusal) => {
                // A frozen guest refuses this, too, and each version in other words.
                watch.is_frozen = self.is_frozen_now(deadline).await;
                if watch.is_frozen {
                    watch.is_barred = false;
                    return Ok(());
                }
                let is_unknown = !refusal.is_command_not_found();
                if !is_unknown && !watch.is_barred {
                    watch.is_barred = true;
                    return Ok(());
                }
                watch.refusals += 1;
                if is_unknown && watch.doubt.is_some() && watch.refusals < MANY_REFUSALS {
                    return Ok(());
                }
                let error = crate::Error::Refused(refusal);
                Err(match watch.doubt.take() {
                    Some(first) if is_unknown => Error::new(Some(pid), Reason::Lost(first), Fate::Ended),
                    None if is_unknown => Error::new(Some(pid), Reason::UnknownPid(error), Fate::Unknown),
                    _ => Error::new(Some(pid), Reason::Call(error), Fate::Unknown),
                })
            }
            // Only the last answer is long.
            crate::Error::ReplyTooLong { .. } => Err(Error::new(Some(pid), Reason::Lost(error), Fate::Ended)),
            crate::Error::TimedOut(_) => {
                watch.patience = watch.patience.saturating_mul(2);
                watch.note(error);
                Ok(())
            }
            crate::Error::Protocol(_) => {
                watch.broken += 1;
                if watch.broken < MANY_BROKEN {
                    watch.note(error);
                    return Ok(());
                }
                Err(Error::new(Some(pid), Reason::Lost(watch.doubt.take().unwrap_or(error)), Fate::Unknown))
            }
            // The next look makes a new connection, if the session may.
            crate::Error::Closed(_) | crate::Error::Transport { .. } if error.is_fate_unknown() => {
                watch.note(error);
                Ok(())
            }
            error => {
                let error = watch.doubt.take().unwrap_or(error);
                Err(Error::new(Some(pid), Reason::Call(error), Fate::Unknown))
            }
        }
    }

    /// Whether the guest is frozen, as far as the agent says.
    pub(crate) async fn is_frozen_now(&mut self, deadline: Instant) -> bool {
        let until = self.patience(GuestFsfreezeStatus::NAME, deadline);
        matches!(self.is_frozen(until).await, Ok(Some(true)))
    }
}

impl<E> Watch<E> {
    fn new(begin: Instant, patience: Duration) -> Self {
        Self {
            begin,
            patience,
            doubt: None,
            last: None,
            is_seen: false,
            is_frozen: false,
            is_barred: false,
            silent: 0,
            broken: 0,
            refusals: 0,
        }
    }

    /// Takes note of an error after which the end may have been told to nobody.
    fn note(&mut self, error: crate::Error<E>) {
        if error.is_fate_unknown() && self.doubt.is_none() {
            self.doubt = Some(error);
            self.last = None;
        } else {
            self.last = Some(error);
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        let least = if self.is_frozen { FROZEN_PAUSE } else { PAUSES[0] };
        ((now - self.begin) / PAUSE_PART).clamp(least, PAUSES[1])
    }

    /// The deadline has passed.
    fn give_up(self, pid: i64) -> Error<E> {
        let reason = match self.doubt.or(self.last) {
            _ if self.is_frozen => Reason::Frozen,
            error => Reason::TimedOut(error),
        };
        let fate = if matches!(reason, Reason::TimedOut(None)) { Fate::Runs } else { Fate::Unknown };
        Error::new(Some(pid), reason, fate)
    }
}
