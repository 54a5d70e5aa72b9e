//! What can go wrong on a line: what it is, and when.

use std::time::Duration;

use crate::commands::SYNCS;

mod text;
mod useless;

pub use text::FaultError;
#[cfg(feature = "toml")]
pub(crate) use text::time;
pub use useless::UselessFault;

/// Something that goes wrong, again and again or once; see [`Sim::fault`](crate::Sim::fault).
///
/// It is read from a text, too, as `qga sim --fault` takes it: the kind, its value, and when.
///
/// ```
/// use std::time::Duration;
/// use qga_sim::{Fault, FaultKind};
///
/// let lost = Fault::new(FaultKind::Lost).of("guest-exec").nth(1);
/// assert_eq!("lost@guest-exec#1".parse(), Ok(lost));
/// let slow = Fault::new(FaultKind::Delay(Duration::from_millis(500))).percent(10);
/// assert_eq!("delay=500ms%10".parse(), Ok(slow));
/// ```
///
/// What is said of replies holds for those to commands. The errors that garbage earns are spared, and so are the syncs, with
/// which a client finds out whether it is heard at all, unless a fault names one, or `sync` for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) kind: FaultKind,
    command: Option<String>,
    nth: Option<u64>,
    percent: u8,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// `pieces=N`: no more than so many bytes come at a time.
    Pieces(usize),
    /// `slow=TIME`: the bytes come one by one, and each takes so long.
    Slow(Duration),
    /// `deaf`: the agent never reads.
    Deaf,
    /// `close=N`: the connection ends behind so many bytes.
    Close(u64),
    /// `stale`: first comes what was meant for the client before: the end of a reply, and whole ones.
    Stale,
    /// `unheard`: the request gets lost, so that it is not carried out and there is no reply.
    Unheard,
    /// `delay=TIME`: the reply comes later, and all that the agent says behind it.
    Delay(Duration),
    /// `late=TIME`: the reply comes later, when the agent has answered others.
    Late(Duration),
    /// `reordered`: the reply comes behind the next one.
    Reordered,
    /// `lost`: the reply does not come.
    Lost,
    /// `doubled`: the reply comes twice.
    Doubled,
    /// `foreign`: the answer to somebody else's question comes first, with that one's `id`.
    Foreign,
    /// `garbage`: a line of bytes comes first that is no message.
    Garbage,
    /// `ff`: the byte 0xFF comes first.
    Delimiter,
    /// `nul`: NUL bytes come first.
    Nul,
    /// `unasked`: a reply that nobody has asked for comes behind it, without `id`.
    Unasked,
    /// `cut=N`: only so many bytes of the reply come, and what is said next stands right behind them.
    Cut(usize),
    /// `hang-up`: the connection ends in the place of the reply. The agent goes on.
    HangUp,
    /// `half`: half of the reply comes, and then nothing more, whatever is asked.
    Half,
    /// `restart`: half of the reply comes, then the agent dies, and another one takes its place.
    Restart,
    /// `oversized=N`: the reply has so many bytes more than it needs.
    Oversized(usize),
    /// `deep`: the reply is brackets inside each other, a hundred thousand of them.
    Deep,
    /// `endless`: the reply begins with a string that never ends.
    Endless,
    /// `bad-utf8`: a string of the reply is not UTF-8.
    InvalidUtf8,
    /// `bad-escape`: a string of the reply has an escape that there is not.
    InvalidEscape,
    /// `wrong-type`: the reply is of another type.
    WrongType,
}

/// What stands for both syncs.
const BOTH_SYNCS: &str = "sync";

impl Fault {
    /// A fault that hits every reply to a command; one of the connection hits every connection.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, command: None, nth: None, percent: 100 }
    }

    /// Lets it hit only the replies to this command; `sync` stands for both syncs. Whether any agent has such a command is only
    /// looked at where a text is read.
    #[must_use]
    pub fn of(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Lets it hit only one reply, of all or of those to its command: the first is 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Lets it hit only some replies, so many of a hundred.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    /// Whether it may hit the `nth` of the replies that it is about.
    pub(crate) fn hits(&self, nth: u64, random: &mut fastrand::Rng) -> bool {
        self.nth.is_none_or(|chosen| chosen == nth)
            && (self.percent >= 100 || random.u8(..100) < self.percent)
    }

    /// Whether it is about the replies to a command; to what is none, such as 0xFF, the empty name belongs.
    pub(crate) fn is_about(&self, command: &str) -> bool {
        let is_sync = SYNCS.contains(&command);
        match self.command.as_deref() {
            None => !is_sync && !command.is_empty(),
            Some(BOTH_SYNCS) => is_sync,
            Some(chosen) => chosen == command,
        }
    }
}

/// Each kind: its name in texts, and one of it. The compiler wants all of them here.
macro_rules! kinds {
    ($($name:literal: $variant:ident $(($value:expr))?,)*) => {
        impl FaultKind {
            /// One of each kind, with a value that does for most tests: a test over all of them is one over every fault there
            /// is.
            pub const EXAMPLES: &[Self] = &[$(Self::$variant $(($value))?),*];

            /// What it is called where faults are texts, such as `hang-up`; without its value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }
        }
    };
}

kinds! {
    "pieces": Pieces(3),
    "slow": Slow(Duration::from_millis(1)),
    "deaf": Deaf,
    "close": Close(500),
    "stale": Stale,
    "unheard": Unheard,
    "delay": Delay(Duration::from_secs(1)),
    "late": Late(Duration::from_secs(1)),
    "reordered": Reordered,
    "lost": Lost,
    "doubled": Doubled,
    "foreign": Foreign,
    "garbage": Garbage,
    "ff": Delimiter,
    "nul": Nul,
    "unasked": Unasked,
    "cut": Cut(10),
    "hang-up": HangUp,
    "half": Half,
    "restart": Restart,
    "oversized": Oversized(3000),
    "deep": Deep,
    "endless": Endless,
    "bad-utf8": InvalidUtf8,
    "bad-escape": InvalidEscape,
    "wrong-type": WrongType,
}

impl FaultKind {
    /// Whether it is one of the connection, and not of some replies.
    #[must_use]
    pub fn is_of_connection(self) -> bool {
        matches!(self, Self::Pieces(_) | Self::Slow(_) | Self::Deaf | Self::Close(_) | Self::Stale)
    }

    /// Whether it hits requests, and not their replies.
    pub(crate) fn is_of_request(self) -> bool {
        self == Self::Unheard
    }

    /// Whether it does something only to the value of a success.
    fn is_of_value(self) -> bool {
        matches!(self, Self::Deep | Self::InvalidUtf8 | Self::InvalidEscape | Self::WrongType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_spared_unless_they_are_named() {
        let fault = Fault::new(FaultKind::Lost);
        assert!(fault.is_about("guest-ping") && !fault.is_about("guest-sync") && !fault.is_about(""));
        let fault = fault.of("sync");
        assert!(!fault.is_about("guest-ping") && fault.is_about("guest-sync-delimited"));
    }
}
