//! What can go wrong on a line: what it is, and when.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::commands::SYNCS;

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

/// How many bytes `oversized` adds, if it does not say: more than clients take.
const OVERSIZED: usize = 80 << 20;

impl Fault {
    /// A fault that hits every reply to a command; one of the connection hits every connection.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, command: None, nth: None, percent: 100 }
    }

    /// Lets it hit only the replies to this command; `sync` stands for both syncs.
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
            Some("sync") => is_sync,
            Some(chosen) => chosen == command,
        }
    }
}

impl FaultKind {
    /// Whether it is one of the connection, and not of some replies.
    pub(crate) fn is_of_connection(self) -> bool {
        matches!(self, Self::Pieces(_) | Self::Slow(_) | Self::Deaf | Self::Close(_) | Self::Stale)
    }
}

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no such kind.
    Kind(String),
    /// The kind has another value, or none.
    Value {
        /// The kind.
        kind: &'static str,
        /// What its value is.
        expected: &'static str,
    },
    /// A fault of the connection hits no replies.
    When(&'static str),
    /// What stands behind `#` or `%` is no number that can be.
    Number(String),
}

/// Names, what their value is, and how it is read.
type Kind = (&'static str, &'static str, fn(Option<&str>) -> Option<FaultKind>);

const NUMBER: &str = "a number above 0";
const TIME: &str = "a time, such as 500ms or 2s";
const NOTHING: &str = "not there";

/// All kinds.
const KINDS: &[Kind] = &[
    ("pieces", NUMBER, |value| number(value?).map(FaultKind::Pieces)),
    ("slow", TIME, |value| time(value?).map(FaultKind::Slow)),
    ("deaf", NOTHING, |value| without(value, FaultKind::Deaf)),
    ("close", NUMBER, |value| number(value?).map(|at| FaultKind::Close(at as u64))),
    ("stale", NOTHING, |value| without(value, FaultKind::Stale)),
    ("delay", TIME, |value| time(value?).map(FaultKind::Delay)),
    ("late", TIME, |value| time(value?).map(FaultKind::Late)),
    ("reordered", NOTHING, |value| without(value, FaultKind::Reordered)),
    ("lost", NOTHING, |value| without(value, FaultKind::Lost)),
    ("doubled", NOTHING, |value| without(value, FaultKind::Doubled)),
    ("foreign", NOTHING, |value| without(value, FaultKind::Foreign)),
    ("garbage", NOTHING, |value| without(value, FaultKind::Garbage)),
    ("ff", NOTHING, |value| without(value, FaultKind::Delimiter)),
    ("nul", NOTHING, |value| without(value, FaultKind::Nul)),
    ("half", NOTHING, |value| without(value, FaultKind::Half)),
    ("restart", NOTHING, |value| without(value, FaultKind::Restart)),
    ("oversized", "a number above 0, or not there", |value| {
        value.map_or(Some(OVERSIZED), number).map(FaultKind::Oversized)
    }),
    ("deep", NOTHING, |value| without(value, FaultKind::Deep)),
    ("endless", NOTHING, |value| without(value, FaultKind::Endless)),
    ("bad-utf8", NOTHING, |value| without(value, FaultKind::InvalidUtf8)),
    ("bad-escape", NOTHING, |value| without(value, FaultKind::InvalidEscape)),
    ("wrong-type", NOTHING, |value| without(value, FaultKind::WrongType)),
];

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number > 0)
}

/// Reads a time that is not nothing.
pub(crate) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok().filter(|time| !time.is_zero())
}

fn without(value: Option<&str>, kind: FaultKind) -> Option<FaultKind> {
    value.is_none().then_some(kind)
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (rest, percent) = split(text, '%');
        let (rest, nth) = split(rest, '#');
        let (rest, command) = split(rest, '@');
        let (name, value) = split(rest, '=');
        let &(name, expected, read) =
            KINDS.iter().find(|(kind, ..)| *kind == name).ok_or_else(|| FaultError::Kind(name.to_owned()))?;
        let kind = read(value).ok_or(FaultError::Value { kind: name, expected })?;
        if kind.is_of_connection() && (command.is_some() || nth.is_some() || percent.is_some()) {
            return Err(FaultError::When(name));
        }
        let bad_number = |text: &str| FaultError::Number(text.to_owned());
        let mut fault = Self::new(kind);
        fault.command = command.map(str::to_owned);
        if let Some(nth) = nth {
            fault.nth = Some(nth.parse().ok().filter(|&nth| nth > 0).ok_or_else(|| bad_number(nth))?);
        }
        if let Some(percent) = percent {
            let number = percent.parse().ok().filter(|percent| (1..=100).contains(percent));
            fault.percent = number.ok_or_else(|| bad_number(percent))?;
        }
        Ok(fault)
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(name) => {
                let names: Vec<_> = KINDS.iter().map(|(name, ..)| *name).collect();
                write!(f, "there is no fault '{name}'; there are {}", names.join(", "))
            }
            Self::Value { kind, expected } => write!(f, "the value of '{kind}' is {expected}"),
            Self::When(kind) => write!(f, "'{kind}' is about the connection; it takes no '@', '#' or '%'"),
            Self::Number(text) => write!(f, "'{text}' is no number of a reply, or no percentage"),
        }
    }
}

impl std::error::Error for FaultError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read() {
        let seconds = Duration::from_secs;
        for (text, fault) in [
            ("lost", Fault::new(FaultKind::Lost)),
            ("lost@guest-exec#2%50", Fault::new(FaultKind::Lost).of("guest-exec").nth(2).percent(50)),
            ("pieces=1", Fault::new(FaultKind::Pieces(1))),
            ("slow=1.5s", Fault::new(FaultKind::Slow(Duration::from_millis(1500)))),
            ("late=2s@sync", Fault::new(FaultKind::Late(seconds(2))).of("sync")),
            ("oversized", Fault::new(FaultKind::Oversized(OVERSIZED))),
            ("oversized=7#1", Fault::new(FaultKind::Oversized(7)).nth(1)),
        ] {
            assert_eq!(text.parse(), Ok(fault), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, error) in [
            ("", FaultError::Kind(String::new())),
            ("Lost", FaultError::Kind("Lost".into())),
            ("lost=1", FaultError::Value { kind: "lost", expected: NOTHING }),
            ("pieces", FaultError::Value { kind: "pieces", expected: NUMBER }),
            ("pieces=0", FaultError::Value { kind: "pieces", expected: NUMBER }),
            ("delay=5", FaultError::Value { kind: "delay", expected: TIME }),
            ("delay=-1s", FaultError::Value { kind: "delay", expected: TIME }),
            ("delay=nans", FaultError::Value { kind: "delay", expected: TIME }),
            ("deaf#1", FaultError::When("deaf")),
            ("lost#0", FaultError::Number("0".into())),
            ("lost%101", FaultError::Number("101".into())),
        ] {
            assert_eq!(text.parse::<Fault>(), Err(error), "{text}");
        }
    }

    #[test]
    fn syncs_are_spared_unless_they_are_named() {
        let fault = Fault::new(FaultKind::Lost);
        assert!(fault.is_about("guest-ping") && !fault.is_about("guest-sync") && !fault.is_about(""));
        let fault = fault.of("sync");
        assert!(!fault.is_about("guest-ping") && fault.is_about("guest-sync-delimited"));
    }
}
