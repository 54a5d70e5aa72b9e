//! A guest that is frozen, until this is gone.

use core::fmt;
use core::time::Duration;

use super::FreezeError;
use crate::buffer::Buffer;
use crate::error::Refusal;
use crate::session::{Freezing, Session};
use crate::time::Instant;
use crate::transport::Transport;

/// How long Windows lets writes be held back: VSS thaws by itself then.
const VSS_LIMIT: Duration = Duration::from_secs(10);

/// A guest that this session has frozen. [`thaw`](Self::thaw) it.
///
/// A guard that is dropped cannot wait for the agent, so the session owes the thaw then: it thaws beside its next call,
/// before anything else is sent, also over a new connection. Until there is such a call the guest stays frozen; and a session
/// that is dropped with it, or a process that ends, never thaws it. What is forgotten (`mem::forget`) is never thawed but by
/// [`Session::thaw`]. [`with_frozen`](Session::with_frozen) leaves less to chance. (`qga-std` has a guard of its own, whose
/// drop thaws.)
#[must_use = "the guest is thawed by it"]
pub struct Frozen<'s, T: Transport, Rx: Buffer, Tx: Buffer = Rx> {
    session: &'s mut Session<T, Rx, Tx>,
    count: u64,
    since: Instant,
}

/// A guest that was frozen and is thawed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thawed {
    /// How many file systems were thawed. `None` where the answer was lost, or was an error.
    pub count: Option<u64>,
    /// How long it was frozen, or should have been. `None`: not by this session.
    pub held: Option<Duration>,
    /// Whether it had thawed before: by itself, as Windows does after 10 s, or because somebody thawed it. What was done
    /// meanwhile saw the guest change. Where the thaw got no clear answer nobody can tell: then this is whether 10 s had passed.
    pub is_early: bool,
    /// What the agent complained about when it thawed the guest: a hook program that has failed, for example.
    pub complaint: Option<Refusal>,
}

impl<'s, T: Transport, Rx: Buffer, Tx: Buffer> Frozen<'s, T, Rx, Tx> {
    pub(super) fn new(session: &'s mut Session<T, Rx, Tx>, count: u64) -> Self {
        session.freezing = Freezing::Held;
        Self { since: session.transport.now(), session, count }
    }

    /// The guard of a guest that [`leave`](Self::leave) has left frozen.
    #[cfg(feature = "std")]
    pub(super) fn resume(session: &'s mut Session<T, Rx, Tx>, count: u64, since: Instant) -> Self {
        Self { session, count, since }
    }

    #[cfg(feature = "std")]
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// How many file systems are frozen: 1 at least.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long it has been frozen.
    #[must_use]
    pub fn held(&self) -> Duration {
        self.session.transport.now() - self.since
    }

    /// The session, for what agents carry out while the guest is frozen: `guest-ping`, `guest-info`, the syncs,
    /// `guest-fsfreeze-status`. Any other call fails at once with [`Misuse::Frozen`](crate::Misuse::Frozen).
    pub fn session(&mut self) -> &mut Session<T, Rx, Tx> {
        self.session
    }

    /// Leaves the guest frozen, for somebody else to thaw; gives how many file systems are. To this session it stays frozen
    /// until [`Session::thaw`]: it sends nothing that a frozen guest would refuse.
    #[allow(clippy::must_use_candidate, reason = "who leaves it so need not know how many")]
    pub fn leave(self) -> u64 {
        let count = self.count;
        core::mem::forget(self);
        count
    }

    /// Thaws the guest: again and again, until it is known to be thawed or the deadline comes, and over a new connection
    /// where the one that there was is over, whatever the session's policy.
    ///
    /// Dropping the future leaves the thaw to the session's next call.
    ///
    /// # Errors
    ///
    /// [`FreezeError::MayBeFrozen`]; the session tries again beside its next call.
    pub async fn thaw(self, deadline: Instant) -> Result<Thawed, FreezeError<T::Error>> {
        let held = self.held();
        let done = self.session.thaw_until(deadline).await.map_err(FreezeError::MayBeFrozen)?;
        let is_early = match done.count {
            Some(count) => count == 0,
            None => held >= VSS_LIMIT,
        };
        Ok(Thawed { count: done.count, held: Some(held), is_early, complaint: done.refusal })
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Drop for Frozen<'_, T, Rx, Tx> {
    fn drop(&mut self) {
        if self.session.freezing == Freezing::Held {
            self.session.owe_thaw();
        }
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> fmt::Debug for Frozen<'_, T, Rx, Tx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen")
            .field("count", &self.count)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl Thawed {
    /// Not an error only if the guest was frozen throughout, and nobody complained.
    pub(super) fn into_error<E>(self) -> Option<FreezeError<E>> {
        match self {
            Self { is_early: true, held, .. } => {
                Some(FreezeError::ThawedEarly { held: held.unwrap_or_default() })
            }
            Self { complaint, .. } => complaint.map(FreezeError::ThawComplaint),
        }
    }
}
