//! What must come of each cell, and why.

use qga_sim::Personality;

use crate::outcome::Outcome::{Closed, Done, MayBeFrozen, Protocol, Refused, StillThere, TimedOut, TooLong};
use crate::outcome::Then::{Frozen, Lost, Reconnects, Works};
use crate::outcome::{Cell, Outcome, Outcomes, Then};

/// The outcome of a cell, by the most special rule that is about it.
pub(crate) fn of(cell: &Cell) -> Outcomes {
    let rules = [
        of_dead_line,
        of_stop,
        of_held,
        of_lacking_agent,
        of_shutdown,
        of_program,
        of_killed_program,
        of_file,
        of_agent_without_ids,
        of_freeze,
        of_large_reply,
    ];
    let (calls, then) = rules.iter().find_map(|rule| rule(cell)).unwrap_or_else(|| of_reply(cell));
    Outcomes { calls, then }
}

type Pair = (Outcome, Then);

/// Without an answer to a sync nothing is ever sent, and a connection that ends at its fifth byte never has one.
fn of_dead_line(cell: &Cell) -> Option<Pair> {
    match cell.fault {
        "deaf" | "syncs-lost" | "syncs-spoilt" => Some((TimedOut, Lost)),
        "close" => Some((Closed, Lost)),
        _ => None,
    }
}

/// A guest that is waited for until it is gone: whatever the agent says or does not say, that it goes is seen. One that sleeps
/// wakes in time for the next question.
fn of_stop(cell: &Cell) -> Option<Pair> {
    match (cell.case, cell.personality) {
        // Silence may be obedience: that the request got lost is seen in the end.
        ("stop" | "suspend", _) if cell.fault == "unheard" => Some((StillThere, Works)),
        ("stop", _) => Some((Done, Works)),
        // It says nothing to what it does not know, which is taken for success, and then it is still there.
        ("suspend", Personality::Minimal) if cell.fault == "syncs-after-garbage" => Some((Protocol, Works)),
        // And where its syncs take so long it is taken for gone.
        ("suspend", Personality::Minimal) if cell.fault == "syncs-delayed" => Some((Done, Works)),
        ("suspend", Personality::Minimal) => Some((StillThere, Works)),
        // Nothing more comes on this line.
        ("suspend", Personality::Apple | Personality::Strings)
            if matches!(cell.fault, "half" | "endless") =>
        {
            Some((Done, Reconnects))
        }
        ("suspend", Personality::Apple) => Some(match (cell.fault, of_reply(cell)) {
            // So is a refusal that is lost.
            ("late" | "reordered" | "lost" | "cut", _) => (StillThere, Works),
            ("long-delay" | "restart" | "hang-up", _) => (Done, Works),
            ("deep" | "bad-utf8" | "bad-escape" | "wrong-type", _) | (_, (Done, _)) => (Refused, Works),
            (_, pair) => pair,
        }),
        ("suspend", Personality::Strings) => Some((Done, Works)),
        // A line that is no reply comes while one waits whether there is an error: nobody knows.
        ("suspend", _) if cell.fault == "syncs-after-garbage" => Some((Protocol, Works)),
        ("suspend", _) => Some((Done, Works)),
        _ => None,
    }
}

/// A freeze with its thaw: what the reply to the freeze does not say is settled, and undone; what that to the thaw does not
/// say the next question does.
fn of_held(cell: &Cell) -> Option<Pair> {
    let lacks = match cell.case {
        "with_frozen" => cell.personality == Personality::Apple,
        "with_frozen_thaw" if cell.personality == Personality::Apple => return Some((Refused, Works)),
        "freeze_some" if cell.personality == Personality::Minimal => return Some((TimedOut, Works)),
        "freeze_some" => matches!(cell.personality, Personality::Apple | Personality::Strings),
        "with_frozen_thaw" => false,
        _ => return None,
    };
    let pair = of_agent_without_ids(cell).unwrap_or_else(|| of_reply(cell));
    Some(match (cell.fault, pair) {
        // Nothing more comes on this line: another connection thaws.
        ("half" | "endless", _) => (MayBeFrozen, Reconnects),
        // There is no more time.
        ("long-delay", _) if cell.case == "with_frozen_thaw" => (MayBeFrozen, Works),
        _ if cell.case == "with_frozen_thaw" => (Done, Works),
        ("deep" | "bad-utf8" | "bad-escape" | "wrong-type", _) if lacks => (Refused, Works),
        (_, (Done, then)) if lacks => (Refused, then),
        _ => pair,
    })
}

/// What an agent does not have it refuses, unless it says nothing. A fault that spoils a value has none to spoil then.
fn of_lacking_agent(cell: &Cell) -> Option<Pair> {
    if !lacks(cell.personality, cell.case) {
        return None;
    }
    match (cell.personality, cell.fault) {
        (Personality::Minimal, _) => Some((TimedOut, Works)),
        // See below: whether it is a refusal is not looked at.
        (Personality::Qemu2, "ff") => None,
        (_, "deep" | "bad-utf8" | "bad-escape" | "wrong-type") => Some((Refused, Works)),
        _ => match of_reply(cell) {
            (Done, then) => Some((Refused, then)),
            pair => Some(pair),
        },
    }
}

fn lacks(personality: Personality, case: &str) -> bool {
    use Personality::{Apple, Minimal, Qemu2, Strings, Windows};

    match case {
        "read_file"
        | "read_whole_file"
        | "write_whole_file"
        | "copy_from"
        | "copy_to"
        | "run_program"
        | "run_to_its_end"
        | "run_something_short"
        | "run_past_the_deadline"
        | "start"
        | "read_clock" => personality == Minimal,
        "freeze" => personality == Apple,
        "set_clock" => matches!(personality, Strings | Minimal),
        "set_processors" | "set_memory" => matches!(personality, Windows | Apple | Strings | Minimal),
        "remove_keys" => matches!(personality, Qemu2 | Windows | Apple | Strings | Minimal),
        _ => false,
    }
}

/// A shutdown has no reply that could be lost; the guest is gone soon, and who asks next finds that out. But one agent
/// answers, and says so before it goes: then its reply is like any other, and what cannot be read of it is no success.
fn of_shutdown(cell: &Cell) -> Option<Pair> {
    if cell.case != "shut_down" {
        return None;
    }
    Some(match (cell.personality, cell.fault) {
        // The end of the connection comes before the reply, or before the sync's answer, and is success, too.
        (Personality::Strings, "delay" | "long-delay" | "half" | "endless" | "restart" | "hang-up") => {
            (Done, Works)
        }
        // A request that got lost looks like one that was accepted in silence: nobody can know.
        (_, "unheard") => (Done, Works),
        (Personality::Strings, "syncs-delayed") => (Done, Reconnects),
        (_, "syncs-delayed") => (Done, Works),
        // A line that is no reply comes while one waits whether there is an error: nobody knows.
        (Personality::Strings, "syncs-after-garbage") => (Done, Reconnects),
        (_, "syncs-after-garbage") => (Protocol, Reconnects),
        (Personality::Strings, _) => match of_reply(cell) {
            (calls @ (Protocol | TooLong), _) => (calls, Reconnects),
            _ => (Done, Reconnects),
        },
        _ => (Done, Reconnects),
    })
}

/// A program that is waited for: what an answer that was lost had to say, the next one says, unless it was the end. Without
/// ids a late answer would be lost for good, so it is waited for as long as there is time.
fn of_program(cell: &Cell) -> Option<Pair> {
    let has_ids = !matches!(cell.personality, Personality::Qemu2 | Personality::Minimal);
    match (cell.case, cell.fault) {
        ("run_to_its_end", "lost" | "late" | "cut" | "unheard") if has_ids => Some((Done, Works)),
        ("run_to_its_end" | "run_something_short", "reordered") | ("run_something_short", "unheard")
            if has_ids =>
        {
            Some((Done, Works))
        }
        ("run_to_its_end", "garbage" | "nul" | "deep" | "bad-utf8" | "bad-escape" | "wrong-type") => {
            Some((Done, Works))
        }
        _ => None,
    }
}

/// A program that never ends is killed whatever a look at it says, as long as the agent can be asked.
fn of_killed_program(cell: &Cell) -> Option<Pair> {
    match (cell.case, cell.fault) {
        ("run_past_the_deadline", "half" | "endless" | "restart" | "hang-up" | "oversized") => None,
        // Each command waits for a sync: there is no time left to kill it.
        ("run_past_the_deadline", "syncs-delayed") if cell.personality == Personality::Qemu2 => {
            Some((StillThere, Works))
        }
        ("run_past_the_deadline", _) => Some((Done, Works)),
        _ => None,
    }
}

/// A read or write of a file whose reply is lost, or cannot be believed, is repeated where it was: but for what ends the
/// connection, and with it the handle, and an agent that cannot say where it was.
fn of_file(cell: &Cell) -> Option<Pair> {
    let is_read = match cell.case {
        "read_whole_file" | "copy_from" => true,
        "write_whole_file" | "copy_to" => false,
        _ => return None,
    };
    match (cell.personality, cell.fault) {
        // A byte each millisecond is too little.
        (_, "slow") if is_read => Some((TimedOut, Reconnects)),
        (_, "half" | "endless" | "restart" | "hang-up") => None,
        (Personality::Strings, _) if is_read => None,
        // Nor has it a way to ask whether all got to the disk.
        (Personality::Strings, _) => Some(match of_reply(cell) {
            (Done, then) => (Refused, then),
            pair => pair,
        }),
        _ => Some((Done, Works)),
    }
}

/// Where replies do not tell whose they are, one behind 0xFF is taken for somebody else's: only syncs are answered so.
fn of_agent_without_ids(cell: &Cell) -> Option<Pair> {
    let has_none = matches!(cell.personality, Personality::Qemu2 | Personality::Minimal);
    // Each command waits for a sync; four of them are more than there is time for.
    let is_late = cell.case == "set_clock" && cell.fault == "syncs-delayed";
    (has_none && (cell.fault == "ff" || is_late)).then_some((TimedOut, Works))
}

/// A guest that nobody thaws stays frozen and refuses everything. Windows thaws by itself, and some refuse nothing.
fn of_freeze(cell: &Cell) -> Option<Pair> {
    let stays = !matches!(cell.personality, Personality::Windows | Personality::Apple | Personality::Minimal);
    match of_reply(cell) {
        (calls, Reconnects) if cell.case == "freeze" && stays => Some((calls, Frozen)),
        (Closed, Works) if cell.case == "freeze" && stays => Some((Closed, Frozen)),
        _ => None,
    }
}

/// A mebibyte at a byte each millisecond is not there after 10 s, and all that is asked stands behind it.
fn of_large_reply(cell: &Cell) -> Option<Pair> {
    (cell.case == "read_file" && cell.fault == "slow").then_some((TimedOut, Reconnects))
}

/// A command that is answered.
fn of_reply(cell: &Cell) -> Pair {
    match cell.fault {
        // It comes, and is found among what else comes.
        "none"
        | "pieces"
        | "slow"
        | "stale"
        | "delay"
        | "doubled"
        | "foreign"
        | "ff"
        | "unasked"
        | "syncs-doubled"
        | "syncs-delayed"
        | "syncs-after-garbage" => (Done, Works),
        // It does not come in time. When it comes later it is nobody else's.
        "long-delay" | "late" | "reordered" | "lost" | "unheard" | "cut" => (TimedOut, Works),
        // Only another connection has another line.
        "half" | "endless" => (TimedOut, Reconnects),
        // What comes cannot be believed.
        "garbage" | "nul" | "deep" | "bad-utf8" | "bad-escape" | "wrong-type" => (Protocol, Works),
        "oversized" => (TooLong, Works),
        "restart" | "hang-up" => (Closed, Works),
        fault => panic!("nothing is said about {fault}"),
    }
}
