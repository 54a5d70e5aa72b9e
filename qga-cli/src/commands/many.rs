//! Many guests at once, under one deadline.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::error::{Failure, Kind};
use crate::guests::Guest;

/// What came of one of many guests.
pub(super) struct Row<T> {
    pub(super) guest: Guest,
    pub(super) result: Result<T, Failure>,
}

/// A thread's stack: more than twice what the deepest reply that is taken needs without optimization. Only what is used
/// of it costs memory.
pub(super) const STACK: usize = 1024 * 1024;

/// Asks all guests, no more than `jobs` at a time. Gives a row for each, in their order.
pub(super) fn each<T: Send>(
    guests: Vec<Guest>,
    jobs: usize,
    deadline: Instant,
    ask: impl Fn(&Guest) -> Result<T, Failure> + Sync,
) -> Vec<Row<T>> {
    let next = AtomicUsize::new(0);
    let work = |results: &mpsc::Sender<_>| {
        while let Some((at, guest)) = take(&guests, &next) {
            let result =
                if Instant::now() < deadline { ask(guest) } else { Err(too_late().at(&guest.address)) };
            // The receiver outlives all threads.
            let _ = results.send((at, result));
        }
    };
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 1..jobs.min(guests.len()) {
            let sender = sender.clone();
            // With fewer threads than asked for it takes longer; this one is always there.
            let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(&sender));
            if thread.is_err() {
                break;
            }
        }
        work(&sender);
    });
    drop(sender);
    let mut results: Vec<_> = receiver.into_iter().collect();
    results.sort_by_key(|(at, _)| *at);
    guests.into_iter().zip(results).map(|(guest, (_, result))| Row { guest, result }).collect()
}

/// The next guest that nobody has asked.
fn take<'g>(guests: &'g [Guest], next: &AtomicUsize) -> Option<(usize, &'g Guest)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    guests.get(at).map(|guest| (at, guest))
}

fn too_late() -> Failure {
    Failure::new(Kind::Deadline, "the deadline passed before its turn came; it was not asked")
        .advise("give more time with -t, or ask more at once with --jobs")
        .detail("diagnosis", "not-asked")
        .detail("heard", false)
        .detail("fate_unknown", false)
}
