//! A command of this computer, with all that it starts.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this exit code; 128 and more where it was a signal.
    Exited(u8),
    /// It could not start.
    NotStarted(io::Error),
    /// It was ended, as its time was over.
    TimeOver(Left),
    /// It was ended, as a signal has come.
    Stopped(Left),
    /// It was ended, as it had been stopped by this signal: nobody would have let it go on.
    Halted(i32, Left),
}

/// Whether something of a command that was ended is still there, as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Something,
}

impl Left {
    /// What is said of the command.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Nothing => "was ended",
            Self::Something => "could not be ended, and may still run",
        }
    }
}

/// How long a command that is ended may take for that, before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How long one that is killed is waited for: what waits for a disk ends only when that answers, which may need the guest
/// to be thawed.
pub(super) const KILL_TIME: Duration = Duration::from_secs(2);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Runs a command to its end, to a point in time, or until there is a stop.
pub(super) fn run(command: &[OsString], stop: &AtomicBool, until: Instant) -> Ended {
    let Some((name, arguments)) = command.split_first() else { return Ended::Exited(0) };
    if stop.load(Ordering::Relaxed) {
        return Ended::Stopped(Left::Nothing);
    }
    // In a group of its own: what it starts can be ended with it.
    let mut child = match Command::new(name).args(arguments).process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => return Ended::NotStarted(error),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ended::Exited(code(status)),
            Ok(None) => {}
            Err(error) => {
                end(&mut child);
                return Ended::NotStarted(error);
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Ended::Stopped(end(&mut child));
        }
        if Instant::now() >= until {
            return Ended::TimeOver(end(&mut child));
        }
        if let Some(signal) = halted(&child) {
            return Ended::Halted(signal, end(&mut child));
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// The signal by which it was stopped, if it is: as when it reads from a terminal whose foreground is not its own. What
/// it has started may stop as it likes.
fn halted(child: &Child) -> Option<i32> {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let status = waitid(WaitId::Pid(Pid::from_child(child)), options).ok()??;
    status.stopping_signal()
}

/// Ends the whole group: asks first, and kills what does not heed that in time. Waits no longer than
/// [`GRACE`] and [`KILL_TIME`]: what cannot be ended is left.
fn end(child: &mut Child) -> Left {
    let group = Pid::from_child(child);
    // What is gone cannot be asked.
    let _ = kill_process_group(group, Signal::TERM);
    // One that was stopped would not hear it.
    let _ = kill_process_group(group, Signal::CONT);
    if wait_gone(child, GRACE) {
        return Left::Nothing;
    }
    let killed = kill_process_group(group, Signal::KILL);
    let is_gone = wait_gone(child, KILL_TIME);
    // What it has started may be dead, and not reaped by whoever is to.
    let is_reaped = matches!(child.try_wait(), Ok(Some(_)));
    if is_gone || is_reaped && killed.is_ok() { Left::Nothing } else { Left::Something }
}

/// Waits until nothing of the group is there any more. Gives whether that is so.
fn wait_gone(child: &mut Child, time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        // Reaped, it is no member of its group any more.
        let _ = child.try_wait();
        // One that may not be asked is there.
        if test_kill_process_group(Pid::from_child(child)) == Err(Errno::SRCH) {
            return true;
        }
        thread::sleep(LOOK_INTERVAL);
    }
    false
}

/// As a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
