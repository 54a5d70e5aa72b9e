//! Ending a program: the agent has no command for it, so another program must.

use core::fmt::{self, Write as _};
use core::time::Duration;

use serde::Serialize;

use super::error::{Error, Fate, Misuse, Reason};
use super::poll::Silence;
use super::start::Start;
use super::{Capture, End};
use crate::buffer::Buffer;
use crate::command::Command as _;
use crate::commands::GuestGetOsinfo;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// How far a program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Killed {
    /// It has ended, and so has all that it had started and that could be found: who has left its parent before (a daemon)
    /// cannot be told from others.
    Tree,
    /// It alone: the guest has no shell that could find what it had started, which may run on.
    Alone,
    /// There was no process of this number any more. What it had started may run on, and cannot be found.
    WasOver,
}

/// Why a program was not killed.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotKilled {
    /// It, or something that it had started, runs in spite of all.
    Survives,
    /// The process of this number is not one that this agent has started: the number was given to another since.
    Foreign,
    /// The guest has no program to kill with, or the agent may not run it.
    NoMeans,
    /// Nobody can say: the calls for it failed.
    Untold,
}

/// A guest, as far as killing and files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Posix,
    Windows,
}

/// The shell of a POSIX guest.
pub(super) const SHELL: &str = "/bin/sh";

/// Ends a process and all below it, given its number. What it has found it stops first, so that nothing is started
/// meanwhile. TERM, and after two seconds KILL. Exit codes: 0 all have ended, 3 some have not, 4 there is none, 5 it is
/// not the agent's.
const SCRIPT: &str = include_str!("kill.sh");

/// Where there is no shell: how long to wait between TERM and KILL.
const GRACE: Duration = Duration::from_secs(1);

/// How long to wait for the answer which system the guest has: killing takes what is left of its 15 s.
const OS_PATIENCE: Duration = Duration::from_secs(4);

/// A signal that ends, with its number on all systems.
#[derive(Clone, Copy)]
enum Signal {
    Term,
    Kill,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Kills a program that this agent has started and whose end it has not told yet, and all that this has started: on
    /// POSIX systems by a script for `/bin/sh`, which sends SIGTERM and, after two seconds, SIGKILL; on Windows by
    /// `taskkill /T /F`. Its end is told as any other, to who waits for it.
    ///
    /// The script checks that the process is a child of this agent's, as the number of one that has ended may be another's
    /// by now. Where there is no shell, or messages are too short for the script (2 KiB), `kill` is run, and on Windows
    /// `taskkill`, which do not: kill only what is known to run.
    ///
    /// Dropping the future is safe for the session; the program may be killed all the same.
    ///
    /// # Errors
    ///
    /// That it was not killed, and [why](NotKilled).
    pub async fn kill(&mut self, pid: i64, deadline: Instant) -> Result<Killed, Error<T::Error>> {
        if pid <= 1 {
            return Err(Error::new(Some(pid), Reason::Misuse(Misuse::Pid), Fate::Unknown));
        }
        let mut number = heapless::String::<20>::new();
        // The longest number has 19 digits.
        let _ = write!(number, "{pid}");
        let result = match self.system(deadline).await {
            System::Windows => self.kill_on_windows(&number, deadline).await,
            System::Posix => {
                match self.run_helper(Start::new(SHELL, &["-c", SCRIPT, "sh", &number]), deadline).await {
                    Ok(0) => Ok(Killed::Tree),
                    Ok(3) => Err(NotKilled::Survives),
                    Ok(4) => Ok(Killed::WasOver),
                    Ok(5) => Err(NotKilled::Foreign),
                    Err(NotKilled::NoMeans) => self.kill_alone(pid, &number, deadline).await,
                    Ok(_) => Err(NotKilled::Untold),
                    Err(why) => Err(why),
                }
            }
        };
        result.map_err(|why| Error::new(Some(pid), Reason::NotKilled(why), Fate::NotKilled(why)))
    }

    /// What system the guest has. One that does not say is none with Windows: its agent can since QEMU 2.10.
    pub(super) async fn system(&mut self, deadline: Instant) -> System {
        // Twice, as an answer may be lost.
        for _ in 0..2 {
            let limit = self.patience(GuestGetOsinfo::NAME, deadline).min(self.deadline(OS_PATIENCE));
            match self.call_view_until(&GuestGetOsinfo::new(), limit).await {
                Ok(os) if os.id.is_some_and(|id| id == "mswindows") => return System::Windows,
                Err(crate::Error::TimedOut(_) | crate::Error::Protocol(_)) => {}
                _ => return System::Posix,
            }
        }
        System::Posix
    }

    async fn kill_on_windows(&mut self, number: &str, deadline: Instant) -> Result<Killed, NotKilled> {
        match self.run_helper(Start::new("taskkill.exe", &["/T", "/F", "/PID", number]), deadline).await? {
            0 => Ok(Killed::Tree),
            128 => Ok(Killed::WasOver),
            _ => Err(NotKilled::Survives),
        }
    }

    /// Where there is no shell.
    async fn kill_alone(&mut self, pid: i64, number: &str, deadline: Instant) -> Result<Killed, NotKilled> {
        if !self.send(Signal::Term, pid, number, deadline).await? {
            return Ok(Killed::WasOver);
        }
        let grace = deadline.min(self.transport.now() + GRACE);
        self.transport.sleep_until(grace).await;
        // That this fails means that it has ended by the first.
        self.send(Signal::Kill, pid, number, deadline).await?;
        Ok(Killed::Alone)
    }

    /// Sends a signal; gives whether there was somebody to get it.
    async fn send(
        &mut self,
        signal: Signal,
        pid: i64,
        number: &str,
        deadline: Instant,
    ) -> Result<bool, NotKilled> {
        let (option, code) = match signal {
            Signal::Term => ("-TERM", 15),
            Signal::Kill => ("-KILL", 9),
        };
        match self.run_helper(Start::new("kill", &[option, number]), deadline).await {
            Err(NotKilled::NoMeans) => {
                let command = SignalPid { pid, signal: code };
                let limit = self.patience(command.name(), deadline);
                match self.call_view_until(&command, limit).await {
                    Ok(_) => Ok(true),
                    Err(crate::Error::Refused(refusal)) if refusal.is_command_not_found() => {
                        Err(NotKilled::NoMeans)
                    }
                    Err(crate::Error::Refused(_)) => Ok(false),
                    Err(_) => Err(NotKilled::Untold),
                }
            }
            result => result.map(|code| code == 0),
        }
    }

    /// Runs a program that is there to help; gives its exit code.
    pub(super) async fn run_helper<S: Serialize>(
        &mut self,
        start: Start<'_, S>,
        deadline: Instant,
    ) -> Result<i64, NotKilled> {
        let started = self.launch(start, Capture::None, deadline).await;
        let started = started.map_err(|error| match error.reason {
            // Where messages are short, the script is too long for one.
            Reason::NotStarted(crate::Error::Refused(_) | crate::Error::CommandTooLong { .. }) => {
                NotKilled::NoMeans
            }
            _ => NotKilled::Untold,
        })?;
        let end = self.await_end(started.pid, Silence::FewLooks, deadline, End::of).await;
        end.ok().and_then(End::code).ok_or(NotKilled::Untold)
    }
}

/// What Apple's agent has.
#[derive(Serialize)]
struct SignalPid {
    pid: i64,
    signal: i64,
}

crate::command!(SignalPid, "apple-guest-signal-pid" => crate::Empty);

impl fmt::Display for NotKilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Survives => "it survives, or something that it had started does",
            Self::Foreign => "the process of this number is not one that this agent has started",
            Self::NoMeans => "the guest has no program to kill with, or its agent may not run one",
            Self::Untold => "the calls for it failed",
        })
    }
}
