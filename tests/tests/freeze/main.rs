//! Freezing, with everything that can go wrong: in virtual time. Whatever happens, the guest is thawed in the end, or the
//! session says aloud that it may be frozen, and thaws it as soon as it can.

mod dropped;
mod faults;
mod settled;

use std::time::Duration;

use qga_proto::{FreezeError, FreezeFailed, Reconnect, Session, Transport};
use qga_sim::{Sim, VirtualLine};
use qga_std::block_on;

type Virtual = Session<VirtualLine, Vec<u8>>;
type Outcome<R = ()> = Result<R, FreezeFailed<R, qga_sim::GuestIsOff>>;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn session(sim: impl Into<Sim>) -> Virtual {
    let mut session = VirtualLine::new(sim).session();
    session.set_reconnect(Reconnect::BACKOFF);
    session
}

fn is_frozen(session: &Virtual) -> bool {
    session.transport().sim().guest().is_frozen()
}

fn sleep(session: &mut Virtual, time: Duration) {
    let until = session.deadline(time);
    block_on(session.transport_mut().sleep_until(until));
}

/// Whoever says that the guest is not frozen by this session is right; and who says that it may be keeps it in mind.
#[track_caller]
fn is_honest<R>(session: &Virtual, outcome: &Outcome<R>, what: &str) {
    let error = outcome.as_ref().err().map(|failed| &failed.error);
    let may_be_frozen = error.is_some_and(FreezeError::may_be_frozen);
    assert!(may_be_frozen || !is_frozen(session), "{what}: it is frozen, and nobody says so: {error:?}");
    assert_eq!(session.may_be_frozen(), may_be_frozen, "{what}: {error:?}");
}
