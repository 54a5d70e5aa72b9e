//! What comes of a cell.

use std::fmt;
use std::io;

use qga_proto::{Error, Misuse};
use qga_sim::Personality;

/// A cell of the matrix.
pub(crate) struct Cell {
    pub(crate) personality: Personality,
    pub(crate) case: &'static str,
    pub(crate) fault: &'static str,
}

/// What came of it: of the calls, and of the session after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) calls: Outcome,
    pub(crate) then: Then,
}

/// What came of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// They succeeded, and said what is true.
    Done,
    /// They succeeded, and said what is not.
    Wrong,
    Refused,
    TimedOut,
    /// The reply is longer than the limit.
    TooLong,
    /// What came is no reply, or of another type.
    Protocol,
    /// The connection ended.
    Closed,
    /// The guest may be frozen.
    MayBeFrozen,
    /// What was to go, a guest or a program, is or may be still there, and that is said.
    StillThere,
}

/// Whether the next question is answered rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// At once.
    Works,
    /// After the connection has been made anew.
    Reconnects,
    /// It is refused: the guest is frozen.
    Frozen,
    /// Not even then.
    Lost,
}

impl Outcome {
    /// Of calls that gave whether what they said is true.
    pub(crate) fn of(result: Result<bool, Error<io::Error>>) -> Self {
        match result {
            Ok(true) => Self::Done,
            Ok(false) => Self::Wrong,
            Err(Error::Refused(_)) => Self::Refused,
            Err(Error::TimedOut(_)) => Self::TimedOut,
            Err(Error::ReplyTooLong { .. }) => Self::TooLong,
            Err(Error::Protocol(_)) => Self::Protocol,
            Err(Error::Closed(_) | Error::Transport { .. } | Error::Connect(_)) => Self::Closed,
            Err(Error::MayBeFrozen) => Self::MayBeFrozen,
            Err(Error::Misuse(Misuse::NotSettled)) => Self::StillThere,
            Err(error) => panic!("{error}"),
        }
    }
}

/// How cases say that a guest has not gone; no call of theirs fails so.
pub(crate) const STILL_THERE: Error<io::Error> = Error::Misuse(Misuse::NotSettled);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.personality, self.case, self.fault)
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.calls, self.then)
    }
}
