//! What a session owes the guest: to thaw what it has frozen, before anything else is sent.

use super::{Event, Session};
use crate::buffer::Buffer;
use crate::commands::GuestFsfreezeThaw;
use crate::error::{Error, Misuse};
use crate::metadata;
use crate::time::Instant;
use crate::transport::Transport;

/// What a session has frozen. It outlives connections.
///
/// ```text
///             freeze is sent              frozen
///     Nothing -------------> Unsettled ------------> Held
///        ^                       |                    |
///        |                       | its future is      | its guard is dropped,
///        |                       | dropped, or nobody | or its thaw fails
///        |                       | knows              |
///        |         thawed        v                    |
///        '--------------------- Owed <----------------'
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Freezing {
    /// Nothing that is not thawed.
    #[default]
    Nothing,
    /// A freeze is under way, or was and its future has been dropped: to the next call that is a debt.
    Unsettled,
    /// The guest is frozen, and there is a guard who thaws it.
    Held,
    /// The guest may be frozen, and nobody else will thaw it.
    Owed,
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Whether this session has frozen the guest, or began to, and does not know that it is thawed. No call is made.
    ///
    /// `true` while there is a [`Frozen`](crate::Frozen), and where its thaw failed or it was dropped, until a later call
    /// has thawed the guest.
    pub fn may_be_frozen(&self) -> bool {
        self.freezing != Freezing::Nothing
    }

    /// Does what must be done before a command may be sent: thaws what nobody else will thaw. Nothing is sent that a
    /// frozen guest would refuse.
    pub(super) async fn pay_debts(
        &mut self,
        command: &str,
        deadline: Instant,
    ) -> Result<(), Error<T::Error>> {
        match self.freezing {
            Freezing::Nothing => Ok(()),
            Freezing::Held if is_for_frozen(command) => Ok(()),
            Freezing::Held => Err(Error::Misuse(Misuse::Frozen)),
            Freezing::Unsettled | Freezing::Owed => {
                let is_paid = command == GuestFsfreezeThaw::NAME || self.pay_thaw(deadline).await;
                if is_paid || is_for_frozen(command) { Ok(()) } else { Err(Error::MayBeFrozen) }
            }
        }
    }

    /// Takes note that the guest may be frozen, and that nobody else will thaw it.
    pub(crate) fn owe_thaw(&mut self) {
        if self.freezing != Freezing::Owed {
            self.freezing = Freezing::Owed;
            self.events.push(Event::MayBeFrozen);
        }
    }

    /// Takes note that the guest is thawed.
    pub(crate) fn forgive_thaw(&mut self) {
        if self.freezing != Freezing::Nothing {
            self.freezing = Freezing::Nothing;
            self.events.push(Event::Thawed);
        }
    }
}

/// Whether agents carry a command out while the guest is frozen.
pub(super) fn is_for_frozen(command: &str) -> bool {
    metadata::command(command).is_some_and(|command| command.allowed_while_frozen)
}
