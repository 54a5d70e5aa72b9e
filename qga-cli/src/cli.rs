//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use qga_sim::{Fault, Personality};

use crate::commands;
use crate::error::Failure;
use crate::guests::MANY;

mod help;

/// Talks to the QEMU guest agent in a virtual machine.
#[derive(Debug, Parser)]
#[command(name = "qga", version, after_help = help::ALL, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where the agent is (addresses: see 'qga --help'); repeat it for more guests; empty means nowhere
    #[arg(short = 'c', long = "connect", value_name = "ADDRESS", env = "QGA_CONNECT")]
    pub(crate) addresses: Vec<String>,

    /// Ask at all Unix sockets in this directory, by name; there must be one already, also for 'wait'
    #[arg(long = "all", value_name = "DIR")]
    pub(crate) folders: Vec<String>,

    /// The deadline for everything together, in seconds [default: 10; none for 'exec', 'cp', 'cat' and
    /// 'rm'; for 'call' as long as the command may need, for 'wait' and 'conform' 60, for 'freeze' and
    /// 'trim' 600, for 'thaw' 180, for 'shutdown', 'reboot' and 'suspend' 120, for each look of 'top' 5]
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true,
        global = true
    )]
    pub(crate) timeout: Option<Duration>,

    /// How many guests to ask at the same time, at most 500
    #[arg(long, value_name = "N", default_value = "256", value_parser = jobs, global = true)]
    pub(crate) jobs: usize,

    /// Write down what goes over the connection to one guest, without secrets ('qga sim --replay'
    /// plays it)
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) record: Option<PathBuf>,

    /// Print one JSON document; errors are JSON, too
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the guest is: system, addresses, file systems, what is disabled
    Info,

    /// Ask whether the agent answers
    Ping,

    /// Wait until the agent answers and the guest is not frozen
    #[command(after_help = help::WAIT)]
    Wait,

    /// Call any command
    #[command(after_help = help::CALL)]
    Call {
        /// Send it without checking it against the schema; arguments are then one JSON object
        #[arg(long)]
        raw: bool,

        /// The command, such as guest-get-time
        name: String,

        /// key=value, key:=JSON, or one JSON object
        #[arg(value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },

    /// List the commands of the schema, and with an address what the agent there has of them
    Commands {
        /// Tell all about this one
        name: Option<String>,
    },

    Exec(commands::exec::Args),

    Cp(commands::cp::Args),

    Cat(commands::files::Cat),

    Ls(commands::files::Ls),

    Stat(commands::files::Stat),

    Rm(commands::files::Rm),

    Net(commands::net::Args),

    /// Show the guest's file systems
    Fs,

    /// Show the guest's disks and partitions
    Disks,

    Cpu(commands::cpu::Args),

    Mem(commands::mem::Args),

    /// Show who is logged in
    Users,

    Passwd(commands::passwd::Args),

    SshKeys(commands::ssh_keys::Args),

    Time(commands::time::Args),

    Trim(commands::trim::Args),

    Top(commands::top::Args),

    Completions(commands::shell::Completions),

    Man(commands::shell::Man),

    Freeze(commands::freeze::Args),

    Thaw(commands::thaw::Args),

    /// Show whether the guest is frozen, and what its agent is
    Status,

    Shutdown(commands::power::ShutDown),

    Reboot(commands::power::Reboot),

    Suspend(commands::power::Suspend),

    /// Check whether an agent does what is expected of one, and which clients are content with it
    #[command(after_help = help::CONFORM)]
    Conform {
        /// Make those checks, too, that write a file in the guest and run programs there; all is put back
        #[arg(long)]
        write: bool,
    },

    /// Play a guest for other programs, until interrupted or shut down; these are its proper ends, with exit code 0
    #[command(after_help = help::SIM)]
    Sim(Sim),
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Where to listen: unix:PATH, tcp:HOST:PORT, vsock:CID:PORT, or pty:PATH for a serial line
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: String,

    /// What the guest is, in a TOML file
    #[arg(long, value_name = "FILE", conflicts_with = "personality")]
    pub(crate) guest: Option<PathBuf>,

    /// Play the agent that 'qga --record' has written down, instead of a guest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["guest", "personality"])]
    pub(crate) replay: Option<PathBuf>,

    /// Which agent it has
    #[arg(long, value_name = "NAME", value_parser = str::parse::<Personality>)]
    pub(crate) personality: Option<Personality>,

    /// What goes wrong on the line
    #[arg(long = "fault", value_name = "FAULT", value_parser = str::parse::<Fault>)]
    pub(crate) faults: Vec<Fault>,

    /// Where chance starts from; the same seed gives the same faults
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Cli, End> {
    parse_from(std::env::args_os()).map_err(End)
}

fn parse_from<T: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let Some((name, sub)) = matches.subcommand() else { return Ok(cli) };
    let is_given = |id| [&matches, sub].iter().any(|part| part.value_source(id) == COMMAND_LINE);
    if name == "sim" {
        for (id, option) in OPTIONS_OF_CLIENTS {
            if is_given(id) {
                let hint = if GUESTS.contains(&id) { format!("; {MANY}") } else { String::new() };
                let message = format!("'sim' listens, and takes no {option}{hint}");
                return Err(command.error(ErrorKind::ArgumentConflict, message));
            }
        }
    }
    // The environment is for command lines that say nothing.
    if GUESTS.iter().any(|id| is_given(id)) && matches.value_source("addresses") != COMMAND_LINE {
        cli.addresses.clear();
    }
    for (id, list) in GUESTS.into_iter().zip([&mut cli.addresses, &mut cli.folders]) {
        if sub.value_source(id) == COMMAND_LINE {
            list.extend(sub.get_many::<String>(id).unwrap_or_default().cloned());
        }
    }
    Ok(cli)
}

/// The command line's grammar. Options that name guests are taken on both sides of the command, and add up: clap's
/// global options do not, the later ones would replace the others.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let places = command.get_arguments().filter(|argument| GUESTS.iter().any(|id| argument.get_id() == id));
    let places: Vec<_> = places.cloned().collect();
    let of_clients = command
        .get_arguments()
        .filter(|argument| OPTIONS_OF_CLIENTS.iter().any(|(id, _)| argument.get_id() == id));
    // They are there only to be told of when they are given.
    let hidden: Vec<_> = of_clients.cloned().map(|argument| argument.global(false).hide(true)).collect();
    command.mut_subcommands(|sub| match sub.get_name() {
        "sim" => sub.args(&hidden),
        _ => sub.args(&places),
    })
}

const COMMAND_LINE: Option<ValueSource> = Some(ValueSource::CommandLine);

/// The options that name guests.
const GUESTS: [&str; 2] = ["addresses", "folders"];

/// The options that are of no use to who listens.
const OPTIONS_OF_CLIENTS: [(&str, &str); 5] = [
    ("addresses", "--connect"),
    ("folders", "--all"),
    ("timeout", "--timeout"),
    ("jobs", "--jobs"),
    ("record", "--record"),
];

/// Why the command line is all there is: wrong usage, or a question for the help or version.
pub(crate) struct End(clap::Error);

impl End {
    /// Prints what there is to say.
    pub(crate) fn report(self) -> ExitCode {
        match self.0.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                // Whoever does not read the help to its end does not miss it.
                let _ = self.0.print();
                if self.0.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
            }
            _ => {
                let failure = Failure::usage(one_line(&self.0.render().to_string()))
                    .advise("see the usage with 'qga --help' or 'qga COMMAND --help'");
                failure.report(asks_for_json(std::env::args_os()));
                failure.exit_code()
            }
        }
    }
}

/// What is wrong and what may have been meant, without the usage.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let line = lines.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ");
    line.strip_prefix("error: ").map(str::to_owned).unwrap_or(line)
}

/// Whether a command line that cannot be understood asks for JSON.
fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// The longest deadline: a year. More cannot be told from for ever, and clocks do not take everything.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        _ => Err("it must be more than 0 and at most a year".to_owned()),
    }
}

/// The most guests at the same time. Each takes two file descriptors, and processes often have no more than 1024.
const MOST_JOBS: usize = 500;

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=MOST_JOBS) => Ok(jobs),
        _ => Err(format!("it must be a number from 1 to {MOST_JOBS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn deadlines() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("3"), Ok(Duration::from_secs(3)));
        for text in ["0", "-1", "1e-12", "inf", "nan", "1e300", "soon", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn guests_add_up_wherever_they_stand() {
        let parse = |line: &str| parse_from(["qga"].into_iter().chain(line.split(' '))).unwrap();
        let cli = parse("-c a --all b ping -c c -c d --all e");
        assert_eq!((cli.addresses, cli.folders), (strings(&["a", "c", "d"]), strings(&["b", "e"])));
        let cli = parse("ping -c c -t 3 --jobs 7");
        assert_eq!((cli.addresses, cli.timeout, cli.jobs), (strings(&["c"]), seconds("3").ok(), 7));
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn numbers_of_jobs() {
        assert_eq!((jobs("1"), jobs("500")), (Ok(1), Ok(500)));
        for text in ["0", "501", "-1", "many", "", "1.5"] {
            assert!(jobs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn usage_errors_are_one_line() {
        let error = Cli::try_parse_from(["qga", "call"]).unwrap_err().render().to_string();
        assert_eq!(one_line(&error), "the following required arguments were not provided: <NAME>");
        let error = Cli::try_parse_from(["qga", "passwrd"]).unwrap_err().render().to_string();
        assert_eq!(
            one_line(&error),
            "unrecognized subcommand 'passwrd'; a similar subcommand exists: 'passwd'"
        );
    }
}
