//! How a program ended.

use core::fmt;

use crate::view;

/// How a program of the guest ended.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// By itself, with this exit code: 0 to 255 on Unix, 0 to 0xBFFFFFFF on Windows.
    Exit(i64),
    /// Killed by the signal of this number; on Windows by the exception of this code, from 0xC0000000 on.
    Signal(i64),
    /// The agent does not say. QEMU's always does.
    Untold,
}

impl End {
    pub(crate) fn of(status: &view::GuestExecStatus<'_>) -> Self {
        match (status.signal, status.exitcode) {
            (Some(signal), _) => Self::Signal(signal),
            (None, Some(code)) => Self::Exit(code),
            (None, None) => Self::Untold,
        }
    }

    /// Whether it ended by itself, with exit code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Exit(0))
    }

    /// The exit code, if it ended by itself.
    #[must_use]
    pub const fn code(self) -> Option<i64> {
        match self {
            Self::Exit(code) => Some(code),
            _ => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "the program ended with exit code {code}"),
            Self::Signal(signal @ 0xC000_0000..) => write!(f, "the program died of exception {signal:#x}"),
            Self::Signal(signal) => write!(f, "the program was killed by signal {signal}"),
            Self::Untold => f.write_str("the program ended, and the agent does not say how"),
        }
    }
}
