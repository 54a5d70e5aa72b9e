//! `qga commands`: all commands, of the schema and of the agent.

use std::fmt::Write as _;

use qga_proto::metadata::{CommandInfo, Condition, Platform, command};
use qga_proto::schema::COMMANDS;
use serde_json::{Value, json};

use super::agent::Agent;
use crate::cli::Cli;
use crate::error::Failure;
use crate::output::{self, Table};

pub(super) fn run(cli: &Cli) -> Result<String, Failure> {
    let agent = Agent::ask(cli)?;
    Ok(match cli.json {
        true => output::document(&document(agent.as_ref())),
        false => text(agent.as_ref()),
    })
}

fn text(agent: Option<&Agent>) -> String {
    // A column that is empty is left out: without an agent, that of its states.
    let mut table = Table::new(["command", "this agent", "since", "platforms", "summary"]);
    let mut row = |name: &str, since: Option<&str>, platforms: String, summary: &str| {
        let state = agent.map_or("", |agent| agent.support(name));
        let since = since.unwrap_or_default();
        table.row([name.to_owned(), state.to_owned(), since.to_owned(), platforms, summary.to_owned()]);
    };
    for command in COMMANDS {
        row(command.name, command.since, platforms(command.condition), command.summary());
    }
    let Some(agent) = agent else { return table.render() };
    for name in beyond(agent) {
        row(name, None, String::new(), "Not in the schema: call it with --raw.");
    }
    let mut text = table.render();
    // Strings take all that is written to them.
    let [version, address] = [agent.capabilities.version(), &agent.address].map(output::escape::text);
    let _ = writeln!(text, "\nThis agent is version {version}, at {address}.");
    text
}

fn document(agent: Option<&Agent>) -> Value {
    let known = COMMANDS.iter().map(|command| entry(command, agent));
    let Some(agent) = agent else { return json!({ "commands": known.collect::<Vec<_>>() }) };
    let beyond =
        beyond(agent).map(|name| json!({ "name": name, "in_schema": false, "state": agent.support(name) }));
    json!({
        "agent": document_of_agent(agent),
        "commands": known.chain(beyond).collect::<Vec<_>>(),
    })
}

fn entry(command: &CommandInfo, agent: Option<&Agent>) -> Value {
    let mut entry = json!({
        "name": command.name,
        "in_schema": true,
        "summary": command.summary(),
        "since": command.since,
        "platforms": platform_names(command.condition),
        "success_response": command.success_response,
        "allowed_while_frozen": command.allowed_while_frozen,
    });
    if let Some(agent) = agent {
        entry["state"] = agent.support(command.name).into();
    }
    entry
}

/// Which agent it is.
pub(super) fn document_of_agent(agent: &Agent) -> Value {
    json!({ "address": agent.address, "version": agent.capabilities.version() })
}

/// The agent's commands that the schema lacks.
fn beyond(agent: &Agent) -> impl Iterator<Item = &str> {
    let names = agent.capabilities.info().supported_commands.iter().map(|known| known.name.as_str());
    names.filter(|name| command(name).is_none())
}

/// `all`, or the platforms by name.
pub(super) fn platforms(condition: Condition) -> String {
    let names = platform_names(condition);
    match names.len() == Platform::ALL.len() {
        true => "all".to_owned(),
        false => names.join(", "),
    }
}

pub(super) fn platform_names(condition: Condition) -> Vec<&'static str> {
    condition.platforms().map(Platform::name).collect()
}
