//! What the program can do. Each gives the text to print.

use std::time::Duration;

use crate::cli::{Cli, Command};
use crate::error::Failure;
use crate::guests::Guests;
use crate::record;

mod agent;
mod ask;
mod call;
mod conform;
pub(crate) mod cp;
pub(crate) mod cpu;
mod describe;
mod disks;
pub(crate) mod exec;
pub(crate) mod files;
pub(crate) mod freeze;
mod fs;
mod hotplug;
mod info;
mod list;
mod many;
pub(crate) mod mem;
pub(crate) mod net;
pub(crate) mod passwd;
mod ping;
pub(crate) mod power;
mod rows;
pub(crate) mod shell;
mod sim;
pub(crate) mod ssh_keys;
mod status;
pub(crate) mod thaw;
pub(crate) mod time;
pub(crate) mod top;
pub(crate) mod trim;
mod users;
mod wait;

/// How long everything may take where the command line does not say, and the command not otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What came out.
pub(crate) struct Done {
    /// What is printed.
    pub(crate) text: String,
    /// What went wrong all the same: some of many guests have failed.
    pub(crate) failure: Option<Failure>,
}

impl From<String> for Done {
    fn from(text: String) -> Self {
        Self { text, failure: None }
    }
}

/// Does what the command line says.
pub(crate) fn run(cli: &Cli) -> Result<Done, Failure> {
    // Before all else: what is read from standard input would be read for nobody.
    let guests = || Guests::of(cli)?.at_least_one();
    if let Some(path) = &cli.record {
        if matches!(guests()?, Guests::Many(_)) {
            return Err(Failure::usage("--record writes down what goes to one guest, and more are named")
                .advise("give it one -c"));
        }
        record::begin(path)?;
    }
    match &cli.command {
        Command::Info => ask::run(cli, guests()?, &info::Question),
        Command::Ping => ask::run(cli, guests()?, &ping::Question),
        Command::Wait => ask::run(cli, guests()?, &wait::Question),
        Command::Call { raw, name, arguments } => {
            let guests = guests()?;
            ask::run(cli, guests, &call::Question::new(name, arguments, *raw, cli.timeout)?)
        }
        Command::Commands { name: None } => list::run(cli).map(Done::from),
        Command::Commands { name: Some(name) } => describe::run(cli, name).map(Done::from),
        Command::Exec(args) => exec::run(cli, args),
        Command::Cp(args) => cp::run(cli, args),
        Command::Cat(args) => files::cat(cli, args),
        Command::Ls(args) => files::ls(cli, args),
        Command::Stat(args) => files::stat(cli, args),
        Command::Rm(args) => files::rm(cli, args),
        Command::Net(net::Args {}) => ask::run(cli, guests()?, &net::Question),
        Command::Fs => ask::run(cli, guests()?, &fs::Question),
        Command::Disks => ask::run(cli, guests()?, &disks::Question),
        Command::Users => ask::run(cli, guests()?, &users::Question),
        Command::Cpu(args) => cpu::run(cli, args, guests()?),
        Command::Mem(args) => mem::run(cli, args, guests()?),
        Command::Passwd(args) => passwd::run(cli, args, guests()?),
        Command::SshKeys(args) => ssh_keys::run(cli, args, guests()?),
        Command::Top(args) => top::run(cli, args, guests()?),
        Command::Trim(args) => trim::run(cli, args, guests()?),
        Command::Completions(args) => Ok(shell::completions(args)),
        Command::Man(args) => shell::man(args),
        Command::Freeze(args) => freeze::run(cli, args, guests()?),
        Command::Thaw(args) => thaw::run(cli, args, guests()?),
        Command::Status => ask::run(cli, guests()?, &status::Question),
        Command::Shutdown(args) => power::shut_down(cli, args, guests()?),
        Command::Reboot(args) => power::reboot(cli, args, guests()?),
        Command::Suspend(args) => power::suspend(cli, args, guests()?),
        Command::Time(args) => time::run(cli, args, guests()?),
        Command::Conform { write } => conform::run(cli, *write),
        Command::Sim(sim) => sim::run(cli, sim).map(Done::from),
    }
}
