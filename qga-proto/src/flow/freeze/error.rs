//! Why a guest was not frozen as it should be.

use core::fmt;
use core::time::Duration;

use crate::error::{Error, Refusal};

/// Why a guest was not frozen as it should be. Of all kinds only [`MayBeFrozen`](Self::MayBeFrozen) leaves it frozen by this
/// session, as far as anybody can know.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FreezeError<E> {
    /// It could not be frozen. Where the reply to the freeze was lost, or was none, the guest has been thawed again: nobody
    /// could vouch for what was frozen.
    NotFrozen(Error<E>),
    /// It was frozen already, by another client, or by this one with [`Frozen`](crate::Frozen) still there. It was left so:
    /// whoever froze it counts on that. [`Session::thaw`](crate::Session::thaw) thaws it whoever froze it.
    AlreadyFrozen,
    /// The agent has frozen no file system: none that was named is there, none can be frozen, or it failed and did not say
    /// so.
    NothingToFreeze,
    /// The work was not done when its time was over. The guest was thawed then, and the work dropped; or, if it blocks, it
    /// went on without a frozen guest.
    TimeOver,
    /// The guest had thawed before it was thawed: what was done meanwhile saw it change. Windows thaws by itself after 10 s.
    ThawedEarly {
        /// How long after the freeze it was thawed, or would have been.
        held: Duration,
    },
    /// The guest was frozen throughout and is thawed, but the agent complained when it thawed it. On Linux a hook program has
    /// failed: what it was to resume in the guest may not have been.
    ThawComplaint(Refusal),
    /// THE GUEST MAY BE FROZEN, and stay so until somebody thaws it: the session tries again beside its next call.
    MayBeFrozen(Error<E>),
}

impl<E> FreezeError<E> {
    /// Whether the guest may be frozen by this session, and nobody could thaw it yet.
    #[must_use]
    pub const fn may_be_frozen(&self) -> bool {
        matches!(self, Self::MayBeFrozen(_))
    }

    /// The error of a call behind it, if there is one.
    #[must_use]
    pub const fn error(&self) -> Option<&Error<E>> {
        match self {
            Self::NotFrozen(error) | Self::MayBeFrozen(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for FreezeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFrozen(error) => write!(f, "the guest could not be frozen: {error}"),
            Self::AlreadyFrozen => f.write_str("the guest is frozen already, and was left so"),
            Self::NothingToFreeze => f.write_str("the guest has no file system that could be frozen"),
            Self::TimeOver => f.write_str("the work took longer than the guest may be frozen; it is thawed"),
            Self::ThawedEarly { held } => write!(
                f,
                "the guest thawed by itself before {:.1} s had passed: what was done meanwhile is not consistent",
                held.as_secs_f64()
            ),
            Self::ThawComplaint(refusal) => write!(f, "the guest is thawed, but {refusal}"),
            Self::MayBeFrozen(error) => {
                write!(f, "THE GUEST MAY BE FROZEN: it could not be thawed, or nobody knows: {error}")
            }
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for FreezeError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error().map(|error| error as _)
    }
}

/// Work that was to be done on a frozen guest, and was not, or not as it should be.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeFailed<R, E> {
    /// What the work gave, if it was done: there may be a snapshot to be thrown away.
    pub output: Option<R>,
    /// What is wrong.
    pub error: FreezeError<E>,
}

impl<R, E> From<FreezeError<E>> for FreezeFailed<R, E> {
    fn from(error: FreezeError<E>) -> Self {
        Self { output: None, error }
    }
}

impl<R, E: fmt::Display> fmt::Display for FreezeFailed<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<R: fmt::Debug, E: core::error::Error + 'static> core::error::Error for FreezeFailed<R, E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}
