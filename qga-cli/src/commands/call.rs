//! `qga call`: any command.

use std::time::{Duration, Instant};

use qga_proto::json::RawBuf;
use qga_proto::metadata::{self, CommandInfo};
use qga_proto::{Config, RawCommand, Timeouts};

use super::ask::{self, Columns};
use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::error::Failure;
use crate::streams::Patience;
use crate::{arguments, output, suggestion};

/// A command, ready to be sent.
pub(super) struct Question<'a> {
    name: &'a str,
    /// A JSON object.
    document: RawBuf,
    /// The same as it was given, if it was not checked.
    unchecked: Option<Arguments>,
    /// What the schema says of it, if it has it.
    info: Option<&'static CommandInfo>,
    /// When its arguments began to be read.
    begin: Instant,
}

impl<'a> Question<'a> {
    /// Reads the words of a command line; what comes from standard input, within this time.
    pub(super) fn new(
        name: &'a str,
        words: &[String],
        raw: bool,
        timeout: Option<Duration>,
    ) -> Result<Self, Failure> {
        let begin = Instant::now();
        let patience = Patience::since(begin, timeout);
        let info = metadata::command(name);
        let arguments = match info {
            _ if raw => arguments::raw(info, words, patience)?,
            Some(info) => arguments::checked(info, words, patience)?,
            None => return Err(unknown(name).advise("'qga commands' lists them; --raw sends anything")),
        };
        let document = RawBuf::new(arguments.text.as_str())
            .map_err(|error| Failure::usage(format!("the arguments cannot be sent: {error}")))?;
        Ok(Self { name, document, unchecked: raw.then_some(arguments), info, begin })
    }
}

impl ask::Question for Question<'_> {
    type Answer = RawBuf;

    const COLUMNS: Columns<&'static str> = ["reply", "", "", ""];

    /// As long as the command may need.
    fn timeout(&self) -> Duration {
        Timeouts::DEFAULT.of(self.name).max(super::TIMEOUT)
    }

    fn begin(&self) -> Instant {
        self.begin
    }

    fn is_query(&self) -> bool {
        self.info.is_some_and(|info| info.query)
    }

    /// The reply is the result, whatever it is.
    fn max_reply_of_many(&self) -> usize {
        Config::default().max_reply
    }

    fn ask(&self, connection: &mut Connection) -> Result<RawBuf, Failure> {
        let mut command = RawCommand::new(self.name).arguments(self.document.as_raw());
        if self.info.is_some_and(|info| !info.success_response) {
            command = command.silent();
        }
        if self.is_query() {
            command = command.query();
        }
        connection.call(&command).map_err(|failure| match (self.info, &self.unchecked) {
            (Some(info), Some(arguments)) if failure.is_generic_error() => {
                advise_on_arguments(info, arguments, failure)
            }
            _ => failure,
        })
    }

    fn document(reply: RawBuf) -> String {
        output::reply(&reply, true)
    }

    fn text(reply: RawBuf) -> String {
        output::reply(&reply, false)
    }

    fn cells(reply: RawBuf) -> Columns<String> {
        let mut cells = Columns::default();
        cells[0] = output::reply(&reply, true).trim_end().to_owned();
        cells
    }
}

/// Arguments that were not checked may be why the agent refused.
fn advise_on_arguments(info: &CommandInfo, arguments: &Arguments, failure: Failure) -> Failure {
    match arguments.problem(info) {
        Some(problem) => failure.advise(format!(
            "by the schema {problem}; 'qga commands {}' tells what it takes and does",
            info.name
        )),
        None => failure,
    }
}

/// A command that the schema lacks.
pub(super) fn unknown(name: &str) -> Failure {
    let names = qga_proto::schema::COMMANDS.iter().map(|command| command.name);
    Failure::usage(match suggestion::meant(name, names) {
        Some(question) => format!("unknown command '{name}', {question}"),
        None => format!("unknown command '{name}'"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ask::Question as _;

    #[test]
    fn commands_have_the_time_that_they_may_need() {
        let seconds =
            |name, raw| Question::new(name, &[], raw, None).map(|question| question.timeout().as_secs());
        for (name, raw, time) in [
            ("guest-ping", false, 10),
            ("guest-get-osinfo", false, 10),
            ("guest-fsfreeze-freeze", false, 600),
            ("guest-fsfreeze-freeze", true, 600),
            ("guest-fsfreeze-thaw", false, 180),
            ("guest-dance", true, 10),
        ] {
            assert_eq!(seconds(name, raw).ok(), Some(time), "{name}");
        }
    }
}
