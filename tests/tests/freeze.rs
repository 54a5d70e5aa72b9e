//! Freezing, with everything that can go wrong: in virtual time. Whatever happens, the guest is thawed in the end, or the
//! session says aloud that it may be frozen.

use std::time::Duration;

use qga_proto::commands::{GuestFsfreezeFreeze, GuestGetHostName, GuestPing};
use qga_proto::{Error, Event, FreezeError, Misuse, Reconnect, Session, Transport};
use qga_sim::{Guest, Personality, Sim, VirtualLine};
use qga_std::block_on;

type Virtual = Session<VirtualLine, Vec<u8>>;

const MINUTE: Duration = Duration::from_secs(60);

fn session(sim: Sim) -> Virtual {
    let mut session = VirtualLine::new(sim).session();
    session.set_reconnect(Reconnect::BACKOFF);
    session
}

fn sim() -> Sim {
    Sim::new(Guest::new())
}

fn is_frozen(session: &Virtual) -> bool {
    session.transport().sim().guest().is_frozen()
}

#[test]
fn work_is_done_on_a_frozen_guest_which_is_thawed_then() {
    let mut session = session(sim());
    let done = block_on(session.with_frozen(MINUTE, async || 7));
    assert_eq!(done, Ok(7));
    assert!(!is_frozen(&session) && !session.may_be_frozen());
    block_on(session.call(&GuestGetHostName::new())).expect("all is as it was");
}
