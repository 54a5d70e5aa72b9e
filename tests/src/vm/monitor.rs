//! QEMU's monitor: what there is to do to a virtual machine from outside, and what it tells of itself.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// A connection to the monitor.
pub struct Monitor {
    lines: BufReader<UnixStream>,
    events: VecDeque<Value>,
}

/// How long an answer or an event may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Monitor {
    /// Connects, and makes it ready for commands.
    pub(super) fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut monitor = Self { lines: BufReader::new(stream), events: VecDeque::new() };
        monitor.read()?;
        monitor.command("qmp_capabilities");
        Ok(monitor)
    }

    /// Carries a command without arguments out; gives what it returns.
    ///
    /// # Panics
    ///
    /// When QEMU refuses, or does not answer.
    #[track_caller]
    pub fn command(&mut self, name: &str) -> Value {
        let stream = self.lines.get_mut();
        writeln!(stream, "{}", json!({ "execute": name })).expect("QEMU reads");
        loop {
            let mut reply = self.read().expect("QEMU answers");
            if reply.get("event").is_some() {
                self.events.push_back(reply);
                continue;
            }
            assert!(reply.get("return").is_some(), "{name}: {reply}");
            return reply["return"].take();
        }
    }

    /// Waits for an event of this name, be it one that has come before and nobody has waited for; gives its data. Those that
    /// came before it are forgotten.
    ///
    /// # Panics
    ///
    /// When none comes.
    #[track_caller]
    pub fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let mut next = match self.events.pop_front() {
                Some(next) => next,
                None => self.read().unwrap_or_else(|error| panic!("no event {event}: {error}")),
            };
            if next["event"] == event {
                return next["data"].take();
            }
        }
    }

    fn read(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}
