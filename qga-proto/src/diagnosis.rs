//! What is wrong, in the words of whoever must do something about it.

use core::fmt;

use crate::buffer::Buffer;
use crate::commands::{GuestFsfreezeStatus, GuestInfo};
use crate::error::{Error, Misuse, Refusal, Sent};
use crate::metadata;
use crate::session::Session;
use crate::text::{INLINE_NAME, Text};
use crate::time::Instant;
use crate::transport::{Cause, Transport};
use crate::view;

/// What is wrong, as far as host and agent can tell: what [`Session::diagnose`] makes of an error.
///
/// It displays as one line that says what was seen; [`advice`](Self::advice) says what can be done. The texts of a
/// refusal come from the guest: escape them before a terminal sees them.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// There is nothing at the address.
    NoSocket,
    /// There is a socket, and nobody listens on it.
    NotListening,
    /// This user may not connect.
    AccessDenied,
    /// Another client holds the channel, and yet others wait for it.
    Busy,
    /// The address is wrong, or of a kind that this system does not have.
    BadAddress,
    /// There is no connection, for another reason.
    Unreachable,
    /// There is a connection, and nobody has ever answered on it.
    Silent,
    /// Something comes over the connection, and it is not a guest agent's.
    Foreign,
    /// The agent has answered before on this connection, and now says nothing that would let a command be sent.
    Stopped,
    /// The agent has answered before on this connection, but not in time to this.
    Slow,
    /// The connection was there, and is over.
    Lost,
    /// The guest's file systems are frozen: its agent refuses nearly everything.
    Frozen,
    /// The agent has the command, and was told not to carry it out, or the guest's system cannot.
    Disabled,
    /// The agent does not have the command.
    Unknown {
        /// The agent's version.
        version: Text,
        /// The QEMU release that brought the command, if the schema has it.
        since: Option<&'static str>,
    },
    /// The agent refused, for a reason of its own.
    Refused {
        /// The error's class.
        class: Text<INLINE_NAME>,
        /// The agent's words.
        desc: Text,
    },
    /// The agent said something that the protocol does not have.
    ProtocolBroken,
    /// The reply or the command is longer than the buffers may get.
    TooLong,
    /// The caller did something that makes no sense.
    Misuse,
    /// Too many calls wait for a shared session.
    QueueFull,
}

impl Diagnosis {
    /// What an error says by itself, without asking the agent.
    pub fn of<T: Transport>(error: &Error<T::Error>) -> Self {
        match error {
            Error::Refused(Refusal { class, desc, .. }) => {
                Self::Refused { class: class.clone(), desc: desc.clone() }
            }
            Error::TimedOut(timed_out) if timed_out.noise => Self::Foreign,
            Error::TimedOut(timed_out) if timed_out.heard && timed_out.sent == Sent::Nothing => Self::Stopped,
            Error::TimedOut(timed_out) if timed_out.heard => Self::Slow,
            Error::TimedOut(_) => Self::Silent,
            Error::Protocol(_) => Self::ProtocolBroken,
            Error::ReplyTooLong { .. } | Error::CommandTooLong { .. } => Self::TooLong,
            Error::Misuse(Misuse::Frozen) | Error::MayBeFrozen => Self::Frozen,
            Error::Misuse(_) => Self::Misuse,
            Error::Closed(_) | Error::Transport { .. } => Self::Lost,
            Error::Connect(error) => T::cause(error).into(),
            Error::QueueFull { .. } => Self::QueueFull,
        }
    }

    /// A word for it, for programs: `no-socket`, `frozen`... It stays the same.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoSocket => "no-socket",
            Self::NotListening => "not-listening",
            Self::AccessDenied => "access-denied",
            Self::Busy => "busy",
            Self::BadAddress => "bad-address",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Foreign => "foreign",
            Self::Stopped => "stopped",
            Self::Slow => "slow",
            Self::Lost => "lost",
            Self::Frozen => "frozen",
            Self::Disabled => "disabled",
            Self::Unknown { .. } => "unknown-command",
            Self::Refused { .. } => "refused",
            Self::ProtocolBroken => "protocol-broken",
            Self::TooLong => "too-long",
            Self::Misuse => "misuse",
            Self::QueueFull => "queue-full",
        }
    }

    /// What can be done about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NoSocket => "is the virtual machine running, and has it an agent's channel there?",
            Self::NotListening => "the virtual machine has ended, or the agent does not run",
            Self::AccessDenied => "run as a user who may use it",
            Self::Busy => "see which other program has the channel; there can be only one at a time",
            Self::BadAddress => "see how the address is written",
            Self::Unreachable => "see whether the address is right and the virtual machine is running",
            Self::Silent => {
                "the agent is not running, the guest is still booting, or another client holds the channel"
            }
            Self::Foreign => {
                "see whether it is an agent's channel: a serial console, or QEMU's monitor, answers like that"
            }
            Self::Stopped => {
                "it has ended, is busy with something else, or the guest starts anew: wait until it is ready"
            }
            Self::Slow => "give it more time; the command may still be carried out",
            Self::Lost => "the agent or the virtual machine has ended or started anew; connect again",
            Self::Frozen => "thaw the guest first (guest-fsfreeze-thaw)",
            Self::Disabled => "allow it in the agent's configuration, if the guest's system can do it at all",
            Self::Unknown { .. } => "a newer agent may have it, or one for another system",
            Self::Refused { .. } => "see what the agent says",
            Self::ProtocolBroken => "see whether it is a guest agent that is connected there",
            Self::TooLong => "ask for less at a time, or allow more",
            Self::Misuse => "see how the command is written",
            Self::QueueFull => "call less at once, or let more wait",
        }
    }
}

impl From<Cause> for Diagnosis {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::NotFound => Self::NoSocket,
            Cause::Refused => Self::NotListening,
            Cause::Denied => Self::AccessDenied,
            Cause::Busy => Self::Busy,
            Cause::Invalid => Self::BadAddress,
            Cause::TimedOut | Cause::Other => Self::Unreachable,
        }
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Finds out what is behind a call's error: where the agent refused, it is asked what it has (`guest-info`) and
    /// whether the guest is frozen (`guest-fsfreeze-status`), as agents say the same in all these cases, and each
    /// version in other words. What it does not tell by the deadline is left out.
    ///
    /// Dropping the future gives up only the questions; see [`Session`].
    pub async fn diagnose(&mut self, error: &Error<T::Error>, deadline: Instant) -> Diagnosis {
        let diagnosis = Diagnosis::of::<T>(error);
        let Error::Refused(refusal) = error else { return diagnosis };
        let name = refusal.command.as_str();
        if name == GuestInfo::NAME {
            return diagnosis;
        }
        match self.ask_about(name, deadline).await {
            Some(Answer::Missing { version }) if refusal.is_command_not_found() => Diagnosis::Unknown {
                version,
                since: metadata::command(name).and_then(|command| command.since),
            },
            Some(Answer::Disabled) if self.says_frozen(deadline).await => Diagnosis::Frozen,
            Some(Answer::Disabled) => Diagnosis::Disabled,
            _ => diagnosis,
        }
    }

    async fn ask_about(&mut self, name: &str, deadline: Instant) -> Option<Answer> {
        let info = self.call_view_until(&GuestInfo::new(), deadline).await.ok()?;
        let mut commands = info.supported_commands.iter().peekable();
        // An agent that lists nothing (before QEMU 1.1) does not say that it lacks anything.
        commands.peek()?;
        match commands.filter_map(Result::ok).find(|command| command.name == name) {
            None => Some(Answer::Missing { version: Text::of(info.version) }),
            Some(command) => (!command.enabled).then_some(Answer::Disabled),
        }
    }

    async fn says_frozen(&mut self, deadline: Instant) -> bool {
        let status = self.call_view_until(&GuestFsfreezeStatus::new(), deadline).await;
        status.is_ok_and(|status| status == view::GuestFsfreezeStatus::Frozen)
    }
}

/// What the agent says of a command.
enum Answer {
    Missing { version: Text },
    Disabled,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSocket => "there is no such socket or device",
            Self::NotListening => "nobody listens on the socket",
            Self::AccessDenied => "access is denied",
            Self::Busy => "another client holds the channel, and more are waiting",
            Self::BadAddress => "the address is wrong, or of a kind that this system does not have",
            Self::Unreachable => "there is no connection",
            Self::Silent => "connected, but nobody has answered",
            Self::Foreign => "connected, but what comes is not a guest agent's",
            Self::Stopped => "the agent has answered before, and does not any more",
            Self::Slow => "the agent has answered before, but not to this in time",
            Self::Lost => "the connection was lost",
            Self::Frozen => "the guest's file systems are frozen",
            Self::Disabled => "the agent has the command, and it is disabled",
            Self::Unknown { version, since } => {
                write!(f, "this agent, version {version}, does not have the command")?;
                return since.map_or(Ok(()), |since| write!(f, ", which is there since QEMU {since}"));
            }
            Self::Refused { class, desc } => return write!(f, "the agent refused: {desc} ({class})"),
            Self::ProtocolBroken => "the agent broke the protocol",
            Self::TooLong => "the message is longer than the limit",
            Self::Misuse => "the command makes no sense",
            Self::QueueFull => "too many calls wait for the session",
        })
    }
}
