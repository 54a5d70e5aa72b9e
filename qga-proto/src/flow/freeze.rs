//! Freezing a guest's file systems, and thawing them whatever happens.

use core::time::Duration;

use serde::Serialize;

use crate::buffer::Buffer;
use crate::command::Command;
use crate::commands::{GuestFsfreezeFreeze, GuestFsfreezeStatus};
use crate::error::{Error, Refusal, Sent};
use crate::session::{Freezing, Session};
use crate::time::Instant;
use crate::transport::Transport;

mod error;
pub use error::{FreezeError, FreezeFailed};

mod guard;
pub use guard::{Frozen, Thawed};

mod race;
use race::Raced;

#[cfg(feature = "std")]
mod shared;

mod thaw;
pub(crate) use thaw::status_of;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Freezes all file systems that can be, does some work, and thaws them whatever happens: also when the work takes
    /// longer than `limit` (it is dropped then), and with the feature `std` also when it panics. The one obvious way.
    ///
    /// Each step has its own time: freezing the session's [`Timeouts::freeze`](crate::Timeouts::freeze), the work `limit`,
    /// thawing [`Timeouts::thaw`](crate::Timeouts::thaw), with as many attempts as it takes, and over a new connection where
    /// need be, whatever the session's policy. Over a blocking transport work that blocks cannot be dropped; `qga-std` has a
    /// way of its own, which thaws in time all the same.
    ///
    /// ```
    /// use core::time::Duration;
    /// use qga_proto::{FreezeFailed, Session, Transport};
    ///
    /// async fn back_up<T: Transport>(session: &mut Session<T, [u8; 4096]>) -> Result<u32, FreezeFailed<u32, T::Error>> {
    ///     session.with_frozen(Duration::from_secs(60), async || snapshot().await).await
    /// }
    /// # async fn snapshot() -> u32 { 1 }
    /// ```
    ///
    /// Dropping the future leaves the thaw to the session's next call: see [`Frozen`]. The limit is that of a future, too:
    /// one that nobody polls any more thaws nothing.
    ///
    /// # Errors
    ///
    /// What is not as it should be. The output of the work is in it, if it was done: only where this gives `Ok` was the guest
    /// frozen throughout, and is thawed.
    pub async fn with_frozen<R>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        let deadline = self.deadline(self.timeouts.freeze);
        self.freeze(deadline).await?.during(limit, work).await
    }

    /// Freezes the file systems of these mount points, does some work, and thaws them: see
    /// [`with_frozen`](Self::with_frozen), and [`freeze_some`](Self::freeze_some) for what is frozen.
    ///
    /// # Errors
    ///
    /// As [`with_frozen`](Self::with_frozen).
    pub async fn with_some_frozen<R>(
        &mut self,
        mount_points: &[&str],
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        let deadline = self.deadline(self.timeouts.freeze);
        self.freeze_some(mount_points, deadline).await?.during(limit, work).await
    }

    /// Freezes all file systems that can be (`guest-fsfreeze-freeze`), up to a deadline.
    ///
    /// The guest is asked first whether it is frozen already, as nobody could tell afterwards who has frozen it. Where the
    /// freeze gets no clear answer, the session's [`Timeouts::thaw`](crate::Timeouts::thaw) is spent beyond the deadline on
    /// thawing what may have been frozen.
    ///
    /// Dropping the future leaves to the session's next call to find out whether something was frozen, and to thaw it.
    ///
    /// # Errors
    ///
    /// Every [`FreezeError`] but those of what comes after freezing.
    pub async fn freeze(
        &mut self,
        deadline: Instant,
    ) -> Result<Frozen<'_, T, Rx, Tx>, FreezeError<T::Error>> {
        self.freeze_by(&GuestFsfreezeFreeze::new(), deadline).await
    }

    /// Freezes the file systems of these mount points (`guest-fsfreeze-freeze-list`, since QEMU 2.2): see
    /// [`freeze`](Self::freeze).
    ///
    /// Agents pass over what is no mount point, or cannot be frozen: compare [`Frozen::count`]. Since QEMU 10.0 a bind mount
    /// is none.
    ///
    /// # Errors
    ///
    /// As [`freeze`](Self::freeze).
    pub async fn freeze_some(
        &mut self,
        mount_points: &[&str],
        deadline: Instant,
    ) -> Result<Frozen<'_, T, Rx, Tx>, FreezeError<T::Error>> {
        self.freeze_by(&FreezeList { mountpoints: mount_points }, deadline).await
    }

    /// Thaws the guest, whoever has frozen it, until it is known to be thawed or the deadline comes. Connects anew where the
    /// connection is over, whatever the session's policy.
    ///
    /// Dropping the future gives the thaw up; what this session owes stays owed.
    ///
    /// # Errors
    ///
    /// [`FreezeError::MayBeFrozen`].
    pub async fn thaw(&mut self, deadline: Instant) -> Result<Thawed, FreezeError<T::Error>> {
        let done = self.thaw_until(deadline).await.map_err(FreezeError::MayBeFrozen)?;
        Ok(Thawed { count: done.count, held: None, is_early: false, complaint: done.refusal })
    }

    /// Whether the guest is frozen, by whomever (`guest-fsfreeze-status`); `None` where the agent has no command that
    /// tells.
    ///
    /// Dropping the future gives the call up; see [`Session`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call_view), but for refusals.
    pub async fn is_frozen(&mut self, deadline: Instant) -> Result<Option<bool>, Error<T::Error>> {
        status_of(self.call_view_until(&GuestFsfreezeStatus::new(), deadline).await)
    }

    async fn freeze_by<C: for<'v> Command<View<'v> = i64>>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<Frozen<'_, T, Rx, Tx>, FreezeError<T::Error>> {
        match self.freezing {
            Freezing::Nothing => {}
            Freezing::Held => return Err(FreezeError::AlreadyFrozen),
            Freezing::Unsettled | Freezing::Owed => {
                if !self.pay_thaw(deadline).await {
                    return Err(FreezeError::MayBeFrozen(Error::MayBeFrozen));
                }
            }
        }
        if self.is_frozen(deadline).await.map_err(FreezeError::NotFrozen)? == Some(true) {
            return Err(FreezeError::AlreadyFrozen);
        }
        self.freezing = Freezing::Unsettled;
        let ticket = self.carry_out(command, deadline, self.reconnect).await;
        let result = ticket.and_then(|ticket| self.client.reply(ticket).map_err(Error::widen));
        match result.map(thaw::count) {
            Ok(0) => Err(self.settle_freeze(None).await),
            Ok(count) => Ok(Frozen::new(self, count)),
            Err(error) => Err(self.settle_freeze(Some(error)).await),
        }
    }

    /// Finds out what a freeze has done that did not say that it has frozen something, and undoes it.
    async fn settle_freeze(&mut self, error: Option<Error<T::Error>>) -> FreezeError<T::Error> {
        let deadline = self.deadline(self.timeouts.thaw);
        let status = match &error {
            Some(error) if error.sent() == Some(Sent::Nothing) => Ok(Some(false)),
            _ => self.ask_status(deadline).await,
        };
        let refusal = error.as_ref().and_then(Error::refusal);
        let (is_refused, is_disabled) =
            (refusal.is_some(), refusal.is_some_and(Refusal::is_command_not_found));
        match status {
            // It was thawed before, and an agent that says that it has no such command has not frozen it.
            Ok(Some(true)) if is_disabled => {
                self.freezing = Freezing::Nothing;
                return FreezeError::AlreadyFrozen;
            }
            Ok(Some(false)) => {}
            // What says whether it did is to be believed where nothing else can be asked.
            Ok(None) if is_refused || error.is_none() => {}
            Ok(None) if self.cannot_freeze(deadline).await => {}
            _ => {
                self.owe_thaw();
                if let Err(thaw_error) = self.thaw_until(deadline).await {
                    return FreezeError::MayBeFrozen(error.unwrap_or(thaw_error));
                }
            }
        }
        self.freezing = Freezing::Nothing;
        error.map_or(FreezeError::NothingToFreeze, FreezeError::NotFrozen)
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Frozen<'_, T, Rx, Tx> {
    /// Does some work with the guest frozen, for as long as `limit` at the most, and thaws it: see
    /// [`Session::with_frozen`].
    ///
    /// # Errors
    ///
    /// As [`Session::with_frozen`].
    pub async fn during<R>(
        mut self,
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        let session = self.session();
        let until = session.deadline(limit);
        let raced = race::race(work, session.transport.sleep_until(until)).await;
        let deadline = session.deadline(session.timeouts.thaw);
        conclude(raced, self.thaw(deadline).await)
    }
}

/// What came of work on a frozen guest that is thawed, or is not. A panic of the work goes on.
fn conclude<R, E>(raced: Raced<R>, thawed: Result<Thawed, FreezeError<E>>) -> Result<R, FreezeFailed<R, E>> {
    let output = raced.output();
    let error = match thawed {
        Err(error) => Some(error),
        Ok(_) if output.is_none() => Some(FreezeError::TimeOver),
        Ok(thawed) => thawed.into_error(),
    };
    match (output, error) {
        (Some(output), None) => Ok(output),
        (output, error) => Err(FreezeFailed { output, error: error.unwrap_or(FreezeError::TimeOver) }),
    }
}

/// `guest-fsfreeze-freeze-list`, with mount points that are text.
#[derive(Serialize)]
struct FreezeList<'a> {
    mountpoints: &'a [&'a str],
}

impl Command for FreezeList<'_> {
    type View<'v> = i64;

    fn name(&self) -> &str {
        crate::commands::GuestFsfreezeFreezeList::NAME
    }
}
