//! Synchronisation: what is sent to find out whether the agent is there, and when it is believed.

use core::mem;
use core::time::Duration;

use super::Config;
use crate::json::{WriteError, Writer};
use crate::message::Id;
use crate::time::Instant;

/// The sync that is under way, and what the syncs so far have taught about the agent.
#[derive(Debug, Default)]
pub(super) struct Sync {
    form: Form,
    /// The number that must come back. Zero when no sync is under way; no sync has it.
    number: u64,
    /// The line to be sent.
    line: heapless::Vec<u8, LINE>,
    sent: usize,
    /// When the sync is to be sent again, in the next form.
    again: Instant,
    interval: Duration,
    /// How many errors have come since the sync was sent: one is our 0xFF's, with agents before QEMU 11.1.
    errors: u8,
    /// Whether the sync under way has an `id`.
    with_id: bool,
    /// Whether the agent has been seen to repeat the `id` of a request.
    echoes: bool,
    /// How often the form with `id` has failed; from [`MAX_LOST`] on it is not the first to be tried any more.
    without_id: u8,
    id_mode: bool,
    /// Whether an error has shown that the agent does not take a form.
    refused: bool,
    /// Whether a sync has been answered on this connection.
    answered: bool,
    /// The form that was answered first, while a better one is tried once more.
    fallback: Option<Form>,
}

/// How many syncs with `id` may get lost (in a firmware, or a serial line that was not open) before the agent is taken
/// for one that ignores them.
const MAX_LOST: u8 = 3;

/// Syncs are not repeated faster than this, whatever is asked for.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// How long a line can be: the longest command name, two numbers, 0xFF and the newline.
const LINE: usize = 128;

/// In which form a sync is sent. Agents in the field understand any subset, so the forms take turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// 0xFF and `guest-sync-delimited` (QEMU 1.1) with a member `id` (QEMU 4.0), whose echo says that there is one.
    #[default]
    DelimitedWithId,
    /// The same without `id`: before QEMU 4.0 an error.
    Delimited,
    /// `guest-sync` (QEMU 0.15) without 0xFF: all that some small agents know.
    Plain,
}

impl Form {
    fn next(self) -> Self {
        match self {
            Self::DelimitedWithId => Self::Delimited,
            Self::Delimited => Self::Plain,
            Self::Plain => Self::DelimitedWithId,
        }
    }
}

impl Sync {
    /// Starts to sync, in the form that worked before; with `id`, if it is not known that the agent knows none.
    pub(super) fn begin(&mut self, config: &Config, ids: &mut Ids, now: Instant) {
        self.interval = config.sync_interval.max(SHORTEST_INTERVAL);
        if self.sent > 0 && self.unsent().is_some() {
            self.handle_cut();
        }
        // Plain is for agents that know nothing else; one that repeats ids is likely to have been wronged by an error
        // that was somebody else's.
        let wronged = self.form == Form::Plain && self.echoes;
        if wronged || self.fallback.is_some() || self.form == Form::Delimited && self.without_id < MAX_LOST {
            self.form = Form::DelimitedWithId;
        }
        self.send(ids, now, true);
    }

    /// Sends a new sync, in the next form; unless the old one has not left yet.
    pub(super) fn repeat(&mut self, config: &Config, ids: &mut Ids, now: Instant) {
        if self.unsent().is_some() {
            self.again = now + self.interval;
            return;
        }
        self.interval =
            self.interval.saturating_mul(2).min(config.max_sync_interval.max(config.sync_interval));
        // What was learned may be of an agent before this one. A late answer teaches it again.
        self.echoes = false;
        if self.form == Form::DelimitedWithId {
            self.without_id = self.without_id.saturating_add(1);
        }
        if self.form == Form::Plain {
            // Agents that keep numbers as doubles cannot repeat 63 bits.
            ids.narrow = true;
        }
        self.form = self.fallback.take().unwrap_or_else(|| self.form.next());
        self.send(ids, now, true);
    }

    /// Sends a sync behind a command that is silent when it succeeds. Without 0xFF: its error could be taken for the
    /// command's.
    pub(super) fn confirm(&mut self, ids: &mut Ids) {
        self.send(ids, Instant::FAR_FUTURE, false);
    }

    /// An error came while syncing. Our 0xFF's means nothing; others say that the agent does not take the form.
    pub(super) fn handle_error(&mut self, generic: bool, id: Id, ids: &mut Ids, now: Instant) {
        match id {
            Id::Absent => self.errors = self.errors.saturating_add(1),
            Id::Number(number) if number == echo_of(self.number) => self.echoes = true,
            // Somebody else's.
            Id::Number(_) | Id::Other => return,
        }
        let form = match self.form {
            // No such command, or not for us (CommandNotFound, and CommandDisabled before QEMU 1.2).
            Form::DelimitedWithId | Form::Delimited if !generic => Form::Plain,
            // Before QEMU 4.0: an error for 0xFF and one for `id`.
            Form::DelimitedWithId if !self.echoes && self.errors >= 2 => {
                self.without_id = MAX_LOST;
                Form::Delimited
            }
            _ => return,
        };
        self.refused = true;
        // Forms only move on here, and only time starts them over: a hostile agent cannot make us send without end.
        // The interval goes on growing over the rounds: what is slow must have the time to answer the newest sync.
        if self.unsent().is_none() {
            self.form = form;
            self.send(ids, now, true);
        }
    }

    /// A message was cut: only 0xFF gets the agent out of it.
    pub(super) fn handle_cut(&mut self) {
        if self.form == Form::Plain {
            self.form = Form::DelimitedWithId;
        }
    }

    /// Whether a reply with this value and `id` answers the newest sync, which is then over. An older one's answer
    /// does not count, as more may follow; but it teaches whether the agent repeats ids.
    pub(super) fn is_answered(&mut self, number: u64, id: Id) -> bool {
        let echo = id == Id::Number(echo_of(number));
        self.echoes |= echo && Ids::is_sync(number);
        if self.number == 0 || number != self.number {
            return false;
        }
        if self.with_id {
            // Whatever an agent before this one did.
            self.echoes = echo;
        }
        self.id_mode = self.echoes;
        if !mem::replace(&mut self.answered, true) && !self.refused && !self.echoes {
            // The forms before may have got lost where no agent was up yet: the best is tried once more.
            self.fallback = Some(self.form);
            self.form = Form::DelimitedWithId;
        } else {
            self.fallback = None;
        }
        self.stop();
        true
    }

    /// Gives up the sync under way.
    pub(super) fn stop(&mut self) {
        self.number = 0;
        self.line.clear();
    }

    /// Whether commands carry an `id`; known once a sync has been answered.
    pub(super) fn id_mode(&self) -> bool {
        self.id_mode
    }

    /// When the sync is to be repeated.
    pub(super) fn again(&self) -> Instant {
        self.again
    }

    pub(super) fn unsent(&self) -> Option<&[u8]> {
        self.line.get(self.sent..).filter(|rest| !rest.is_empty())
    }

    /// Whether the `n` bytes that were sent were a sync's.
    pub(super) fn handle_transmitted(&mut self, n: usize) -> bool {
        let Some(rest) = self.unsent() else { return false };
        self.sent += n.min(rest.len());
        true
    }

    fn send(&mut self, ids: &mut Ids, now: Instant, reset: bool) {
        self.number = ids.sync();
        self.errors = 0;
        self.again = now + self.interval;
        self.sent = 0;
        self.with_id = self.form == Form::DelimitedWithId || self.echoes;
        // There is room for the longest line, as a test shows.
        let _ = self.line.resize_default(LINE);
        let len = self.write(reset).unwrap_or_default();
        self.line.truncate(len);
    }

    /// Writes the line; gives its length.
    fn write(&mut self, reset: bool) -> Result<usize, WriteError> {
        let mut writer = Writer::new(&mut self.line);
        if reset && self.form != Form::Plain {
            writer.bytes(b"\xFF")?;
        }
        writer.bytes(match self.form {
            Form::DelimitedWithId | Form::Delimited => b"{\"execute\":\"guest-sync-delimited\"",
            Form::Plain => b"{\"execute\":\"guest-sync\"",
        })?;
        writer.bytes(b",\"arguments\":{\"id\":")?;
        writer.value(&self.number)?;
        writer.bytes(b"}")?;
        if self.with_id {
            writer.bytes(b",\"id\":")?;
            writer.value(&echo_of(self.number))?;
        }
        writer.bytes(b"}\n")?;
        Ok(writer.len())
    }
}

/// The `id` that goes with a sync's number. Never the number itself: an agent that starts to read in the middle of a
/// sync takes its arguments `{"id": 61}` for a request, and answers with an error whose `id` is 61.
fn echo_of(number: u64) -> u64 {
    number ^ 1
}

/// Numbers that nobody else uses: odd ones for syncs, even ones for the `id` of requests.
#[derive(Debug)]
pub(super) struct Ids {
    state: u64,
    /// Whether sync numbers are kept to 53 bits.
    narrow: bool,
}

/// What fits a double: as far as an agent can repeat a number that it keeps as one.
const DOUBLE: u64 = (1 << 53) - 1;

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, narrow: false }
    }

    /// A number that follows from a seed, and is none of its sequence.
    #[cfg(feature = "alloc")]
    pub(super) fn mark(seed: u64) -> u32 {
        (Self::new(!seed).next() >> 32) as u32
    }

    fn sync(&mut self) -> u64 {
        let bits = if self.narrow { DOUBLE } else { i64::MAX as u64 };
        self.next() & bits | 1
    }

    pub(super) fn command(&mut self) -> u64 {
        self.next() & DOUBLE & !1
    }

    fn is_sync(number: u64) -> bool {
        number & 1 == 1
    }

    /// SplitMix64: every seed gives another sequence, and no two numbers of one are alike.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_line_fits() {
        for form in [Form::DelimitedWithId, Form::Delimited, Form::Plain] {
            let mut sync = Sync { form, echoes: true, ..Sync::default() };
            let mut ids = Ids::new(0);
            let mut longest = 0;
            for _ in 0..1000 {
                sync.send(&mut ids, Instant::ZERO, true);
                assert_eq!(sync.line.last(), Some(&b'\n'));
                longest = longest.max(sync.line.len());
            }
            assert!(longest + 2 <= LINE);
        }
    }

    #[test]
    fn syncs_and_commands_never_share_a_number() {
        let mut ids = Ids::new(7);
        for _ in 0..1000 {
            let (sync, command) = (ids.sync(), ids.command());
            assert!(sync <= i64::MAX as u64 && Ids::is_sync(sync) && !Ids::is_sync(echo_of(sync)));
            assert!(command <= DOUBLE && !Ids::is_sync(command));
        }
        ids.narrow = true;
        assert!((0..1000).all(|_| ids.sync() <= DOUBLE));
    }
}
