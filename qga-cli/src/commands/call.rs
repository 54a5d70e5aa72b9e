//! `qga call`: any command.

use qga_proto::RawCommand;
use qga_proto::json::Raw;
use qga_proto::metadata::{self, CommandInfo};

use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::{arguments, output, suggestion};

pub(super) fn run(cli: &Cli, name: &str, words: &[String], raw: bool) -> Result<String, Failure> {
    let info = metadata::command(name);
    let arguments = match info {
        _ if raw => arguments::raw(words)?,
        Some(info) => arguments::checked(info, words)?,
        None => return Err(unknown(name).advise("'qga commands' lists them; --raw sends anything")),
    };
    let sent = Raw::new(&arguments)
        .map_err(|error| Failure::usage(format!("the arguments cannot be sent: {error}")))?;
    let mut command = RawCommand::new(name).arguments(sent);
    if info.is_some_and(|info| !info.success_response) {
        command = command.silent();
    }

    let mut connection = Connection::open(cli)?;
    let reply = connection.call(&command).map_err(|failure| match info {
        Some(info) if raw && failure.is_generic_error() => advise_on_arguments(info, &arguments, failure),
        _ => failure,
    })?;
    output::document(&reply, cli.json)
}

/// Arguments that were not checked may be why the agent refused.
fn advise_on_arguments(info: &CommandInfo, arguments: &str, failure: Failure) -> Failure {
    match arguments::problem(info, arguments) {
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
