//! What a flow leaves in the guest when it fails, put in order.

use std::time::Duration;

use qga_proto::Instant;
use qga_proto::commands::GuestPing;

use crate::work::{Session, Stopped, Work};

/// How long putting the guest in order may take.
const TIME: Duration = Duration::from_secs(5);

/// How long a signal waits for that.
const GRACE: Duration = Duration::from_secs(6);

/// How long the agent may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs a flow that opens files in the guest. What it leaves open when it fails or is stopped is closed, though the
/// deadline may have passed; and the part of a copy to this path is removed, if there can be one.
pub(in crate::commands) fn run<R, E>(
    work: &mut Work,
    part: Option<&str>,
    flow: impl AsyncFnOnce(&mut Session, Instant) -> Result<R, E>,
    is_fate_unknown: impl FnOnce(&E) -> bool,
) -> Result<Result<R, E>, Stopped> {
    work.set_grace(GRACE);
    let result = work.run(flow);
    let may_be_open = match &result {
        Ok(Ok(_)) => false,
        Ok(Err(error)) => is_fate_unknown(error) || part.is_some() || open_files(work) > 0,
        Err(Stopped) => true,
    };
    if may_be_open {
        work.tidy(TIME, async |session, deadline| {
            // The reply to an opening that was given up may still be under way, and comes before this one's.
            let soon = deadline.min(session.deadline(PATIENCE));
            if session.call_until(&GuestPing::new(), soon).await.is_err() {
                return;
            }
            if let Some(path) = part {
                session.remove_part(path, deadline).await;
            }
            session.close_abandoned(deadline).await;
        });
    }
    result
}

/// How many files are known to be open still.
fn open_files(work: &mut Work) -> usize {
    work.tidy(Duration::ZERO, async |session, deadline| session.close_abandoned(deadline).await)
}
