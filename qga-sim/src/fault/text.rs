//! Faults as texts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use qga_proto::metadata;

use super::{BOTH_SYNCS, Fault, FaultKind};
use crate::commands;

/// How many bytes `oversized` adds, if it does not say: more than clients take.
const OVERSIZED: usize = 80 << 20;

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no such kind.
    Kind(String),
    /// There is no such command, so that nothing would ever be hit.
    Command(String),
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
    ("unheard", NOTHING, |value| without(value, FaultKind::Unheard)),
    ("delay", TIME, |value| time(value?).map(FaultKind::Delay)),
    ("late", TIME, |value| time(value?).map(FaultKind::Late)),
    ("reordered", NOTHING, |value| without(value, FaultKind::Reordered)),
    ("lost", NOTHING, |value| without(value, FaultKind::Lost)),
    ("doubled", NOTHING, |value| without(value, FaultKind::Doubled)),
    ("foreign", NOTHING, |value| without(value, FaultKind::Foreign)),
    ("garbage", NOTHING, |value| without(value, FaultKind::Garbage)),
    ("ff", NOTHING, |value| without(value, FaultKind::Delimiter)),
    ("nul", NOTHING, |value| without(value, FaultKind::Nul)),
    ("unasked", NOTHING, |value| without(value, FaultKind::Unasked)),
    ("cut", NUMBER, |value| number(value?).map(FaultKind::Cut)),
    ("hang-up", NOTHING, |value| without(value, FaultKind::HangUp)),
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
        if let Some(unknown) = command.filter(|name| !is_command(name)) {
            return Err(FaultError::Command(unknown.to_owned()));
        }
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

/// Whether any agent has a command of this name, or it stands for some.
fn is_command(name: &str) -> bool {
    name == BOTH_SYNCS || metadata::command(name).is_some() || commands::is_vendors(name)
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
            Self::Command(name) => {
                write!(f, "no agent has a command '{name}'; give the name of one, or 'sync' for both syncs")
            }
            Self::Value { kind, expected } => write!(f, "the value of '{kind}' is {expected}"),
            Self::When(kind) => write!(f, "'{kind}' is about the connection; it takes no '@', '#' or '%'"),
            Self::Number(text) => write!(f, "'{text}' is no number of a reply, or no percentage"),
        }
    }
}

impl std::error::Error for FaultError {}

/// As it is read.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(command) = &self.command {
            write!(f, "@{command}")?;
        }
        if let Some(nth) = self.nth {
            write!(f, "#{nth}")?;
        }
        if self.percent < 100 { write!(f, "%{}", self.percent) } else { Ok(()) }
    }
}

/// As it is read.
impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Pieces(number) | Self::Cut(number) | Self::Oversized(number) => write!(f, "={number}"),
            Self::Close(at) => write!(f, "={at}"),
            Self::Slow(time) | Self::Delay(time) | Self::Late(time) => {
                write!(f, "={}ms", time.as_secs_f64() * 1000.0)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_read() {
        let names: Vec<_> = FaultKind::EXAMPLES.iter().map(|kind| kind.name()).collect();
        assert_eq!(names, KINDS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_displayed_is_what_is_read() {
        for (name, ..) in KINDS {
            let fault =
                ["", "=7", "=1.5s"].iter().find_map(|value| format!("{name}{value}").parse::<Fault>().ok());
            let fault = fault.unwrap_or_else(|| panic!("{name} has no value"));
            assert_eq!(fault.to_string().parse(), Ok(fault), "{name}");
        }
        let fault = "lost@guest-exec#2%50";
        assert_eq!(fault.parse::<Fault>().unwrap().to_string(), fault);
    }

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
            ("unheard@guest-reboot", Fault::new(FaultKind::Unheard).of("guest-reboot")),
            ("cut=20%5", Fault::new(FaultKind::Cut(20)).percent(5)),
            ("hang-up#2", Fault::new(FaultKind::HangUp).nth(2)),
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
            ("lost@guest-pong", FaultError::Command("guest-pong".into())),
            ("lost@", FaultError::Command(String::new())),
            ("cut=0", FaultError::Value { kind: "cut", expected: NUMBER }),
            ("hang-up=1", FaultError::Value { kind: "hang-up", expected: NOTHING }),
            ("lost#0", FaultError::Number("0".into())),
            ("lost%101", FaultError::Number("101".into())),
        ] {
            assert_eq!(text.parse::<Fault>(), Err(error), "{text}");
        }
    }
}
