//! Conversations between a client and an agent, as text.
//!
//! ```text
//! call guest-ping within 10s
//! C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
//! A: <stray>
//! A: <ff>{"return": $sync, "id": $echo}
//! C: {"execute":"guest-ping","id":$id}
//! +2s
//! A: {"return": {}, "id": $id}
//! => {}
//! ```
//!
//! | line | what happens |
//! |---|---|
//! | `call NAME [{ARGUMENTS}] [silent] [within TIME]` | the application submits a command; 60 s, if not said |
//! | `C: BYTES` | the client sends exactly this line |
//! | `A: BYTES` | the agent sends this line; neighbours come in one stream |
//! | `+TIME` | time passes, and every timeout on the way is handled |
//! | `=> REPLY`, `=> ERROR` | the application takes the reply; of one that ends in `...` only the beginning counts |
//! | `give up, sent HOW MUCH` | the application loses interest |
//! | `EOF` | the connection ends |
//! | `(blocked)` | what the client wants to send now has to wait until the next `C:` |
//! | `(...)` | a scene that many conversations have, such as `(synced with ids)`: see `SCENES` |
//!
//! In a line, `<ff>` is a byte, `<A*16M>` many, and `<A..4095>` as many as make the line 4095 bytes long; `<stray>` is
//! the agent's answer to 0xFF. `<cut>` at the end leaves the newline out, and of what the client sends, takes no more;
//! `<first 7>` at the beginning leaves all but 7 bytes out, `<after 7>` just these.
//!
//! On a `C:` line a variable (`$sync`) takes the number that the client chose, which must be one it has not used
//! before; on an `A:` line it is that number.
//!
//! But for what the application calls, nothing in a conversation depends on how the bytes are cut into reads and
//! writes. So each is held whole, byte by byte, and at random cuts, over buffers that grow and over arrays.

mod script;

use std::collections::HashMap;
use std::time::Duration;

use qga_proto::json::Raw;
use qga_proto::{Buffer, Client, Config, Error, Instant, OwnedCommand, RawCommand, Ticket, Violation};

use script::{Action, Step, Template, parse};

/// Holds a conversation in every way.
#[track_caller]
pub fn converse(script: &str) {
    Transcript::new(script).run();
}

/// Asks an agent that repeats ids, and that answers with `reply`: a line with `$id` where the id goes.
///
/// # Errors
///
/// The call's.
pub fn ask<C: OwnedCommand>(command: &C, reply: &str) -> Result<C::Owned, Error> {
    let (synced, answer) = (parse("(synced with ids)"), parse(&format!("A: {reply}")));
    let mut stage = Stage::new(Config::default(), Vec::new(), Vec::new(), Cuts::Whole);
    let ticket = stage.client.submit(command, stage.now, Instant::FAR_FUTURE)?;
    synced.iter().for_each(|step| stage.play(step));
    stage.deliver();
    let line = String::from_utf8(stage.transmit_line(usize::MAX)).expect("commands are text");
    let id = line.trim_end_matches("}\n").rsplit(':').next().and_then(|id| id.parse().ok());
    stage.variables.insert("id".into(), id.expect("commands carry an id"));
    answer.iter().for_each(|step| stage.play(step));
    stage.deliver();
    stage.client.reply_owned(ticket)
}

/// A conversation, and how it is held.
#[derive(Clone, Debug)]
pub struct Transcript {
    steps: Vec<Step>,
    config: Config,
    cuts: Vec<Cuts>,
}

impl Transcript {
    /// Reads a conversation.
    #[must_use]
    pub fn new(script: &str) -> Self {
        let cuts = [Cuts::Whole, Cuts::Bytes].into_iter().chain((0..16).map(Cuts::Random)).collect();
        Self { steps: parse(script), config: Config::default(), cuts }
    }

    /// Sets the client's configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Spares a conversation of many megabytes the cuts that take minutes.
    #[must_use]
    pub fn large(mut self) -> Self {
        self.cuts = vec![Cuts::Whole, Cuts::Random(0), Cuts::Random(1)];
        self
    }

    /// Holds it in every way, over buffers that grow and over arrays that most conversations fit into.
    #[track_caller]
    pub fn run(&self) {
        self.run_in(Vec::new);
        self.run_in(|| [0; 4096]);
    }

    /// Holds it in every way, over buffers of one kind.
    #[track_caller]
    pub fn run_in<B: Buffer>(&self, buffer: impl Fn() -> B) {
        for &cuts in &self.cuts {
            let mut stage = Stage::new(self.config.clone(), buffer(), buffer(), cuts);
            for step in &self.steps {
                stage.play(step);
            }
            stage.end();
        }
    }
}

/// How bytes are cut into reads and writes.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    Whole,
    Bytes,
    Random(u64),
}

impl Cuts {
    /// How many bytes of `len` come next.
    fn next(&mut self, len: usize) -> usize {
        match self {
            Self::Whole => len,
            Self::Bytes => 1,
            Self::Random(state) => {
                // Knuth's generator; the upper bits are the better ones.
                let mut random = || {
                    *state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (*state >> 33) as usize
                };
                let most = [1, 8, 100, 5000, len][random() % 5];
                1 + random() % most
            }
        }
        .min(len)
    }
}

/// A client in the middle of a conversation.
struct Stage<'t, B> {
    client: Client<B>,
    cuts: Cuts,
    now: Instant,
    call: Option<Result<Ticket<RawCommand<'t>>, Error>>,
    /// What the agent has sent and the client has not read.
    incoming: Vec<u8>,
    variables: HashMap<String, u64>,
    /// All numbers that the client has ever chosen.
    used: Vec<u64>,
    blocked: bool,
}

impl<'t, B: Buffer> Stage<'t, B> {
    fn new(config: Config, receive: B, transmit: B, cuts: Cuts) -> Self {
        let seed = if let Cuts::Random(seed) = cuts { seed } else { 0 };
        Self {
            client: Client::new(config, receive, transmit, seed),
            cuts,
            now: Instant::ZERO,
            call: None,
            incoming: Vec::new(),
            variables: HashMap::new(),
            used: Vec::new(),
            blocked: false,
        }
    }

    #[track_caller]
    fn play(&mut self, step: &'t Step) {
        let line = &step.line;
        if !matches!(step.action, Action::Agent(_)) {
            self.deliver();
        }
        if !matches!(step.action, Action::Client(_) | Action::Blocked) && self.incoming.is_empty() {
            self.expect_silence(line);
        }
        match &step.action {
            Action::Call { name, arguments, silent, within } => self.call(name, arguments, *silent, *within),
            Action::Client(template) => self.transmit(template, line),
            Action::Agent(template) => self.incoming.extend(template.render(&self.variables)),
            Action::Wait(time) => self.wait(*time, line),
            Action::Outcome(expected) => {
                let outcome = self.outcome(line);
                let same = match expected.strip_suffix("...") {
                    Some(start) => outcome.starts_with(start),
                    None => outcome == *expected,
                };
                assert!(same, "{line}\n   but it is: {outcome}\n   ({})", self.how());
            }
            Action::GiveUp(sent) => {
                self.call = None;
                assert_eq!(format!("{:?}", self.client.give_up()), *sent, "{line} ({})", self.how());
            }
            Action::Eof => self.client.handle_eof(self.now),
            Action::Blocked => self.blocked = true,
        }
    }

    #[track_caller]
    fn end(&mut self) {
        self.deliver();
        self.expect_silence("the end");
        assert!(self.call.is_none(), "the conversation ends before the call");
    }

    fn call(&mut self, name: &'t str, arguments: &'t str, silent: bool, within: Duration) {
        let arguments = Raw::new(arguments).expect("arguments are JSON");
        let command = RawCommand::new(name).arguments(arguments);
        let command = if silent { command.silent() } else { command };
        self.call = Some(self.client.submit(&command, self.now, self.now + within));
    }

    /// Lets the client send a line, which must be this one.
    #[track_caller]
    fn transmit(&mut self, template: &Template, line: &str) {
        let most = if template.cut { template.render(&self.variables).len() } else { usize::MAX };
        let sent = self.transmit_line(most);
        let Some(numbers) = template.matches(&sent) else {
            panic!("{line}\n   but the client sends: {}\n   ({})", sent.escape_ascii(), self.how());
        };
        for (name, number) in numbers {
            assert!(!self.used.contains(&number), "{line}\n   but {number} has been used before");
            self.used.push(number);
            self.variables.insert(name.into(), number);
        }
        self.blocked = template.cut;
    }

    /// Takes what the client sends up to the end of a line, or `most` bytes.
    fn transmit_line(&mut self, most: usize) -> Vec<u8> {
        let mut line = Vec::new();
        while line.len() < most && !line.ends_with(b"\n") {
            let Some(bytes) = self.client.poll_transmit() else { break };
            let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let n = self.cuts.next(end.min(most - line.len()));
            line.extend_from_slice(&bytes[..n]);
            self.client.handle_transmitted(n, self.now);
            self.nudge();
        }
        line
    }

    /// Has the client read what has come; while it has a reply that is not taken, as far as there is room.
    #[track_caller]
    fn deliver(&mut self) {
        let mut read = 0;
        while read < self.incoming.len() {
            let settled = self.client.is_settled();
            let window = self.client.receive_buffer();
            assert!(settled || !window.is_empty(), "there is no room to read to ({})", self.how());
            let n = self.cuts.next(window.len().min(self.incoming.len() - read));
            if n == 0 {
                break;
            }
            window[..n].copy_from_slice(&self.incoming[read..read + n]);
            self.client.handle_received(n, self.now);
            self.nudge();
            read += n;
        }
        self.incoming.drain(..read);
    }

    /// Calls that must not matter.
    fn nudge(&mut self) {
        self.client.handle_timeout(self.now);
        self.client.handle_received(0, self.now);
        self.client.handle_transmitted(0, self.now);
    }

    #[track_caller]
    fn wait(&mut self, time: Duration, line: &str) {
        let end = self.now + time;
        while let Some(next) = self.client.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.client.handle_timeout(self.now);
            let goes_on = self.client.poll_timeout().is_none_or(|next| next > self.now);
            assert!(goes_on, "{line}\n   but time stands still ({})", self.how());
            if self.now < end {
                self.expect_silence(line);
            }
        }
        self.now = end;
    }

    #[track_caller]
    fn expect_silence(&self, line: &str) {
        if let Some(bytes) = self.client.poll_transmit().filter(|_| !self.blocked) {
            let (now, bytes) = (self.now.since_epoch(), bytes.escape_ascii());
            panic!("{line}\n   but the client sends, at {now:?}: {bytes}\n   ({})", self.how());
        }
    }

    /// How the conversation is held, for who has to find out why it fails.
    fn how(&self) -> String {
        format!("{:?}, in {}", self.cuts, std::any::type_name::<B>())
    }

    #[track_caller]
    fn outcome(&mut self, line: &str) -> String {
        let ticket = match self.call.take() {
            Some(Ok(ticket)) => ticket,
            Some(Err(error)) => return describe(&error),
            None => panic!("{line}\n   but there is no call"),
        };
        assert!(self.client.is_settled(), "{line}\n   but the call goes on ({})", self.how());
        self.client.reply(ticket).map_or_else(|error| describe(&error), |reply| reply.as_str().into())
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => format!("refused {}: {}", refusal.class, refusal.desc),
        Error::TimedOut(at) => {
            format!("timed out, sent {:?}, {}", at.sent, if at.heard { "heard" } else { "not heard" })
        }
        Error::Protocol(Violation::Undecodable(_)) => "protocol: undecodable".into(),
        Error::Protocol(Violation::NotAReply) => "protocol: not a reply".into(),
        Error::Protocol(Violation::Unattributed { class, .. }) => format!("protocol: unattributed {class}"),
        Error::ReplyTooLong { len, limit } => format!("reply too long: {len} of {limit}"),
        Error::CommandTooLong { len, limit } => format!("command too long: {len} of {limit}"),
        Error::Closed(sent) => format!("closed, sent {sent:?}"),
        other => format!("{other:?}"),
    }
}
