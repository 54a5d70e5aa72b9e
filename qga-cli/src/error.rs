//! What can go wrong, as the user is told.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::output;

/// What kind of failure it is. Each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The agent said no.
    Refused,
    /// The agent does not do what is expected of it.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// There is no connection, or no longer.
    Connection,
    /// The deadline passed.
    Deadline,
    /// The agent said what no agent may say, or more than is taken.
    Protocol,
    /// The result could not be printed.
    Output,
    /// Several guests failed, not all in the same way.
    Several,
    /// A program, of the guest's or the host's, ended otherwise than with exit code 0, which is passed on. Nobody is told: it
    /// is no failure of ours.
    Program,
    /// The guest may be frozen, and could not be thawed.
    MayBeFrozen,
    /// A signal has stopped it. Nobody is told: the process ends with the signal's number.
    Stopped,
}

impl Kind {
    const fn exit_code(self) -> u8 {
        match self {
            Self::Refused | Self::Failed | Self::Program => 1,
            Self::Usage => 2,
            Self::Connection => 3,
            Self::Deadline => 4,
            Self::Protocol => 5,
            Self::Output => 6,
            Self::Several => 7,
            Self::MayBeFrozen => 8,
            Self::Stopped => 128,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Connection => "connection",
            Self::Deadline => "deadline",
            Self::Protocol => "protocol",
            Self::Output => "output",
            Self::Several => "several",
            Self::Program => "program",
            Self::MayBeFrozen => "may-be-frozen",
            Self::Stopped => "stopped",
        }
    }
}

/// A failure: what, where, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    address: Option<String>,
    advice: Option<String>,
    /// The exit code, where it is not that of the kind.
    code: Option<u8>,
    /// The message in fewer words, for where there are many.
    brief: Option<Box<str>>,
    /// What else a program may want to know.
    details: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (message, details) = (message.into(), Map::new());
        Self { kind, message, address: None, advice: None, code: None, brief: None, details }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds what to do about it.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Adds what else there is to say to the message.
    pub(crate) fn note(mut self, text: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(text);
        self
    }

    /// Adds the message in fewer words.
    pub(crate) fn shorten(mut self, brief: impl Into<Box<str>>) -> Self {
        self.brief = Some(brief.into());
        self
    }

    /// Adds where it happened.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    /// Adds what else a program may want to know.
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Sets another exit code than that of its kind, if none is set yet.
    pub(crate) fn exit_with(mut self, code: u8) -> Self {
        self.code = self.code.or(Some(code));
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the agent refused without saying of what kind the reason is: also for arguments that it does not take.
    pub(crate) fn is_generic_error(&self) -> bool {
        self.details.get("class").is_some_and(|class| class == "GenericError")
    }

    /// Whether a command may have been carried out.
    pub(crate) fn is_fate_unknown(&self) -> bool {
        self.details.get("fate_unknown").is_some_and(|is_unknown| is_unknown == true)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        self.code.unwrap_or(self.kind.exit_code())
    }

    /// Prints it to standard error, as one line. What a program has said itself is not said again.
    pub(crate) fn report(&self, json: bool) {
        if self.kind == Kind::Program {
            return;
        }
        output::print_error(&self.told(json));
    }

    /// It as it is printed.
    pub(crate) fn told(&self, json: bool) -> String {
        if json {
            output::escape::json(&json!({ "error": self.document() }).to_string()).into_owned()
        } else {
            self.line()
        }
    }

    /// It in a few words, for one of many guests.
    pub(crate) fn brief(&self) -> String {
        format!("{}: {}", self.kind.name(), self.brief.as_deref().unwrap_or(&self.message))
    }

    fn line(&self) -> String {
        let mut line = "qga: ".to_owned();
        // Strings take all that is written to them.
        if let Some(address) = &self.address {
            let mark = if address.ends_with(':') { "" } else { ":" };
            let _ = write!(line, "{address}{mark} ");
        }
        line.push_str(&self.message);
        if let Some(advice) = &self.advice {
            let mark = if self.message.ends_with('?') { "" } else { ";" };
            let _ = write!(line, "{mark} {advice}");
        }
        output::escape::text(&line).into_owned()
    }

    /// It as JSON.
    pub(crate) fn document(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.name().into());
        error.insert("exit_code".into(), self.code().into());
        error.insert("message".into(), self.message.as_str().into());
        for (name, text) in [("address", &self.address), ("advice", &self.advice)] {
            if let Some(text) = text {
                error.insert(name.into(), text.as_str().into());
            }
        }
        error.extend(self.details.clone());
        error.into()
    }
}

/// What the system said, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_with_nothing_to_harm_the_terminal() {
        let failure = Failure::new(Kind::Refused, "bad\nnews \x1b[31m").at("unix:/s").advise("go");
        assert_eq!(failure.line(), "qga: unix:/s: bad\\nnews \\u{1b}[31m; go");
    }

    #[test]
    fn json_has_what_a_program_needs() {
        let failure = Failure::usage("no").advise("go").detail("heard", false);
        assert_eq!(
            failure.document().to_string(),
            r#"{"advice":"go","exit_code":2,"heard":false,"kind":"usage","message":"no"}"#
        );
    }
}
