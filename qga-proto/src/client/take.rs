//! Taking the reply to a command that is settled.

use core::ops::Range;

use serde::Deserialize;

use super::call::{Fault, Outcome, Untaken};
use super::{Client, State, Ticket};
use crate::buffer::Buffer;
use crate::command::Command;
use crate::error::{Error, Misuse};
use crate::json;
use crate::message::Reply;

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// Takes the reply. It borrows from the receive buffer.
    ///
    /// # Errors
    ///
    /// Why there is none; every kind but [`Error::Transport`] can be. [`Misuse::NotSettled`] gives the call up.
    pub fn reply<C: Command>(&mut self, ticket: Ticket<C>) -> Result<C::View<'_>, Error> {
        self.take(ticket.into_serial())
    }

    /// Takes the reply, with all that it has.
    ///
    /// # Errors
    ///
    /// As [`reply`](Self::reply).
    #[cfg(feature = "alloc")]
    pub fn reply_owned<C: crate::OwnedCommand>(&mut self, ticket: Ticket<C>) -> Result<C::Owned, Error> {
        self.take(ticket.into_serial())
    }

    fn take<'v, T: Deserialize<'v>>(&'v mut self, serial: u64) -> Result<T, Error> {
        let mut value = None;
        self.read_value(serial, &mut |text| json::read_into(text, &mut value))?;
        value.ok_or(Error::Misuse(Misuse::NotSettled))
    }

    /// Lets `read` read the reply's value. Without its type, so that this stands once.
    fn read_value<'v>(
        &'v mut self,
        serial: u64,
        read: &mut dyn FnMut(&'v [u8]) -> Result<(), json::Error>,
    ) -> Result<(), Error> {
        let taken = self.take_value(serial);
        let (line, late) = (self.framer.text(), self.late.given());
        let untaken = match taken {
            Ok(found) => {
                let (text, line) = match found {
                    Some(Found::Late) => (late, None),
                    Some(Found::Value(range)) => (line.get(range).unwrap_or_default(), Some(line)),
                    None => (&b"{}"[..], None),
                };
                let Err(error) = read(text) else { return Ok(()) };
                // Not even JSON, perhaps: what else is wrong on this line?
                match look_again(line) {
                    (Some(value), _) => match read(value) {
                        Ok(()) => return Ok(()),
                        Err(error) => Untaken::Undecodable(error),
                    },
                    (None, true) => Untaken::Undecodable(error),
                    (None, false) => {
                        if self.state == State::Idle {
                            (self.state, self.doubted) = (State::Unsynced, true);
                        }
                        Untaken::Failed(Fault::NotAReply)
                    }
                }
            }
            Err(untaken) => untaken,
        };
        Err(untaken.explain(line, self.command.bytes()))
    }

    /// Where the reply's value is; `None` for a command that is silent when it succeeds.
    fn take_value(&mut self, serial: u64) -> Result<Option<Found>, Untaken> {
        if serial != self.serial {
            return Err(Untaken::Misuse(Misuse::StaleTicket));
        }
        if !self.is_settled() {
            self.give_up();
            return Err(Untaken::Misuse(Misuse::NotSettled));
        }
        match self.call.take().and_then(|call| call.outcome) {
            Some(Outcome::Return(value)) => Ok(Some(Found::Value(value))),
            Some(Outcome::Late) => Ok(Some(Found::Late)),
            Some(Outcome::Silent) => Ok(None),
            Some(Outcome::Failed(fault)) => Err(Untaken::Failed(fault)),
            None => Err(Untaken::Misuse(Misuse::NotSettled)),
        }
    }
}

/// Where a reply's value is.
enum Found {
    /// In the framer's text.
    Value(Range<usize>),
    /// It came late.
    Late,
}

/// Looks at the whole of a line whose value could not be read: its value, if it is a reply to be read once more, and
/// whether it is a reply at all. What came late, or was never on a line, has been looked at.
fn look_again(line: Option<&[u8]>) -> (Option<&[u8]>, bool) {
    let Some(line) = line else { return (None, true) };
    match Reply::parse_in_full(line) {
        Some(Reply::Return { value, .. }) => (line.get(value), true),
        reply => (None, reply.is_some()),
    }
}
