//! What can go wrong, sorted by culprit.

use core::convert::Infallible;
use core::fmt;

use crate::json;
use crate::text::{INLINE_NAME, Text};

/// Why a call failed. `E` is the transport's own error; the core alone has none.
///
/// After every error the next call gets its own answer; where the connection is over
/// ([`is_connection_lost`](Self::is_connection_lost)) it needs a new one, which a session makes under its
/// [`Reconnect`](crate::Reconnect) policy. Whether the command may have been carried out is said by
/// [`is_fate_unknown`](Self::is_fate_unknown).
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E = Infallible> {
    /// The agent understood and said no.
    Refused(Refusal),
    /// The deadline passed. A reply that still comes is not taken for another's.
    TimedOut(TimedOut),
    /// The agent said something that the protocol does not have.
    Protocol(Violation),
    /// The reply is longer than the receive buffer may get. It was passed over. Where that has no byte at all nothing was sent:
    /// how long the reply would be is not known then, and `len` is 1.
    ReplyTooLong {
        /// How many bytes the reply has, its line's end not counted.
        len: usize,
        /// How many fit.
        limit: usize,
    },
    /// The command is longer than the transmit buffer may get. Nothing was sent.
    CommandTooLong {
        /// How many bytes the command has, at the most: how its end looks is not known yet.
        len: usize,
        /// How many bytes fit.
        limit: usize,
    },
    /// The caller did something that makes no sense. Nothing was sent.
    Misuse(Misuse),
    /// The connection is over.
    Closed(Sent),
    /// The transport failed, and the connection is over.
    Transport {
        /// What it says.
        error: E,
        /// How much of the command had left.
        sent: Sent,
    },
    /// There is no connection, and none could be made. Nothing was sent.
    Connect(E),
    /// This session has frozen the guest, or began to, and could not thaw it before this call: the guest may still be
    /// frozen. Nothing was sent of this command. The next call tries to thaw again, and so does [`Session::thaw`].
    ///
    /// [`Session::thaw`]: crate::Session::thaw
    MayBeFrozen,
    /// As many calls as may wait for a shared session do so already. Nothing was sent.
    QueueFull {
        /// How many may wait.
        limit: usize,
    },
}

/// A refusal: the agent's error object.
///
/// Decide by [`class`](Self::class), never by [`desc`](Self::desc): one condition has three wordings over the versions.
/// And `CommandNotFound` alone does not mean that the agent lacks the command: a frozen guest gives the same answer
/// to nearly all of them.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The command that was refused.
    pub command: Text<INLINE_NAME>,
    /// `GenericError` or `CommandNotFound` (all that agents since QEMU 1.2 send), or whatever the agent says.
    pub class: Text<INLINE_NAME>,
    /// The agent's words, for humans. They come from the guest: escape them before a terminal sees them.
    pub desc: Text,
}

impl Refusal {
    /// Whether the agent says that it has no such command, or has it disabled, or is frozen.
    #[must_use]
    pub fn is_command_not_found(&self) -> bool {
        self.class.as_str() == "CommandNotFound"
    }
}

/// A deadline that passed.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// How much of the command had left.
    pub sent: Sent,
    /// Whether the agent has ever said anything on this connection. `false`: it is not running, the guest is not up,
    /// or another client holds the channel.
    pub heard: bool,
    /// Whether nothing but noise came, or nobody answered the sync among it: what is there is no agent, or none yet.
    pub noise: bool,
}

/// How much of a command had left when its call ended: whether it may be carried out.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// Nothing: the agent will never see the command.
    Nothing,
    /// A part. The next thing that is sent makes the agent drop it, but if nothing is sent any more, the next client's
    /// bytes may complete it.
    Part,
    /// All of it: the agent may have carried it out, or may still do so.
    All,
}

/// What the agent did that the protocol does not have.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A line that is not a reply: not JSON, not an object, without `return` and `error`, or with both.
    NotAReply,
    /// An error without an `id`, from an agent that repeats them: it could not read the request, or the answer is
    /// somebody else's.
    Unattributed {
        /// The error's class.
        class: Text<INLINE_NAME>,
        /// The agent's words.
        desc: Text,
    },
    /// A reply to our command that is not of the command's type.
    Undecodable(json::Error),
}

/// What the caller did that makes no sense.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The command's arguments are not a JSON object, or cannot be written at all.
    Arguments,
    /// The reply was asked for before there was one.
    NotSettled,
    /// The ticket belongs to another, earlier call.
    StaleTicket,
    /// This session holds the guest frozen, and the command is none that an agent carries out then.
    Frozen,
    /// A copy was given no memory to copy with.
    NoBuffer,
}

impl<E> Error<E> {
    /// Whether there is no connection any more, or none could be made.
    #[must_use]
    pub const fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Transport { .. } | Self::Connect(_))
    }

    /// How much of the command had left. `None` where that is not known: take it for all.
    #[must_use]
    pub const fn sent(&self) -> Option<Sent> {
        match self {
            Self::Refused(_) => Some(Sent::All),
            Self::TimedOut(TimedOut { sent, .. }) | Self::Closed(sent) | Self::Transport { sent, .. } => {
                Some(*sent)
            }
            Self::CommandTooLong { .. }
            | Self::Misuse(_)
            | Self::Connect(_)
            | Self::MayBeFrozen
            | Self::QueueFull { .. } => Some(Sent::Nothing),
            Self::Protocol(_) | Self::ReplyTooLong { .. } => None,
        }
    }

    /// Whether nobody knows what became of the command: it left, at least in part, and its outcome did not come. The
    /// agent may have carried it out, or may still do so; do not repeat what must not happen twice.
    #[must_use]
    pub const fn is_fate_unknown(&self) -> bool {
        !matches!(self, Self::Refused(_)) && !matches!(self.sent(), Some(Sent::Nothing))
    }

    /// A reply whose value is not what it should be.
    pub(crate) const fn undecodable(error: json::Error) -> Self {
        Self::Protocol(Violation::Undecodable(error))
    }

    /// Whether the deadline passed while the call was under way. When it passed before there was a connection, that is an
    /// [`Error::Connect`].
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// How many bytes a buffer of the client's, or its limit, was too short by, if that is the error.
    #[must_use]
    pub const fn missing_bytes(&self) -> Option<usize> {
        match self {
            Self::ReplyTooLong { len, limit } | Self::CommandTooLong { len, limit } => {
                Some(len.saturating_sub(*limit))
            }
            _ => None,
        }
    }

    /// The agent's refusal, if it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Protocol(violation)
    }
}

impl Error {
    /// The same error where a transport could have failed too.
    #[must_use]
    pub fn widen<E>(self) -> Error<E> {
        match self {
            Self::Refused(refusal) => Error::Refused(refusal),
            Self::TimedOut(timed_out) => Error::TimedOut(timed_out),
            Self::Protocol(violation) => Error::Protocol(violation),
            Self::ReplyTooLong { len, limit } => Error::ReplyTooLong { len, limit },
            Self::CommandTooLong { len, limit } => Error::CommandTooLong { len, limit },
            Self::Misuse(misuse) => Error::Misuse(misuse),
            Self::Closed(sent) => Error::Closed(sent),
            Self::Transport { error: never, .. } | Self::Connect(never) => match never {},
            Self::MayBeFrozen => Error::MayBeFrozen,
            Self::QueueFull { limit } => Error::QueueFull { limit },
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Protocol(violation) => violation.fmt(f),
            Self::ReplyTooLong { len, limit } => {
                write!(f, "the reply of {len} bytes is longer than the limit of {limit} bytes")
            }
            Self::CommandTooLong { len, limit } => {
                write!(f, "the command of {len} bytes is longer than the limit of {limit} bytes")
            }
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Closed(sent) => write!(f, "the connection is closed ({sent})"),
            Self::Transport { error, sent } => write!(f, "the connection was lost: {error} ({sent})"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::MayBeFrozen => {
                f.write_str("THE GUEST MAY BE FROZEN: this session has frozen it, and could not thaw it yet")
            }
            Self::QueueFull { limit } => write!(f, "{limit} calls wait for this session already"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport { error, .. } | Self::Connect(error) => Some(error),
            Self::Protocol(Violation::Undecodable(error)) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the agent refused {}: {} ({})", self.command, self.desc, self.class)
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the deadline passed ({}); ", self.sent)?;
        f.write_str(if self.noise {
            "what came on this connection is not a guest agent's"
        } else if self.heard {
            "the agent has answered before on this connection"
        } else {
            "nobody has answered on this connection: the agent is not running, the guest is still booting, or another \
             client holds the channel"
        })
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "the command was not sent",
            Self::Part => "the command was sent in part; its fate is unknown",
            Self::All => "the command was sent; its fate is unknown: it may have been carried out",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReply => f.write_str("the agent sent a line that is not a reply"),
            Self::Unattributed { class, desc } => {
                write!(f, "the agent sent an error that names no request: {desc} ({class})")
            }
            Self::Undecodable(error) => {
                write!(f, "the agent's reply is not what the command returns: {error}")
            }
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arguments => "the command's arguments are not a JSON object",
            Self::NotSettled => "there is no reply yet",
            Self::StaleTicket => "the ticket belongs to an earlier call",
            Self::Frozen => "this session holds the guest frozen, and the command is not for a frozen guest",
            Self::NoBuffer => "the copy was given no memory to copy with",
        })
    }
}
