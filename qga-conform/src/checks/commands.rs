//! What `guest-info` says, and what the commands reply that only ask.

use qga_proto::metadata::{self, CommandInfo, Type};
use qga_proto::schema::COMMANDS;

use super::list;
use crate::agent::{Agent, call};
use crate::check::{Check, Group};
use crate::excerpt;
use crate::judgement::{Judged, Miss, expect, fail, not_supported};
use crate::knowledge::{Knowledge, Support};
use crate::probe::Channel;
use crate::reply::{Answer, Reply};
use crate::shape;

checks! { Commands, writes: false;
    "guest-info" => info: "guest-info is there, and its reply has the shape that the schema gives it. Clients find out by it \
        what an agent can do.";
    "info-names" => info_names: "guest-info lists every command once.";
    "info-silent" => info_silent: "guest-info says of just those commands that they are not answered when they succeed of \
        which that is so: the ones that shut the guest down or suspend it.";
    "info-version" => info_version: "The version is three numbers, as 10.0.2, with no more behind them than semantic \
        versions have. Clients compare it.";
}

/// For each command that only asks, and can be called without arguments, a check of its reply.
pub(super) fn replies() -> impl Iterator<Item = Check> {
    const EXPECTED: &str = "The reply has the shape that the schema gives it.";

    let is_own = |command: &&CommandInfo| CHECKS.iter().all(|check| check.name != command.name);
    let queries = COMMANDS.iter().filter(is_askable).filter(is_own);
    queries.map(|command| Check::new(Group::Commands, command.name, EXPECTED, false))
}

fn is_askable(command: &&'static CommandInfo) -> bool {
    command.query && command.arguments.iter().all(|argument| argument.optional)
}

async fn info<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let reply = agent.knowledge.info.as_ref().map_err(Miss::clone)?;
    has_shape(reply, "guest-info")
}

/// Says that a check is about a list of commands that there is not.
fn require_list(knowledge: &Knowledge) -> Judged {
    match knowledge.commands.is_empty() {
        true => Err(Miss::NotRun("there is no list of commands".to_owned())),
        false => Ok(()),
    }
}

async fn info_names<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    require_list(&agent.knowledge)?;
    let mut names: Vec<_> = agent.knowledge.commands.iter().map(|told| told.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => fail(format!("{} is there twice", excerpt::text(pair[0]))),
        None => Ok(()),
    }
}

async fn info_silent<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    require_list(&agent.knowledge)?;
    if agent.knowledge.commands.iter().all(|told| told.success_response.is_none()) {
        return Err(Miss::NotRun("guest-info does not say it of any command".to_owned()));
    }
    for told in &agent.knowledge.commands {
        // Of the commands that others have added nothing is known.
        let Some(known) = metadata::command(&told.name) else { continue };
        match told.success_response {
            Some(is_answered) if is_answered == known.success_response => {}
            Some(true) => return fail(format!("{} is said to be answered", known.name)),
            Some(false) => return fail(format!("{} is said not to be answered", known.name)),
            None => return fail(format!("of {} it is not said", known.name)),
        }
    }
    Ok(())
}

async fn info_version<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    match &agent.knowledge.version {
        Some(version) => expect(is_version(version), || excerpt::text(version)),
        None => Err(Miss::NotRun("there is no version".to_owned())),
    }
}

/// Whether it is a semantic version.
pub(super) fn is_version(version: &str) -> bool {
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let (core, rest) = version.split_at(end);
    let is_number =
        |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    core.split('.').count() == 3 && core.split('.').all(is_number) && rest.chars().all(is_label)
}

/// Asks, and holds the reply against the schema.
pub(super) async fn reply<T: Channel>(name: &str, agent: &mut Agent<'_, T>) -> Judged {
    match agent.knowledge.support(name) {
        Support::Disabled => return not_supported("it is disabled"),
        Support::Missing => return not_supported("it is not there"),
        Support::Enabled | Support::Untold => {}
    }
    let heard = agent.probe.exchange(call(name, "").as_bytes()).await?;
    let reply = agent.knowledge.reply_to(name, heard)?;
    match &reply.answer {
        Answer::Return(_) => has_shape(&reply, name),
        // What the guest's system cannot do, no agent can.
        Answer::Error(error) => not_supported(error.words()),
    }
}

/// Holds what a command returns against the schema.
pub(super) fn has_shape(reply: &Reply, name: &str) -> Judged {
    let value = reply.success()?;
    match metadata::command(name).map(|command| command.returns) {
        Some(Some(ty)) => is_of(ty, reply),
        // Such a command returns an object without members.
        Some(None) => {
            expect(value.is_empty_object(), || format!("{} in place of an empty object", reply.excerpt))
        }
        None => Ok(()),
    }
}

fn is_of(ty: Type, reply: &Reply) -> Judged {
    match shape::deviation(ty, reply.success()?) {
        Some(deviation) => fail(deviation),
        None => Ok(()),
    }
}

/// The commands of a list that an agent does not have, and those that are disabled.
pub(super) fn gaps(knowledge: &Knowledge, commands: &[&'static str]) -> (Option<String>, Option<String>) {
    let of = |support| {
        let names: Vec<_> =
            commands.iter().filter(|name| knowledge.support(name) == support).copied().collect();
        (!names.is_empty()).then(|| list(names))
    };
    (of(Support::Missing), of(Support::Disabled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for version in ["7.2.22", "10.0.2", "108.0.2", "0.3.1", "9.1.0-rc1", "1.2.3+git.5"] {
            assert!(is_version(version), "{version}");
        }
        for version in
            ["", "0", "1.4", "1.4-AppleVirtIO-230.100.3~3768", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.", "1.2.3 "]
        {
            assert!(!is_version(version), "{version}");
        }
    }

    #[test]
    fn the_documentation_says_why_others_have_no_check() {
        const README: &str = include_str!("../../README.md");

        let (_, table) = README.split_once("The replies of the other commands").expect("a table");
        let is_told = |command: &&CommandInfo| table.contains(&format!("`{}`", command.name));
        let others = COMMANDS.iter().filter(|command| !is_askable(command));
        assert_eq!(others.filter(|command| !is_told(command)).map(|it| it.name).collect::<Vec<_>>(), [""; 0]);
    }

    /// What is asked is harmless by the schema's own word; no more than that is known to this crate.
    #[test]
    fn what_is_asked_only_asks() {
        let names: Vec<_> = replies().map(|check| check.name).collect();
        assert!(names.contains(&"guest-get-time") && names.contains(&"guest-fsfreeze-status"), "{names:?}");
        for name in ["guest-info", "guest-sync", "guest-ssh-get-authorized-keys", "guest-exec-status"] {
            assert!(!names.contains(&name), "{name}");
        }
        assert!(names.iter().all(|name| metadata::command(name).is_some_and(|command| command.query)));
    }
}
