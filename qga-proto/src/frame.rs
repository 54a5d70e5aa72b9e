//! Bytes in; frames, delimiters and "oversized" out.

mod lines;
mod objects;
#[cfg(test)]
mod tests;

use core::fmt;
use core::ops::Range;

use crate::buffer::{self, Buffer};

pub(crate) use lines::Lines;
pub(crate) use objects::Objects;

/// Cuts a stream of bytes into frames, in place: each byte is looked at once and, but for a buffer that grows or runs
/// full, copied once.
///
/// Bytes are read into [`window`](Self::window) and announced with [`commit`](Self::commit); then
/// [`poll_frame`](Self::poll_frame) is called until it gives `None`. A frame is only cut here, never decoded, so a bad
/// one costs itself and nothing else. How the stream was cut into reads makes no difference to the frames.
pub struct Framer<B, S = Scanner> {
    buffer: B,
    limit: usize,
    scanner: S,
    /// Where the current frame begins; until the next poll the one that was given out last.
    start: usize,
    /// How many bytes of the frame that was given out are to be skipped, and how many of these are its text.
    given: Option<Given>,
    /// Up to where the scanner has looked.
    scanned: usize,
    /// Up to where the buffer is filled.
    end: usize,
    /// How many bytes of the current, oversized frame are gone.
    dropped: usize,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    text: usize,
    total: usize,
}

/// How frames are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A line each: what agents send. A reply never holds a raw newline, so a newline ends even a broken frame.
    Lines,
    /// A JSON value each: what clients send. Requests need no newline, so brackets and strings are followed.
    Objects,
}

/// What the stream held next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// The byte 0xFF: what was before it is void. To an agent any other byte that resets its parser is one, too.
    Delimiter,
    /// Bytes that are no frame were dropped (only with [`Framing::Objects`]).
    Garbage,
    /// A frame longer than the limit; [`Framer::text`] is its last few bytes, which may tell whose it was.
    Oversized {
        /// How long it was.
        len: usize,
    },
    /// A frame, whole; [`Framer::text`] is its bytes.
    Text,
}

/// How many bytes from the end of an oversized frame are kept: `, "id": 9007199254740991}` and some room.
const TAIL: usize = 64;

impl<B: Buffer> Framer<B> {
    /// A framer for frames of up to `limit` bytes, or as many as `buffer` can hold.
    pub fn new(framing: Framing, buffer: B, limit: usize) -> Self {
        let scanner = match framing {
            Framing::Lines => Scanner::Lines(Lines),
            Framing::Objects => Scanner::Objects(Objects::default()),
        };
        Self::with_scanner(scanner, buffer, limit)
    }
}

impl<B: Buffer, S: Scan> Framer<B, S> {
    /// One that has the code for one kind of framing only.
    pub(crate) fn with_scanner(scanner: S, buffer: B, limit: usize) -> Self {
        Self { buffer, limit, scanner, start: 0, given: None, scanned: 0, end: 0, dropped: 0 }
    }

    /// Where to read the next bytes to. Empty only while whole frames wait to be polled, or released, in a full buffer.
    pub fn window(&mut self) -> &mut [u8] {
        if self.given.is_none() && self.start == self.end && self.dropped == 0 {
            self.rewind();
        }
        if self.end == self.buffer.bytes().len() && !self.make_room() {
            return &mut [];
        }
        &mut self.buffer.bytes_mut()[self.end..]
    }

    /// Says that the first `n` bytes of the [`window`](Self::window) have been filled.
    pub fn commit(&mut self, n: usize) {
        self.end = self.end.saturating_add(n).min(self.buffer.bytes().len());
    }

    /// The next frame; releases the one before.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.release();
        loop {
            let Some(cut) = self.scanner.scan(self.buffer.bytes(), self.scanned..self.end) else {
                self.scanned = self.end;
                if self.scanner.is_between() {
                    (self.start, self.dropped) = (self.end, 0);
                }
                return None;
            };
            self.scanned = cut.next();
            match cut {
                Cut::Begin { at } => (self.start, self.dropped) = (at, 0),
                Cut::Drop { next, frame } => {
                    self.start = next;
                    self.dropped = 0;
                    return Some(frame);
                }
                Cut::Text { end, next } => {
                    if let Some(frame) = self.give(end, next) {
                        return Some(frame);
                    }
                }
            }
        }
    }

    /// At the end of the stream: the rest as a frame, though its newline is missing (only with [`Framing::Lines`]).
    pub fn finish(&mut self) -> Option<Frame> {
        self.release();
        if !self.scanner.ends_with_stream() {
            return None;
        }
        self.scanned = self.end;
        self.give(self.end, self.end)
    }

    /// The bytes of the frame that was polled last, until it is released.
    pub fn text(&self) -> &[u8] {
        let len = self.given.map_or(0, |given| given.text);
        &self.buffer.bytes()[self.start..self.start + len]
    }

    /// Lets go of the frame that was polled last.
    pub fn release(&mut self) {
        if let Some(given) = self.given.take() {
            self.start += given.total;
        }
    }

    /// Whether a frame has begun and not ended.
    pub(crate) fn is_in_frame(&self) -> bool {
        self.dropped > 0 || self.start + self.given.map_or(0, |given| given.total) < self.end
    }

    /// Drops all that has been received: another stream begins.
    pub fn reset(&mut self) {
        self.rewind();
        self.scanner.reset();
    }

    /// Sets how many bytes a frame may have, if the buffer can hold them.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many bytes a frame can have.
    pub fn limit(&self) -> usize {
        self.limit.min(self.buffer.bytes().len().saturating_sub(1))
    }

    /// Gives out what lies between `start` and `end`, unless it is blank.
    fn give(&mut self, end: usize, next: usize) -> Option<Frame> {
        let len = self.dropped + (end - self.start);
        let oversized = self.dropped > 0 || len > self.limit;
        self.dropped = 0;
        if oversized {
            self.start = self.start.max(end.saturating_sub(TAIL));
        } else if self.buffer.bytes()[self.start..end].trim_ascii().is_empty() {
            self.start = next;
            return None;
        }
        self.given = Some(Given { text: end - self.start, total: next - self.start });
        Some(if oversized { Frame::Oversized { len } } else { Frame::Text })
    }

    fn rewind(&mut self) {
        (self.start, self.scanned, self.end, self.dropped, self.given) = (0, 0, 0, 0, None);
    }

    /// Makes room behind `end`: by moving what is kept to the front, by growing, or by dropping what is oversized.
    fn make_room(&mut self) -> bool {
        if self.start > 0 {
            self.drop_front(self.start);
            return true;
        }
        // One byte more than the limit: the newline.
        if buffer::grow_for_message(&mut self.buffer, self.limit.saturating_add(1)).is_some() {
            return true;
        }
        let len = self.buffer.bytes().len();
        let surplus = self.scanned.saturating_sub(TAIL.min(len / 2));
        // What has not been looked at may end the frame.
        if self.given.is_some() || self.scanned < self.end || surplus == 0 {
            return false;
        }
        self.dropped += surplus;
        self.drop_front(surplus);
        true
    }

    fn drop_front(&mut self, n: usize) {
        self.buffer.bytes_mut().copy_within(n..self.end, 0);
        self.start = self.start.saturating_sub(n);
        self.scanned -= n.min(self.scanned);
        self.end -= n;
    }
}

impl<B, S: fmt::Debug> fmt::Debug for Framer<B, S> {
    /// Without the buffer: it may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer")
            .field("scanner", &self.scanner)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Finds where frames end.
pub trait Scan {
    /// Looks at bytes that it has not seen yet, up to the next cut.
    fn scan(&mut self, bytes: &[u8], range: Range<usize>) -> Option<Cut>;

    /// Whether no frame has begun, so that nothing need be kept.
    fn is_between(&self) -> bool;

    /// Whether the end of the stream ends a frame, too.
    fn ends_with_stream(&self) -> bool;

    /// Another stream begins.
    fn reset(&mut self);
}

/// The scanner of a framing that is chosen at run time.
#[derive(Debug)]
pub enum Scanner {
    /// Of lines.
    Lines(Lines),
    /// Of JSON values.
    Objects(Objects),
}

impl Scan for Scanner {
    fn scan(&mut self, bytes: &[u8], range: Range<usize>) -> Option<Cut> {
        match self {
            Self::Lines(lines) => lines.scan(bytes, range),
            Self::Objects(objects) => objects.scan(bytes, range),
        }
    }

    fn is_between(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.is_between(),
            Self::Objects(objects) => objects.is_between(),
        }
    }

    fn ends_with_stream(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.ends_with_stream(),
            Self::Objects(objects) => objects.ends_with_stream(),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Lines(lines) => lines.reset(),
            Self::Objects(objects) => objects.reset(),
        }
    }
}

/// What a scanner found, as positions in the buffer.
#[derive(Debug)]
pub enum Cut {
    /// A frame begins; what is before it is void.
    Begin {
        /// Where it begins.
        at: usize,
    },
    /// What was begun is void.
    Drop {
        /// Where to go on.
        next: usize,
        /// What is told of it.
        frame: Frame,
    },
    /// What was begun ends.
    Text {
        /// Where it ends.
        end: usize,
        /// Where to go on.
        next: usize,
    },
}

impl Cut {
    fn next(&self) -> usize {
        match *self {
            Self::Begin { at } => at + 1,
            Self::Drop { next, .. } | Self::Text { next, .. } => next,
        }
    }
}
