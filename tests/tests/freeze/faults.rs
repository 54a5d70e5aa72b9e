//! Everything that can go wrong with a reply.

use std::time::Duration;

use qga_proto::Config;
use qga_proto::commands::GuestPing;
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};
use qga_std::block_on;

use crate::{HOUR, MINUTE, is_frozen, is_honest, session, sleep};

/// How long each step may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// All that can go wrong with a reply, and with the line.
const FAULTS: [FaultKind; 27] = [
    FaultKind::Pieces(3),
    FaultKind::Slow(Duration::from_millis(1)),
    FaultKind::Stale,
    FaultKind::Unheard,
    FaultKind::Unasked,
    FaultKind::Cut(10),
    FaultKind::HangUp,
    FaultKind::Delay(Duration::from_secs(3)),
    FaultKind::Delay(HOUR),
    FaultKind::Late(MINUTE),
    FaultKind::Reordered,
    FaultKind::Lost,
    FaultKind::Doubled,
    FaultKind::Foreign,
    FaultKind::Garbage,
    FaultKind::Delimiter,
    FaultKind::Nul,
    FaultKind::Half,
    FaultKind::Restart,
    FaultKind::Oversized(100_000),
    FaultKind::Deep,
    FaultKind::Endless,
    FaultKind::InvalidUtf8,
    FaultKind::InvalidEscape,
    FaultKind::WrongType,
    FaultKind::Close(1),
    FaultKind::Deaf,
];

#[test]
fn every_kind_of_fault_is_among_them() {
    for kind in FaultKind::EXAMPLES {
        assert!(FAULTS.iter().any(|fault| fault.name() == kind.name()), "{kind} is missing");
    }
}

/// Whatever goes wrong with whichever reply: after each outcome the guest is thawed or said to be frozen, maybe, and once the
/// line is well again the next call finds it thawed.
#[test]
fn whatever_goes_wrong_with_a_reply_is_settled_or_told() {
    let commands = ["guest-fsfreeze-freeze", "guest-fsfreeze-status", "guest-fsfreeze-thaw"];
    let mut told = 0;
    for personality in Personality::ALL {
        for (kind, command, nth) in FAULTS
            .into_iter()
            .flat_map(|kind| commands.map(|command| [1, 2, 3].map(|nth| (kind, command, nth))))
            .flatten()
        {
            let mut fault = Fault::new(kind);
            if !kind.is_of_connection() {
                fault = fault.of(command).nth(nth);
            }
            let what = format!("{personality}, {kind:?} {command} {nth}");
            let mut session = session(Sim::new(Guest::with(personality)).fault(fault));
            session.set_timeout(TIMEOUT);
            let mut config = Config::default();
            config.max_reply = 64 << 10;
            session.set_config(config);
            let outcome = block_on(session.with_frozen(MINUTE, async || ()));
            is_honest(&session, &outcome, &what);
            told += u32::from(session.may_be_frozen());
            if matches!(kind, FaultKind::Close(_) | FaultKind::Deaf) {
                continue;
            }
            // Time for what is late, and another connection, which is a line without what was wrong.
            sleep(&mut session, 2 * HOUR);
            let deadline = session.deadline(HOUR);
            block_on(session.connect(deadline)).expect("somebody is there");
            block_on(session.call_timeout(&GuestPing::new(), HOUR)).expect(&what);
            assert!(!is_frozen(&session) && !session.may_be_frozen(), "{what}");
        }
    }
    assert!((1..300).contains(&told), "{told} say that the guest may be frozen");
}
