//! A line to a simulated guest without I/O and without waiting: time is a number, and passes only when somebody waits.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use qga_proto::{Cause, Client, Config, Instant, Session, Transport};
use qga_sim::{Guest, Sim};

/// A session over such a line. There is no connection yet.
#[must_use]
pub fn session(line: VirtualLine) -> Session<VirtualLine, Vec<u8>> {
    Session::unconnected(line, Client::new(Config::default(), Vec::new(), Vec::new(), 1))
}

/// Polls a future up to so many times, then drops it. Gives its output, if it was ready before.
pub fn poll_up_to<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// Polls a future to its end.
///
/// # Panics
///
/// When it has none.
pub fn complete<F: Future>(future: F) -> F::Output {
    poll_up_to(10_000_000, future).expect("it ends")
}

/// What is at the end of a line.
pub enum Peer {
    /// There is no socket.
    NoSocket,
    /// Nobody listens.
    NotListening,
    /// Somebody takes what is sent, and says nothing.
    Silent,
    /// An agent.
    Agent(Box<Sim>),
    /// An agent that is gone after so many bytes of the next command of this name, or, if it is empty, of the next that is
    /// no sync; the next peer is there then. A shorter command is carried out, and its answer lost.
    Dies(Box<Sim>, usize, &'static str),
}

impl Peer {
    /// The agent of this guest.
    #[must_use]
    pub fn agent(guest: Guest) -> Self {
        Self::Agent(Box::new(Sim::new(guest)))
    }
}

/// A transport. Each of its operations is pending once before it does anything, so that a future can be dropped there.
pub struct VirtualLine {
    peer: Peer,
    /// What is there from which time on.
    later: VecDeque<(Duration, Peer)>,
    /// Whether those who are connected notice that another is there.
    quietly: bool,
    /// Whether the next connection gets the answers that the last one left: as on a virtual serial port.
    keeps_answers: bool,
    /// Who is there for those who connect a second time.
    second: Option<Peer>,
    connected: bool,
    /// Whether no connection can be made but the one that there is.
    is_all_there_is: bool,
    now: Instant,
    /// How many bytes go through at once.
    piece: usize,
    /// Whether commands go through at once all the same.
    commands_whole: bool,
    /// How long the agent takes for each request, and when it has answered the last.
    latency: Duration,
    answered: Instant,
    /// What it has said, and from when on that can be read.
    answers: VecDeque<(Instant, Vec<u8>)>,
    /// Whether requests lose their `id` on the way: to the client that is an agent before QEMU 4.0.
    drop_ids: bool,
    /// All that was sent.
    pub sent: Vec<u8>,
    /// How often somebody tried to connect.
    pub attempts: usize,
    /// How many connections were made.
    pub connections: usize,
}

impl VirtualLine {
    /// A line on which so many bytes go through at once.
    #[must_use]
    pub fn new(peer: Peer, piece: usize) -> Self {
        Self {
            peer,
            later: VecDeque::new(),
            quietly: false,
            keeps_answers: false,
            second: None,
            connected: false,
            is_all_there_is: false,
            now: Instant::ZERO,
            piece,
            commands_whole: false,
            latency: Duration::ZERO,
            answered: Instant::ZERO,
            answers: VecDeque::new(),
            drop_ids: false,
            sent: Vec::new(),
            attempts: 0,
            connections: 0,
        }
    }

    /// Makes it one to an agent that knows no `id`. Requests go through whole then.
    #[must_use]
    pub fn without_ids(mut self) -> Self {
        self.drop_ids = true;
        self.commands_whole()
    }

    /// Lets commands through at once, whatever the size of the pieces.
    #[must_use]
    pub fn commands_whole(mut self) -> Self {
        self.commands_whole = true;
        self
    }

    /// Puts another peer there from a time on, counted from the start. Connections end then.
    #[must_use]
    pub fn then(mut self, after: Duration, peer: Peer) -> Self {
        self.later.push_back((after, peer));
        self
    }

    /// Puts another peer there from a time on, and who is connected does not notice: as on a virtual serial port.
    #[must_use]
    pub fn then_quietly(mut self, after: Duration, peer: Peer) -> Self {
        self.quietly = true;
        self.then(after, peer)
    }

    /// Lets the next connection have the answers that the last one left.
    #[must_use]
    pub fn keeps_answers(mut self) -> Self {
        self.keeps_answers = true;
        self
    }

    /// Lets the agent take its time for each request.
    #[must_use]
    pub fn slow(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Makes it a line that is there from the start, and all there is.
    #[must_use]
    pub fn all_there_is(mut self) -> Self {
        self.is_all_there_is = true;
        self.connected = true;
        self
    }

    /// Who connects a second time finds this peer.
    #[must_use]
    pub fn deaf_once(mut self, peer: Peer) -> Self {
        self.second = Some(peer);
        self
    }

    /// How often a word has been sent.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.sent.windows(word.len()).filter(|window| *window == word.as_bytes()).count()
    }

    /// The guest of the agent that is there, if one is.
    #[must_use]
    pub fn guest(&self) -> Option<&Guest> {
        match &self.peer {
            Peer::Agent(sim) | Peer::Dies(sim, ..) => Some(sim.guest()),
            _ => None,
        }
    }

    fn wait(&mut self, deadline: Instant) {
        let wake = self.later.front().map(|(after, _)| Instant::from_epoch(*after));
        self.now = self.now.max(wake.map_or(deadline, |wake| deadline.min(wake)));
        if wake.is_some_and(|wake| wake <= self.now)
            && let Some((_, peer)) = self.later.pop_front()
        {
            self.peer = peer;
            self.answers.clear();
            self.connected &= self.quietly;
        }
    }

    fn sim(&mut self) -> Option<&mut Sim> {
        match &mut self.peer {
            Peer::Agent(sim) | Peer::Dies(sim, ..) => Some(sim),
            _ => None,
        }
    }

    fn since_epoch(&self) -> Duration {
        self.now.since_epoch()
    }

    /// The peer reads.
    fn deliver(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
        let now = self.since_epoch();
        let bytes = if self.drop_ids { without_id(bytes) } else { bytes.to_vec() };
        let mut answers = Vec::new();
        let Some(sim) = self.sim() else { return };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let buffer = sim.receive_buffer();
            let n = rest.len().min(buffer.len());
            assert!(n > 0, "the agent reads");
            buffer[..n].copy_from_slice(&rest[..n]);
            sim.handle_received(n, now);
            rest = &rest[n..];
            while let Some(bytes) = sim.poll_transmit() {
                answers.extend_from_slice(bytes);
                let n = bytes.len();
                sim.handle_transmitted(n, now);
            }
        }
        if !answers.is_empty() {
            self.answered = self.answered.max(self.now) + self.latency;
            self.answers.push_back((self.answered, answers));
        }
    }
}

/// A request as an old agent's host sends it.
fn without_id(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    match text.rsplit_once(",\"id\":") {
        // 0xFF is not UTF-8.
        Some((head, _)) => [
            &request[..usize::from(request[0] == 0xFF)],
            head.trim_start_matches('\u{FFFD}').as_bytes(),
            b"}\n",
        ]
        .concat(),
        None => request.to_vec(),
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoConnection(Cause);

impl std::fmt::Display for NoConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for NoConnection {}

impl Transport for VirtualLine {
    type Error = NoConnection;

    fn now(&self) -> Instant {
        self.now
    }

    async fn connect(&mut self, _: Instant) -> Result<bool, NoConnection> {
        self.connected &= self.is_all_there_is;
        pending_once().await;
        if self.is_all_there_is {
            return Ok(false);
        }
        self.attempts += 1;
        if self.connections == 1
            && let Some(peer) = self.second.take()
        {
            self.peer = peer;
        }
        match self.peer {
            Peer::NoSocket => return Err(NoConnection(Cause::NotFound)),
            Peer::NotListening => return Err(NoConnection(Cause::Refused)),
            Peer::Silent | Peer::Agent(_) | Peer::Dies(..) => {}
        }
        if !self.keeps_answers {
            self.answers.clear();
            let now = self.since_epoch();
            if let Some(sim) = self.sim() {
                sim.handle_eof(now);
            }
        }
        self.connected = true;
        self.connections += 1;
        Ok(true)
    }

    fn disconnect(&mut self) -> bool {
        self.connected &= self.is_all_there_is;
        !self.is_all_there_is
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, NoConnection> {
        pending_once().await;
        if !self.connected {
            return Ok(Some(0));
        }
        if let Some((ready, bytes)) = self.answers.front_mut() {
            let ready = *ready;
            if self.now < ready {
                self.wait(deadline.min(ready));
                return Ok(if self.connected { None } else { Some(0) });
            }
            let n = bytes.len().min(buffer.len()).min(self.piece);
            bytes.drain(..n).zip(buffer).for_each(|(byte, place)| *place = byte);
            if bytes.is_empty() {
                self.answers.pop_front();
            }
            return Ok(Some(n));
        }
        self.wait(deadline);
        Ok(if self.connected { None } else { Some(0) })
    }

    async fn write(&mut self, bytes: &[u8], _: Instant) -> Result<Option<usize>, NoConnection> {
        pending_once().await;
        if !self.connected {
            return Ok(Some(0));
        }
        let n = if self.commands_whole { bytes.len() } else { bytes.len().min(self.piece) };
        let text = String::from_utf8_lossy(bytes);
        if let Peer::Dies(_, limit, command) = self.peer
            && if command.is_empty() { !text.contains("\"guest-sync") } else { text.contains(command) }
        {
            let n = n.min(limit);
            self.deliver(&bytes[..n]);
            self.connected = false;
            self.answers.clear();
            self.peer = self.later.pop_front().map_or(Peer::NoSocket, |(_, peer)| peer);
            return Ok(Some(n));
        }
        self.deliver(&bytes[..n]);
        Ok(Some(n))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        pending_once().await;
        while self.now < deadline {
            self.wait(deadline);
        }
    }

    fn cause(error: &NoConnection) -> Cause {
        error.0
    }
}

/// Is pending when it is polled first, and ready then. It wakes nobody.
pub async fn pending_once() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}
