//! `qga shutdown`, `qga reboot`, `qga suspend`.

use std::time::Duration;

use clap::ValueEnum;
use qga_proto::{Accepted, Shutdown, Suspend as How};
use serde_json::json;

use super::Done;
use crate::cli::Cli;
use crate::diagnosis;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output;
use crate::work::{self, Work};

/// Shut the guest down
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An agent says nothing when it obeys; that it does is known from what it answers
next, or from its end. With --wait it is waited until it is gone: then the guest
may still write to its disks for a moment. Exit code 4 if it is still there at
the deadline, which is 2 minutes if -t does not say otherwise.")]
pub(crate) struct ShutDown {
    /// Halt it, which need not end the virtual machine
    #[arg(long)]
    halt: bool,

    /// Wait until the agent is gone
    #[arg(long)]
    wait: bool,
}

/// Let the guest start anew
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --wait it is waited until the agent is gone, and answers again. That the
guest has started anew is certain only where the connection has ended meanwhile,
as over a socket; a virtual serial port stays, and an agent that was slow for
some seconds cannot be told from another. The result says which it was.")]
pub(crate) struct Reboot {
    /// Wait until its agent is gone and there again
    #[arg(long)]
    wait: bool,
}

/// Put the guest to sleep
#[derive(Debug, clap::Args)]
#[command(after_help = "\
disk    its memory is written to disk, and it goes off
ram     its memory stays powered (if nothing is said)
hybrid  both; Linux only

Many guests refuse, as they cannot. What wakes it is the virtual machine's
business: system_wakeup in QEMU's monitor, virsh dompmwakeup.")]
pub(crate) struct Suspend {
    /// Where its memory is kept
    #[arg(value_enum, default_value = "ram")]
    to: To,

    /// Wait until the agent is gone
    #[arg(long)]
    wait: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    Disk,
    Ram,
    Hybrid,
}

/// How long it may take: a guest ends its programs first.
const TIMEOUT: Duration = Duration::from_secs(120);

pub(super) fn shut_down(cli: &Cli, args: &ShutDown, guests: Guests) -> Result<Done, Failure> {
    let how = if args.halt { Shutdown::Halt } else { Shutdown::Powerdown };
    go(cli, guests, "shutdown", "shuts down", args.wait, |work| {
        work.flow(false, async |session, deadline| match args.wait {
            true => session.shutdown_and_wait(how, deadline).await,
            false => session.shutdown(how, deadline).await,
        })
    })
}

pub(super) fn reboot(cli: &Cli, args: &Reboot, guests: Guests) -> Result<Done, Failure> {
    if !args.wait {
        return go(cli, guests, "reboot", "starts anew", false, |work| {
            work.flow(false, async |session, deadline| session.shutdown(Shutdown::Reboot, deadline).await)
        });
    }
    let guest = guests.exactly_one("reboot")?;
    let (has_ended, waited) = work::with_guest(cli, &guest, TIMEOUT, |work| {
        let accepted = work.flow(false, async |session, deadline| {
            session.shutdown_and_wait(Shutdown::Reboot, deadline).await
        })?;
        if accepted == Accepted::Going {
            return Err(still_there(work));
        }
        let has_ended = !work.session().is_connected();
        let ready = work.run(async |session, deadline| session.wait_ready(deadline).await)?;
        let ready = ready.map_err(|not_ready| diagnosis::of_wait(&not_ready, work.address()))?;
        Ok((has_ended, ready.waited))
    })?;
    let seconds = waited.as_secs_f64();
    Ok(Done::from(match cli.json {
        true => output::document(&json!({
            "accepted": true, "gone": true, "ready": true, "connection_ended": has_ended, "waited": seconds
        })),
        false if has_ended => {
            format!("the guest has started anew; its agent answers again after {seconds:.1} s\n")
        }
        // It may be the same agent, which was slow.
        false => {
            format!("the guest starts anew; its agent fell silent, and answers again after {seconds:.1} s\n")
        }
    }))
}

pub(super) fn suspend(cli: &Cli, args: &Suspend, guests: Guests) -> Result<Done, Failure> {
    let how = match args.to {
        To::Disk => How::Disk,
        To::Ram => How::Ram,
        To::Hybrid => How::Hybrid,
    };
    go(cli, guests, "suspend", "falls asleep", args.wait, |work| {
        work.flow(false, async |session, deadline| match args.wait {
            true => session.suspend_and_wait(how, deadline).await,
            false => session.suspend(how, deadline).await,
        })
    })
}

fn go(
    cli: &Cli,
    guests: Guests,
    name: &str,
    what: &str,
    is_waited: bool,
    flow: impl FnOnce(&mut Work) -> Result<Accepted, Failure>,
) -> Result<Done, Failure> {
    let guest = guests.exactly_one(name)?;
    let accepted = work::with_guest(cli, &guest, TIMEOUT, |work| match flow(work)? {
        Accepted::Going if is_waited => Err(still_there(work)),
        accepted => Ok(accepted),
    })?;
    let is_gone = accepted == Accepted::Gone;
    Ok(Done::from(match cli.json {
        true => output::document(&json!({ "accepted": true, "gone": is_gone })),
        false if is_gone => format!("the guest {what}; its agent is gone\n"),
        false => format!("the guest {what}\n"),
    }))
}

fn still_there(work: &Work) -> Failure {
    let message = "the agent has accepted it, and is still there";
    Failure::new(Kind::Deadline, message).advise("give it more time with -t").at(work.address())
}
