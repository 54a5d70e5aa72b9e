//! Looking at guests again and again, in threads.

use std::cmp;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rates::{Rates, Sample};
use crate::commands::many;
use crate::connection::{Connection, MOST_OF_MANY};
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

/// Looks at guests from a bounded number of threads. Whichever is free takes the guest whose turn is next, so that one
/// which does not answer keeps nobody waiting but a thread.
pub(super) struct Sampler {
    shared: Arc<Shared>,
}

struct Shared {
    guests: Vec<Guest>,
    rows: Mutex<Vec<Option<Row>>>,
    /// The guests at which nobody looks, the one whose turn is next on top.
    turns: Mutex<BinaryHeap<Turn>>,
    interval: Duration,
    timeout: Duration,
    /// How often to look at each; without end if not said.
    rounds: Option<usize>,
    /// How many threads have not ended.
    running: AtomicUsize,
}

/// When to look at a guest.
struct Turn {
    due: Instant,
    guest: usize,
    /// How often somebody has looked.
    round: usize,
    /// What was seen last.
    earlier: Option<Sample>,
}

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
        let due = Instant::now();
        let turns = (0..guests.len()).map(|guest| Turn { due, guest, round: 0, earlier: None });
        let turns = Mutex::new(turns.collect());
        let threads = jobs.min(guests.len());
        let running = AtomicUsize::new(threads);
        let shared = Arc::new(Shared { guests, rows, turns, interval, timeout, rounds, running });
        for started in 0..threads {
            let work = Arc::clone(&shared);
            let thread = thread::Builder::new().stack_size(many::STACK).spawn(move || work.look());
            if let Err(error) = thread {
                shared.running.fetch_sub(threads - started, Ordering::Relaxed);
                // With fewer threads than asked for it takes longer.
                if started == 0 {
                    shared.fail(&Failure::new(Kind::Connection, format!("cannot start a thread: {error}")));
                }
                break;
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
    /// Looks at guest after guest, until there is none that others do not look at.
    fn look(&self) {
        while let Some(mut turn) = self.next() {
            thread::sleep(turn.due.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            let row = self.look_at(turn.guest, &mut turn.earlier);
            self.rows.lock().unwrap_or_else(PoisonError::into_inner)[turn.guest] = Some(row);
            turn.round += 1;
            turn.due = start + self.interval;
            if self.rounds.is_none_or(|rounds| turn.round < rounds) {
                self.turns.lock().unwrap_or_else(PoisonError::into_inner).push(turn);
            }
        }
        self.running.fetch_sub(1, Ordering::Release);
    }

    fn next(&self) -> Option<Turn> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn look_at(&self, at: usize, earlier: &mut Option<Sample>) -> Row {
        let guest = &self.guests[at];
        let sample = guest.check().and_then(|()| {
            // A connection for each look: between them others can have the agent.
            let mut connection = Connection::new(guest, Instant::now() + self.timeout);
            connection.limit_replies(MOST_OF_MANY);
            Sample::take(&mut connection)
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

    /// Nobody looks at any guest.
    fn fail(&self, failure: &Failure) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.fill(Some(Err(Failed::from(failure))));
    }
}

impl Ord for Turn {
    /// The greatest is the one that is due first; of those that are due at the same time the first guest.
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        (other.due, other.guest).cmp(&(self.due, self.guest))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Turn {}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind(), brief: failure.brief(), document: failure.document() }
    }
}
