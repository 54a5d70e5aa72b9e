//! Freezing through a session that others use at the same time.

use core::future::pending;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use super::{FreezeError, FreezeFailed, Frozen, conclude, race};
use crate::buffer::Buffer;
use crate::session::Freezing;
use crate::shared::{Clock, Shared};
use crate::transport::Transport;

/// How often it is looked whether a thaw is owed.
const LOOK: Duration = Duration::from_millis(500);

impl<T: Transport, K: Clock, Rx: Buffer, Tx: Buffer> Shared<T, K, Rx, Tx> {
    /// Freezes all file systems that can be, does some work, and thaws them whatever happens; see
    /// [`Session::with_frozen`](crate::Session::with_frozen).
    ///
    /// The session is free meanwhile: what agents carry out while the guest is frozen (`guest-ping`, `guest-info`, the
    /// syncs, `guest-fsfreeze-status`) can be called through the other handles, and all else fails at once, with
    /// [`Misuse::Frozen`](crate::Misuse::Frozen).
    ///
    /// When the future is dropped, the guest is thawed beside the next call through any handle; where there may be none for
    /// long, by [`keep_thawed`](Self::keep_thawed).
    ///
    /// # Errors
    ///
    /// As [`Session::with_frozen`](crate::Session::with_frozen).
    pub async fn with_frozen<R>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        self.hold(None, limit, work).await
    }

    /// Freezes the file systems of these mount points, does some work, and thaws them: see
    /// [`with_frozen`](Self::with_frozen).
    ///
    /// # Errors
    ///
    /// As [`with_frozen`](Self::with_frozen).
    pub async fn with_some_frozen<R>(
        &self,
        mount_points: &[&str],
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        self.hold(Some(mount_points), limit, work).await
    }

    /// Thaws what somebody has frozen through a handle and does not thaw any more, as its future was dropped or its thaw
    /// failed: looks twice a second, and tries for as long as it takes. For a task of its own, or a thread:
    /// `tokio::spawn(shared.clone().keep_thawed())`.
    ///
    /// Ends when this is the last handle. Dropping the future is safe.
    pub async fn keep_thawed(self) {
        while !self.is_last() {
            let next = self.deadline(LOOK);
            self.clock().timeout(pending::<()>(), next).await;
            // Where too many wait, one of them pays.
            let Ok(mut session) = self.lock(self.deadline(LOOK)).await else { continue };
            if matches!(session.freezing, Freezing::Unsettled | Freezing::Owed) {
                let deadline = self.deadline(self.timeouts.thaw);
                session.pay_thaw(deadline).await;
            }
        }
    }

    async fn hold<R>(
        &self,
        mount_points: Option<&[&str]>,
        limit: Duration,
        work: impl AsyncFnOnce() -> R,
    ) -> Result<R, FreezeFailed<R, T::Error>> {
        let deadline = self.deadline(self.timeouts.freeze);
        let mut session = self.lock(deadline).await.map_err(FreezeError::NotFrozen)?;
        let frozen = match mount_points {
            None => session.freeze(deadline).await?,
            Some(mount_points) => session.freeze_some(mount_points, deadline).await?,
        };
        let (since, count) = (frozen.since(), frozen.leave());
        let holder = Holder(&self.abandoned);
        drop(session);
        let until = self.deadline(limit);
        let timer = async {
            self.clock().timeout(pending::<()>(), until).await;
        };
        let raced = race::race(work, timer).await;
        let deadline = self.deadline(self.timeouts.thaw);
        let mut session = match self.lock(deadline).await {
            Ok(session) => session,
            // The next one who gets it thaws.
            Err(error) => return conclude(raced, Err(FreezeError::MayBeFrozen(error))),
        };
        let frozen = Frozen::resume(&mut session, count, since);
        holder.hand_over();
        let thawed = frozen.thaw(deadline).await;
        conclude(raced, thawed)
    }
}

/// Somebody who holds the guest frozen without having the session. When this is dropped, the next who has it thaws.
struct Holder<'a>(&'a AtomicBool);

impl Holder<'_> {
    /// The session is back, and knows by itself what is owed.
    fn hand_over(self) {
        core::mem::forget(self);
    }
}

impl Drop for Holder<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
