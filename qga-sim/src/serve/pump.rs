//! Carrying bytes between a client and a guest.

use std::borrow::BorrowMut;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use socket2::Socket;

use crate::guest::Power;
use crate::sim::Sim;

/// How often one looks at a guest that others may wake or power on.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How many bytes are carried at once.
const CHUNK: usize = 64 * 1024;

/// Carries bytes until the client is gone, or the guest. Never reads while there is something to write: a client that does
/// not take its answers gets no more of them.
///
/// The guest is free while a transfer waits, which it does for so long as `set_timeout` is told, if that can be done.
pub(super) fn pump(
    clock: &Clock,
    sim: &Mutex<impl BorrowMut<Sim>>,
    mut stream: impl Read + Write,
    set_timeout: &dyn Fn(Option<Duration>) -> io::Result<bool>,
) -> io::Result<()> {
    let ends = {
        let guard = lock(sim);
        let sim = (*guard).borrow();
        if sim.power() == Power::Off {
            return Ok(());
        }
        sim.ends()
    };
    let (mut incoming, mut outgoing) = (vec![0; CHUNK], vec![0; CHUNK]);
    // What of `incoming` the guest has not taken yet.
    let mut rest = 0..0;
    let (mut timeout, mut at_end) = (None, false);
    loop {
        let (n, wanted) = {
            let mut guard = lock(sim);
            let sim = (*guard).borrow_mut();
            let now = clock.now();
            sim.handle_timeout(now);
            if sim.ends() != ends {
                return Ok(());
            }
            rest = deliver(sim, &incoming, rest, now);
            // A request may end it at once, and then nothing wakes who reads.
            if sim.ends() != ends {
                return Ok(());
            }
            let bytes = sim.poll_transmit().unwrap_or_default();
            let n = bytes.len().min(CHUNK);
            outgoing[..n].copy_from_slice(&bytes[..n]);
            (n, time_to_look(sim, now))
        };
        let is_timed = (wanted.is_some() || timeout.is_some()) && set_timeout(wanted)?;
        timeout = wanted;
        if n > 0 {
            match transfer(is_timed, || stream.write(&outgoing[..n]))? {
                None => {}
                Some(0) => return Ok(()),
                Some(n) => {
                    let mut guard = lock(sim);
                    let sim = (*guard).borrow_mut();
                    if sim.ends() != ends {
                        return Ok(());
                    }
                    sim.handle_transmitted(n, clock.now());
                }
            }
        } else if at_end {
            return Ok(());
        } else if !rest.is_empty() {
            thread::sleep(LOOK_INTERVAL);
        } else {
            match transfer(is_timed, || stream.read(&mut incoming))? {
                None => {}
                // It has said all that it wants to say, and may still wait for the answers.
                Some(0) => at_end = true,
                Some(n) => rest = 0..n,
            }
        }
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
    let change = sim.poll_timeout().map(|at| at.saturating_sub(now).max(Duration::from_millis(1)));
    match sim.power() {
        Power::Asleep => Some(change.map_or(LOOK_INTERVAL, |time| time.min(LOOK_INTERVAL))),
        _ => change,
    }
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

/// Limits how long a socket's transfers wait.
pub(super) fn set_timeout(socket: &Socket, timeout: Option<Duration>) -> io::Result<bool> {
    socket.set_read_timeout(timeout)?;
    socket.set_write_timeout(timeout)?;
    Ok(true)
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
