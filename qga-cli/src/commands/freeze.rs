//! `qga freeze`: freezing a guest, and running a command of this computer while it is frozen.

use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

use qga_proto::{FreezeFailed, Frozen};
use serde_json::json;

use super::{Done, thaw};
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::{Guest, Guests};
use crate::output;
use crate::work::{self, Session, Work};

mod host;
use host::Ended;

/// Freeze the guest's file systems; with a command, run it and thaw them, whatever happens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command the guest stays frozen until somebody thaws it: qga thaw.

With a command, which runs on this computer, the guest is thawed when that has
ended, cannot start, takes longer than the deadline (-t, 10 minutes if not
given; it covers freezing, too), or when a signal comes (SIGINT, SIGTERM, SIGHUP,
SIGQUIT). The command and all that it has started (its process group) are ended
then. It is no part of the terminal's foreground, and so cannot ask there.
A qga that is killed (SIGKILL), or signalled twice, thaws nothing: run qga thaw.

Exit codes with a command: its own, 128 + N if signal N has ended it;
  123  the guest may be frozen, and could not be thawed: run qga thaw
  124  the deadline passed
  125  the guest could not be frozen, or was not frozen throughout
  126  the command cannot be run
  127  there is no such command
Everything was well only with exit code 0.

  qga -c unix:/run/vm/qga.sock freeze -- lvcreate -s -n snap vg/vm")]
pub(crate) struct Args {
    /// The mount points to freeze; all if none is named
    #[arg(value_name = "MOUNT")]
    mounts: Vec<String>,

    /// A command of this computer, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// How long freezing, and the command, may take: all that is dirty is written first, and scripts run.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// How long it is tried to thaw the guest when it must be quick: after a signal.
const THAW_TIME: Duration = Duration::from_secs(60);

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("freeze")?;
    if args.command.is_empty() { freeze(cli, args, &guest) } else { hold(cli, args, &guest) }
}

/// Freezes, and leaves it so.
fn freeze(cli: &Cli, args: &Args, guest: &Guest) -> Result<Done, Failure> {
    let count = work::with_guest(cli, guest, TIMEOUT, |work| {
        work.set_grace(THAW_TIME + host::GRACE);
        let frozen = work.run(async |session, deadline| match mounts(args).as_slice() {
            [] => session.freeze(deadline).await.map(Frozen::leave),
            mounts => session.freeze_some(mounts, deadline).await.map(Frozen::leave),
        });
        match frozen {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) => Err(thaw::failure(work, &error)),
            Err(stopped) => Err(thaw_what_is_owed(work).unwrap_or_else(|| stopped.into())),
        }
    })?;
    Ok(Done::from(match cli.json {
        true => output::document(&json!({ "frozen": count })),
        false if count == 1 => "froze 1 file system; thaw it with 'qga thaw'\n".to_owned(),
        false => format!("froze {count} file systems; thaw them with 'qga thaw'\n"),
    }))
}

/// Freezes, runs the command, and thaws.
fn hold(cli: &Cli, args: &Args, guest: &Guest) -> Result<Done, Failure> {
    let ended = work::with_guest(cli, guest, TIMEOUT, |work| {
        work.set_grace(THAW_TIME + host::GRACE);
        let stop = work.stop_flag();
        let until = Instant::now() + work.left();
        let command = || host::run(&args.command, &stop, until);
        let held = work.run(async |session: &mut Session, deadline| {
            let frozen = match mounts(args).as_slice() {
                [] => session.freeze(deadline).await?,
                mounts => session.freeze_some(mounts, deadline).await?,
            };
            // It ends by itself when its time is over, and is not to be dropped before.
            frozen.during(Duration::MAX, async || command()).await
        });
        let owed = thaw_what_is_owed(work);
        match held {
            Err(stopped) => Err(owed.unwrap_or_else(|| stopped.into())),
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(failed)) => Err(owed.unwrap_or_else(|| failure(work, &failed))),
        }
    });
    let ended = ended.map_err(|failure| match failure.kind() {
        Kind::MayBeFrozen => failure.exit_with(123),
        Kind::Deadline => failure.exit_with(124),
        Kind::Usage => failure,
        _ => failure.exit_with(125),
    })?;
    let failure = told(&args.command, ended);
    Ok(Done { failure, ..Done::from(String::new()) })
}

fn mounts(args: &Args) -> Vec<&str> {
    args.mounts.iter().map(String::as_str).collect()
}

/// Thaws what is still frozen: after a signal, which lets nothing else be done, or where thawing has failed. Gives what
/// is wrong if that fails.
fn thaw_what_is_owed(work: &mut Work) -> Option<Failure> {
    if !work.session().may_be_frozen() {
        return None;
    }
    let result = work.tidy(THAW_TIME, async |session, deadline| session.thaw(deadline).await);
    result.err().map(|error| thaw::failure(work, &error))
}

/// What is wrong with the freeze comes first: what the command has done is worth nothing then.
fn failure(work: &mut Work, failed: &FreezeFailed<Ended, io::Error>) -> Failure {
    let failure = thaw::failure(work, &failed.error);
    match &failed.output {
        Some(Ended::Exited(code)) => failure.detail("command_exit_code", *code),
        _ => failure,
    }
}

/// What became of the command, if it did not succeed.
fn told(command: &[OsString], ended: Ended) -> Option<Failure> {
    let name = command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
    match ended {
        Ended::Exited(0) => None,
        Ended::Exited(code) => Some(Failure::new(Kind::Program, format!("'{name}' failed")).exit_with(code)),
        Ended::TimeOver => {
            let message = format!("'{name}' took too long, and was ended; the guest is thawed");
            Some(Failure::new(Kind::Deadline, message).advise("give it more time with -t").exit_with(124))
        }
        Ended::NotStarted(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            let message =
                format!("cannot run '{name}': {}; the guest is thawed", crate::error::reason(&error));
            Some(Failure::new(Kind::Failed, message).exit_with(code))
        }
        Ended::Stopped => Some(Failure::new(Kind::Stopped, "a signal has stopped it")),
    }
}
