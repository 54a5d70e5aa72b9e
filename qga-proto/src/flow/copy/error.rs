//! Why a copy failed.

use core::fmt;

use crate::error::Error;
use crate::text::Text;

/// Why a copy failed. `E` is the transport's own error, `H` that of the host's end.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyError<E, H> {
    /// A call failed. What was copied up to there can be resumed.
    Call(Error<E>),
    /// Reading or writing on the host failed. What was copied up to there can be resumed.
    Host(H),
    /// The copy is there, and is not the same. The file may have changed meanwhile, or what was resumed was the copy of
    /// another one.
    Differs,
    /// What is to be resumed has more bytes than the whole: it is a part of another file.
    NotAPart {
        /// How many bytes it has.
        len: u64,
    },
    /// The file has more bytes than were wanted at the most.
    TooLong {
        /// How many were wanted.
        limit: u64,
    },
    /// A program in the guest failed that gives the copy its name.
    Program {
        /// Which one.
        program: &'static str,
        /// What it said about it. That comes from the guest: escape it before a terminal sees it.
        message: Text,
    },
}

impl<E, H> CopyError<E, H> {
    /// The error of the call that failed, if one did.
    #[must_use]
    pub const fn call(&self) -> Option<&Error<E>> {
        match self {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }

    /// Whether what has been copied is of use to a copy that resumes.
    #[must_use]
    pub const fn can_be_resumed(&self) -> bool {
        matches!(self, Self::Call(_) | Self::Host(_))
    }
}

impl<E, H> From<Error<E>> for CopyError<E, H> {
    fn from(error: Error<E>) -> Self {
        Self::Call(error)
    }
}

impl<E: fmt::Display, H: fmt::Display> fmt::Display for CopyError<E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Host(error) => error.fmt(f),
            Self::Differs => f.write_str("the copy is not the same as the file"),
            Self::NotAPart { len } => {
                write!(
                    f,
                    "the {len} bytes that are there are more than the file has: they are of another one"
                )
            }
            Self::TooLong { limit } => write!(f, "the file has more than {limit} bytes"),
            Self::Program { program, message } => {
                write!(f, "{program} failed in the guest: {}", message.as_str().trim_end())
            }
        }
    }
}

impl<E, H> core::error::Error for CopyError<E, H>
where
    E: core::error::Error + 'static,
    H: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            Self::Host(error) => error.source(),
            _ => None,
        }
    }
}
