//! Carrying bytes between a client and a guest.

use std::borrow::BorrowMut;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::buttons::Buttons;
use crate::guest::Power;
use crate::sim::Sim;

/// What clients are on.
pub(super) trait Link: Read + Write {
    /// Limits how long transfers wait; gives whether that can be done.
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<bool>;

    /// Whether it is a line that is there all the time, on which nobody notices that clients come and go, or that the guest
    /// does.
    fn is_lasting(&self) -> bool {
        false
    }
}

/// A stream of which no more is known.
pub(super) struct Plain<S>(pub(super) S);

/// How often one looks at a guest that others may wake or power on.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The longest time limit that is set: systems do not all take what a `Duration` can hold.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many bytes are carried at once.
const CHUNK: usize = 64 * 1024;

/// Carries bytes until the client is gone, or the guest. Never reads while there is something to write: a client that does
/// not take its answers gets no more of them.
///
/// The guest is free while a transfer waits, which it does for so long as the link is told, if that can be done. With
/// `is_alone` nobody else has the guest: when it sleeps and will not wake by itself, that is the end.
pub(super) fn pump(
    clock: &Clock,
    sim: &Mutex<impl BorrowMut<Sim>>,
    buttons: &Buttons,
    link: &mut impl Link,
    is_alone: bool,
) -> io::Result<()> {
    let ends = {
        let guard = lock(sim);
        let sim = (*guard).borrow();
        if sim.power() == Power::Off && !link.is_lasting() {
            return Ok(());
        }
        sim.ends()
    };
    let (mut incoming, mut outgoing) = (vec![0; CHUNK], vec![0; CHUNK]);
    // What of `incoming` the guest has not taken yet.
    let mut rest = 0..0;
    let (mut timeout, mut at_end) = (None, false);
    loop {
        let (n, reads, wanted) = {
            let mut guard = lock(sim);
            let sim = (*guard).borrow_mut();
            let now = clock.now();
            buttons.attend(sim, now);
            rest = deliver(sim, &incoming, rest, now);
            // A request may end it at once, and then nothing wakes who reads.
            if sim.ends() != ends && !link.is_lasting() || is_alone && will_never_be(sim) {
                return Ok(());
            }
            let bytes = sim.poll_transmit().unwrap_or_default();
            let n = bytes.len().min(CHUNK);
            outgoing[..n].copy_from_slice(&bytes[..n]);
            if n == 0 && at_end && !sim.is_busy() {
                return Ok(());
            }
            (n, rest.is_empty() && !at_end && sim.reads(), time_to_look(sim, now))
        };
        if n > 0 || reads {
            let is_timed = (wanted.is_some() || timeout.is_some()) && link.set_timeout(wanted)?;
            timeout = wanted;
            if n > 0 {
                match transfer(is_timed, || link.write(&outgoing[..n]))? {
                    None => {}
                    Some(0) => return Ok(()),
                    Some(n) => {
                        let mut guard = lock(sim);
                        let sim = (*guard).borrow_mut();
                        if sim.ends() == ends || link.is_lasting() {
                            sim.handle_transmitted(n, clock.now());
                        }
                    }
                }
            } else {
                match transfer(is_timed, || link.read(&mut incoming))? {
                    None => {}
                    // It has said all that it wants to say, and may still wait for the answers.
                    Some(0) => at_end = true,
                    Some(n) => rest = 0..n,
                }
            }
        } else {
            thread::sleep(wanted.map_or(LOOK_INTERVAL, |wanted| wanted.min(LOOK_INTERVAL)));
            // Nobody reads, so nothing else tells whether it is over.
            link.set_timeout(timeout)?;
        }
    }
}

/// Whether a guest is not there, and nothing changes that.
pub(super) fn will_never_be(sim: &Sim) -> bool {
    match sim.power() {
        Power::Off => true,
        Power::Asleep => sim.poll_timeout().is_none(),
        Power::On | Power::Booting => false,
    }
}

/// Gives the guest what it takes; gives the rest.
fn deliver(sim: &mut Sim, bytes: &[u8], mut rest: Range<usize>, now: Duration) -> Range<usize> {
    while !rest.is_empty() && sim.poll_transmit().is_none() {
        let window = sim.receive_buffer();
        let n = rest.len().min(window.len());
        if n == 0 {
            break;
        }
        window[..n].copy_from_slice(&bytes[rest.start..rest.start + n]);
        rest.start += n;
        sim.handle_received(n, now);
    }
    rest
}

/// How long one may wait before something else is to be done. Never zero, which sockets take for no limit.
fn time_to_look(sim: &Sim, now: Duration) -> Option<Duration> {
    let change = sim.poll_timeout().map(|at| at.saturating_sub(now));
    let look = match sim.power() {
        Power::On => change,
        _ => Some(change.map_or(LOOK_INTERVAL, |time| time.min(LOOK_INTERVAL))),
    };
    look.map(|time| time.clamp(Duration::from_millis(1), LONGEST_WAIT))
}

/// Reads or writes. `None`: not in time.
fn transfer(is_timed: bool, mut transfer: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match transfer() {
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock | ErrorKind::TimedOut if is_timed => return Ok(None),
                _ => return Err(error),
            },
            Ok(n) => return Ok(Some(n)),
        }
    }
}

impl<S: Read + Write> Link for Plain<S> {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<bool> {
        Ok(false)
    }
}

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Plain<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A program of the guest that panics leaves nothing that is broken.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time since 1970, which does not go backwards when the host's clock does.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Duration,
    start: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        let origin = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { origin, start: Instant::now() }
    }

    pub(super) fn now(&self) -> Duration {
        self.origin + self.start.elapsed()
    }
}
