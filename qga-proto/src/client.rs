//! The machine on the host's side.

use core::fmt;

use crate::buffer::Buffer;
use crate::command::Command;
use crate::error::{Error, Sent, TimedOut};
use crate::frame::{Frame, Framer, Lines};
use crate::message::Reply;
use crate::time::Instant;

mod call;
pub use call::Ticket;
use call::{Call, Fault, Outcome};

mod config;
pub use config::{Config, DEFAULT_MAX_MESSAGE};

mod driver;

mod handles;
use handles::Handles;

mod late;
use late::{Late, Program};

mod receive;

mod sync;
use sync::{Ids, Sync};

mod take;

mod transition;
use transition::Arguments;

/// Talks to one agent over one connection: commands to bytes, bytes to typed replies.
///
/// A function of bytes and time, without I/O and without a clock. One command is in flight at a time:
///
/// 1. [`submit`](Self::submit) a command, with a deadline;
/// 2. until [`is_settled`](Self::is_settled): send what [`poll_transmit`](Self::poll_transmit) gives and say so with
///    [`handle_transmitted`](Self::handle_transmitted); read into [`receive_buffer`](Self::receive_buffer) and say so
///    with [`handle_received`](Self::handle_received), or [`handle_eof`](Self::handle_eof); when the time of
///    [`poll_timeout`](Self::poll_timeout) comes, [`handle_timeout`](Self::handle_timeout);
/// 3. take the [`reply`](Self::reply).
///
/// Any order of calls is safe; early, late and repeated ones do nothing. To give a command up, submit the next.
///
/// # When a reply is believed
///
/// ```text
///              submit             our sync is answered
///   Unsynced ----------> Syncing ----------------------> Waiting --> settled
///      ^                  |   ^                             |
///      |    again, in     |   |         submit              | silent when it succeeds
///      |   another form   '---'      .----------> Waiting   v
///      |                             |                  Confirming --> settled
///      |  ordered mode, cut         Idle
///      |  command, garbage           ^
///      '---- settled, given up ------'  id mode
/// ```
///
/// On a line that is not trusted nothing but a sync is sent: 0xFF, which resets the agent's parser, and a
/// `guest-sync-delimited` with a number that nobody else knows. The command is held back until that number comes back,
/// so an agent that is absent never finds yesterday's `guest-shutdown` in its queue.
///
/// Agents since QEMU 4.0 repeat the member `id` of a request. Whether this one does is learned from the sync. If so
/// (*id mode*), every command carries a fresh `id`, a reply is believed only with it, and a late reply is harmless: the
/// line stays trusted after a timeout, though not after two in a row without a word, and not for longer than
/// [`Config::trust_time`]. If not (*ordered mode*), a line is trusted for one command only.
pub struct Client<Rx, Tx = Rx> {
    config: Config,
    framer: Framer<Rx, Lines>,
    /// The command in flight, encoded; its end is written when the mode is known.
    command: Tx,
    state: State,
    call: Option<Call>,
    ids: Ids,
    /// Counts the calls, so that a ticket of an earlier one is recognised.
    serial: u64,
    sync: Sync,
    /// Whether an agent has ever answered on this connection.
    heard: bool,
    /// Whether something came that is no agent's, since a sync was answered last.
    noise: bool,
    /// When something was last believed.
    trusted: Instant,
    /// How many commands have left since the agent was last heard, and got no answer.
    unanswered: u8,
    /// The last frame was 0xFF: what follows answers a sync, ours or another's.
    delimited: bool,
    /// Whether something made the line worth no trust, and whether it was found good after that.
    doubted: bool,
    resynced: bool,
    late: Late,
    handles: Handles,
    /// Tells what this client leaves in a guest from what others do.
    #[cfg(feature = "alloc")]
    mark: u32,
}

/// How far the line is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The line is not trusted, and nothing is under way to change that.
    Unsynced,
    /// A sync is under way; the command waits for its answer.
    Syncing,
    /// The line is trusted and free (id mode only).
    Idle,
    /// The command is under way.
    Waiting,
    /// The command has left and is silent when it succeeds; a sync follows it, whose answer says that it did.
    Confirming {
        /// When silence is taken for success too: the guest is asleep, or going down.
        quiet: Instant,
    },
    /// The connection is over.
    Closed,
}

/// The application's half.
impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// A client for a new connection. `seed` must differ from that of every other client that may have used the same
    /// channel: the numbers by which replies are told apart follow from it. Random is best; the time will do.
    pub fn new(config: Config, receive: Rx, transmit: Tx, seed: u64) -> Self {
        Self {
            framer: Framer::with_scanner(Lines, receive, config.max_reply),
            command: transmit,
            state: State::Unsynced,
            call: None,
            ids: Ids::new(seed),
            serial: 0,
            sync: Sync::default(),
            heard: false,
            noise: false,
            trusted: Instant::ZERO,
            unanswered: 0,
            delimited: false,
            doubted: false,
            resynced: false,
            late: Late::default(),
            handles: Handles::default(),
            #[cfg(feature = "alloc")]
            mark: Ids::mark(seed),
            config,
        }
    }

    /// A number for names in a guest, other than that of other clients.
    #[cfg(feature = "alloc")]
    pub(crate) fn mark(&self) -> u32 {
        self.mark
    }

    /// Takes a command to be sent. One that is still in flight is given up: its reply will not be taken for this one's.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], [`Error::CommandTooLong`], [`Misuse::Arguments`](crate::Misuse::Arguments); nothing is sent
    /// then.
    pub fn submit<C: Command>(
        &mut self,
        command: &C,
        now: Instant,
        deadline: Instant,
    ) -> Result<Ticket<C>, Error> {
        let (name, responds) = (command.name(), command.success_response());
        self.begin(name, responds, &|writer| writer.value(command), now, deadline).map(Ticket::new)
    }

    fn begin(
        &mut self,
        name: &str,
        success_response: bool,
        arguments: &Arguments<'_>,
        now: Instant,
        deadline: Instant,
    ) -> Result<u64, Error> {
        self.give_up();
        self.late.release();
        self.serial += 1;
        let is_closed = self.state == State::Closed;
        if is_closed && !late::can_be_late(name) {
            return Err(Error::Closed(Sent::Nothing));
        }
        let body = self.encode_arguments(name, arguments)?;
        let program = Program::of(name, &self.command.bytes()[..body]);
        self.call = Some(Call {
            id: self.ids.command(),
            deadline,
            success_response,
            program,
            opens: handles::opens(name),
            body,
            len: 0,
            sent: 0,
            outcome: None,
        });
        // What came while nobody asked: late replies, or garbage that costs the trust.
        self.process(now);
        if let Program::Status { pid } = program
            && !self.is_settled()
            && self.late.give(pid, now)
        {
            self.settle(Outcome::Late);
        }
        if self.is_settled() {
            return Ok(self.serial);
        }
        if is_closed {
            self.call = None;
            return Err(Error::Closed(Sent::Nothing));
        }
        if self.framer.window().is_empty() {
            // No memory at all: a driver would read nothing, and take that for the end of the stream.
            self.call = None;
            return Err(Error::ReplyTooLong { len: 1, limit: 0 });
        }
        if self.state == State::Idle && now - self.trusted > self.config.trust_time {
            self.state = State::Unsynced;
        }
        match self.state {
            State::Idle => self.begin_waiting(),
            State::Unsynced => self.begin_sync(now),
            _ => {}
        }
        Ok(self.serial)
    }

    /// Whether there is a reply (or an error) to take.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.outcome.is_some())
    }

    /// Whether an agent has ever answered on this connection.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }
}

/// The transport's half.
impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// The bytes to send next. To be asked again after every other call.
    #[must_use]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        if let Some(line) = self.sync.unsent() {
            return Some(line);
        }
        let call = self.in_flight()?;
        self.command.bytes().get(call.sent..call.len).filter(|rest| !rest.is_empty())
    }

    /// Says that the first `n` bytes of [`poll_transmit`](Self::poll_transmit) have been sent.
    pub fn handle_transmitted(&mut self, n: usize, now: Instant) {
        if self.sync.handle_transmitted(n) {
            return;
        }
        let State::Waiting = self.state else { return };
        let Some(call) = &mut self.call else { return };
        call.sent = call.len.min(call.sent.saturating_add(n));
        if call.sent == call.len && !call.success_response {
            self.state = State::Confirming { quiet: now + self.config.quiet_time };
            self.sync.confirm(&mut self.ids);
        }
    }

    /// Where to read to. Empty only while a reply that fills the whole buffer waits to be taken, or, after that, while
    /// lines that came behind it do: [`handle_received`](Self::handle_received) of 0 bytes looks at these, and so does
    /// the next [`submit`](Self::submit).
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        if self.call.is_none() {
            self.framer.release();
        }
        self.framer.window()
    }

    /// Says that the first `n` bytes of [`receive_buffer`](Self::receive_buffer) have been filled.
    pub fn handle_received(&mut self, n: usize, now: Instant) {
        self.framer.commit(n);
        if !self.is_settled() {
            self.process(now);
        }
    }

    /// Says that the connection is over.
    pub fn handle_eof(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        // Half a line is no reply, and no fault of the agent's either.
        if !self.is_settled()
            && self.framer.finish() == Some(Frame::Text)
            && Reply::parse_in_full(self.framer.text()).is_some()
        {
            self.handle_line(now);
        }
        let silent = matches!(self.state, State::Confirming { .. });
        self.state = State::Closed;
        self.sync.stop();
        if let Some(mut call) = self.call.take() {
            if call.outcome.is_none() {
                // Some channels deliver it to the next connection.
                self.wait_for_late(&call);
                let sent = call.sent();
                call.outcome =
                    Some(if silent { Outcome::Silent } else { Outcome::Failed(Fault::Closed(sent)) });
            }
            self.call = Some(call);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing else is before. To be asked again
    /// after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let call = self.in_flight()?;
        Some(match self.state {
            State::Syncing => call.deadline.min(self.sync.again()),
            State::Confirming { quiet } => call.deadline.min(quiet),
            _ => call.deadline,
        })
    }

    /// Says what time it is. Does nothing before the time of [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(call) = self.in_flight() else { return };
        if now >= call.deadline {
            let noise =
                self.state == State::Syncing && (self.noise || !self.heard && self.framer.is_in_frame());
            let timed_out = TimedOut { sent: call.sent(), heard: self.heard, noise };
            // An agent that lived does not answer the sync any more.
            self.doubted |= self.state == State::Syncing && self.heard;
            self.settle(Outcome::Failed(Fault::TimedOut(timed_out)));
            if let Some(call) = self.call.take() {
                self.miss(&call);
                self.call = Some(call);
            }
            return;
        }
        match self.state {
            State::Syncing if now >= self.sync.again() => self.sync.repeat(&self.config, &mut self.ids, now),
            State::Confirming { quiet } if now >= quiet => self.settle(Outcome::Silent),
            _ => {}
        }
    }
}

impl<Rx, Tx> fmt::Debug for Client<Rx, Tx> {
    /// Without the buffers: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .field("state", &self.state)
            .field("heard", &self.heard)
            .finish_non_exhaustive()
    }
}
