//! The driver, over transports that fail in every way.

use std::collections::VecDeque;
use std::time::Duration;

use qga_proto::commands::{GuestPing, GuestShutdown};
use qga_proto::{Client, Config, Error, Instant, Sent, Session, Transport};
use qga_sim::{Guest, Personality, Sim, VirtualLine};
use qga_std::block_on;

/// What happens to the next thing that is written.
#[derive(Clone, Copy, PartialEq)]
enum Write {
    /// It is taken.
    Taken,
    /// It is a sync: it is taken and answered.
    Synced,
    /// Nothing can be written for a time.
    Blocked,
    /// There is nobody to write to, now and for ever.
    Gone,
}

/// What can be read once all has been written that can be.
#[derive(Clone, Copy)]
enum Read {
    /// A line, in which `$id` is that of the last command.
    Line(&'static str),
    /// Reading fails.
    Broken,
}

/// Does what it is told; what it is not told does not happen, and time passes.
struct Script {
    writes: VecDeque<Write>,
    reads: VecDeque<Read>,
    now: Instant,
    unread: Vec<u8>,
    id: String,
}

impl Script {
    fn session(writes: &[Write], reads: &[Read]) -> Session<Self, Vec<u8>> {
        let script = Self {
            writes: writes.iter().copied().collect(),
            reads: reads.iter().copied().collect(),
            now: Instant::ZERO,
            unread: Vec::new(),
            id: String::new(),
        };
        Session::new(script, Client::new(Config::default(), Vec::new(), Vec::new(), 1))
    }

    fn wait(&mut self, deadline: Instant) {
        self.now = self.now.max(deadline);
    }
}

impl Transport for Script {
    type Error = &'static str;

    fn now(&self) -> Instant {
        self.now
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Self::Error> {
        if self.unread.is_empty() && matches!(self.writes.front(), None | Some(Write::Gone)) {
            match self.reads.pop_front() {
                Some(Read::Line(line)) => self.unread = line.replace("$id", &self.id).into_bytes(),
                Some(Read::Broken) => return Err("broken"),
                None => {}
            }
        }
        if self.unread.is_empty() {
            self.wait(deadline);
            return Ok(None);
        }
        let n = buffer.len().min(self.unread.len());
        buffer[..n].copy_from_slice(&self.unread[..n]);
        self.unread.drain(..n);
        Ok(Some(n))
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, Self::Error> {
        let write = self.writes.front().copied().unwrap_or(Write::Blocked);
        if write == Write::Gone {
            return Ok(Some(0));
        }
        self.writes.pop_front();
        if write == Write::Blocked {
            self.wait(deadline);
            return Ok(None);
        }
        let line = String::from_utf8_lossy(bytes);
        let id = line.rsplit_once("\"id\":").expect("an id").1.trim_end().trim_end_matches('}').to_owned();
        if write == Write::Synced {
            let (_, rest) = line.split_once("{\"id\":").expect("a sync");
            let (number, _) = rest.split_once('}').expect("a sync");
            self.unread = format!("{{\"return\": {number}, \"id\": {id}}}\n").into_bytes();
        } else if !line.contains("guest-sync") {
            self.id = id;
        }
        Ok(Some(bytes.len()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.wait(deadline);
    }
}

const PONG: Read = Read::Line("{\"return\": {}, \"id\": $id}\n");
const REFUSAL: Read =
    Read::Line("{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"disabled\"}, \"id\": $id}\n");

#[test]
fn a_refusal_is_heard_though_there_is_nobody_to_write_to_any_more() {
    // The sync behind the command finds nobody, but the agent has said no before it went.
    let mut session = Script::session(&[Write::Synced, Write::Taken, Write::Gone], &[REFUSAL]);
    let result = block_on(session.call(&GuestShutdown::new()));
    assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
}

#[test]
fn an_agent_that_is_gone_without_a_word_has_accepted_the_shutdown() {
    let mut session = Script::session(&[Write::Synced, Write::Taken, Write::Gone], &[]);
    assert!(block_on(session.call(&GuestShutdown::new())).is_ok());
    assert_eq!(block_on(session.call(&GuestPing::new())), Err(Error::Closed(Sent::Nothing)));
}

#[test]
fn a_shutdown_succeeds_when_the_line_breaks_behind_it() {
    let mut session = Script::session(&[Write::Synced, Write::Taken, Write::Taken], &[Read::Broken]);
    assert!(block_on(session.call(&GuestShutdown::new())).is_ok());
}

#[test]
fn a_broken_line_is_an_error_once_and_closed_after() {
    let mut session = Script::session(&[Write::Synced, Write::Taken], &[Read::Broken]);
    assert_eq!(
        block_on(session.call(&GuestPing::new())),
        Err(Error::Transport { error: "broken", sent: Sent::All })
    );
    assert_eq!(block_on(session.call(&GuestPing::new())), Err(Error::Closed(Sent::Nothing)));
}

#[test]
fn a_line_that_is_blocked_for_a_time_is_written_to_later() {
    let writes = [Write::Blocked, Write::Blocked, Write::Synced, Write::Blocked, Write::Taken];
    let mut session = Script::session(&writes, &[PONG]);
    assert!(block_on(session.call(&GuestPing::new())).is_ok());
}

#[test]
fn a_line_that_is_never_free_ends_in_time() {
    let mut session = Script::session(&[], &[]);
    let deadline = Instant::from_epoch(Duration::from_secs(3));
    let result = block_on(session.call_until(&GuestPing::new(), deadline));
    assert!(result.as_ref().is_err_and(Error::is_timeout), "{result:?}");
    assert_eq!(session.transport().now(), deadline);
}

/// Before QEMU 4.0 the first form of the sync is refused. However long an agent takes for the others, there must come a time
/// when it has answered the newest before another is sent.
#[test]
fn an_old_agent_that_is_slow_is_synced() {
    for (seconds, limit) in [(0.3, 1), (0.7, 3), (1.0, 4), (2.0, 8), (4.0, 25)] {
        let delay = format!("delay={seconds}s@sync").parse().expect("a fault");
        let mut session = VirtualLine::new(Sim::new(Guest::with(Personality::Qemu2)).fault(delay)).session();
        let limit = Duration::from_secs(limit);
        let answer = block_on(session.call_timeout(&GuestPing::new(), limit));
        assert!(answer.is_ok(), "{seconds} s: {answer:?}");
    }
}
