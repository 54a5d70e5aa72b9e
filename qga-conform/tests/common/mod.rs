//! A line to a simulated guest without I/O and without waiting: time is a number, and passes only when somebody waits.
#![allow(dead_code, reason = "not every test file needs everything")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastrand::Rng;
use qga_conform::{Options, Report, Verdict, check};
use qga_proto::{Instant, Transport};
use qga_sim::Sim;

/// When the tests take place: 2026-01-01.
pub(crate) const START: Duration = Duration::from_secs(1_767_225_600);

/// How many bytes the agent may leave unread before nothing more can be sent.
const CAPACITY: usize = 256 * 1024;

/// How many bytes go through at once.
pub(crate) enum Pieces {
    Whole,
    Bytes,
    Random(Rng),
}

/// Somebody who does something else at each read and write.
pub(crate) type Meddler = Box<dyn FnMut(&mut Sim)>;

/// The line, and all that is at its other end.
pub(crate) struct SimLine {
    pub(crate) sim: Sim,
    pub(crate) now: Duration,
    pieces: Pieces,
    /// What was sent and not read.
    unread: VecDeque<u8>,
    /// What the agent has said and was not read.
    said: VecDeque<u8>,
    ends: u64,
    /// All that was sent.
    pub(crate) sent: Vec<u8>,
    pub(crate) meddler: Option<Meddler>,
    /// How many bytes a second get to the agent, whatever was taken from the client: as from a host to a serial line.
    pub(crate) rate: Option<u32>,
    /// When it has got all.
    carried: Duration,
}

impl SimLine {
    pub(crate) fn new(sim: impl Into<Sim>, pieces: Pieces) -> Self {
        let (sim, said) = (sim.into(), VecDeque::new());
        let ends = sim.ends();
        let (unread, sent, meddler, rate) = (VecDeque::new(), Vec::new(), None, None);
        Self { sim, now: START, pieces, unread, said, ends, sent, meddler, rate, carried: START }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.sim.ends() != self.ends
    }

    /// Whether everything that was sent was answered, and the answers were read.
    pub(crate) fn is_quiet(&self) -> bool {
        self.unread.is_empty() && self.said.is_empty()
    }

    /// Passes over all that the agent still says, for as long as anything is due.
    pub(crate) fn drain(&mut self) {
        self.pump();
        while let Some(due) = self.sim.poll_timeout().filter(|_| !self.is_over()) {
            self.now = self.now.max(due);
            self.pump();
        }
        self.said.clear();
    }

    fn piece(&mut self, len: usize) -> usize {
        match &mut self.pieces {
            Pieces::Whole => len,
            Pieces::Bytes => len.min(1),
            Pieces::Random(random) => random.usize(1..=len.min(97)),
        }
    }

    /// Lets the agent read and speak.
    fn pump(&mut self) {
        if let Some(meddler) = &mut self.meddler {
            meddler(&mut self.sim);
        }
        self.sim.handle_timeout(self.now);
        while !self.is_over() {
            if let Some(bytes) = self.sim.poll_transmit() {
                self.said.extend(bytes);
                let n = bytes.len();
                self.sim.handle_transmitted(n, self.now);
                continue;
            }
            let window = self.sim.receive_buffer();
            let n = window.len().min(self.unread.len());
            if n == 0 || self.now < self.carried {
                return;
            }
            window.iter_mut().zip(self.unread.drain(..n)).for_each(|(place, byte)| *place = byte);
            self.sim.handle_received(n, self.now);
        }
    }

    fn wait(&mut self, deadline: Instant) {
        let deadline = deadline.since_epoch().max(self.now);
        let carried = Some(self.carried).filter(|_| !self.unread.is_empty());
        let changes = [self.sim.poll_timeout(), carried].into_iter().flatten();
        let change = changes.filter(|&change| change > self.now).min();
        self.now = change.map_or(deadline, |change| change.min(deadline));
    }
}

impl Transport for SimLine {
    type Error = Infallible;

    fn now(&self) -> Instant {
        Instant::from_epoch(self.now)
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        loop {
            self.pump();
            if !self.said.is_empty() {
                let n = self.piece(self.said.len().min(buffer.len()));
                buffer.iter_mut().zip(self.said.drain(..n)).for_each(|(place, byte)| *place = byte);
                return Ok(Some(n));
            }
            if self.is_over() {
                return Ok(Some(0));
            }
            if self.now() >= deadline {
                return Ok(None);
            }
            self.wait(deadline);
        }
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        loop {
            self.pump();
            if self.is_over() {
                return Ok(Some(0));
            }
            let room = CAPACITY - self.unread.len();
            if room > 0 {
                let n = self.piece(bytes.len().min(room));
                self.sent.extend(&bytes[..n]);
                self.unread.extend(&bytes[..n]);
                if let Some(rate) = self.rate {
                    let time = Duration::from_secs(n.try_into().expect("few")) / rate;
                    self.carried = self.carried.max(self.now) + time;
                }
                self.pump();
                return Ok(Some(n));
            }
            if self.now() >= deadline {
                return Ok(None);
            }
            self.wait(deadline);
        }
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        while self.now() < deadline {
            self.wait(deadline);
            self.pump();
        }
    }
}

/// Polls a future that waits for nothing but such a line.
pub(crate) fn complete<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

/// Checks the agent at the end of a line.
pub(crate) fn run(line: &mut SimLine, options: &Options) -> Report {
    complete(check(line, options))
}

/// The checks that do not pass.
pub(crate) fn misses(report: &Report) -> Vec<(&'static str, Verdict)> {
    let outcomes = report.outcomes().iter().filter(|outcome| outcome.verdict != Verdict::Pass);
    outcomes.map(|outcome| (outcome.check.name, outcome.verdict)).collect()
}
