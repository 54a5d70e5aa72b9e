//! How a program is started, so that its number is known whatever happens.

use std::time::{Duration, Instant};

use qga_proto::commands::GuestPing;
use qga_proto::exec::{Exec, Started};

use super::{OUR_FAILURE, TIDY_TIME, explain, work_failure};
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::signals;
use crate::work::{Stopped, Work};

/// How long, behind a signal, it is waited for the number of a program that is being started.
pub(super) const START_GRACE: Duration = Duration::from_secs(4);

/// Starts the program. Its number must be learned even if a signal comes meanwhile: so first it is seen to that the agent
/// answers at all, and then its answer is waited for. Only where there is much to bring is that stopped at once.
pub(super) fn start(
    work: &mut Work,
    cli: &Cli,
    exec: &Exec,
    time: Option<Duration>,
    has_much: bool,
) -> Result<Started, Failure> {
    let limit = time.map_or(work.left(), |time| time.min(work.left()));
    let begin = Instant::now();
    let answered = work.run(async |session, _| {
        let until = session.deadline(limit);
        session.call_until(&GuestPing::new(), until).await
    })?;
    match answered {
        Ok(_) | Err(qga_std::Error::Refused(_)) => {}
        Err(error) => return Err(work_failure(work, &error)),
    }
    let limit = limit.saturating_sub(begin.elapsed());
    let grace = if has_much { Duration::ZERO } else { START_GRACE };
    signals::set_debt(Some(perhaps_started(work, false).told(cli.json)));
    let result = work.finish(grace, limit, async |session, deadline| session.start(exec, deadline).await);
    let result = match result {
        Ok(Err(error)) if work.is_stopped() && error.may_run() => Err(perhaps_started(work, false)),
        Ok(result) => result.map_err(|error| explain(work, &error)),
        Err(Stopped) => {
            let left = work.tidy(TIDY_TIME, async |session, deadline| session.remove_inputs(deadline).await);
            Err(perhaps_started(work, left > 0))
        }
    };
    // Who has a program says more of it.
    if result.is_err() && !work.is_stopped() {
        signals::set_debt(None);
    }
    result
}

/// A signal has come while the program was being started.
fn perhaps_started(work: &Work, has_left_input: bool) -> Failure {
    let input = if has_left_input { ", and its input may be left in the guest's /tmp" } else { "" };
    let message = format!("the program may have been started; nobody knows its number{input}");
    Failure::new(Kind::Failed, message).at(work.address()).detail("may_run", true).exit_with(OUR_FAILURE)
}
