//! A command of this computer, with all that it starts.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this exit code; 128 and more where it was a signal.
    Exited(u8),
    /// It could not start.
    NotStarted(io::Error),
    /// It was ended, as its time was over.
    TimeOver,
    /// It was ended, as a signal has come.
    Stopped,
}

/// How long a command that is ended may take for that, before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Runs a command to its end, to a point in time, or until there is a stop.
pub(super) fn run(command: &[OsString], stop: &AtomicBool, until: Instant) -> Ended {
    let Some((name, arguments)) = command.split_first() else { return Ended::Exited(0) };
    if stop.load(Ordering::Relaxed) {
        return Ended::Stopped;
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
        let is_stopped = stop.load(Ordering::Relaxed);
        if is_stopped || Instant::now() >= until {
            end(&mut child);
            return if is_stopped { Ended::Stopped } else { Ended::TimeOver };
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Ends the whole group: asks first, and kills what does not heed that in time.
fn end(child: &mut Child) {
    let group = Pid::from_child(child);
    // What is gone cannot be asked.
    let _ = kill_process_group(group, Signal::TERM);
    // One that was stopped would not hear it.
    let _ = kill_process_group(group, Signal::CONT);
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        // Reaped, it is no member of its group any more.
        let _ = child.try_wait();
        if test_kill_process_group(group).is_err() {
            return;
        }
        thread::sleep(LOOK_INTERVAL);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

/// As a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
