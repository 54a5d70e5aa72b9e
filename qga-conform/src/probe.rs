//! Says bytes to an agent, and hears what comes of them.
//!
//! Every exchange ends with two syncs, with 0xFF between them: `... SYNC 0xFF SYNC`. An agent answers one request after
//! the other, so what is not answered when the first sync is, never will be; nothing has to be waited for. If the first
//! was swallowed by what stood before it, 0xFF brings the agent back, and the second is answered all the same. All of it
//! leaves in one write, so that whatever ends this client leaves nothing half said.

use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem;
use std::time::Duration;

use qga_proto::{Instant, Transport};

use crate::excerpt;
use crate::heard::{Ear, Heard};
use crate::judgement::Halt;
use crate::notes::Notes;
use crate::options::Options;

/// A transport whose errors can be told.
pub(crate) trait Channel: Transport<Error: Display> {}

impl<T: Transport<Error: Display>> Channel for T {}

/// The client's end of the line.
pub(crate) struct Probe<'a, T> {
    transport: &'a mut T,
    options: &'a Options,
    /// When all must be over.
    end: Instant,
    /// When the present work must be over.
    deadline: Instant,
    /// What ends exchanges.
    pub(crate) sync: Sync,
    /// The number of the next sync.
    next: i64,
    /// Whether something was said whose end was not heard.
    is_unsettled: bool,
    /// How many bytes were said since it was listened for the last time.
    said: usize,
    ear: Ear,
    /// When the present exchange began.
    start: Instant,
    /// Whether it no longer matters that somebody wants this to stop.
    is_tidying: bool,
    /// How often the agent came back only after a while.
    stalls: u32,
    pub(crate) notes: Notes,
    buffer: Vec<u8>,
}

/// A command that answers with a number that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    Delimited,
    Plain,
}

/// What is sent to find out which of the syncs an agent knows.
const OPENING: [Sync; 3] = [Sync::Delimited, Sync::Plain, Sync::Delimited];

/// How often it is tried to reach an agent. What is said first may get lost: firmware reads it.
const OPENINGS: u32 = 3;

/// How many bytes a second the slowest line carries that is thought of, a serial one. What was written is not yet with the
/// agent: hosts take whole requests at once, and pass them on as fast as the guest's device takes them.
const SLOWEST_LINE: u32 = 4096;

/// How often an agent may take longer than it should. Else many of them would take minutes.
const MAX_STALLS: u32 = 4;

/// How many times longer an agent is waited for that has not answered in time.
const SECOND_PATIENCE: u32 = 3;

/// How many times longer a program is waited for that ends at once.
const PROGRAM_PATIENCE: u32 = 5;

/// How many bytes and lines are listened to in one exchange. Who says more does not stop. A reply that was meant for the
/// client before may have 64 MiB.
const FLOOD_BYTES: usize = 128 << 20;
const FLOOD_LINES: usize = 100_000;

/// How often it is looked whether somebody wants this to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What brings an agent to its senses: 0xFF for those that follow brackets, the newline for those that read lines.
const RESET: &[u8] = b"\xFF\n";

impl Sync {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Delimited => "guest-sync-delimited",
            Self::Plain => "guest-sync",
        }
    }

    /// The request, with a newline.
    pub(crate) fn request(self, number: i64) -> String {
        format!("{{\"execute\":\"{}\",\"arguments\":{{\"id\":{number}}}}}\n", self.name())
    }
}

impl<'a, T: Channel> Probe<'a, T> {
    pub(crate) fn new(transport: &'a mut T, options: &'a Options) -> Self {
        let end = transport.now() + options.timeout;
        let deadline = transport.now() + options.timeout.saturating_sub(options.reserve());
        Self {
            transport,
            options,
            end,
            deadline,
            sync: Sync::Delimited,
            next: first_number(),
            is_unsettled: false,
            said: 0,
            ear: Ear::new(),
            start: Instant::ZERO,
            is_tidying: false,
            stalls: 0,
            notes: Notes::default(),
            buffer: vec![0; 16 * 1024],
        }
    }

    /// Finds out which syncs the agent knows. What it says before is of no interest: somebody else has asked for it.
    pub(crate) async fn open(&mut self) -> Result<(), Halt> {
        self.begin();
        for _ in 0..OPENINGS {
            let mut said = RESET.to_vec();
            for sync in OPENING {
                let number = self.number();
                self.ear.expect(number);
                said.extend(sync.request(number).bytes());
            }
            self.say(&said).await?;
            self.listen(self.options.patience, |ear| is_clear(ear.heard())).await?;
            if let Some(sync) = answered(self.ear.heard()) {
                self.sync = sync;
                // What is still to come of this is passed over.
                self.settle().await?;
                self.ear.finish();
                self.notes.open();
                return Ok(());
            }
        }
        Err(match self.ear.finish().all().last() {
            Some(line) => Halt::Foreign(line.excerpt.clone()),
            None => Halt::Silent("nothing was heard"),
        })
    }

    /// Says something, and hears all that comes of it.
    pub(crate) async fn exchange(&mut self, said: &[u8]) -> Result<Heard, Halt> {
        self.exchange_in(&[], said).await
    }

    /// The same, with the first pieces in writes of their own. Whoever ends this between two of them leaves something half
    /// said.
    pub(crate) async fn exchange_in(&mut self, pieces: &[&[u8]], last: &[u8]) -> Result<Heard, Halt> {
        let [first, second] = [self.number(), self.number()];
        let syncs = [first, second].map(|mark| self.sync.request(mark));
        let end = [syncs[0].as_bytes(), RESET, syncs[1].as_bytes()].concat();
        self.begin();
        self.ear.expect(first);
        self.ear.expect(second);
        for piece in pieces {
            self.say(piece).await?;
        }
        self.say(&[last, &end[..]].concat()).await?;
        if self.listen(self.options.patience, |ear| ear.heard().has(1)).await? {
            self.is_unsettled = false;
        } else {
            self.settle().await?;
        }
        self.notes.see_begun(self.ear.begun());
        Ok(self.ear.finish())
    }

    /// Says something with nothing behind it. Gives whether a line came, before any other byte was sent.
    pub(crate) async fn provoke(&mut self, said: &[u8]) -> Result<bool, Halt> {
        self.begin();
        self.say(said).await?;
        let has_answered = self.listen(self.options.patience, |ear| ear.lines() > 0).await?;
        self.settle().await?;
        self.ear.finish();
        Ok(has_answered)
    }

    fn begin(&mut self) {
        self.start = self.transport.now();
        self.is_unsettled = true;
    }

    /// Waits for an agent that may not be in time, or may have been left in the middle of something.
    async fn settle(&mut self) -> Result<(), Halt> {
        let number = self.number();
        let place = self.ear.heard().marks();
        self.ear.expect(number);
        let start = self.transport.now();
        self.say(&[RESET, self.sync.request(number).as_bytes()].concat()).await?;
        let patience = self.options.patience.saturating_mul(SECOND_PATIENCE);
        if !self.listen(patience, |ear| ear.heard().has(place)).await? {
            return Err(Halt::Silent("it answers nothing any more"));
        }
        self.is_unsettled = false;
        if self.transport.now() - start > self.options.patience {
            self.stalls += 1;
        }
        match self.stalls {
            0..MAX_STALLS => Ok(()),
            _ => Err(Halt::Silent("it takes too long again and again")),
        }
    }

    /// Writes all.
    async fn say(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.look_at_the_clock()?;
            let deadline = self.deadline.min(self.transport.now() + self.options.patience);
            match self.transport.write(rest, deadline).await {
                Ok(Some(0)) => return Err(Halt::Lost("the connection has ended".to_owned())),
                Ok(Some(n)) => {
                    rest = rest.get(n..).unwrap_or_default();
                    self.said = self.said.saturating_add(n);
                }
                Ok(None) if self.transport.now() >= self.deadline => return Err(Halt::TimedOut),
                Ok(None) => return Err(Halt::Silent("it reads nothing any more")),
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }

    /// Listens until something is heard, or patience is at its end, which begins when a slow line would have carried what
    /// was said. Gives whether it was heard.
    async fn listen(&mut self, patience: Duration, is_heard: impl Fn(&Ear) -> bool) -> Result<bool, Halt> {
        let limit = self.transport.now() + patience + on_slowest_line(mem::take(&mut self.said));
        let mut total = 0;
        while !is_heard(&self.ear) {
            self.look_at_the_clock()?;
            let now = self.transport.now();
            if now >= limit {
                return Ok(false);
            }
            let mut deadline = limit.min(self.deadline);
            if self.options.can_be_stopped() {
                deadline = deadline.min(now + LOOK_INTERVAL);
            }
            match self.transport.read(&mut self.buffer, deadline).await {
                Ok(None) => {}
                Ok(Some(0)) => return Err(Halt::Lost("the agent has ended the connection".to_owned())),
                Ok(Some(n)) => {
                    let bytes = self.buffer.get(..n).unwrap_or_default();
                    self.ear.take(bytes, self.transport.now() - self.start, &mut self.notes);
                    total += bytes.len();
                    if total > FLOOD_BYTES || self.ear.lines() > FLOOD_LINES {
                        return Err(Halt::Silent("it does not stop talking"));
                    }
                }
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(true)
    }

    fn look_at_the_clock(&self) -> Result<(), Halt> {
        if !self.is_tidying && self.options.is_stopped() {
            return Err(Halt::Stopped);
        }
        if self.transport.now() >= self.deadline { Err(Halt::TimedOut) } else { Ok(()) }
    }
}

/// Beside exchanges.
impl<T: Channel> Probe<'_, T> {
    /// A number that no sync of this client had, and most likely none of another: 13 digits, as libvirt's.
    pub(crate) fn number(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    /// Lets some time pass.
    pub(crate) async fn pause(&mut self, time: Duration) -> Result<(), Halt> {
        self.look_at_the_clock()?;
        let deadline = self.deadline.min(self.transport.now() + time);
        self.transport.sleep_until(deadline).await;
        Ok(())
    }

    /// When patience with a program ends that has just been started. A guest may be busy.
    pub(crate) fn patience_with_program(&self) -> Instant {
        self.transport.now() + self.options.patience.saturating_mul(PROGRAM_PATIENCE)
    }

    pub(crate) fn now(&self) -> Instant {
        self.transport.now()
    }

    /// From now on it is only tidied up, for which some time was kept.
    pub(crate) fn tidy(&mut self) {
        self.is_tidying = true;
        self.deadline = self.end.min(self.transport.now() + self.options.reserve());
    }

    /// Whether an agent has answered.
    pub(crate) fn has_met(&self) -> bool {
        self.notes.is_open()
    }

    /// What was heard of an exchange that was cut off.
    pub(crate) fn take_cut_off(&mut self) -> Heard {
        self.ear.finish()
    }

    /// Whether something was said whose end was not heard.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.is_unsettled
    }
}

/// How long the slowest line takes for so many bytes.
fn on_slowest_line(bytes: usize) -> Duration {
    Duration::from_secs(bytes.try_into().unwrap_or(u64::MAX)) / SLOWEST_LINE
}

fn lost(error: &impl Display) -> Halt {
    Halt::Lost(excerpt::text(&error.to_string()))
}

/// Where the numbers of a run begin: at random, so that no answer to an earlier run is taken for one to this.
fn first_number() -> i64 {
    // A hasher's random keys are the standard library's source of randomness.
    let random = RandomState::new().build_hasher().finish();
    let beyond = i64::try_from(random % 8_000_000_000_000).unwrap_or_default();
    1_000_000_000_000 + beyond
}

/// The sync that an agent has answered, the better one if it has answered both.
fn answered(heard: &Heard) -> Option<Sync> {
    let is_answered =
        |sync: &Sync| (0..heard.marks()).any(|at| OPENING[at % OPENING.len()] == *sync && heard.has(at));
    [Sync::Delimited, Sync::Plain].into_iter().find(is_answered)
}

/// Whether there is nothing more to be learnt of an opening: an agent that has not answered the first of its syncs when it
/// answers the second never will, and the same goes for the second and the third.
fn is_clear(heard: &Heard) -> bool {
    (0..heard.marks()).step_by(OPENING.len()).any(|at| {
        let [first, second, third] = [at, at + 1, at + 2].map(|at| heard.has(at));
        third || second && !first
    })
}
