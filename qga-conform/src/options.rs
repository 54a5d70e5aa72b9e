//! How an agent is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How an agent is checked: whether the guest may be changed, and how long it may take.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) writes: bool,
    pub(crate) patience: Duration,
    pub(crate) timeout: Duration,
    stop: Option<Arc<AtomicBool>>,
}

impl Options {
    /// Nothing in the guest is changed. An answer may take 2 s, all together 60 s.
    #[must_use]
    pub fn new() -> Self {
        let (patience, timeout) = (Duration::from_secs(2), Duration::from_secs(60));
        Self { writes: false, patience, timeout, stop: None }
    }

    /// Sets whether the checks are made that change the guest: they write a file and run programs, and put all back.
    #[must_use]
    pub fn writes(mut self, writes: bool) -> Self {
        self.writes = writes;
        self
    }

    /// Sets how long an answer may take, beside the time that its request takes on a line of 4 KiB a second, a serial one.
    /// What is not answered at all costs no wait but where the agent falls silent altogether, as each request is followed by
    /// one that every agent answers.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long all may take together. The last part of it, as long as the patience and no more than a fifth, is
    /// kept for tidying up.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets a flag that ends the checks early when it becomes true, in order: nothing is left half said, and what was
    /// begun in the guest is put back. Reads are made short for it.
    #[must_use]
    pub fn stop(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = Some(stop);
        self
    }

    /// How much of the time is kept for tidying up.
    pub(crate) fn reserve(&self) -> Duration {
        self.patience.min(self.timeout / 5)
    }

    pub(crate) fn can_be_stopped(&self) -> bool {
        self.stop.is_some()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
