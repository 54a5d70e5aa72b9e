//! What comes of one exchange: bytes to lines, up to the answers of the syncs that end it.

use std::time::Duration;

use crate::judgement::{Judged, expect, fail};
use crate::notes::Notes;
use crate::reply::{Line, Reply};

/// What an agent has said in one exchange.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    events: Vec<Event>,
    /// Which of the syncs that were sent are answered.
    answered: Vec<bool>,
    /// Whether there was more than is kept.
    is_too_much: bool,
    /// How long it took until the first sync was answered, or all else was heard.
    pub(crate) took: Duration,
}

#[derive(Debug)]
enum Event {
    Line(Line),
    /// The answer to the sync at this place among those that were sent.
    Mark(usize),
}

/// How many bytes of an exchange are kept: as many as libvirt hands on to its own clients. The longest replies that are
/// asked for, lists of disks and memory blocks, are shorter.
const MAX_KEPT: usize = 4 << 20;

/// How many bytes of a line are kept when there is no room for more: a sync's answer is shorter.
const SHORT: usize = 256;

/// How many lines are kept. The checks ask for fewer at a time, and none costs as many errors.
const MAX_LINES: usize = 4096;

impl Heard {
    /// Whether the sync at this place was answered.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.answered.get(place).is_some_and(|is_answered| *is_answered)
    }

    /// How many syncs were sent.
    pub(crate) fn marks(&self) -> usize {
        self.answered.len()
    }

    /// What came before the answer to the sync at a place.
    pub(crate) fn before(&self, place: usize) -> impl Iterator<Item = &Line> {
        let is_other = move |event: &&Event| !matches!(event, Event::Mark(mark) if *mark == place);
        self.lines(self.events.iter().take_while(is_other))
    }

    /// All that came.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Line> {
        self.lines(self.events.iter())
    }

    fn lines<'h>(&self, events: impl Iterator<Item = &'h Event>) -> impl Iterator<Item = &'h Line> {
        events.filter_map(|event| match event {
            Event::Line(line) => Some(line),
            Event::Mark(_) => None,
        })
    }

    /// The replies to so many requests, which must be all that came before the first sync's answer.
    pub(crate) fn replies<const N: usize>(self) -> Judged<[Reply; N]> {
        let replies = self.replies_to(N)?;
        let count = replies.len();
        replies.try_into().or_else(|_| fail(format!("{count} replies")))
    }

    /// The same for a number of requests that is not known before.
    pub(crate) fn replies_to(self, requests: usize) -> Judged<Vec<Reply>> {
        expect(!self.is_too_much, || format!("more than {} MiB came", MAX_KEPT >> 20))?;
        let lines: Vec<_> = self.before(0).cloned().collect();
        let shown = lines.first().map(|line| format!(": {}", line.excerpt)).unwrap_or_default();
        if !self.has(0) {
            return fail(format!("the request behind it is not answered{shown}"));
        }
        match (lines.len(), requests) {
            (0, 1..) => fail("there is no answer"),
            (came, due) if came != due => {
                let answers = if came == 1 { "answer" } else { "answers" };
                fail(format!("{came} {answers} in place of {due}{shown}"))
            }
            _ => lines.into_iter().map(Line::into_reply).collect(),
        }
    }

    /// The reply to one request.
    pub(crate) fn reply(self) -> Judged<Reply> {
        let [reply] = self.replies()?;
        Ok(reply)
    }

    /// What is no message earns at least one error, and the next request behind 0xFF is answered.
    pub(crate) fn faults(&self) -> Judged {
        expect(self.has(1), || "the request behind 0xFF is not answered".to_owned())?;
        // Agents tell of it at once, or when 0xFF ends the message.
        let place = usize::from(!self.has(0));
        expect(self.before(place).any(Line::is_error), || "there is no error".to_owned())
    }
}

/// Takes what comes.
#[derive(Debug)]
pub(crate) struct Ear {
    /// The numbers of the syncs of this exchange.
    marks: Vec<i64>,
    /// A line that has begun, maybe in an exchange before.
    line: Vec<u8>,
    /// Whether 0xFF stands before it.
    is_delimited: bool,
    /// Whether it is longer than what is kept of it.
    is_cut: bool,
    /// How many bytes can still be kept.
    room: usize,
    /// How many lines came, and how many of them are kept.
    lines: usize,
    kept: usize,
    heard: Heard,
}

impl Ear {
    pub(crate) fn new() -> Self {
        let (marks, line, heard) = (Vec::new(), Vec::new(), Heard::default());
        Self { marks, line, is_delimited: false, is_cut: false, room: MAX_KEPT, lines: 0, kept: 0, heard }
    }

    /// Listens for the answer to one more sync.
    pub(crate) fn expect(&mut self, mark: i64) {
        self.marks.push(mark);
        self.heard.answered.push(false);
    }

    /// Takes bytes, which came so long after the exchange began.
    pub(crate) fn take(&mut self, mut bytes: &[u8], took: Duration, notes: &mut Notes) {
        while let Some(end) = bytes.iter().position(|&byte| matches!(byte, b'\n' | 0xFF)) {
            self.keep(&bytes[..end]);
            self.end_line(bytes[end] == b'\n', took, notes);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// What came up to now.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// How many lines came.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// The line that has begun.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.line
    }

    /// All that came; another exchange begins.
    pub(crate) fn finish(&mut self) -> Heard {
        self.marks.clear();
        self.room = MAX_KEPT.saturating_sub(self.line.len());
        (self.lines, self.kept) = (0, 0);
        std::mem::take(&mut self.heard)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.room.max(SHORT.saturating_sub(self.line.len()));
        let kept = bytes.len().min(room);
        self.is_cut |= kept < bytes.len();
        self.room = self.room.saturating_sub(kept);
        self.line.extend_from_slice(&bytes[..kept]);
    }

    /// Takes the line that has begun, which ends with a newline, or is made void by 0xFF.
    fn end_line(&mut self, is_whole: bool, took: Duration, notes: &mut Notes) {
        let line = std::mem::take(&mut self.line);
        let is_delimited = std::mem::replace(&mut self.is_delimited, !is_whole);
        if std::mem::take(&mut self.is_cut) {
            self.heard.is_too_much = true;
        } else if is_whole || !line.is_empty() {
            notes.see_bytes(&line);
            let line = Line::read(&line, is_delimited);
            notes.see_line(&line, is_whole);
            self.add(line, took);
        }
    }

    fn add(&mut self, line: Line, took: Duration) {
        self.lines += 1;
        if !self.heard.has(0) {
            self.heard.took = took;
        }
        let mark = line.number().and_then(|number| self.marks.iter().position(|mark| *mark == number));
        match mark.filter(|mark| !self.heard.has(*mark)) {
            Some(mark) => {
                self.heard.answered[mark] = true;
                self.heard.events.push(Event::Mark(mark));
            }
            None if self.kept < MAX_LINES => {
                self.kept += 1;
                self.heard.events.push(Event::Line(line));
            }
            None => self.heard.is_too_much = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(ear: &mut Ear, pieces: &[&[u8]]) -> Notes {
        let mut notes = Notes::default();
        notes.open();
        pieces.iter().for_each(|piece| ear.take(piece, Duration::ZERO, &mut notes));
        notes
    }

    fn ear(marks: &[i64]) -> Ear {
        let mut ear = Ear::new();
        marks.iter().for_each(|mark| ear.expect(*mark));
        ear
    }

    #[test]
    fn it_makes_no_difference_how_bytes_are_cut() {
        let said = b"{\"return\": {}}\n\xFF{\"return\": 1}\n{\"error\": 7}\n{\"return\": 2}\n{";
        for size in 1..=said.len() {
            let mut ear = ear(&[1, 2]);
            let notes = hear(&mut ear, &said.chunks(size).collect::<Vec<_>>());
            assert_eq!((ear.heard().before(0).count(), ear.heard().all().count()), (1, 2), "{size}");
            assert!(ear.heard().has(0) && ear.heard().has(1) && ear.begun() == b"{", "{size}");
            assert_eq!((notes.replies, notes.no_reply, notes.delimiter), (4, None, None), "{size}");
            assert!(ear.finish().reply().unwrap().done().is_ok(), "{size}");
        }
    }

    #[test]
    fn the_beginning_of_a_line_belongs_to_the_next_exchange() {
        let mut ear = ear(&[1]);
        hear(&mut ear, &[b"{\"return\": 1}\n{\"ret"]);
        assert!(ear.finish().has(0));
        ear.expect(2);
        hear(&mut ear, &[b"urn\": 2}\n"]);
        assert!(ear.finish().has(0));
    }

    #[test]
    fn what_is_too_long_costs_itself_alone() {
        let long = vec![b'x'; MAX_KEPT + 1];
        for end in [b"\n", b"\xFF"] {
            let mut ear = ear(&[1]);
            let notes = hear(&mut ear, &[&long, end, b"{\"return\": 1}\n"]);
            assert!(ear.heard().has(0) && notes.no_reply.is_none());
            assert!(ear.line.capacity() < 2 * MAX_KEPT + SHORT);
            assert!(ear.finish().replies_to(0).is_err());
        }
        let mut ear = ear(&[1]);
        hear(&mut ear, &[&b"[]\n".repeat(MAX_LINES + 1), b"{\"return\": 1}\n"]);
        assert!(ear.heard().has(0) && ear.heard().all().count() == MAX_LINES);
        assert!(ear.finish().replies_to(MAX_LINES).is_err());
    }
}
