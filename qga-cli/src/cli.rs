//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Failure;

const AFTER_HELP: &str = "\
Addresses:
  unix:PATH        a Unix socket, the usual host's side of a virtual machine's channel
  tcp:HOST:PORT    a TCP socket
  vsock:CID:PORT   a virtual machine's socket (qemu-ga -m vsock-listen)
  serial:PATH      a serial device or pseudo terminal
  sim:             a simulated guest inside this program, to try things out; a fresh one
                   each time (to keep one: qga sim --listen unix:PATH)

Exit codes:
  0  done
  1  the agent refused
  2  wrong usage; nothing was sent
  3  cannot connect, or the connection was lost
  4  the deadline passed
  5  the agent broke the protocol, or replied more than the limit
  6  the output could not be written
  128 + N  ended by signal N (130 for Ctrl-C); but qga sim, which is ended so: 0

Examples:
  qga -c unix:/run/vm/qga.sock info
  qga -c unix:/run/vm/qga.sock call guest-file-open path=/etc/hosts mode=r
  qga -c sim: call guest-get-osinfo
  qga commands guest-fsfreeze-freeze
";

/// Talks to the QEMU guest agent in a virtual machine.
#[derive(Debug, Parser)]
#[command(name = "qga", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where the agent is (addresses: see 'qga --help'); empty means nowhere
    #[arg(short = 'c', long = "connect", value_name = "ADDRESS", env = "QGA_CONNECT", global = true)]
    address: Option<String>,

    /// The deadline for everything together, in seconds
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        default_value = "10",
        value_parser = seconds,
        allow_negative_numbers = true,
        global = true
    )]
    pub(crate) timeout: Duration,

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

    /// Call any command
    #[command(after_help = "\
How to give arguments:
  key=value    typed by the schema: integers, true or false, strings as they are;
               repeat it for an array: arg=-l arg=/tmp
  key:=JSON    any value as JSON: vcpus:='[{\"logical-id\": 1, \"online\": false}]'
  JSON         all arguments as one object: '{\"path\": \"/etc/hosts\"}'
  -            the same, read from standard input: keeps passwords off the command line

Arguments that are base64 in the protocol are given in base64: buf-b64=aGVsbG8=
What a command takes is told by: qga commands NAME")]
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

    /// Play a guest for other programs, until interrupted; that is its proper end, with exit code 0
    Sim {
        /// Where to listen: unix:PATH, tcp:HOST:PORT or vsock:CID:PORT
        #[arg(long, value_name = "ADDRESS")]
        listen: String,
    },
}

impl Cli {
    /// The agent's address, if there is one.
    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref().filter(|address| !address.is_empty())
    }
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Cli, End> {
    parse_from(std::env::args_os()).map_err(End)
}

fn parse_from<T: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    if let Some(("sim", sim)) = matches.subcommand() {
        for (id, option) in [("address", "--connect"), ("timeout", "--timeout")] {
            if sim.value_source(id) == Some(ValueSource::CommandLine) {
                let message = format!("'sim' listens, and takes no {option}");
                return Err(command.error(ErrorKind::ArgumentConflict, message));
            }
        }
    }
    Cli::from_arg_matches(&matches)
}

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
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        _ => Err("it must be more than 0 and at most a year".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
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
    fn usage_errors_are_one_line() {
        let error = Cli::try_parse_from(["qga", "call"]).unwrap_err().render().to_string();
        assert_eq!(one_line(&error), "the following required arguments were not provided: <NAME>");
        let error = Cli::try_parse_from(["qga", "cal"]).unwrap_err().render().to_string();
        assert_eq!(one_line(&error), "unrecognized subcommand 'cal'; a similar subcommand exists: 'call'");
    }
}
