//! `qga passwd`: sets a user's password.

use std::io::{self, ErrorKind, IsTerminal, Read};
use std::time::Instant;

use qga_proto::Secret;
use qga_proto::commands::GuestSetUserPassword;
use serde_json::json;

use super::Done;
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, escape};
use crate::streams::{self, Input, Patience};
use crate::terminal::NoEcho;
use crate::{signals, work};

/// Set a user's password, which is asked for, or read from standard input
#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal the password is asked for, twice. Otherwise it is all of standard
input, without the end of the last line. It never is an argument: others could
see it.

  qga passwd alice
  pwgen 20 1 | qga passwd alice
  openssl passwd -6 | qga passwd --crypted alice")]
pub(crate) struct Args {
    /// Whose password it is
    user: String,

    /// What is given is not the password, but its hash, as in /etc/shadow; not on Windows
    #[arg(long)]
    crypted: bool,
}

/// The longest password that is read. The programs that set them have lower limits.
const LONGEST: usize = 64 * 1024;

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("passwd")?;
    signals::guard()?;
    let begin = Instant::now();
    let patience = Patience::since(begin, cli.timeout);
    let password = match io::stdin().is_terminal() {
        true => ask(&args.user, patience)?,
        false => read(patience)?,
    };
    if password.is_empty() {
        return Err(Failure::usage("the password is empty; nothing was sent")
            .advise("type one, or give it on standard input"));
    }
    let command = GuestSetUserPassword::new(args.user.as_str(), &*password, args.crypted);
    work::with_guest_since(begin, cli, &guest, super::TIMEOUT, |work| work.call(&command))?;
    Ok(Done::from(match cli.json {
        true => output::document(&json!({ "user": args.user, "crypted": args.crypted })),
        false => format!("the password of {} is set\n", escape::text(&args.user)),
    }))
}

/// Asks for it twice, at the terminal.
fn ask(user: &str, patience: Patience) -> Result<Secret<Vec<u8>>, Failure> {
    let no_echo = NoEcho::begin().map_err(|error| unreadable(&error))?;
    let mut input = Input::new(io::stdin(), patience);
    let mut line = |prompt: &str| -> Result<_, Failure> {
        eprint!("{prompt}");
        let mut line = Secret(Vec::with_capacity(LONGEST));
        let read = read_line(&mut input, &mut line);
        // The end of the line that was not shown.
        eprintln!();
        read.map_err(|error| unreadable(&error))?;
        Ok(line)
    };
    let first = line(&format!("New password of {}: ", escape::text(user)))?;
    let second = line("Again: ")?;
    drop(no_echo);
    match first == second {
        true => Ok(first),
        false => Err(Failure::usage("the passwords are not the same; nothing was sent").advise("try again")),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    streams::failure(Kind::Usage, "cannot read the password", error)
}

/// Reads one line, without its end.
fn read_line(input: &mut impl Read, line: &mut Vec<u8>) -> io::Result<()> {
    let mut byte = [0];
    while input.read(&mut byte)? > 0 && byte != *b"\n" {
        if line.len() >= LONGEST {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "it is too long"));
        }
        line.push(byte[0]);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(())
}

/// Reads it from standard input.
fn read(patience: Patience) -> Result<Secret<Vec<u8>>, Failure> {
    let mut password = Secret(Vec::new());
    let read = Input::new(io::stdin(), patience).take(LONGEST as u64 + 1).read_to_end(&mut password);
    read.map_err(|error| unreadable(&error))?;
    if password.len() > LONGEST {
        return Err(Failure::usage(format!("the password has more than {LONGEST} bytes; nothing was sent")));
    }
    for end in [b'\n', b'\r'] {
        if password.last() == Some(&end) {
            password.pop();
        }
    }
    Ok(password)
}
