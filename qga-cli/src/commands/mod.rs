//! What the program can do. Each gives the text to print.

use crate::cli::{Cli, Command};
use crate::error::Failure;

mod call;
mod describe;
mod info;
mod list;
mod ping;
mod sim;
mod support;

/// Does what the command line says.
pub(crate) fn run(cli: &Cli) -> Result<String, Failure> {
    match &cli.command {
        Command::Info => info::run(cli),
        Command::Ping => ping::run(cli),
        Command::Call { raw, name, arguments } => call::run(cli, name, arguments, *raw),
        Command::Commands { name: None } => list::run(cli),
        Command::Commands { name: Some(name) } => describe::run(cli, name),
        Command::Sim { listen } => sim::run(cli, listen),
    }
}
