//! `qga thaw`: thawing a guest, whoever has frozen it.

use std::time::Duration;

use qga_proto::{FreezeError, Thawed};
use serde_json::json;

use super::Done;
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, escape};
use crate::work::{self, Work};

/// Thaw the guest's file systems, whoever has frozen them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tries until the guest is known to be thawed, for 3 minutes if -t does not say
otherwise. A guest that is not frozen stays as it is, which is no failure.")]
pub(crate) struct Args {}

/// How long it may take: as long as hook programs in the guest may need.
const TIMEOUT: Duration = Duration::from_secs(3 * 60);

/// What to do about a guest that may be frozen.
pub(super) const ADVICE: &str = "run 'qga thaw' as soon as the agent answers, or reset the guest";

pub(super) fn run(cli: &Cli, _: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("thaw")?;
    let thawed = work::with_guest(cli, &guest, TIMEOUT, |work| {
        let thawed = work.run(async |session, deadline| session.thaw(deadline).await)?;
        thawed.map_err(|error| failure(work, &error))
    })?;
    let complaint = thawed.complaint.as_ref().map(|refusal| refusal.desc.as_str());
    Ok(Done::from(match cli.json {
        true => output::document(&json!({ "thawed": thawed.count, "complaint": complaint })),
        false => text(&thawed),
    }))
}

fn text(thawed: &Thawed) -> String {
    match (&thawed.complaint, thawed.count) {
        (Some(complaint), _) => {
            format!("thawed; but the agent complains: {}\n", escape::text(complaint.desc.as_str()))
        }
        (None, Some(0)) => "nothing was frozen\n".to_owned(),
        (None, Some(1)) => "thawed 1 file system\n".to_owned(),
        (None, Some(count)) => format!("thawed {count} file systems\n"),
        (None, None) => "thawed\n".to_owned(),
    }
}

/// What an error is, as the user is told.
pub(super) fn failure(work: &mut Work, error: &FreezeError<std::io::Error>) -> Failure {
    let kind = match error {
        FreezeError::NotFrozen(error) => return work.explain(error, false),
        FreezeError::MayBeFrozen(_) => Kind::MayBeFrozen,
        FreezeError::TimeOver => Kind::Deadline,
        FreezeError::AlreadyFrozen | FreezeError::NothingToFreeze => Kind::Refused,
        _ => Kind::Failed,
    };
    let advice = match error {
        FreezeError::MayBeFrozen(_) => ADVICE,
        FreezeError::AlreadyFrozen => "thaw it with 'qga thaw', if nobody counts on it",
        FreezeError::NothingToFreeze => "see 'qga info' for the mount points that there are",
        FreezeError::TimeOver => "give it more time with -t",
        FreezeError::ThawedEarly { .. } => "Windows holds a freeze for 10 s at the most: be quicker",
        _ => "see what the guest's hook programs say",
    };
    let failure = Failure::new(kind, error.to_string()).advise(advice).at(work.address());
    failure.detail("may_be_frozen", error.may_be_frozen())
}
