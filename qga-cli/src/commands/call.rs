//! `qga call`: any command.

use qga_proto::RawCommand;
use qga_proto::json::Raw;
use qga_proto::metadata;

use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::{Failure, Kind};
use crate::{arguments, diagnosis, output};

pub(super) fn run(cli: &Cli, name: &str, words: &[String], raw: bool) -> Result<String, Failure> {
    let info = metadata::command(name);
    let arguments = match info {
        _ if raw => arguments::raw(words)?,
        Some(info) => arguments::checked(info, words)?,
        None => return Err(unknown(name).advise("'qga commands' lists them; --raw sends anything")),
    };
    let arguments = Raw::new(&arguments)
        .map_err(|error| Failure::usage(format!("the arguments cannot be sent: {error}")))?;
    let mut command = RawCommand::new(name).arguments(arguments);
    if info.is_some_and(|info| !info.success_response) {
        command = command.silent();
    }

    let mut connection = Connection::open(cli)?;
    match connection.call(&command) {
        Ok(reply) => output::document(&reply, cli.json),
        Err(failure) if failure.kind() == Kind::Refused => {
            Err(diagnosis::explain(&mut connection, name, failure))
        }
        Err(failure) => Err(failure),
    }
}

/// A command that the schema lacks.
pub(super) fn unknown(name: &str) -> Failure {
    let names = qga_proto::schema::COMMANDS.iter().map(|command| command.name);
    Failure::usage(match crate::suggestion::nearest(name, names) {
        Some(nearest) => format!("unknown command '{name}', did you mean '{nearest}'?"),
        None => format!("unknown command '{name}'"),
    })
}
