//! The command in flight.

use core::marker::PhantomData;
use core::ops::Range;

use super::late::Program;
use crate::error::{Error, Misuse, Refusal, Sent, TimedOut, Violation};
use crate::json;
use crate::message::{self, ErrorObject};
use crate::text::Text;
use crate::time::Instant;

/// The command in flight.
#[derive(Debug)]
pub(super) struct Call {
    /// Its `id` on the wire, in id mode.
    pub(super) id: u64,
    pub(super) deadline: Instant,
    pub(super) success_response: bool,
    pub(super) program: Program,
    /// Whether it opens a file.
    pub(super) opens: bool,
    /// How many bytes are encoded, without the end.
    pub(super) body: usize,
    /// How many bytes there are to send; zero until the mode is known.
    pub(super) len: usize,
    /// How many have been sent.
    pub(super) sent: usize,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// The reply's value, as a range of the framer's text.
    Return(Range<usize>),
    /// The reply's value, which came late: after the call that asked for it first.
    Late,
    /// Accepted, by a command that says nothing then.
    Silent,
    Failed(Fault),
}

/// Why a call has failed, without the words: these are still in the framer's text, as a range.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Refused(Range<usize>),
    Unattributed(Range<usize>),
    NotAReply,
    TimedOut(TimedOut),
    TooLong { len: usize, limit: usize },
    Closed(Sent),
}

/// Why a reply is not handed out.
pub(super) enum Untaken {
    Failed(Fault),
    Misuse(Misuse),
    Undecodable(json::Error),
}

impl Fault {
    /// The error, with the agent's words of `line`. It is large, and so made last.
    #[inline(never)]
    fn explain(self, line: &[u8], command: &[u8]) -> Error {
        let refusal = |error: Range<usize>| -> Option<Refusal> {
            let error: ErrorObject<'_> = json::from_slice(line.get(error)?).ok()?;
            Some(Refusal {
                command: Text::of(message::command_name(command)),
                class: Text::of(error.class),
                desc: Text::of(error.desc),
            })
        };
        match self {
            Self::Refused(error) => refusal(error).map(Error::Refused),
            Self::Unattributed(error) => refusal(error)
                .map(|Refusal { class, desc, .. }| Violation::Unattributed { class, desc }.into()),
            Self::NotAReply => None,
            Self::TimedOut(timed_out) => Some(Error::TimedOut(timed_out)),
            Self::TooLong { len, limit } => Some(Error::ReplyTooLong { len, limit }),
            Self::Closed(sent) => Some(Error::Closed(sent)),
        }
        .unwrap_or(Error::Protocol(Violation::NotAReply))
    }
}

impl Untaken {
    /// The error, with the agent's words of `line`.
    pub(super) fn explain(self, line: &[u8], command: &[u8]) -> Error {
        match self {
            Self::Failed(fault) => fault.explain(line, command),
            Self::Misuse(misuse) => Error::Misuse(misuse),
            Self::Undecodable(error) => Error::undecodable(error),
        }
    }
}

impl Call {
    /// Whether the agent may have acted on it: it does so at the closing brace, before the newline has come.
    pub(super) fn can_be_answered(&self) -> bool {
        self.len > 0 && self.sent + b"\n".len() >= self.len
    }

    /// How much of it has left.
    pub(super) fn sent(&self) -> Sent {
        match self.sent {
            0 => Sent::Nothing,
            sent if sent == self.len => Sent::All,
            _ => Sent::Part,
        }
    }
}

/// Stands for a submitted command, and knows the type of its reply.
#[derive(Debug)]
#[must_use = "the reply is got with it"]
pub struct Ticket<C> {
    serial: u64,
    command: PhantomData<fn() -> C>,
}

impl<C> Ticket<C> {
    pub(super) fn new(serial: u64) -> Self {
        Self { serial, command: PhantomData }
    }

    pub(super) fn into_serial(self) -> u64 {
        self.serial
    }
}
