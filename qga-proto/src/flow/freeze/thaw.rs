//! Thawing until the guest is known to be thawed.

use core::time::Duration;

use crate::buffer::Buffer;
use crate::command::Command;
use crate::commands::{GuestFsfreezeFreeze, GuestFsfreezeStatus, GuestFsfreezeThaw, GuestInfo};
use crate::error::{Error, Refusal, Sent};
use crate::session::{Freezing, Reconnect, Session};
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// How long to wait for the answer to one thaw at first, before the guest is asked how it is; twice as long each time.
const SLICE: Duration = Duration::from_secs(5);

/// The pauses between attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// How often a thaw may be refused while the guest stays frozen. An agent that may not thaw says so each time.
const MAX_REFUSED: u32 = 3;

/// How many attempts in a row may go without a single byte before the connection is made anew: a stream may have died
/// without a word. That takes half a minute, as an agent that is busy with the thaw says nothing either.
const MAX_DEAF: u32 = 2;

/// How many thaws one attempt may need: file systems can be frozen several times over.
const MAX_NESTED: u32 = 16;

/// A guest that is thawed, and what the agent said of that.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How many file systems this has thawed. `None`: the answer was lost, or was an error.
    pub(crate) count: Option<u64>,
    /// What the agent complained about, with the guest thawed all the same.
    pub(crate) refusal: Option<Refusal>,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Pays a debt; gives whether it is paid.
    pub(crate) async fn pay_thaw(&mut self, deadline: Instant) -> bool {
        let was_dropped = self.freezing == Freezing::Unsettled;
        self.owe_thaw();
        let now = self.transport.now();
        let deadline = deadline.min(now + self.timeouts.thaw);
        let look = now + SLICE.min((deadline - now) / 2);
        // It may never have been carried out, and another client may have frozen the guest since: look first.
        let is_thawed = was_dropped && matches!(self.ask_status(look).await, Ok(Some(false)));
        if is_thawed {
            self.forgive_thaw();
        }
        is_thawed || self.thaw_until(deadline).await.is_ok()
    }

    /// Thaws until the guest is known to be thawed, over as many connections as it takes. Nothing is owed then.
    pub(crate) async fn thaw_until(&mut self, deadline: Instant) -> Result<Done, Error<T::Error>> {
        let (mut slice, mut pause, mut refused) = (SLICE, PAUSES[0], 0);
        // Whether a thaw before may have done what is asked of the next.
        let mut is_doubtful = false;
        let mut deaf = 0;
        loop {
            let bytes = self.traffic[1];
            let slice_now = slice.min((deadline - self.transport.now()) / 2);
            let error = match self.try_thaw(slice_now, deadline).await {
                Ok(mut done) => {
                    if is_doubtful && done.count == Some(0) {
                        done.count = None;
                    }
                    self.forgive_thaw();
                    return Ok(done);
                }
                Err(error) => error,
            };
            deaf = if self.traffic[1] == bytes { deaf + 1 } else { 0 };
            if deaf >= MAX_DEAF && self.transport.disconnect() {
                (deaf, slice) = (0, SLICE);
                self.lose();
            }
            refused += u32::from(error.refusal().is_some());
            is_doubtful |= error.is_fate_unknown();
            let now = self.transport.now();
            if refused >= MAX_REFUSED || now + pause >= deadline || is_hopeless(&error) {
                return Err(error);
            }
            self.transport.sleep_until(now + pause).await;
            (slice, pause) = (slice * 2, (pause * 2).min(PAUSES[1]));
        }
    }

    /// Thaws, and asks how the guest is then. Each question may take a slice, and none goes beyond the deadline.
    async fn try_thaw(&mut self, slice: Duration, deadline: Instant) -> Result<Done, Error<T::Error>> {
        let mut total: u64 = 0;
        let mut answer = self.thaw_once(slice, deadline).await;
        for _ in 0..MAX_NESTED {
            let status = self.ask_status(deadline.min(self.transport.now() + slice)).await;
            match (answer, status) {
                (Ok(count), Ok(Some(false)) | Err(_)) => {
                    return thawed(Some(count.saturating_add(total)), None);
                }
                (Ok(0), Ok(None)) => return thawed(Some(total), None),
                (Ok(0), Ok(Some(true))) => break,
                (Ok(count), Ok(_)) => total = count.saturating_add(total),
                (Err(Error::Refused(refusal)), Ok(Some(false))) => return thawed(None, Some(refusal)),
                (Err(_), Ok(Some(false))) => return thawed(None, None),
                (Err(error), Ok(None)) if error.refusal().is_some() && self.cannot_freeze(deadline).await => {
                    return thawed(Some(0), None);
                }
                (Err(error), _) => return Err(error),
            }
            answer = self.thaw_once(slice, deadline).await;
        }
        Err(Error::MayBeFrozen)
    }

    async fn thaw_once(&mut self, slice: Duration, deadline: Instant) -> Result<u64, Error<T::Error>> {
        let until = deadline.min(self.transport.now() + slice);
        self.ask(&GuestFsfreezeThaw::new(), until).await.map(count)
    }

    /// Whether the guest is frozen; `None` where the agent cannot tell.
    pub(crate) async fn ask_status(&mut self, deadline: Instant) -> Result<Option<bool>, Error<T::Error>> {
        status_of(self.ask(&GuestFsfreezeStatus::new(), deadline).await)
    }

    /// Whether the agent says that it has no command that freezes all: what it does not have it has not done.
    pub(crate) async fn cannot_freeze(&mut self, deadline: Instant) -> bool {
        let Ok(info) = self.ask(&GuestInfo::new(), deadline).await else { return false };
        let mut is_told = false;
        for command in info.supported_commands.iter() {
            match command {
                Ok(command) if command.name == GuestFsfreezeFreeze::NAME => return false,
                Ok(_) => is_told = true,
                Err(_) => return false,
            }
        }
        is_told
    }

    /// Asks without a look at what this session owes, and connects anew whatever the policy says: a guest that stays frozen
    /// is worse than a connection that nobody asked for.
    async fn ask<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        let ticket = self.carry_out(command, deadline, Reconnect::BACKOFF).await?;
        self.client.reply(ticket).map_err(Error::widen)
    }
}

fn thawed<E>(count: Option<u64>, refusal: Option<Refusal>) -> Result<Done, Error<E>> {
    Ok(Done { count, refusal })
}

/// Whether a guest is frozen whose agent says this; `None` where it cannot tell.
pub(crate) fn status_of<E>(
    answer: Result<view::GuestFsfreezeStatus<'_>, Error<E>>,
) -> Result<Option<bool>, Error<E>> {
    match answer {
        Ok(view::GuestFsfreezeStatus::Frozen) => Ok(Some(true)),
        Ok(view::GuestFsfreezeStatus::Thawed) => Ok(Some(false)),
        Ok(_) | Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an agent counts. None has a negative number of file systems.
pub(super) fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Whether no later attempt can do better: the connection is over, and the transport makes no other.
fn is_hopeless<E>(error: &Error<E>) -> bool {
    matches!(error, Error::Closed(Sent::Nothing))
}
