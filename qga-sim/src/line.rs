//! What an agent says, on its way to the client: in time and whole, but for faults.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use crate::fault::{Fault, FaultKind};
use crate::wire::{Reply, Wire};

mod spoil;

use spoil::{
    change_type, find, foreign, free_place, printed, put_first, replace, replace_value, spoil_text, stale,
    unasked,
};

/// The bytes that are under way.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    faults: Vec<Active>,
    random: Rng,
    now: Duration,
    queue: VecDeque<Part>,
    /// What comes when the time is there; the reply that waits for the next one has none.
    held: Vec<(Option<Duration>, Vec<u8>)>,
    /// How many bytes have left on this connection.
    sent: u64,
    /// Whether nothing more is said on this connection.
    is_mute: bool,
    end: Option<End>,
    /// What comes first on every connection.
    greeting: Vec<u8>,
}

/// A fault, and how many replies it has been about.
#[derive(Clone, Debug)]
struct Active {
    fault: Fault,
    count: u64,
}

/// Bytes in one piece.
#[derive(Clone, Debug)]
struct Part {
    due: Duration,
    bytes: Vec<u8>,
    at: usize,
    then: Then,
}

/// What follows a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    /// The connection ends.
    Close,
    /// The agent dies.
    Restart,
    /// The same, for ever.
    Again,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    /// The agent died, too.
    Restarted,
}

/// How much of an endless string comes at a time, and how often.
const ENDLESS_PART: usize = 64 * 1024;
const ENDLESS_PACE: Duration = Duration::from_millis(50);

/// How deep `deep` is.
const DEPTH: usize = 100_000;

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            faults: Vec::new(),
            random: Rng::with_seed(0),
            now: Duration::ZERO,
            queue: VecDeque::new(),
            held: Vec::new(),
            sent: 0,
            is_mute: false,
            end: None,
            greeting: Vec::new(),
        }
    }

    /// Sets what comes first on every connection.
    pub(crate) fn greet(&mut self, greeting: Vec<u8>) {
        self.greeting = greeting;
        self.begin();
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push(Active { fault, count: 0 });
        self.begin();
    }

    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(|active| &active.fault)
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.random = Rng::with_seed(seed);
    }

    /// Begins with another connection.
    pub(crate) fn begin(&mut self) {
        self.queue.clear();
        self.held.clear();
        self.sent = 0;
        self.is_mute = false;
        self.end = None;
        if self.connection_fault(|kind| (kind == FaultKind::Stale).then_some(())).is_some() {
            self.push(self.now, stale());
        }
        if !self.greeting.is_empty() {
            self.push(self.now, self.greeting.clone());
        }
    }

    /// Says what time it is.
    pub(crate) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let (due, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition::<Vec<_>, _>(|(due, _)| due.is_some_and(|due| due <= now));
        self.held = held;
        for (_, bytes) in due {
            self.push(self.now, bytes);
        }
        // Of nothing nobody says that it has been sent.
        if self.queue.front().is_some_and(|part| part.bytes.is_empty() && part.due <= self.now) {
            self.end_part();
        }
    }

    /// When there is something to send that is not there yet.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let front = self.queue.front().map(|part| part.due).filter(|&due| due > self.now);
        self.held.iter().filter_map(|(due, _)| *due).chain(front).min()
    }

    /// Whether something is still to be sent, so that the agent does nothing else.
    pub(crate) fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether nobody reads what the client sends.
    pub(crate) fn is_deaf(&self) -> bool {
        self.connection_fault(|kind| (kind == FaultKind::Deaf).then_some(())).is_some()
    }

    /// How this connection has ended, if it has.
    pub(crate) fn take_end(&mut self) -> Option<End> {
        self.end.take()
    }

    /// The bytes to send next.
    pub(crate) fn poll_transmit(&self) -> Option<&[u8]> {
        let part = self.queue.front().filter(|part| part.due <= self.now)?;
        let room = match self.close_at() {
            Some(limit) => usize::try_from(limit.saturating_sub(self.sent)).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let bytes = &part.bytes[part.at..];
        Some(&bytes[..bytes.len().min(self.piece()).min(room)]).filter(|bytes| !bytes.is_empty())
    }

    /// Says that the first `n` bytes have left.
    pub(crate) fn handle_transmitted(&mut self, n: usize) {
        let pace = self.connection_fault(|kind| match kind {
            FaultKind::Slow(pace) => Some(pace),
            _ => None,
        });
        let Some(part) = self.queue.front_mut() else { return };
        let n = n.min(part.bytes.len() - part.at);
        part.at += n;
        self.sent += n as u64;
        if let Some(pace) = pace.filter(|_| n > 0) {
            part.due = self.now.saturating_add(pace);
        }
        if part.at == part.bytes.len() {
            self.end_part();
            // The pace goes on from one part to the next.
            if let Some((front, pace)) = self.queue.front_mut().zip(pace) {
                front.due = front.due.max(self.now.saturating_add(pace));
            }
        }
        if self.close_at().is_some_and(|limit| self.sent >= limit) {
            self.end.get_or_insert(End::Closed);
        }
    }

    /// Does what follows the part that has been sent.
    fn end_part(&mut self) {
        let Some(part) = self.queue.front_mut() else { return };
        match part.then {
            Then::Again => (part.at, part.due) = (0, self.now.saturating_add(ENDLESS_PACE)),
            Then::Nothing => drop(self.queue.pop_front()),
            Then::Close => self.end = Some(End::Closed),
            Then::Restart => self.end = Some(End::Restarted),
        }
    }

    /// Whether a request gets lost, so that nobody carries it out.
    pub(crate) fn loses_request(&mut self, command: &str) -> bool {
        !self.hitting(command, FaultKind::is_of_request).is_empty()
    }

    /// Sends a reply to a command, as far as faults let it.
    pub(crate) fn say(&mut self, mut reply: Reply, command: &str, wire: &Wire) {
        if self.is_mute {
            return;
        }
        let kinds = self.kinds_for(command);
        let has = |kind| kinds.contains(&kind);
        let mut spoilt: &[u8] = &[];
        let places = [FaultKind::Deep, FaultKind::Endless, FaultKind::InvalidUtf8, FaultKind::InvalidEscape];
        let place = places.into_iter().any(has).then(|| free_place(&reply)).flatten();
        for &kind in &kinds {
            match kind {
                FaultKind::Oversized(len) => put_first(&mut reply, "pad", "x".repeat(len)),
                FaultKind::WrongType => change_type(&mut reply),
                FaultKind::Deep | FaultKind::Endless => {
                    place.into_iter().for_each(|place| replace_value(&mut reply, place));
                }
                FaultKind::InvalidUtf8 | FaultKind::InvalidEscape => {
                    spoilt = if kind == FaultKind::InvalidUtf8 { b"\xC3(" } else { b"\\x" };
                    place.into_iter().for_each(|place| spoil_text(&mut reply, place));
                }
                _ => {}
            }
        }
        let mut bytes = wire.word(&reply);
        if let Some(place) = place {
            let printed = printed(place);
            if has(FaultKind::Deep) {
                let nested = ["[".repeat(DEPTH), "]".repeat(DEPTH)].concat();
                bytes = replace(&bytes, &[b"\"", &printed[..], b"\""].concat(), nested.as_bytes());
            } else if has(FaultKind::Endless) {
                bytes.truncate(find(&bytes, &printed).unwrap_or_default());
            } else {
                bytes = replace(&bytes, &printed, spoilt);
            }
        }
        self.dispatch(&kinds, bytes);
    }

    /// Sends what answers a command, as far as faults let it; then the connection may end.
    pub(crate) fn say_bytes(&mut self, bytes: Vec<u8>, command: &str, ends: bool) {
        let kinds = self.kinds_for(command);
        if !self.is_mute && !bytes.is_empty() {
            self.dispatch(&kinds, bytes);
        }
        match self.queue.back_mut() {
            Some(last) if ends => last.then = Then::Close,
            None if ends => self.end = Some(End::Closed),
            _ => {}
        }
    }

    /// Sends bytes in their time, and before them what comes before a reply.
    fn dispatch(&mut self, kinds: &[FaultKind], mut bytes: Vec<u8>) {
        let before = self.before(kinds);
        if !before.is_empty() {
            self.push(self.now, before);
        }
        let has = |kind| kinds.contains(&kind);
        let delay = kinds.iter().find_map(|kind| match kind {
            FaultKind::Delay(time) => Some(*time),
            _ => None,
        });
        let late = kinds.iter().find_map(|kind| match kind {
            FaultKind::Late(time) => Some(*time),
            _ => None,
        });
        let due = self.now.saturating_add(delay.unwrap_or_default());
        // What waits for a reply comes behind this one.
        let waiting = self.held.iter().position(|(due, _)| due.is_none()).map(|at| self.held.remove(at).1);
        if has(FaultKind::Lost) {
        } else if has(FaultKind::Reordered) && waiting.is_none() {
            self.held.push((None, bytes));
        } else if let Some(late) = late {
            self.held.push((Some(due.saturating_add(late)), bytes));
        } else if has(FaultKind::Half) || has(FaultKind::Restart) {
            bytes.truncate(bytes.len().div_ceil(2));
            self.push(due, bytes);
            self.is_mute = true;
            if let Some(part) = self.queue.back_mut().filter(|_| has(FaultKind::Restart)) {
                part.then = Then::Restart;
            }
        } else if has(FaultKind::Endless) {
            self.push(due, bytes);
            let bytes = vec![b'x'; ENDLESS_PART];
            self.queue.push_back(Part { due, bytes, at: 0, then: Then::Again });
        } else if has(FaultKind::HangUp) {
            self.queue.push_back(Part { due, bytes: Vec::new(), at: 0, then: Then::Close });
        } else {
            let cut = kinds.iter().find_map(|kind| match kind {
                FaultKind::Cut(len) => Some(*len),
                _ => None,
            });
            bytes.truncate(cut.unwrap_or(usize::MAX));
            if has(FaultKind::Doubled) {
                self.push(due, bytes.clone());
            }
            self.push(due, bytes);
            if has(FaultKind::Unasked) {
                self.push(due, unasked());
            }
        }
        if let Some(waiting) = waiting {
            self.push(self.now, waiting);
        }
    }

    /// The faults that hit the reply to a command.
    fn kinds_for(&mut self, command: &str) -> Vec<FaultKind> {
        self.hitting(command, |kind| !kind.is_of_connection() && !kind.is_of_request())
    }

    fn hitting(&mut self, command: &str, is_meant: impl Fn(FaultKind) -> bool) -> Vec<FaultKind> {
        let mut kinds = Vec::new();
        for Active { fault, count } in &mut self.faults {
            if is_meant(fault.kind) && fault.is_about(command) {
                *count += 1;
                kinds.extend(Some(fault.kind).filter(|_| fault.hits(*count, &mut self.random)));
            }
        }
        kinds
    }

    fn connection_fault<T>(&self, read: impl Fn(FaultKind) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(|active| read(active.fault.kind))
    }

    fn close_at(&self) -> Option<u64> {
        self.connection_fault(|kind| match kind {
            FaultKind::Close(at) => Some(at),
            _ => None,
        })
    }

    /// How many bytes go at a time.
    fn piece(&self) -> usize {
        let piece = self.connection_fault(|kind| match kind {
            FaultKind::Pieces(piece) => Some(piece),
            FaultKind::Slow(_) => Some(1),
            _ => None,
        });
        piece.unwrap_or(usize::MAX)
    }

    fn push(&mut self, due: Duration, bytes: Vec<u8>) {
        self.queue.push_back(Part { due, bytes, at: 0, then: Then::Nothing });
    }

    /// What comes before a reply.
    fn before(&mut self, kinds: &[FaultKind]) -> Vec<u8> {
        let mut before = Vec::new();
        for kind in kinds {
            match kind {
                FaultKind::Foreign => before.extend(foreign()),
                FaultKind::Garbage => before.extend(self.garbage()),
                FaultKind::Delimiter => before.push(0xFF),
                FaultKind::Nul => before.extend([0; 3]),
                _ => {}
            }
        }
        before
    }

    /// A line of anything but newlines and 0xFF.
    fn garbage(&mut self) -> Vec<u8> {
        let len = self.random.usize(8..64);
        let bytes = std::iter::repeat_with(|| self.random.u8(..0xFF)).map(|byte| byte.max(b'\n' + 1));
        bytes.take(len).chain([b'\n']).collect()
    }
}
