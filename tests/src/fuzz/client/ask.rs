//! The commands that are submitted: each carries a token, which comes back with its answer and with no other.

use qga_proto::commands::GuestExecStatus;
use qga_proto::json::{List, Raw, Str};
use qga_proto::{Client, Command, Error, Instant, Ticket};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fuzz::Metered;

/// What a command wants of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ok,
    /// The same, read as a typed reply.
    Typed,
    Fails,
    Silent,
    SilentFails,
    /// Is answered at length.
    Long,
    /// Is long itself.
    Padded,
    /// Asks for a program's end, which may have come with an earlier call's answer.
    Status,
}

impl Kind {
    pub(super) fn new(n: u8) -> Self {
        [
            Self::Ok,
            Self::Typed,
            Self::Fails,
            Self::Silent,
            Self::SilentFails,
            Self::Long,
            Self::Padded,
            Self::Status,
        ][usize::from(n & 7)]
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok | Self::Typed | Self::Padded => "x-ok",
            Self::Fails => "x-fail",
            Self::Silent => "x-quiet",
            Self::SilentFails => "x-quiet-fail",
            Self::Long => "x-long",
            Self::Status => GuestExecStatus::NAME,
        }
    }

    /// How the arguments end that carry a token.
    pub(super) fn mark(self, token: u64) -> String {
        match self {
            Self::Status => format!("\"pid\":{}}}", pid(token)),
            _ => format!("\"token\":{token}}}"),
        }
    }

    pub(super) fn is_silent(self) -> bool {
        matches!(self, Self::Silent | Self::SilentFails)
    }
}

/// The program that a call asks about: the same as the call before, or as the one after.
fn pid(token: u64) -> u64 {
    token / 2
}

#[derive(Serialize)]
struct Ask {
    #[serde(skip)]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad: Option<&'static str>,
    // The last, so that what follows tells whether the command has an `id`.
    token: u64,
}

impl Command for Ask {
    type View<'v> = Raw<'v>;

    fn name(&self) -> &str {
        self.kind.name()
    }

    fn success_response(&self) -> bool {
        !self.kind.is_silent()
    }
}

#[derive(Serialize)]
struct TypedAsk {
    token: u64,
}

#[derive(Deserialize)]
struct Answer<'a> {
    token: u64,
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    list: List<'a, u64>,
}

impl Command for TypedAsk {
    type View<'v> = Answer<'v>;

    fn name(&self) -> &str {
        Kind::Typed.name()
    }
}

/// A call that has been submitted.
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) token: u64,
    pub(super) deadline: Instant,
    ticket: AnyTicket,
}

enum AnyTicket {
    Raw(Ticket<Ask>),
    Typed(Ticket<TypedAsk>),
    Status(Ticket<GuestExecStatus>),
}

impl Asked {
    pub(super) fn submit(
        client: &mut Client<Metered>,
        kind: Kind,
        token: u64,
        now: Instant,
        deadline: Instant,
    ) -> Result<Self, Error> {
        const PAD: &str = match str::from_utf8(&[b'p'; 300]) {
            Ok(pad) => pad,
            Err(_) => unreachable!(),
        };
        let pad = (kind == Kind::Padded).then_some(PAD);
        let ticket = match kind {
            Kind::Typed => AnyTicket::Typed(client.submit(&TypedAsk { token }, now, deadline)?),
            Kind::Status => {
                let pid = i64::try_from(pid(token)).expect("few calls");
                AnyTicket::Status(client.submit(&GuestExecStatus::new(pid), now, deadline)?)
            }
            _ => AnyTicket::Raw(client.submit(&Ask { kind, pad, token }, now, deadline)?),
        };
        Ok(Self { kind, token, deadline, ticket })
    }

    /// Takes the reply; gives the token that it has, and whether all else is as the guest has said it.
    pub(super) fn reply(self, client: &mut Client<Metered>) -> Result<(Option<u64>, bool), Error> {
        match self.ticket {
            AnyTicket::Raw(ticket) => {
                let value = client.reply(ticket)?;
                let value: Value = serde_json::from_str(value.as_str()).expect("a value that is not JSON");
                Ok((value["token"].as_u64(), true))
            }
            AnyTicket::Status(ticket) => {
                let status = client.reply(ticket)?;
                let own = status.exited && status.exitcode == Some(pid(self.token).cast_signed());
                Ok((own.then_some(self.token), true))
            }
            AnyTicket::Typed(ticket) => {
                let answer = client.reply(ticket)?;
                // A list is looked at when it is walked, and only then found damaged.
                let list: Result<Vec<u64>, _> = answer.list.iter().collect();
                Ok((Some(answer.token), answer.text == "\"é" && list == Ok(vec![1, answer.token])))
            }
        }
    }
}
