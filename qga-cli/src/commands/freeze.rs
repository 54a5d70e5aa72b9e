//! `qga freeze`: freezing a guest, and running a command of this computer while it is frozen.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

use qga_proto::{FreezeFailed, Frozen};
use serde_json::json;

use super::{Done, thaw};
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::{Guest, Guests};
use crate::work::{self, Session, Stopped, Work};
use crate::{output, signals};

mod host;
use host::{Ended, Left};

/// Freeze the guest's file systems; with a command, run it and thaw them, whatever happens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command the guest stays frozen until somebody thaws it: qga thaw.

With a command, which runs on this computer, the guest is thawed when that has
ended, cannot start, takes longer than the deadline (-t, 10 minutes if not
given; it covers freezing, too), or when a signal comes (SIGINT, SIGTERM, SIGHUP,
SIGQUIT). The command and all that it has started (its process group) are ended
then. It is no part of the terminal's foreground, and so cannot ask there: if it
tries it is stopped, and ended. Ctrl-Z does nothing.
A second signal within 3 s is the same as one; one after that ends qga at once,
with a guest that may be frozen, which it says. A qga that is killed (SIGKILL)
thaws nothing, and one that is stopped (SIGSTOP) nothing for now: run qga thaw.

Exit codes with a command: its own, 128 + N if signal N has ended it, or qga;
  2    the command line of qga makes no sense
  123  the guest may be frozen, and could not be thawed: run qga thaw
  124  the deadline passed
  125  the guest could not be frozen, was not frozen throughout, or thawed late
  126  the command cannot be run
  127  there is no such command
Everything was well only with exit code 0. A command may use these codes, too:
then standard error has no line that begins with 'qga:'.

  qga -c unix:/run/vm/qga.sock freeze -- lvcreate -s -n snap -L 1G vg/vm")]
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

/// How long everything takes after a signal: ending the command, thawing, and what comes between and after.
const GRACE: Duration = THAW_TIME
    .saturating_add(host::GRACE)
    .saturating_add(host::KILL_TIME)
    .saturating_add(Duration::from_secs(15));

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("freeze")?;
    if args.command.is_empty() { freeze(cli, args, &guest) } else { hold(cli, args, &guest) }
}

/// Freezes, and leaves it so.
fn freeze(cli: &Cli, args: &Args, guest: &Guest) -> Result<Done, Failure> {
    let count = work::with_guest(cli, guest, TIMEOUT, |work| {
        begin(cli, work)?;
        let frozen = work.run(async |session, deadline| match mounts(args).as_slice() {
            [] => session.freeze(deadline).await.map(Frozen::leave),
            mounts => session.freeze_some(mounts, deadline).await.map(Frozen::leave),
        });
        let result = match frozen {
            // Nobody would be told that it is frozen.
            Ok(Ok(_)) if work.is_stopped() => Err(thaw(work).err().unwrap_or_else(|| Stopped.into())),
            // Who has frozen it and is ended before that is told says so.
            Ok(Ok(count)) => return Ok(count),
            Ok(Err(error)) => Err(thaw::failure(work, &error)),
            Err(stopped) => {
                Err(thaw_what_is_owed(work).and_then(Result::err).unwrap_or_else(|| stopped.into()))
            }
        };
        settle(work, &result);
        result
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
        begin(cli, work)?;
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
        let result = match (held, owed) {
            (_, Some(Err(failure))) => Err(failure),
            (Err(stopped), _) => Err(stopped.into()),
            (Ok(Ok(Ended::Stopped(Left::Something))), _) => Err(left(&args.command)),
            (Ok(Ok(ended)), _) => Ok(ended),
            (Ok(Err(failed)), Some(Ok(()))) => Err(thawed_late(work, &failed)),
            (Ok(Err(failed)), None) => Err(failure(work, &failed)),
        };
        settle(work, &result);
        result
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

/// From now on the guest may be frozen.
fn begin(cli: &Cli, work: &Work) -> Result<(), Failure> {
    work.set_grace(GRACE);
    signals::ignore_stops()?;
    let message = "THE GUEST MAY BE FROZEN: qga was ended before it could thaw it";
    let failure = Failure::new(Kind::MayBeFrozen, message).advise(thaw::ADVICE).at(work.address());
    signals::set_debt(Some(failure.told(cli.json)));
    Ok(())
}

/// From now on the guest is not frozen, unless this says that it is. After a signal that is reported before the end; else
/// a signal may come before it is.
fn settle<R>(work: &mut Work, result: &Result<R, Failure>) {
    let is_told = result.as_ref().is_err_and(|failure| failure.kind() == Kind::MayBeFrozen);
    let is_settled = if is_told { work.is_stopped() } else { !work.session().may_be_frozen() };
    if is_settled {
        signals::set_debt(None);
    }
}

fn mounts(args: &Args) -> Vec<&str> {
    args.mounts.iter().map(String::as_str).collect()
}

/// Thaws what is still frozen: after a signal, which lets nothing else be done, or where thawing has failed. `None` if
/// nothing is.
fn thaw_what_is_owed(work: &mut Work) -> Option<Result<(), Failure>> {
    work.session().may_be_frozen().then(|| thaw(work))
}

fn thaw(work: &mut Work) -> Result<(), Failure> {
    let result = work.tidy(THAW_TIME, async |session, deadline| session.thaw(deadline).await);
    result.map(drop).map_err(|error| thaw::failure(work, &error))
}

/// It could not be thawed when it was to be, but then it could. Nobody knows what it was meanwhile.
fn thawed_late(work: &Work, failed: &FreezeFailed<Ended, io::Error>) -> Failure {
    let why = failed.error.error().map_or_else(|| failed.error.to_string(), ToString::to_string);
    let message = format!("the guest could not be thawed at once ({why}); it is thawed now");
    let failure = Failure::new(Kind::Failed, message).at(work.address()).detail("may_be_frozen", false);
    with_exit_code(failure, failed)
}

/// What is wrong with the freeze comes first: what the command has done is worth nothing then.
fn failure(work: &mut Work, failed: &FreezeFailed<Ended, io::Error>) -> Failure {
    with_exit_code(thaw::failure(work, &failed.error), failed)
}

fn with_exit_code(failure: Failure, failed: &FreezeFailed<Ended, io::Error>) -> Failure {
    match &failed.output {
        Some(Ended::Exited(code)) => failure.detail("command_exit_code", *code),
        _ => failure,
    }
}

/// What became of the command, if it did not succeed.
fn told(command: &[OsString], ended: Ended) -> Option<Failure> {
    let name = name(command);
    match ended {
        Ended::Exited(0) => None,
        Ended::Exited(code) => Some(Failure::new(Kind::Program, format!("'{name}' failed")).exit_with(code)),
        Ended::TimeOver(end) => {
            let message = format!("'{name}' took too long, and {}; the guest is thawed", end.text());
            Some(Failure::new(Kind::Deadline, message).advise("give it more time with -t").exit_with(124))
        }
        Ended::Halted(signal, end) => {
            let message =
                format!("signal {signal} stopped '{name}', which {}; the guest is thawed", end.text());
            let code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
            let advice = "it must not ask the terminal";
            Some(Failure::new(Kind::Failed, message).advise(advice).exit_with(code))
        }
        Ended::NotStarted(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            let message =
                format!("cannot run '{name}': {}; the guest is thawed", crate::error::reason(&error));
            Some(Failure::new(Kind::Failed, message).exit_with(code))
        }
        Ended::Stopped(_) => Some(Stopped.into()),
    }
}

/// After a signal.
fn left(command: &[OsString]) -> Failure {
    let message = format!("'{}' {}; the guest is thawed", name(command), Left::Something.text());
    Failure::new(Kind::Failed, message)
}

fn name(command: &[OsString]) -> Cow<'_, str> {
    command.first().map(|name| name.to_string_lossy()).unwrap_or_default()
}
