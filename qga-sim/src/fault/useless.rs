//! Faults that can never hit.

use std::fmt;
use std::mem::discriminant;

use qga_proto::metadata;

use super::{BOTH_SYNCS, Fault, FaultKind};
use crate::commands::SYNCS;
use crate::guest::Guest;
use crate::personality::Availability;

/// A fault that can never hit a guest, and why; see [`Sim::useless_fault`](crate::Sim::useless_fault).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UselessFault {
    fault: Fault,
    why: &'static str,
}

impl UselessFault {
    /// The first of `faults` that can never hit. A replay only sends what stands in the transcript.
    pub(crate) fn find<'a>(
        faults: impl Iterator<Item = &'a Fault>,
        guest: &Guest,
        is_replay: bool,
    ) -> Option<Self> {
        let mut before: Vec<&Fault> = Vec::new();
        for fault in faults {
            let is_double = fault.kind.is_of_connection()
                && before.iter().any(|other| discriminant(&other.kind) == discriminant(&fault.kind));
            let why = match is_double {
                true => Some("the connection has another one of its kind, which counts"),
                false if is_replay => why_in_replay(fault.kind),
                false => why_with(guest, fault),
            };
            if let Some(why) = why {
                return Some(Self { fault: fault.clone(), why });
            }
            before.push(fault);
        }
        None
    }
}

fn why_in_replay(kind: FaultKind) -> Option<&'static str> {
    let is_of_content = kind.is_of_value() || matches!(kind, FaultKind::Oversized(_));
    is_of_content.then_some("a transcript's replies come as they are")
}

fn why_with(guest: &Guest, fault: &Fault) -> Option<&'static str> {
    let traits = guest.traits();
    let is_there = |name: &str| traits.availability(name) == Availability::Available;
    let command = fault.command.as_deref()?;
    let has = if command == BOTH_SYNCS { SYNCS.into_iter().any(is_there) } else { is_there(command) };
    let is_silent = metadata::command(command).is_some_and(|command| !command.success_response);
    if !has && !traits.answers_unknown {
        return Some("this agent has no such command, and says nothing to it");
    }
    match fault.kind.is_of_value() {
        true if !has => Some("this agent has no such command, so there is no value to be spoilt"),
        true if is_silent && !traits.answers_silent => {
            Some("this command is silent when it succeeds, so there is no value to be spoilt")
        }
        _ => None,
    }
}

impl fmt::Display for UselessFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fault '{}' can never hit: {}", self.fault, self.why)
    }
}

impl std::error::Error for UselessFault {}
