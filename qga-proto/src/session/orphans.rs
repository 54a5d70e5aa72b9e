//! Files that are open in the guest and that nobody has any more: they are closed beside the calls that follow.

use core::time::Duration;

use super::Session;
use crate::buffer::Buffer;
use crate::commands::GuestFileClose;
use crate::error::{Error, Sent};
use crate::time::Instant;
use crate::transport::Transport;

/// How many are remembered. The oldest make room, and stay open in the guest then.
const MANY: usize = 16;

/// How often it is tried to close one that the agent has not been told of.
const TRIES: u8 = 3;

/// How long the call beside which they are closed may be kept waiting, if it has so much time.
const PATIENCE: Duration = Duration::from_secs(2);

/// The files of one session.
#[derive(Debug, Default)]
pub(super) struct Orphans(heapless::Vec<Orphan, MANY>);

#[derive(Debug)]
struct Orphan {
    handle: i64,
    tries: u8,
}

impl Orphans {
    fn push(&mut self, handle: i64) {
        self.forget(handle);
        if self.0.is_full() {
            self.0.remove(0);
        }
        // There is room now.
        let _ = self.0.push(Orphan { handle, tries: 0 });
    }

    fn forget(&mut self, handle: i64) {
        self.0.retain(|orphan| orphan.handle != handle);
    }
}

impl<T, Rx, Tx> Session<T, Rx, Tx> {
    /// Nobody has this file any more.
    pub(crate) fn abandon_file(&mut self, handle: i64) {
        self.orphans.push(handle);
    }

    /// This file has been opened just now: an old one of the same number is not the one that is meant.
    pub(crate) fn adopt_file(&mut self, handle: i64) {
        self.orphans.forget(handle);
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Closes what is open in the guest and nobody has any more: files that were dropped without
    /// [`close`](crate::GuestFile::close), and those whose opening was given up before the agent said which they are.
    ///
    /// That is done beside all other calls, too, so this is for those who make none any more. Gives how many could not be
    /// closed so far. Dropping the future is safe: what has not been closed stays remembered.
    pub async fn close_abandoned(&mut self, deadline: Instant) -> usize {
        self.adopt_late_handles();
        if self.is_connected() && !self.orphans.0.is_empty() {
            self.close_all_until(deadline).await;
        }
        self.orphans.0.len()
    }

    /// The same beside a call, which must not be kept waiting for long.
    pub(super) async fn close_orphans(&mut self, deadline: Instant) {
        let now = self.transport.now();
        self.close_abandoned(now + PATIENCE.min((deadline - now) / 2)).await;
    }

    fn adopt_late_handles(&mut self) {
        while let Some(handle) = self.client.take_late_handle() {
            self.orphans.push(handle);
        }
    }

    async fn close_all_until(&mut self, deadline: Instant) {
        // Each once: what must be tried again waits for the next call.
        for _ in 0..self.orphans.0.len() {
            let Some(orphan) = self.orphans.0.first_mut() else { return };
            orphan.tries += 1;
            let (handle, tries) = (orphan.handle, orphan.tries);
            let outcome = self.close_orphan(handle, deadline).await;
            self.adopt_late_handles();
            match outcome {
                // Frozen, or closing is not allowed: later, maybe.
                Err(Error::Refused(refusal)) if refusal.is_command_not_found() => {
                    self.retry_later(handle, tries - 1);
                    return;
                }
                // A close that is refused has closed the file all the same.
                Ok(()) | Err(Error::Refused(_)) => self.orphans.forget(handle),
                Err(error) => {
                    self.orphans.forget(handle);
                    // What has left is carried out, if ever; and an agent may not survive to be asked twice.
                    if tries < TRIES && matches!(error.sent(), Some(Sent::Nothing | Sent::Part)) {
                        self.retry_later(handle, tries);
                    }
                    return;
                }
            }
        }
    }

    /// Puts a file behind the others.
    fn retry_later(&mut self, handle: i64, tries: u8) {
        self.orphans.push(handle);
        if let Some(orphan) = self.orphans.0.last_mut() {
            orphan.tries = tries;
        }
    }

    /// One command over the connection that there is, apart from what else is done for one: this is done inside of a call.
    async fn close_orphan(&mut self, handle: i64, deadline: Instant) -> Result<(), Error<T::Error>> {
        let now = self.transport.now();
        let close = GuestFileClose::new(handle);
        let ticket = self.client.submit(&close, now, deadline).map_err(Error::widen)?;
        self.drive(now).await?;
        self.client.reply(ticket).map(|_| ()).map_err(Error::widen)
    }
}
