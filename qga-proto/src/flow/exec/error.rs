//! Why there is no outcome, and what became of the program.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::convert::Infallible;
use core::fmt;

#[cfg(feature = "alloc")]
use super::input::InputFile;
#[cfg(feature = "alloc")]
use super::program::Outcome;
use super::{End, NotKilled};

/// Why a program has no outcome, and what became of it, as far as is known. `E` is the transport's own error.
///
/// It displays as one line. The agent's words in it come from the guest: escape them before a terminal sees them.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error<E = Infallible> {
    /// The program's number in the guest, if it is known: to wait for it again, or to kill it.
    pub pid: Option<i64>,
    /// Why.
    pub reason: Reason<E>,
    /// What became of the program.
    pub fate: Fate,
    /// A file with the program's input that is still in the guest, as it could not be removed.
    #[cfg(feature = "alloc")]
    pub left: Option<InputFile>,
    /// How it ended, and what it had written until then, if it was killed and that could still be learned.
    #[cfg(feature = "alloc")]
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub outcome: Option<Box<Outcome>>,
}

/// Why a program has no outcome.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason<E = Infallible> {
    /// The call to start it failed, and nothing was started: there is no such program, or the agent could not be reached.
    NotStarted(crate::Error<E>),
    /// The call to start it was sent, and no answer came: it may run, or may yet be started, and nobody knows its number.
    /// Do not repeat what must not happen twice.
    StartUnknown(crate::Error<E>),
    /// The deadline passed. With the error of the last look at it, if the agent did not answer that; unless it had
    /// answered the one before, and only the deadline cut this one short.
    TimedOut(Option<crate::Error<E>>),
    /// The deadline passed, and the guest's file systems are frozen: the agent does not tell of programs then.
    Frozen,
    /// The agent has told the program's end, in an answer that was lost, too long or unreadable; it tells it once, so exit
    /// code and output are gone. Or it was started anew since, and knows nothing of the program, which may run on.
    Lost(crate::Error<E>),
    /// The agent knows no program of this number: its end has been told before, or the agent was started anew.
    UnknownPid(crate::Error<E>),
    /// The agent cannot be asked. The program does not mind; it can be waited for again.
    Call(crate::Error<E>),
    /// It has ended so, but its output is not base64.
    Unreadable(End),
    /// Its input could not be put into a file of the guest, as has to be where it is longer than a message.
    Input(crate::Error<E>),
    /// Its input is longer than a message, and this guest is one where it cannot be put into a file: Windows, or one
    /// without a shell.
    InputTooLong {
        /// How many bytes it has.
        len: usize,
    },
    /// The guest has no such program. Said where it is started by a shell, for its input.
    NoProgram,
    /// It could not be killed.
    NotKilled(NotKilled),
    /// The caller asked for something that makes no sense. Nothing was sent.
    Misuse(Misuse),
}

/// What became of a program.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It was never started.
    NotStarted,
    /// It ran when it was looked at last, and nobody has ended it.
    Runs,
    /// It has ended.
    Ended,
    /// It was killed, with all that it had started and that could be found: not what had left its parent before.
    Killed,
    /// It was killed alone: what it had started may run on.
    KilledAlone,
    /// It was to be killed, and that failed.
    NotKilled(NotKilled),
    /// It may run, or may not.
    Unknown,
}

/// What the caller asked for that makes no sense.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A NUL in the program's name, in an argument or in a variable: no system can pass it on.
    Nul,
    /// A variable without a name, or with a `=` in it.
    Variable,
    /// A number that is no program's: 0 and below mean groups of processes, 1 is the system itself.
    Pid,
}

impl<E> Error<E> {
    pub(super) fn new(pid: Option<i64>, reason: Reason<E>, fate: Fate) -> Self {
        Self {
            pid,
            reason,
            fate,
            #[cfg(feature = "alloc")]
            left: None,
            #[cfg(feature = "alloc")]
            outcome: None,
        }
    }

    /// Whether the deadline passed, wherever it did.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.reason {
            Reason::TimedOut(_) | Reason::Frozen => true,
            reason => reason.call().is_some_and(crate::Error::is_timeout),
        }
    }

    /// Whether the program may be running.
    #[must_use]
    pub const fn may_run(&self) -> bool {
        matches!(self.fate, Fate::Runs | Fate::Unknown | Fate::NotKilled(_))
    }

    /// The error of the call that failed, if it was one.
    #[must_use]
    pub fn call(&self) -> Option<&crate::Error<E>> {
        self.reason.call()
    }

    /// The error of the call that failed, if it was one.
    #[must_use]
    pub fn into_call(self) -> Option<crate::Error<E>> {
        match self.reason {
            Reason::NotStarted(error)
            | Reason::StartUnknown(error)
            | Reason::TimedOut(Some(error))
            | Reason::Lost(error)
            | Reason::UnknownPid(error)
            | Reason::Call(error)
            | Reason::Input(error) => Some(error),
            _ => None,
        }
    }
}

impl<E> Reason<E> {
    const fn call(&self) -> Option<&crate::Error<E>> {
        match self {
            Self::NotStarted(error)
            | Self::StartUnknown(error)
            | Self::TimedOut(Some(error))
            | Self::Lost(error)
            | Self::UnknownPid(error)
            | Self::Call(error)
            | Self::Input(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match self.fate {
            Fate::Unknown if matches!(self.reason, Reason::StartUnknown(_)) => {}
            fate => write!(f, "; {fate}")?,
        }
        if let Some(pid) = self.pid {
            write!(f, " (process {pid} of the guest)")?;
        }
        #[cfg(feature = "alloc")]
        if let Some(left) = &self.left {
            write!(f, "; its input is left in the guest, in {left}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Display> fmt::Display for Reason<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "cannot start the program: {error}"),
            Self::StartUnknown(error) => {
                write!(f, "nobody knows whether the program was started, nor its number: {error}")
            }
            Self::TimedOut(None) => f.write_str("the deadline passed"),
            Self::TimedOut(Some(error)) => {
                write!(f, "the deadline passed, and the agent did not say how the program is: {error}")
            }
            Self::Frozen => f.write_str("the deadline passed while the guest's file systems are frozen"),
            Self::Lost(error) => write!(
                f,
                "the answer in which the agent told the program's end is lost, and with it exit code and output, unless \
                 the agent was started anew: {error}"
            ),
            Self::UnknownPid(error) => write!(
                f,
                "the agent knows no such program: its end was told before, or the agent was started anew: {error}"
            ),
            Self::Call(error) => write!(f, "cannot ask for the program: {error}"),
            Self::Unreadable(end) => write!(f, "{end}, and its output cannot be read: it is not base64"),
            Self::Input(error) => write!(f, "cannot put the input into a file of the guest: {error}"),
            Self::InputTooLong { len } => {
                write!(f, "the input of {len} bytes is too long for a message, and this guest takes no other")
            }
            Self::NoProgram => f.write_str("cannot start the program: the guest has none of this name"),
            Self::NotKilled(why) => write!(f, "cannot kill the program: {why}"),
            Self::Misuse(misuse) => misuse.fmt(f),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("it was not started"),
            Self::Runs => f.write_str("the program runs on"),
            Self::Ended => f.write_str("the program has ended"),
            Self::Killed => f.write_str("the program was killed"),
            Self::KilledAlone => f.write_str("the program was killed, but what it had started may run on"),
            Self::NotKilled(why) => write!(f, "the program could not be killed: {why}"),
            Self::Unknown => f.write_str("the program may be running"),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nul => "a NUL cannot be passed to a program",
            Self::Variable => "a variable must have a name, and no '=' in it",
            Self::Pid => "this is no program's number",
        })
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.call().map(|error| error as _)
    }
}
