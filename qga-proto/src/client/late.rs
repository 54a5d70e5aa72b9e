//! Replies that come after their call was given up, and can be had only once: a `guest-exec-status` with
//! `exited: true`, after which the agent forgets the program.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
#[cfg(feature = "alloc")]
use core::time::Duration;

use crate::commands::{GuestExec, GuestExecStatus};
use crate::json;
use crate::message;
use crate::time::Instant;
use crate::view;

/// How many replies are waited for, and how many kept. The oldest make room.
const MANY: usize = 8;

/// The late replies of one client.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// What was asked and not answered: the `id` and the program's number.
    awaited: heapless::Vec<(u64, i64), MANY>,
    /// What was answered since, and not asked for again.
    #[cfg(feature = "alloc")]
    kept: heapless::Vec<Kept, MANY>,
    /// What was given out last.
    #[cfg(feature = "alloc")]
    given: Vec<u8>,
}

#[cfg(feature = "alloc")]
#[derive(Debug)]
struct Kept {
    pid: i64,
    /// The reply's value.
    value: Vec<u8>,
    since: Instant,
}

/// How long a reply is kept: numbers of programs come again, most likely after a reboot.
#[cfg(feature = "alloc")]
const KEEP_TIME: Duration = Duration::from_secs(10 * 60);

impl Late {
    /// Waits for the reply to a command that was given up, if it is one that can be had only once.
    pub(super) fn wait_for(&mut self, id: u64, pid: i64) {
        if self.awaited.is_full() {
            self.awaited.remove(0);
        }
        // There is room now.
        let _ = self.awaited.push((id, pid));
    }

    /// The program that a reply with this `id` is about, if it is waited for; it is not any more then.
    pub(super) fn arrived(&mut self, id: u64) -> Option<i64> {
        let at = self.awaited.iter().position(|(awaited, _)| *awaited == id)?;
        Some(self.awaited.remove(at).1)
    }

    /// Keeps a reply until it is asked for. All together may have `limit` bytes.
    #[cfg(feature = "alloc")]
    pub(super) fn keep(&mut self, pid: i64, value: &[u8], limit: usize, now: Instant) {
        self.forget(pid);
        let size = |kept: &[Kept]| kept.iter().map(|kept| kept.value.len()).sum::<usize>();
        while self.kept.is_full() || !self.kept.is_empty() && size(&self.kept) + value.len() > limit {
            self.kept.remove(0);
        }
        // There is room now.
        let _ = self.kept.push(Kept { pid, value: value.into(), since: now });
    }

    /// Without an allocator there is no place to keep it.
    #[cfg(not(feature = "alloc"))]
    pub(super) fn keep(&mut self, _: i64, _: &[u8], _: usize, _: Instant) {}

    /// Gives out the reply about a program, if one is kept: it is then [`given`](Self::given).
    #[cfg(feature = "alloc")]
    pub(super) fn give(&mut self, pid: i64, now: Instant) -> bool {
        if !self.has(pid, now) {
            return false;
        }
        let Some(at) = self.kept.iter().position(|kept| kept.pid == pid) else { return false };
        self.given = self.kept.remove(at).value;
        true
    }

    #[cfg(not(feature = "alloc"))]
    pub(super) fn give(&mut self, _: i64, _: Instant) -> bool {
        false
    }

    /// Whether the reply about a program is kept.
    #[cfg(feature = "alloc")]
    pub(super) fn has(&mut self, pid: i64, now: Instant) -> bool {
        self.kept.retain(|kept| now - kept.since <= KEEP_TIME);
        self.kept.iter().any(|kept| kept.pid == pid)
    }

    #[cfg(not(feature = "alloc"))]
    pub(super) fn has(&mut self, _: i64, _: Instant) -> bool {
        false
    }

    /// What was given out has not been read.
    #[cfg(feature = "alloc")]
    pub(super) fn take_back(&mut self, pid: i64, limit: usize, now: Instant) {
        let value = core::mem::take(&mut self.given);
        self.keep(pid, &value, limit, now);
    }

    #[cfg(not(feature = "alloc"))]
    pub(super) fn take_back(&mut self, _: i64, _: usize, _: Instant) {}

    /// What was given out has been read.
    pub(super) fn release(&mut self) {
        #[cfg(feature = "alloc")]
        {
            self.given = Vec::new();
        }
    }

    /// The reply's value that was given out last.
    pub(super) fn given(&self) -> &[u8] {
        #[cfg(feature = "alloc")]
        return &self.given;
        #[cfg(not(feature = "alloc"))]
        return &[];
    }

    /// A new program has this number: what is known of an old one is not about it.
    pub(super) fn forget(&mut self, pid: i64) {
        self.awaited.retain(|(_, awaited)| *awaited != pid);
        #[cfg(feature = "alloc")]
        self.kept.retain(|kept| kept.pid != pid);
    }
}

/// What a command has to do with programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Program {
    #[default]
    Nothing,
    /// It starts one, whose number its reply tells.
    Start,
    /// It asks for the status of this one.
    Status { pid: i64 },
}

/// Whether a command's reply is one that is kept when it comes late.
pub(super) fn can_be_late(command: &str) -> bool {
    command == GuestExecStatus::NAME
}

impl Program {
    /// Looks at a command that has just been encoded.
    pub(super) fn of(name: &str, encoded: &[u8]) -> Self {
        match name {
            GuestExec::NAME => Self::Start,
            GuestExecStatus::NAME => message::command_arguments(encoded)
                .and_then(|arguments| json::from_slice::<GuestExecStatus>(arguments).ok())
                .map_or(Self::Nothing, |status| Self::Status { pid: status.pid }),
            _ => Self::Nothing,
        }
    }
}

/// The number of the program that a reply to `guest-exec` tells.
pub(super) fn started(value: &[u8]) -> Option<i64> {
    json::from_slice::<view::GuestExec>(value).ok().map(|exec| exec.pid)
}

/// Whether a reply to `guest-exec-status` is the last about its program.
pub(super) fn is_last(value: &[u8]) -> bool {
    json::from_slice::<view::GuestExecStatus<'_>>(value).is_ok_and(|status| status.exited)
}
