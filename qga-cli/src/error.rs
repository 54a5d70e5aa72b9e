//! What can go wrong, as the user is told.

use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use qga_proto::{Error, Sent, TimedOut};
use qga_std::ConnectError;
use serde_json::{Map, Value, json};

use crate::output;

/// What kind of failure it is: one for each exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The agent said no.
    Refused,
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
}

impl Kind {
    const fn exit_code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Connection => 3,
            Self::Deadline => 4,
            Self::Protocol => 5,
            Self::Output => 6,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Connection => "connection",
            Self::Deadline => "deadline",
            Self::Protocol => "protocol",
            Self::Output => "output",
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
    /// What else a program may want to know.
    details: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), address: None, advice: None, details: Map::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds what to do about it.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Adds where it happened.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// The agent's words, when it refused.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.details.get("desc")?.as_str()
    }

    /// Whether the agent says that there is no such command.
    pub(crate) fn is_command_not_found(&self) -> bool {
        self.details.get("class").is_some_and(|class| class == "CommandNotFound")
    }

    /// Whether the agent refused without saying of what kind the reason is: also for arguments that it does not take.
    pub(crate) fn is_generic_error(&self) -> bool {
        self.details.get("class").is_some_and(|class| class == "GenericError")
    }

    /// Prints it to standard error, as one line.
    pub(crate) fn report(&self, json: bool) {
        let line = if json { self.json() } else { self.line() };
        output::print_error(&line);
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

    fn json(&self) -> String {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.name().into());
        error.insert("exit_code".into(), self.kind.exit_code().into());
        error.insert("message".into(), self.message.as_str().into());
        for (name, text) in [("address", &self.address), ("advice", &self.advice)] {
            if let Some(text) = text {
                error.insert(name.into(), text.as_str().into());
            }
        }
        error.extend(self.details.clone());
        output::escape::json(&json!({ "error": error }).to_string()).into_owned()
    }
}

/// There is no connection.
impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let address = error.address();
        let Some(cause) = error.io_error() else {
            let what = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
            return Self::usage(format!("'{address}' is no address: {what}"))
                .advise("for a simulated guest say sim:");
        };
        if cause.kind() == ErrorKind::TimedOut {
            return Self::new(Kind::Deadline, "the deadline passed before there was a connection")
                .at(address)
                .advise("see whether the host can be reached, or give it more time with -t")
                .detail("heard", false);
        }
        if cause.raw_os_error() == Some(ENOTTY) {
            return Self::new(Kind::Connection, "cannot connect: that is not a serial device")
                .at(address)
                .advise("give the path of a serial device or pseudo terminal; for a socket say unix:PATH");
        }
        Self::new(Kind::Connection, format!("cannot connect: {}", reason(cause)))
            .at(address)
            .advise(advice_on_connecting(cause.kind()))
    }
}

/// What Unix systems say of a file that is no terminal: "inappropriate ioctl for device".
const ENOTTY: i32 = 25;

fn advice_on_connecting(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "is the virtual machine running, and has it an agent's channel there?",
        ErrorKind::PermissionDenied => "run qga as a user who may use it",
        ErrorKind::ConnectionRefused => {
            "nobody listens there: the virtual machine has ended, or the agent does not run"
        }
        ErrorKind::Unsupported => "this system has no such addresses",
        _ => "see whether the address is right and the virtual machine is running",
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

/// A call failed.
pub(crate) fn call_failed(error: Error<io::Error>) -> Failure {
    match error {
        Error::Refused(refusal) => {
            let (command, class) = (refusal.command.as_str(), refusal.class.as_str());
            let desc = refusal.desc.as_str().trim_end_matches(['.', '\n']);
            Failure::new(Kind::Refused, format!("the agent refused {command}: {desc} ({class})"))
                .detail("command", command)
                .detail("class", class)
                .detail("desc", refusal.desc.as_str())
        }
        Error::TimedOut(timed_out) => timed_out_call(timed_out),
        Error::Closed(sent) => {
            Failure::new(Kind::Connection, "the agent closed the connection").advise(match sent {
                Sent::Nothing => "nothing was sent; see whether the agent is running, then try again",
                _ => "the command may have been carried out",
            })
        }
        Error::Transport(error) => {
            Failure::new(Kind::Connection, format!("the connection was lost: {}", reason(&error)))
                .advise("the command may have been carried out")
        }
        Error::ReplyTooLong { .. } => {
            Failure::new(Kind::Protocol, error.to_string()).advise("ask for less at a time")
        }
        Error::CommandTooLong { .. } => Failure::usage(error.to_string()).advise("send less at a time"),
        Error::Misuse(_) => {
            Failure::usage(error.to_string()).advise("write them as '{\"key\": value}', or as key=value")
        }
        error => Failure::new(Kind::Protocol, error.to_string())
            .advise("see whether it is a guest agent that is connected there"),
    }
}

fn timed_out_call(timed_out: TimedOut) -> Failure {
    let message = match (timed_out.heard, timed_out.sent) {
        (false, _) => "the deadline passed, and the agent was never heard",
        (true, Sent::Nothing) => "the deadline passed; the agent was heard, but the command was not sent",
        (true, _) => "the deadline passed; the agent was heard, but did not answer the command",
    };
    let advice = match (timed_out.heard, timed_out.sent) {
        (false, _) => "the agent is not running, the guest is not up, or another program has the channel",
        (true, Sent::Nothing) => "give it more time with -t",
        (true, _) => "it may still be carried out; give it more time with -t",
    };
    Failure::new(Kind::Deadline, message).advise(advice).detail("heard", timed_out.heard)
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
            failure.json(),
            r#"{"error":{"advice":"go","exit_code":2,"heard":false,"kind":"usage","message":"no"}}"#
        );
    }
}
