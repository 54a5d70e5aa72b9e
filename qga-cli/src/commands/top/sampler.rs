//! Looking at guests again and again, in threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rates::{Rates, Sample};
use crate::connection::Connection;
use crate::error::{Failure, Kind};
use crate::guests::Guest;

/// What is known of a guest: the newest only.
pub(super) type Row = Result<Rates, Failed>;

/// A look that failed.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) kind: Kind,
    pub(super) brief: String,
    pub(super) document: Value,
}

/// Looks at guests, each in its turn, from a bounded number of threads.
pub(super) struct Sampler {
    shared: Arc<Shared>,
}

struct Shared {
    guests: Vec<Guest>,
    rows: Mutex<Vec<Option<Row>>>,
    interval: Duration,
    timeout: Duration,
    /// How often to look at each; without end if not said.
    rounds: Option<usize>,
    /// How many threads have not ended.
    running: AtomicUsize,
}

/// A thread's stack; see the one of `many`.
const STACK: usize = 1024 * 1024;

impl Sampler {
    /// Starts threads, no more than `jobs`. They go on until the process ends, or have made so many rounds.
    pub(super) fn start(
        guests: Vec<Guest>,
        jobs: usize,
        interval: Duration,
        timeout: Duration,
        rounds: Option<usize>,
    ) -> Self {
        let rows = Mutex::new(vec![None; guests.len()]);
        let threads = jobs.min(guests.len()).max(1);
        let running = AtomicUsize::new(threads);
        let shared = Arc::new(Shared { guests, rows, interval, timeout, rounds, running });
        for first in 0..threads {
            let work = Arc::clone(&shared);
            let started = thread::Builder::new().stack_size(STACK).spawn(move || work.look(first, threads));
            if let Err(error) = started {
                shared.fail(
                    first,
                    threads,
                    &Failure::new(Kind::Connection, format!("cannot start a thread: {error}")),
                );
                shared.running.fetch_sub(1, Ordering::Relaxed);
            }
        }
        Self { shared }
    }

    /// The newest of each guest, in their order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let rows = self.shared.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().map(|row| row.clone().unwrap_or(Ok(Rates::default()))).collect()
    }

    pub(super) fn guests(&self) -> &[Guest] {
        &self.shared.guests
    }

    /// Waits until all rounds are made.
    pub(super) fn wait(&self) {
        const LOOK_INTERVAL: Duration = Duration::from_millis(10);

        while self.shared.running.load(Ordering::Acquire) > 0 {
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Shared {
    /// Looks at every guest whose turn it is in this thread.
    fn look(&self, first: usize, threads: usize) {
        let mut earlier = vec![None; self.guests.len()];
        let mut round = 0;
        loop {
            let start = Instant::now();
            for at in (first..self.guests.len()).step_by(threads) {
                let row = self.look_at(at, &mut earlier[at]);
                self.rows.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(row);
            }
            round += 1;
            if self.rounds.is_some_and(|rounds| round >= rounds) {
                break;
            }
            thread::sleep(self.interval.saturating_sub(start.elapsed()));
        }
        self.running.fetch_sub(1, Ordering::Release);
    }

    fn look_at(&self, at: usize, earlier: &mut Option<Sample>) -> Row {
        let guest = &self.guests[at];
        let sample = guest.check().and_then(|()| {
            // A connection for each look: between them others can have the agent.
            Sample::take(&mut Connection::new(guest, Instant::now() + self.timeout))
        });
        match sample {
            Ok(sample) => {
                let rates = earlier.as_ref().map_or_else(|| sample.first(), |earlier| sample.since(earlier));
                *earlier = Some(sample);
                Ok(rates)
            }
            Err(failure) => {
                *earlier = None;
                Err(Failed::from(&failure))
            }
        }
    }

    /// Nobody looks at the guests of this thread.
    fn fail(&self, first: usize, threads: usize, failure: &Failure) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows.iter_mut().skip(first).step_by(threads) {
            *row = Some(Err(Failed::from(failure)));
        }
    }
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind(), brief: failure.brief(), document: failure.document() }
    }
}
