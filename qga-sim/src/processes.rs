//! Programs that were started and not yet asked for to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Errno;
use crate::program::{End, Run, Stream};

/// The processes of a guest that the agent knows.
#[derive(Clone)]
pub(crate) struct Processes {
    records: BTreeMap<i64, Record>,
    next_pid: i64,
    /// How many bytes of output are kept.
    kept: usize,
}

/// What of the output is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) out: bool,
    pub(crate) err: bool,
    /// Both in one, as they were written.
    pub(crate) merged: bool,
}

/// How it is with a process.
#[derive(Debug)]
pub(crate) enum Status {
    Running,
    Ended(Ended),
}

/// What is left of a process.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) out: Output,
    pub(crate) err: Output,
}

/// What a process wrote to one stream, as far as it is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    pub(crate) truncated: bool,
}

#[derive(Clone)]
struct Record {
    ends_at: Duration,
    ended: Ended,
    /// The signals that do not end it, as bits.
    ignored: u64,
}

/// How many bytes of a stream are kept: as many as the real agent keeps.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// How many bytes of output are kept in all, and how many processes. The real agent has no limit, and a client that
/// never asks makes it grow for ever.
const MAX_KEPT: usize = 512 * 1024 * 1024;
const MAX_PROCESSES: usize = 4096;

const FIRST_PID: i64 = 1201;

/// Signals that end no process: SIGCHLD, SIGURG, SIGWINCH.
const HARMLESS: [u8; 3] = [17, 23, 28];

/// Those that stop a process, and let it go on: SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU.
const STANDING: [u8; 5] = [18, 19, 20, 21, 22];

impl Processes {
    pub(crate) fn new() -> Self {
        Self { records: BTreeMap::new(), next_pid: FIRST_PID, kept: 0 }
    }

    /// Starts a process that does `run`; gives its number.
    pub(crate) fn start(&mut self, run: &Run, capture: Capture, now: Duration) -> Result<i64, Errno> {
        if self.records.len() == MAX_PROCESSES {
            return Err(Errno::TryAgain);
        }
        let out = Output::collect(run, |stream| match stream {
            Stream::Out => capture.out || capture.merged,
            Stream::Err => capture.merged,
        });
        let err = Output::collect(run, |stream| stream == Stream::Err && capture.err);
        let ended = Ended { end: run.end, out, err };
        if ended.len() > MAX_KEPT - self.kept {
            return Err(Errno::NoMemory);
        }
        self.kept += ended.len();
        let pid = self.next_pid;
        self.next_pid += 1;
        self.records
            .insert(pid, Record { ends_at: now.saturating_add(run.time), ended, ignored: run.ignored });
        Ok(pid)
    }

    /// How many processes there are that nobody has asked for to the end.
    pub(crate) fn count(&self) -> usize {
        self.records.len()
    }

    /// Asks for a process. One that has ended is told of once. `None`: there is none of this number.
    pub(crate) fn status(&mut self, pid: i64, now: Duration) -> Option<Status> {
        if now < self.records.get(&pid)?.ends_at {
            return Some(Status::Running);
        }
        let Record { ended, .. } = self.records.remove(&pid)?;
        self.kept -= ended.len();
        Some(Status::Ended(ended))
    }

    /// Sends a signal to a process that runs.
    pub(crate) fn signal(&mut self, pid: i64, signal: u8, now: Duration) -> Result<(), Errno> {
        let record = self.running(pid, now)?;
        match signal {
            0 => Ok(()),
            _ if STANDING.contains(&signal) || signal > 31 => Err(Errno::Invalid),
            _ if HARMLESS.contains(&signal) || record.ignored & (1 << signal) != 0 => Ok(()),
            _ => self.end(pid, End::Signal(signal.into()), now),
        }
    }

    /// Ends a process that runs. What it has written is kept.
    pub(crate) fn end(&mut self, pid: i64, end: End, now: Duration) -> Result<(), Errno> {
        let record = self.running(pid, now)?;
        (record.ends_at, record.ended.end) = (now, end);
        Ok(())
    }

    /// How many run.
    pub(crate) fn count_running(&self, now: Duration) -> usize {
        self.records.values().filter(|record| now < record.ends_at).count()
    }

    fn running(&mut self, pid: i64, now: Duration) -> Result<&mut Record, Errno> {
        self.records.get_mut(&pid).filter(|record| now < record.ends_at).ok_or(Errno::NoProcess)
    }

    /// Lets no time pass for those that run at `from`, until `to`.
    pub(crate) fn stand_still(&mut self, from: Duration, to: Duration) {
        for record in self.records.values_mut().filter(|record| record.ends_at > from) {
            record.ends_at = record.ends_at.saturating_add(to.saturating_sub(from));
        }
    }
}

impl Ended {
    fn len(&self) -> usize {
        self.out.bytes.len() + self.err.bytes.len()
    }
}

impl Output {
    fn collect(run: &Run, kept: impl Fn(Stream) -> bool) -> Self {
        let mut output = Self::default();
        for (_, bytes) in run.output.iter().filter(|(stream, _)| kept(*stream)) {
            let room = MAX_OUTPUT - output.bytes.len();
            output.truncated |= bytes.len() > room;
            output.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        }
        output
    }
}
