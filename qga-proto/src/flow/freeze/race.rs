//! Work that may take only so long.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

/// What became of the work.
pub(super) enum Raced<R> {
    Done(R),
    /// The time was over first.
    TimeOver,
    #[cfg(feature = "std")]
    Panicked(std::boxed::Box<dyn core::any::Any + Send>),
}

impl<R> Raced<R> {
    /// What the work gave; goes on with its panic.
    pub(super) fn output(self) -> Option<R> {
        match self {
            Self::Done(output) => Some(output),
            Self::TimeOver => None,
            #[cfg(feature = "std")]
            Self::Panicked(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Runs work until a timer ends it. The work is dropped in any case. With `std`, a panic of the work is caught.
pub(super) async fn race<R>(work: impl AsyncFnOnce() -> R, timer: impl Future<Output = ()>) -> Raced<R> {
    // Not even the closure runs outside of what is caught.
    let (mut work, mut timer) = (pin!(async { work().await }), pin!(timer));
    poll_fn(|context| match caught(|| work.as_mut().poll(context)) {
        Poll::Pending => timer.as_mut().poll(context).map(|()| Raced::TimeOver),
        over => over,
    })
    .await
}

#[cfg(feature = "std")]
fn caught<R>(poll: impl FnOnce() -> Poll<R>) -> Poll<Raced<R>> {
    // What has panicked is not looked at again: it is dropped.
    match std::panic::catch_unwind(core::panic::AssertUnwindSafe(poll)) {
        Ok(polled) => polled.map(Raced::Done),
        Err(panic) => Poll::Ready(Raced::Panicked(panic)),
    }
}

#[cfg(not(feature = "std"))]
fn caught<R>(poll: impl FnOnce() -> Poll<R>) -> Poll<Raced<R>> {
    poll().map(Raced::Done)
}
