//! Freezing a guest, with calls that block.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use qga_proto::{OwnedCommand, Thawed};

use crate::session::{Error, Session, block_on};
use crate::shared::Shared;
use crate::transport::{Connection, Stream};

/// Why a guest was not frozen as it should be.
pub type FreezeError = qga_proto::FreezeError<io::Error>;

/// Work that was to be done on a frozen guest, and was not, or not as it should be.
pub type FreezeFailed<R> = qga_proto::FreezeFailed<R, io::Error>;

impl<S: Stream> Session<S> {
    /// Freezes all file systems that can be, does some work, and thaws them whatever happens: also when the work takes
    /// longer than `limit`, and when it panics. The one obvious way; see [`qga_proto::Session::with_frozen`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use qga_sim::{Guest, Server};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A simulated guest; a real one is mostly at something like `unix:/run/vm/guest-agent.sock`.
    /// let guest = Server::bind("tcp:127.0.0.1:0", Guest::new())?.spawn()?;
    /// let mut session = qga_std::connect(guest.address(), Duration::from_secs(10))?;
    ///
    /// let snapshot = session.with_frozen(Duration::from_secs(60), || "snap-1")?;
    /// assert_eq!(snapshot, "snap-1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A thread thaws the guest when the work is done or `limit` is over, whichever comes first. Work that takes longer is not
    /// ended by that; this returns when it is done, and says that its time was over.
    ///
    /// A process that is killed (SIGKILL) thaws nothing, and leaves the guest frozen until somebody thaws it.
    ///
    /// # Errors
    ///
    /// What is not as it should be. The output of the work is in it, if it was done.
    ///
    /// # Panics
    ///
    /// When there can be no thread; nothing is frozen then. And with the work, when the guest has been thawed.
    pub fn with_frozen<R>(&mut self, limit: Duration, work: impl FnOnce() -> R) -> Result<R, FreezeFailed<R>>
    where
        S: Send,
    {
        self.with(None, limit, work)
    }

    /// Freezes the file systems of these mount points, does some work, and thaws them: see
    /// [`with_frozen`](Self::with_frozen).
    ///
    /// # Errors
    ///
    /// As [`with_frozen`](Self::with_frozen).
    ///
    /// # Panics
    ///
    /// As [`with_frozen`](Self::with_frozen).
    pub fn with_some_frozen<R>(
        &mut self,
        mount_points: &[&str],
        limit: Duration,
        work: impl FnOnce() -> R,
    ) -> Result<R, FreezeFailed<R>>
    where
        S: Send,
    {
        self.with(Some(mount_points), limit, work)
    }

    /// Freezes all file systems that can be, up to so long. They are thawed when the guard is dropped.
    ///
    /// # Errors
    ///
    /// Every [`FreezeError`] but those of what comes after freezing.
    pub fn freeze(&mut self, timeout: Duration) -> Result<Frozen<'_, S>, FreezeError> {
        let deadline = self.deadline(timeout);
        Ok(Frozen(Some(block_on(self.0.freeze(deadline))?)))
    }

    /// Freezes the file systems of these mount points: see [`freeze`](Self::freeze) and
    /// [`qga_proto::Session::freeze_some`].
    ///
    /// # Errors
    ///
    /// As [`freeze`](Self::freeze).
    pub fn freeze_some(
        &mut self,
        mount_points: &[&str],
        timeout: Duration,
    ) -> Result<Frozen<'_, S>, FreezeError> {
        let deadline = self.deadline(timeout);
        Ok(Frozen(Some(block_on(self.0.freeze_some(mount_points, deadline))?)))
    }

    /// Thaws the guest, whoever has frozen it, with as many attempts as there is time for; see
    /// [`qga_proto::Session::thaw`].
    ///
    /// # Errors
    ///
    /// [`FreezeError::MayBeFrozen`](qga_proto::FreezeError::MayBeFrozen).
    pub fn thaw(&mut self, timeout: Duration) -> Result<Thawed, FreezeError> {
        let deadline = self.deadline(timeout);
        block_on(self.0.thaw(deadline))
    }

    /// Whether the guest is frozen, by whomever; `None` where the agent has no command that tells.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), but for refusals.
    pub fn is_frozen(&mut self, timeout: Duration) -> Result<Option<bool>, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.is_frozen(deadline))
    }

    /// Whether this session has frozen the guest, or began to, and does not know that it is thawed. No call is made.
    #[must_use]
    pub fn may_be_frozen(&self) -> bool {
        self.0.may_be_frozen()
    }

    fn with<R>(
        &mut self,
        mount_points: Option<&[&str]>,
        limit: Duration,
        work: impl FnOnce() -> R,
    ) -> Result<R, FreezeFailed<R>>
    where
        S: Send,
    {
        let session = &mut self.0;
        hold(limit, work, move |hold| {
            let hold = async || hold();
            match mount_points {
                None => block_on(session.with_frozen(limit, hold)),
                Some(some) => block_on(session.with_some_frozen(some, limit, hold)),
            }
        })
    }
}

/// Many threads at once.
impl<S: Stream + Send> Shared<S> {
    /// Freezes all file systems that can be, does some work, and thaws them whatever happens: see
    /// [`Session::with_frozen`], and [`qga_proto::Shared::with_frozen`] for what others can do meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Session::with_frozen`].
    ///
    /// # Panics
    ///
    /// As [`Session::with_frozen`].
    pub fn with_frozen<R>(&self, limit: Duration, work: impl FnOnce() -> R) -> Result<R, FreezeFailed<R>> {
        let shared = self.as_inner();
        hold(limit, work, move |hold| block_on(shared.with_frozen(limit, async || hold())))
    }
}

/// Waits while the work is done; gives whether its time was over first.
type Hold = Box<dyn FnOnce() -> bool + Send>;

/// Has the guest frozen and thawed by a thread, and does the work meanwhile.
fn hold<R>(
    limit: Duration,
    work: impl FnOnce() -> R,
    freeze: impl FnOnce(Hold) -> Result<bool, FreezeFailed<bool>> + Send,
) -> Result<R, FreezeFailed<R>> {
    let (is_frozen, wait_frozen) = mpsc::channel();
    let (is_done, wait_done) = mpsc::channel::<()>();
    let hold = Box::new(move || {
        // Nobody can have gone: the other end waits for this.
        let _ = is_frozen.send(());
        wait_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout)
    });
    thread::scope(|scope| {
        // What ends the waiting is dropped in any case, also by a panic of the work.
        let is_done = is_done;
        let thread = scope.spawn(move || freeze(hold));
        let output = wait_frozen.recv().ok().map(|()| work());
        drop(is_done);
        let held = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (held, output) {
            (Ok(false), Some(output)) => Ok(output),
            (Ok(_), output) => Err(FreezeFailed { output, error: FreezeError::TimeOver }),
            (Err(failed), output) => Err(FreezeFailed { output, error: failed.error }),
        }
    })
}

/// A guest that this session has frozen. Dropping this thaws it, in the session's time for that
/// ([`Timeouts::thaw`](qga_proto::Timeouts::thaw)), with as many attempts as it takes.
///
/// A drop cannot fail aloud: where the guest may still be frozen after it, the session's next call tries to thaw it again,
/// fails if it cannot, and [`poll_event`](Session::poll_event) tells of it. [`thaw`](Self::thaw) says at once.
#[must_use = "the guest is thawed when it is dropped"]
pub struct Frozen<'s, S: Stream>(Option<qga_proto::Frozen<'s, Connection<S>, Vec<u8>>>);

impl<'s, S: Stream> Frozen<'s, S> {
    /// How many file systems are frozen: 1 at least.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, qga_proto::Frozen::count)
    }

    /// How long the guest has been frozen.
    #[must_use]
    pub fn held(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, qga_proto::Frozen::held)
    }

    /// Calls what agents carry out while the guest is frozen.
    ///
    /// # Errors
    ///
    /// As [`Session::call`]; at once, without sending anything, for commands that are not for a frozen guest.
    pub fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error> {
        block_on(self.inner().session().call(command))
    }

    /// Thaws the guest: again and again, until it is known to be thawed or the time is over.
    ///
    /// # Errors
    ///
    /// [`FreezeError::MayBeFrozen`](qga_proto::FreezeError::MayBeFrozen).
    pub fn thaw(mut self, timeout: Duration) -> Result<Thawed, FreezeError> {
        let deadline = self.inner().session().deadline(timeout);
        match self.0.take() {
            Some(frozen) => block_on(frozen.thaw(deadline)),
            None => unreachable!("it is there until it is thawed or dropped"),
        }
    }

    fn inner(&mut self) -> &mut qga_proto::Frozen<'s, Connection<S>, Vec<u8>> {
        self.0.as_mut().expect("it is there until it is thawed or dropped")
    }
}

impl<S: Stream> Drop for Frozen<'_, S> {
    fn drop(&mut self) {
        if let Some(mut frozen) = self.0.take() {
            let session = frozen.session();
            let deadline = session.deadline(session.timeouts().thaw);
            // Where it fails the session owes the thaw, and says so.
            let _ = block_on(frozen.thaw(deadline));
        }
    }
}

impl<S: Stream> fmt::Debug for Frozen<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
