//! The program: what the fuzzer's bytes mean, and what must hold whatever they are.

use std::collections::VecDeque;
use std::time::Duration;

use qga_proto::{Client, Config, Error, Instant, Misuse, Refusal};

use super::ask::{Asked, Kind};
use super::guest::{Guest, Habits};
use crate::fuzz::{Input, Metered};

pub(super) struct Run<'a> {
    pub(super) input: Input<'a>,
    config: Config,
    client: Client<Metered>,
    now: Instant,
    call: Option<Asked>,
    /// Calls that others have taken the place of.
    stale: Option<Asked>,
    token: u64,
    pub(super) guest: Guest,
    /// What the guest has to say and has not said yet.
    pub(super) answers: VecDeque<Vec<u8>>,
    pub(super) held: Vec<Vec<u8>>,
    pub(super) last: Vec<u8>,
    /// What it has said and the client has not read yet.
    pub(super) wire: Vec<u8>,
    /// What the client has sent since the last call was submitted.
    sent: Vec<u8>,
    /// When the command had left.
    left: Option<Instant>,
    /// How many bytes the client has sent since time passed last, or a call was submitted.
    burst: usize,
    /// How many lines it has read in that time.
    heard: usize,
    closed: bool,
    /// Nothing has happened but answers and time.
    pub(super) honest: bool,
    /// An answer was repeated, moved or forged. Where replies have no `id` they are told apart by their order alone;
    /// what breaks the order of whole, well-formed lines cannot be seen there.
    pub(super) disordered: bool,
    tally: Tally,
}

/// How the calls have ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) succeeded: usize,
    pub(super) silent: usize,
    pub(super) refused: usize,
    pub(super) timed_out: usize,
    pub(super) too_long: usize,
    pub(super) closed: usize,
    pub(super) violated: usize,
}

/// The longest line of a sync, and how many may leave at one time: the first, two because errors showed that the agent
/// does not know its form, one behind a silent command, and one that was still under way. What the agent says may cost
/// more of them, but never more than one a line.
const SYNC: usize = 128;
const SYNCS: usize = 5;

impl<'a> Run<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let mut input = Input(data);
        let habits = Habits::new(input.byte());
        let choice = input.byte();
        let mut config = Config::default();
        config.max_reply = [4096, 300, 160, 70_000][usize::from(choice & 3)];
        config.max_command = if choice & 1 == 0 { 5000 } else { 160 };
        config.sync_interval = Duration::from_millis(1 << (choice >> 2 & 15));
        let buffer = if choice & 64 == 0 { Metered::new } else { Metered::full };
        // A byte more than a reply: its newline.
        let (receive, transmit) = (buffer(config.max_reply + 1), buffer(config.max_command));
        // The numbers follow from all the bytes, so that none of these can be a number by more than luck.
        let seed = data.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self {
            input,
            client: Client::new(config.clone(), receive, transmit, seed),
            config,
            now: Instant::ZERO,
            call: None,
            stale: None,
            token: 0,
            guest: Guest::new(habits),
            answers: VecDeque::new(),
            held: Vec::new(),
            last: Vec::new(),
            wire: Vec::new(),
            sent: Vec::new(),
            left: None,
            burst: 0,
            heard: 0,
            closed: false,
            honest: true,
            disordered: false,
            tally: Tally::default(),
        }
    }

    pub(super) fn play(mut self) -> Tally {
        while !self.input.is_empty() {
            let op = self.input.byte();
            self.step(op & 15, op >> 4);
            self.check();
        }
        if !self.closed {
            self.recover();
        }
        self.tally
    }

    fn step(&mut self, op: u8, choice: u8) {
        let few = match usize::from(choice) {
            0 => usize::MAX,
            n => n,
        };
        match op {
            0 => {
                let tenths = self.input.byte();
                self.submit(Kind::new(choice), Duration::from_millis(100 * u64::from(tenths)));
            }
            1 => self.transmit(few.saturating_mul(8)),
            2 => self.receive(few.saturating_mul(3)),
            3 => self.answer(few),
            4 => self.round(),
            5 => self.advance(self.now + Duration::from_millis(1 << choice), choice & 1 == 0),
            6 => self.time_out(),
            7 => self.give_up(),
            8 if choice == 15 => self.reply_to_stale(),
            8 => self.reply(),
            9 if choice == 15 => self.end(),
            9 if choice == 14 => self.connect(),
            9 => self.do_nothing(),
            10 => self.hold(choice),
            11 => self.lose_or_repeat(choice),
            12 => self.foreign(choice),
            13 => self.garbage(choice),
            14 => self.noise(choice),
            _ => self.restart(),
        }
    }

    fn submit(&mut self, kind: Kind, timeout: Duration) {
        self.token += 1;
        self.stale = self.call.take().or(self.stale.take());
        (self.burst, self.heard, self.left) = (0, 0, None);
        self.sent.clear();
        let deadline = self.now + timeout;
        match Asked::submit(&mut self.client, kind, self.token, self.now, deadline) {
            Ok(asked) => self.call = Some(asked),
            Err(Error::Closed(_)) => assert!(self.closed),
            Err(Error::CommandTooLong { len, limit }) => {
                assert!(kind == Kind::Padded && len > limit && limit <= self.config.max_command);
                self.tally.too_long += 1;
            }
            Err(error) => panic!("submit: {error}"),
        }
    }

    fn transmit(&mut self, n: usize) {
        let bytes = self.client.poll_transmit().unwrap_or_default();
        let bytes = bytes[..n.min(bytes.len())].to_vec();
        self.answers.extend(bytes.iter().filter_map(|&byte| self.guest.read(byte)));
        self.sent.extend(&bytes);
        self.burst += bytes.len();
        let most = (SYNCS + self.heard) * SYNC + self.config.max_command;
        assert!(self.burst <= most, "the client sends without end");
        self.client.handle_transmitted(bytes.len(), self.now);
        if self.left.is_none() && self.has_left() {
            self.left = Some(self.now);
        }
    }

    fn receive(&mut self, n: usize) {
        let mut wanted = n.min(self.wire.len());
        while wanted > 0 {
            let window = self.client.receive_buffer();
            let n = wanted.min(window.len());
            if n == 0 {
                return;
            }
            window[..n].copy_from_slice(&self.wire[..n]);
            self.heard += self.wire.drain(..n).filter(|&byte| byte == b'\n').count();
            self.client.handle_received(n, self.now);
            wanted -= n;
        }
    }

    fn answer(&mut self, n: usize) {
        for answer in self.answers.drain(..n.min(self.answers.len())) {
            self.wire.extend(&answer);
            self.last = answer;
        }
    }

    /// All that can happen at once.
    fn round(&mut self) {
        self.transmit(usize::MAX);
        self.answer(usize::MAX);
        self.receive(usize::MAX);
    }

    fn advance(&mut self, now: Instant, tell: bool) {
        self.now = now;
        (self.burst, self.heard) = (0, 0);
        if tell {
            self.client.handle_timeout(now);
        }
    }

    /// Lets the time pass that the client waits for: that must get it on.
    fn time_out(&mut self) {
        let Some(at) = self.client.poll_timeout() else { return };
        self.advance(self.now.max(at), true);
        assert!(
            self.client.poll_timeout().is_none_or(|next| next > self.now),
            "the client waits for the past"
        );
    }

    fn give_up(&mut self) {
        self.client.give_up();
        self.stale = self.call.take().or(self.stale.take());
    }

    fn reply_to_stale(&mut self) {
        let Some(asked) = self.stale.take() else { return };
        let current = self.client.is_settled();
        // Without a call since, the ticket is still the last; its call is gone all the same.
        let result = asked.reply(&mut self.client);
        assert!(matches!(result, Err(Error::Misuse(Misuse::StaleTicket | Misuse::NotSettled))), "{result:?}");
        assert_eq!(self.client.is_settled(), current);
    }

    fn reply(&mut self) {
        let Some(asked) = self.call.take() else { return };
        let settled = self.client.is_settled();
        let (kind, token, deadline) = (asked.kind, asked.token, asked.deadline);
        let result = asked.reply(&mut self.client);
        let id_mode = self.sent_token(kind, token).is_some_and(|rest| rest.starts_with(b",\"id\":"));
        let certain = id_mode || !self.disordered;
        match result {
            Err(Error::Misuse(Misuse::NotSettled)) => return assert!(!settled),
            Ok((None, _)) if kind.is_silent() => {
                let left = self.left.expect("a command succeeded that was never sent");
                let quick = !self.closed && self.now - left < self.config.quiet_time;
                assert!(kind == Kind::Silent || !quick || !self.honest, "a refusal was passed over");
                self.tally.silent += 1;
            }
            Ok((answered, whole)) => {
                assert!(whole || !self.honest, "an answer was damaged");
                assert!(!certain || answered == Some(token), "call {token} got the answer to {answered:?}");
                self.tally.succeeded += 1;
            }
            Err(Error::Refused(Refusal { desc, .. })) => {
                let own = desc.as_str() == format!("token {token}");
                let anonymous = !id_mode && !desc.as_str().starts_with("token");
                assert!(!certain || own || anonymous, "call {token} got the refusal {desc}");
                self.tally.refused += 1;
            }
            Err(Error::TimedOut(_)) => {
                assert!(self.now >= deadline);
                self.tally.timed_out += 1;
            }
            Err(Error::ReplyTooLong { len, limit }) => {
                assert!(len > limit && limit == self.config.max_reply);
                assert!(!self.honest || matches!(kind, Kind::Long));
                self.tally.too_long += 1;
            }
            Err(Error::Closed(_)) => {
                assert!(self.closed);
                self.tally.closed += 1;
            }
            Err(Error::Protocol(violation)) => {
                assert!(!self.honest, "an honest agent is blamed: {violation}");
                self.tally.violated += 1;
            }
            Err(error) => panic!("reply: {error}"),
        }
        assert!(settled, "an answer to a call that was not settled");
    }

    fn end(&mut self) {
        self.client.handle_eof(self.now);
        self.closed = true;
    }

    /// A new connection. What the guest has not said yet may come over it, as some channels have it.
    fn connect(&mut self) {
        self.end();
        self.stale = self.call.take().or(self.stale.take());
        self.wire.clear();
        self.client.handle_connected();
        self.closed = false;
        // Where replies have no `id`, nothing tells an answer of the connection before from one of this.
        self.disordered |= !self.answers.is_empty() || !self.held.is_empty();
    }

    /// Calls that say nothing, or say it early.
    fn do_nothing(&mut self) {
        // What came while a reply was waiting is looked at now.
        self.client.handle_received(0, self.now);
        let before = self.seen();
        self.client.handle_received(0, self.now);
        self.client.handle_transmitted(0, self.now);
        if self.client.poll_timeout().is_none_or(|at| at > self.now) {
            self.client.handle_timeout(self.now);
        }
        assert_eq!(self.seen(), before, "nothing happened, and something changed");
    }

    /// All that the client shows.
    fn seen(&self) -> (bool, Option<Instant>, Option<Vec<u8>>) {
        let client = &self.client;
        (client.is_settled(), client.poll_timeout(), client.poll_transmit().map(<[u8]>::to_vec))
    }

    /// What has been sent behind the call's token, if that has left.
    fn sent_token(&self, kind: Kind, token: u64) -> Option<&[u8]> {
        let text = kind.mark(token);
        let at = self.sent.windows(text.len()).position(|window| window == text.as_bytes())?;
        Some(&self.sent[at + text.len()..])
    }

    fn has_left(&self) -> bool {
        self.call
            .as_ref()
            .and_then(|call| self.sent_token(call.kind, call.token))
            .is_some_and(|rest| rest.contains(&b'\n'))
    }

    /// What holds after every step.
    fn check(&mut self) {
        let settled = self.client.is_settled();
        let in_flight = self.call.is_some() && !settled;
        assert_eq!(self.client.poll_timeout().is_some(), in_flight, "a wait without an end, or for nothing");
        if !settled && self.client.receive_buffer().is_empty() {
            // Full of what came while a reply was waiting: that is looked at with the next call.
            self.client.handle_received(0, self.now);
            assert!(!self.client.receive_buffer().is_empty() || self.client.is_settled(), "no room to read");
        }
        assert!(!self.closed || self.client.poll_transmit().is_none() && !in_flight, "a life after the end");
    }

    /// With an agent that answers at once, whatever was before, a call succeeds: not always the first, which may be what
    /// shows that the line has changed.
    fn recover(&mut self) {
        for _ in 0..3 {
            self.submit(Kind::Typed, Duration::from_secs(600));
            let succeeded = self.tally.succeeded;
            for turn in 0.. {
                assert!(turn < 1000, "the client is busy for ever");
                self.round();
                if self.client.is_settled() {
                    break;
                }
                if self.client.poll_transmit().is_none() && self.wire.is_empty() {
                    self.time_out();
                }
            }
            self.reply();
            if self.tally.succeeded > succeeded {
                return;
            }
            // What was forged has been read.
            self.disordered = false;
        }
        panic!("a healthy agent is not heard any more");
    }
}
