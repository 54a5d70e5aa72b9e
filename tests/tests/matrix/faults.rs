//! The columns: what goes wrong.

use qga_sim::{Fault, FaultKind};
use std::time::Duration;

use crate::cases::Case;

/// Something that goes wrong, or nothing.
pub(crate) struct Wrong {
    pub(crate) name: &'static str,
    kind: Option<FaultKind>,
    reach: Reach,
}

/// How much of a connection a fault is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// All of it.
    Connection,
    /// The reply that the case names.
    Reply,
    /// All replies to syncs.
    Syncs,
}

impl Wrong {
    const fn of_connection(name: &'static str, kind: FaultKind) -> Self {
        Self { name, kind: Some(kind), reach: Reach::Connection }
    }

    const fn of_reply(name: &'static str, kind: FaultKind) -> Self {
        Self { name, kind: Some(kind), reach: Reach::Reply }
    }

    const fn of_syncs(name: &'static str, kind: FaultKind) -> Self {
        Self { name, kind: Some(kind), reach: Reach::Syncs }
    }

    /// The faults of a line on which this goes wrong for a case.
    pub(crate) fn hitting(&self, case: &Case) -> Option<Fault> {
        let kind = match self.kind? {
            // A megabyte in single bytes tells no more.
            FaultKind::Pieces(_) if case.is_large => FaultKind::Pieces(500),
            kind => kind,
        };
        let fault = Fault::new(kind);
        Some(match self.reach {
            Reach::Connection => fault,
            Reach::Reply => fault.of(case.command).nth(1),
            Reach::Syncs => fault.of("sync"),
        })
    }
}

/// More than the limit that the sessions have.
const OVERSIZED: usize = 8 << 20;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const FAULTS: &[Wrong] = &[
    Wrong { name: "none", kind: None, reach: Reach::Connection },
    Wrong::of_connection("pieces", FaultKind::Pieces(1)),
    Wrong::of_connection("slow", FaultKind::Slow(Duration::from_millis(1))),
    Wrong::of_connection("deaf", FaultKind::Deaf),
    Wrong::of_connection("close", FaultKind::Close(5)),
    Wrong::of_connection("stale", FaultKind::Stale),
    Wrong::of_reply("unheard", FaultKind::Unheard),
    Wrong::of_reply("delay", FaultKind::Delay(seconds(2))),
    Wrong::of_reply("long-delay", FaultKind::Delay(seconds(15))),
    Wrong::of_reply("late", FaultKind::Late(seconds(15))),
    Wrong::of_reply("reordered", FaultKind::Reordered),
    Wrong::of_reply("lost", FaultKind::Lost),
    Wrong::of_reply("doubled", FaultKind::Doubled),
    Wrong::of_reply("foreign", FaultKind::Foreign),
    Wrong::of_reply("garbage", FaultKind::Garbage),
    Wrong::of_reply("ff", FaultKind::Delimiter),
    Wrong::of_reply("nul", FaultKind::Nul),
    Wrong::of_reply("unasked", FaultKind::Unasked),
    Wrong::of_reply("cut", FaultKind::Cut(10)),
    Wrong::of_reply("hang-up", FaultKind::HangUp),
    Wrong::of_reply("half", FaultKind::Half),
    Wrong::of_reply("restart", FaultKind::Restart),
    Wrong::of_reply("oversized", FaultKind::Oversized(OVERSIZED)),
    Wrong::of_reply("deep", FaultKind::Deep),
    Wrong::of_reply("endless", FaultKind::Endless),
    Wrong::of_reply("bad-utf8", FaultKind::InvalidUtf8),
    Wrong::of_reply("bad-escape", FaultKind::InvalidEscape),
    Wrong::of_reply("wrong-type", FaultKind::WrongType),
    Wrong::of_syncs("syncs-lost", FaultKind::Lost),
    Wrong::of_syncs("syncs-doubled", FaultKind::Doubled),
    Wrong::of_syncs("syncs-delayed", FaultKind::Delay(seconds(1))),
    Wrong::of_syncs("syncs-after-garbage", FaultKind::Garbage),
    Wrong::of_syncs("syncs-spoilt", FaultKind::WrongType),
];

#[test]
fn every_kind_of_fault_is_a_column() {
    for kind in FaultKind::EXAMPLES {
        let is_there = |wrong: &Wrong| wrong.kind.is_some_and(|column| column.name() == kind.name());
        assert!(FAULTS.iter().any(is_there), "{kind} is missing");
    }
}
