//! Ending on a signal.
//!
//! A real agent that listens on a Unix socket exits when its peer closes the socket with a reply unread in it. So the
//! connections that are open are kept here, and a signal ends all of them in order before it ends the process.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::mem;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use qga_std::{AnyStream, Stream};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use crate::error::{Failure, Kind, reason};
use crate::{output, record};

/// The connections that are open. Whoever ends the process holds the lock until the end, so that no other begins.
static OPEN: Mutex<Open> = Mutex::new(Open {
    next: 0,
    streams: BTreeMap::new(),
    work: None,
    is_stopped: false,
    grace: GRACE,
    debt: None,
});

struct Open {
    /// No two connections have the same number.
    next: u64,
    streams: BTreeMap<u64, AnyStream>,
    /// The flag of the work that can be stopped, if there is such.
    work: Option<Arc<AtomicBool>>,
    /// Whether that work has been left in order after a signal.
    is_stopped: bool,
    /// How long that may take.
    grace: Duration,
    /// What is to be said if the process ends before the work has left everything in order.
    debt: Option<String>,
}

/// What a signal does at the very end: a terminal is given back as it was. It must not wait for what the main thread holds,
/// which may wait for the terminal.
static RESTORE: Mutex<Option<fn()>> = Mutex::new(None);

/// From now on signals end the [`Guarded`] connections, and then the process.
pub(crate) fn guard() -> Result<(), Failure> {
    static IS_GUARDED: AtomicBool = AtomicBool::new(false);

    if IS_GUARDED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let mut signals = signals()?;
    thread::Builder::new()
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                stop_work(&mut signals);
                end(signal);
            }
        })
        .map_err(|error| failure(&error))?;
    Ok(())
}

/// A connection that a signal ends in order. When it is dropped after a signal, it waits for the process's end, so that
/// what the signal did to the connection is never reported as a failure.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: AnyStream,
    number: u64,
    /// Whether it was ended from here; what is read then is for nobody.
    is_ended: bool,
}

impl Guarded {
    /// Guards a connection over which nothing was sent yet.
    pub(crate) fn new(stream: AnyStream) -> io::Result<Self> {
        let second = stream.try_clone()?;
        let mut open = lock();
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, second);
        Ok(Self { stream, number, is_ended: false })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        lock().streams.remove(&self.number);
    }
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        if !self.is_ended {
            record::received(&buffer[..n]);
        }
        Ok(n)
    }
}

impl Write for Guarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.stream.write(bytes)?;
        record::sent(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Stream for Guarded {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.is_ended = true;
        self.stream.shutdown()
    }
}

/// Work that a signal asks to stop, and gives time for that, before it ends the process: something in a guest is to be put
/// back. The next signal ends it at once, but where there is a [debt](set_debt).
pub(crate) struct Stoppable(Arc<AtomicBool>);

impl Stoppable {
    pub(crate) fn begin() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        lock().work = Some(Arc::clone(&flag));
        Self(flag)
    }

    /// Whether a signal has come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Becomes true when the work is to stop.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// The work is done, or was left in order. After a signal this waits for the process's end, so that what was stopped
    /// is never reported as a result.
    pub(crate) fn end(self) {
        let mut open = lock();
        if open.work.take().is_none() {
            open.is_stopped = true;
            drop(open);
            loop {
                thread::park();
            }
        }
    }
}

/// How long work may take to leave everything in order, if it does not say.
const GRACE: Duration = Duration::from_secs(4);

/// Sets how long work may take to leave everything in order, also after a signal.
pub(crate) fn set_grace(grace: Duration) {
    lock().grace = grace;
}

/// Sets what is said if a signal ends the process while this is set: the guest was not left in order. As long as there is
/// such, a second signal soon after the first is the same wish said twice, and is passed over: shells, terminals and
/// `timeout` often send two.
pub(crate) fn set_debt(debt: Option<String>) {
    lock().debt = debt;
}

/// Says what is to be said instead of the debt: a signal that comes meanwhile ends the process behind that.
pub(crate) fn settle(say: impl FnOnce()) {
    let mut open = lock();
    open.debt = None;
    say();
}

/// From now on Ctrl-Z does nothing: who is stopped can put nothing in order. Nobody can do that about SIGSTOP.
pub(crate) fn ignore_stops() -> Result<(), Failure> {
    // A handler, other than a signal that is ignored, is nothing that a program inherits which is started then.
    let result = signal_hook::flag::register(SIGTSTP, Arc::new(AtomicBool::new(false)));
    result.map(drop).map_err(|error| failure(&error))
}

/// Ends all connections in order, and lets nobody make others: the process is about to end, and threads may be left.
pub(crate) fn leave() {
    let mut open = lock();
    for stream in mem::take(&mut open.streams).into_values() {
        stream.end();
    }
    // Who has the lock keeps others from making connections.
    mem::forget(open);
}

/// From now on a signal does this last; or, with `None`, nothing.
pub(crate) fn at_end(restore: Option<fn()>) {
    *RESTORE.lock().unwrap_or_else(PoisonError::into_inner) = restore;
}

/// Asks the work to stop, if there is any, and waits for that, but for no longer than its grace, and than to the next
/// signal that counts.
fn stop_work(signals: &mut Signals) {
    const LOOK_INTERVAL: Duration = Duration::from_millis(10);
    const REPEAT_TIME: Duration = Duration::from_secs(3);

    let Some(flag) = lock().work.take() else { return };
    flag.store(true, Ordering::Relaxed);
    let start = Instant::now();
    loop {
        let (is_stopped, grace, has_debt) = {
            let open = lock();
            (open.is_stopped, open.grace, open.debt.is_some())
        };
        let elapsed = start.elapsed();
        let is_repeated = signals.pending().count() > 0 && !(has_debt && elapsed < REPEAT_TIME);
        if is_stopped || is_repeated || elapsed >= grace {
            return;
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// From now on signals that ask to end do nothing but that: they can be waited for.
pub(crate) fn catch() -> Result<Caught, Failure> {
    signals().map(Caught)
}

/// The signals that ask to end.
pub(crate) struct Caught(Signals);

impl Caught {
    /// Waits for one, or until something else is over.
    pub(crate) fn wait_or(mut self, is_over: impl Fn() -> bool) {
        const LOOK_INTERVAL: Duration = Duration::from_millis(50);

        while self.0.pending().next().is_none() && !is_over() {
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

fn signals() -> Result<Signals, Failure> {
    let ignored = ignored();
    let caught = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| !is_in(ignored, *signal));
    Signals::new(caught).map_err(|error| failure(&error))
}

/// The signals that are ignored, as a set of bits. Who starts a program with `nohup` wants it to outlive its terminal;
/// to catch the signal would undo that. Other systems than Linux do not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(set: u64, signal: i32) -> bool {
    set & (1 << (signal - 1)) != 0
}

fn failure(error: &io::Error) -> Failure {
    Failure::new(Kind::Connection, format!("cannot catch signals: {}", reason(error)))
}

fn end(signal: i32) -> ! {
    let mut open = lock();
    for stream in mem::take(&mut open.streams).into_values() {
        stream.end();
    }
    if let Some(debt) = open.debt.take() {
        output::print_error(&debt);
    }
    // Nobody could be told that it failed.
    let _ = record::finish();
    // Nobody must wait for the lock while it is done.
    let restore = *RESTORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(restore) = restore {
        restore();
    }
    process::exit(128 + signal)
}

fn lock() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
