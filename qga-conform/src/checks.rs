//! The checks, a file for each group.

use std::fmt::Write as _;

use crate::agent::Agent;
use crate::check::{Check, Group};
use crate::judgement::Judged;
use crate::probe::Channel;

/// Makes a group's list of checks, and the function that makes one of them.
macro_rules! checks {
    ($group:ident, writes: $writes:literal; $($name:literal => $function:path: $expected:literal;)*) => {
        pub(super) const CHECKS: &[crate::check::Check] = &[$(
            crate::check::Check::new(crate::check::Group::$group, $name, $expected, $writes),
        )*];

        pub(super) async fn run<T: crate::probe::Channel>(
            name: &str,
            agent: &mut crate::agent::Agent<'_, T>,
        ) -> crate::judgement::Judged {
            match name {
                $($name => $function(agent).await,)*
                _ => Err(crate::judgement::Miss::NotRun("there is no such check".to_owned())),
            }
        }
    };
}

mod clients;
mod commands;
mod errors;
mod exec;
mod files;
mod framing;
mod id;
mod limits;
mod sync;
mod whole;

/// All checks, in the order in which they are made: harmless ones first, and last what was noticed along the way.
pub(crate) fn all() -> impl Iterator<Item = Check> {
    let talk = [sync::CHECKS, framing::CHECKS, id::CHECKS, errors::CHECKS, commands::CHECKS].concat();
    let rest = [clients::CHECKS, files::CHECKS, exec::CHECKS, limits::CHECKS].concat();
    talk.into_iter().chain(commands::replies()).chain(rest).chain(whole::checks())
}

/// Makes a check.
pub(crate) async fn run<T: Channel>(check: &Check, agent: &mut Agent<'_, T>) -> Judged {
    let name = check.name;
    match check.group {
        _ if whole::is(check) => whole::run(check, agent),
        Group::Sync => sync::run(name, agent).await,
        Group::Framing => framing::run(name, agent).await,
        Group::Id => id::run(name, agent).await,
        Group::Errors => errors::run(name, agent).await,
        Group::Limits => limits::run(name, agent).await,
        Group::Commands if commands::CHECKS.contains(check) => commands::run(name, agent).await,
        Group::Commands => commands::reply(name, agent).await,
        Group::Clients => clients::run(name, agent).await,
        Group::Files => files::run(name, agent).await,
        Group::Exec => exec::run(name, agent).await,
    }
}

/// Whether a check is about all that the agent has said, so that it can fail however early the others end.
pub(crate) fn is_of_whole(check: &Check) -> bool {
    whole::is(check)
}

/// A command that no agent has.
const UNKNOWN: &str = "qga-conform-no-such-command";

/// Names in a sentence.
fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for (at, name) in names.into_iter().enumerate() {
        // Strings take all that is written to them.
        let _ = write!(text, "{}{name}", if at > 0 { ", " } else { "" });
    }
    text
}
