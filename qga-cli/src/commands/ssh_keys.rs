//! `qga ssh-keys`: who may log in over SSH.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use qga_proto::commands::{GuestSshAddAuthorizedKeys, GuestSshGetAuthorizedKeys};
use qga_proto::json::Str;
use serde_json::json;

use super::Done;
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, escape};
use crate::streams::{self, Input, Patience};
use crate::work;

/// Show, add or remove the SSH keys that let a user in
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A key is a line as in authorized_keys: 'ssh-ed25519 AAAA... name'. With -f they
are read from a file, - for standard input; empty lines and comments are left
out.

  qga ssh-keys alice
  qga ssh-keys alice add -f ~/.ssh/id_ed25519.pub
  qga ssh-keys alice remove 'ssh-ed25519 AAAA... old laptop'")]
pub(crate) struct Args {
    /// Whose keys they are
    user: String,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Let in who has one of these keys
    Add {
        #[command(flatten)]
        keys: Keys,

        /// Let in nobody else: these replace all other keys
        #[arg(long)]
        replace: bool,
    },

    /// Let in nobody any more who has one of these keys
    Remove {
        #[command(flatten)]
        keys: Keys,
    },
}

#[derive(Debug, clap::Args)]
struct Keys {
    /// The keys, each one argument
    #[arg(value_name = "KEY", required_unless_present = "files")]
    keys: Vec<String>,

    /// A file that has keys; - is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The most bytes that a file of keys may have; half a list of keys is never sent.
const LONGEST: u64 = 1024 * 1024;

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("ssh-keys")?;
    let begin = Instant::now();
    let keys = match &args.action {
        None => Vec::new(),
        Some(Action::Add { keys, .. } | Action::Remove { keys }) => {
            keys.read(&Patience::since(begin, cli.timeout))?
        }
    };
    let list: Vec<_> = keys.iter().map(|key| Str::new(key)).collect();
    let user = args.user.as_str();
    let text = work::with_guest_since(begin, cli, &guest, super::TIMEOUT, |work| match &args.action {
        None => {
            let keys = work.call(&GuestSshGetAuthorizedKeys::new(user))?.keys.0;
            Ok(if cli.json { output::document(&json!({ "user": user, "keys": keys })) } else { lines(&keys) })
        }
        Some(Action::Add { replace, .. }) => {
            let mut command = GuestSshAddAuthorizedKeys::new(user, &list);
            command.reset = replace.then_some(true);
            work.call(&command)?;
            Ok(told(cli, user, "added", list.len()))
        }
        Some(Action::Remove { .. }) => {
            let left = work.flow(false, async |session, deadline| {
                session.remove_authorized_keys(user, &list, deadline).await
            })?;
            match left {
                0 => Ok(told(cli, user, "removed", list.len())),
                left => Err(still_there(left).at(work.address())),
            }
        }
    })?;
    Ok(Done::from(text))
}

impl Keys {
    fn read(&self, patience: &Patience) -> Result<Vec<String>, Failure> {
        let mut keys = self.keys.clone();
        for path in &self.files {
            let text = content(path, patience.clone()).map_err(|error| {
                streams::failure(Kind::Usage, &format!("cannot read '{}'", path.display()), &error)
            })?;
            if text.len() as u64 > LONGEST {
                let message = format!("'{}' has more than {LONGEST} bytes; nothing was sent", path.display());
                return Err(Failure::usage(message));
            }
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            keys.extend(lines.map(str::to_owned));
        }
        match keys
            .iter()
            .find(|key| key.contains(['\n', '\r']) || key.starts_with('#') || key.trim().is_empty())
        {
            Some(_) => Err(Failure::usage("that is no key; nothing was sent")
                .advise("a key is one line, such as 'ssh-ed25519 AAAA... name'")),
            None if keys.is_empty() => Err(Failure::usage("there is no key in it; nothing was sent")),
            None => Ok(keys),
        }
    }
}

/// What is in a file, or so much of it that it is seen to be too long.
fn content(path: &Path, patience: Patience) -> io::Result<String> {
    let mut text = Vec::new();
    match path.as_os_str() == "-" {
        true => Input::new(io::stdin(), patience).take(LONGEST + 1).read_to_end(&mut text)?,
        false => Input::open(path, patience)?.take(LONGEST + 1).read_to_end(&mut text)?,
    };
    // What is too long may be cut in the middle of a character.
    if text.len() as u64 > LONGEST {
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8"))
}

fn lines(keys: &[String]) -> String {
    keys.iter().map(|key| format!("{}\n", escape::text(key))).collect()
}

fn told(cli: &Cli, user: &str, what: &str, count: usize) -> String {
    match (cli.json, count) {
        (true, _) => output::document(&json!({ "user": user, what: count })),
        (false, 1) => format!("1 key of {} is {what}\n", escape::text(user)),
        (false, count) => format!("{count} keys of {} are {what}\n", escape::text(user)),
    }
}

fn still_there(count: usize) -> Failure {
    let message = format!("the agent has removed them, it says, but {count} of the keys are still there");
    Failure::new(Kind::Failed, message)
        .advise("there may be spaces around them in the file: edit it in the guest")
        .detail("left", count)
}
