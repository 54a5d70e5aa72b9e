//! The whole run.

use std::fmt::Display;

use qga_proto::Transport;
use qga_proto::commands::GuestInfo;

use crate::agent::Agent;
use crate::check::Check;
use crate::checks;
use crate::judgement::{Halt, Judged, Miss};
use crate::options::Options;
use crate::probe::Probe;
use crate::report::{Ending, Outcome, Report, Verdict};

/// Checks the agent at the other end of a connection that stands.
///
/// Whatever the agent does, this ends by the [timeout](Options::timeout), panics at nothing, and holds no more than some
/// tens of MiB. It never asks for what could harm a guest, or its agent: see the crate's documentation.
///
/// # Dropping the future
///
/// It may be dropped at any point; what was begun in the guest is then not put back, and in the check of requests that come
/// in pieces one may be left half said. Set a flag with [`Options::stop`] instead.
pub async fn check<T: Transport<Error: Display>>(transport: &mut T, options: &Options) -> Report {
    let mut agent = Agent::new(Probe::new(transport, options));
    let mut halt = agent.meet().await.err();
    // What was asked for first, guest-info, may already have been too much.
    let mut first = halt.clone().filter(|_| agent.probe.has_met());
    let mut outcomes = Vec::new();
    for check in checks::all() {
        outcomes.push(if check.writes && !options.writes {
            not_run(check, "it changes the guest, which was not asked for")
        } else if let Some(halt) = first.take_if(|_| check.name == GuestInfo::NAME) {
            outcome(check, Err(halt.into()), &mut None)
        } else if let Some(halt) = halt.as_ref().filter(|_| !checks::is_of_whole(&check)) {
            not_run(check, because(halt))
        } else {
            let judged = checks::run(&check, &mut agent).await;
            outcome(check, judged, &mut halt)
        });
    }
    let left = agent.tidy().await;
    outcomes.sort_by_key(|outcome| outcome.check.group);
    let ending = match halt {
        None => Ending::Complete,
        Some(Halt::Lost(why)) => Ending::Lost(why),
        Some(Halt::TimedOut) if agent.probe.has_met() => Ending::TimedOut,
        Some(Halt::Stopped) => Ending::Stopped,
        Some(Halt::Silent(why)) if agent.probe.has_met() => Ending::Silent(why),
        Some(Halt::Foreign(seen)) => Ending::NoAgent(Some(seen)),
        Some(Halt::Silent(_) | Halt::TimedOut) => Ending::NoAgent(None),
    };
    Report { outcomes, ending, has_met: agent.probe.has_met(), version: agent.knowledge.version.take(), left }
}

fn outcome(check: Check, judged: Judged, halt: &mut Option<Halt>) -> Outcome {
    let (verdict, seen) = match judged {
        // What is about all that an agent says has not passed before all was heard.
        Ok(()) => match halt.as_ref() {
            Some(halt) => return not_run(check, because(halt)),
            None => (Verdict::Pass, String::new()),
        },
        Err(Miss::Fail(seen)) => (Verdict::Fail, seen),
        Err(Miss::NotSupported(seen)) => (Verdict::NotSupported, seen),
        Err(Miss::NotRun(seen)) => (Verdict::NotRun, seen),
        Err(Miss::Halt(new)) => {
            let ended = match &new {
                Halt::Silent(why) => (Verdict::Fail, (*why).to_owned()),
                Halt::Lost(why) => (Verdict::Fail, why.clone()),
                Halt::TimedOut | Halt::Stopped | Halt::Foreign(_) => {
                    (Verdict::NotRun, because(&new).to_owned())
                }
            };
            *halt = Some(new);
            ended
        }
    };
    Outcome { check, verdict, seen }
}

fn not_run(check: Check, why: &str) -> Outcome {
    Outcome { check, verdict: Verdict::NotRun, seen: why.to_owned() }
}

/// Why a check is not made.
fn because(halt: &Halt) -> &'static str {
    match halt {
        Halt::Silent(_) => "the agent had fallen silent",
        Halt::Foreign(_) => "nobody answered as an agent does",
        Halt::Lost(_) => "the connection was over",
        Halt::TimedOut => "the time was over",
        Halt::Stopped => "the checks were stopped",
    }
}
