//! `qga commands NAME`: all about one command.

use std::fmt::Write as _;

use qga_proto::metadata::{
    Branch, CommandInfo, Condition, Member, Type, TypeInfo, TypeKind, Value, command, type_info,
};
use serde_json::{Value as Json, json};

use super::agent::Agent;
use super::call::unknown;
use super::list::{document_of_agent, platform_names, platforms};
use crate::cli::Cli;
use crate::error::Failure;
use crate::output::{self, Table, paragraph};

pub(super) fn run(cli: &Cli, name: &str) -> Result<String, Failure> {
    let Some(command) = command(name) else {
        return Err(unknown(name).advise("'qga commands' lists all of the schema"));
    };
    let agent = Agent::ask(cli)?;
    Ok(match cli.json {
        true => output::document(&document(command, agent.as_ref())),
        false => text(command, agent.as_ref()),
    })
}

/// The types that a command mentions, and those that these mention.
fn types(command: &CommandInfo) -> Vec<&'static TypeInfo> {
    let mut found = Vec::new();
    for ty in command.arguments.iter().map(|argument| argument.ty).chain(command.returns) {
        collect(ty, &mut found);
    }
    found
}

fn collect(ty: Type, found: &mut Vec<&'static TypeInfo>) {
    let info = match ty {
        Type::Array(item) => return collect(*item, found),
        Type::Named(name) => type_info(name).filter(|info| found.iter().all(|other| other.name != info.name)),
        _ => None,
    };
    let Some(info) = info else { return };
    found.push(info);
    let (members, branches): (&[Member], &[Branch]) = match info.kind {
        TypeKind::Struct(members) => (members, &[]),
        TypeKind::Union { members, branches, .. } => (members, branches),
        TypeKind::Alternate(branches) => (&[], branches),
        _ => (&[], &[]),
    };
    for ty in members.iter().map(|member| member.ty).chain(branches.iter().map(|branch| branch.ty)) {
        collect(ty, found);
    }
}

fn text(command: &CommandInfo, agent: Option<&Agent>) -> String {
    let mut text = format!("{}\n{}\n", command.name, paragraph(command.doc));
    // Strings take all that is written to them.
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<14}{value}");
    };
    if let Some(agent) = agent {
        let [version, address] = [agent.capabilities.version(), &agent.address].map(output::escape::text);
        let state = agent.support(command.name);
        fact("This agent", &format!("{state} (version {version}, at {address})"));
    }
    if let Some(since) = command.since {
        fact("Since", &format!("QEMU {since}"));
    }
    fact("Platforms", &platforms(command.condition));
    if !command.features.is_empty() {
        fact("Features", &command.features.join(", "));
    }
    fact("While frozen", if command.allowed_while_frozen { "allowed" } else { "refused" });
    match (command.success_response, command.returns) {
        (false, _) => fact("Returns", "nothing: silent when it succeeds"),
        (true, None) => fact("Returns", "{}"),
        (true, Some(ty)) => fact("Returns", &ty.to_string()),
    }

    if !command.arguments.is_empty() {
        text.push_str("\nArguments\n");
        text.push_str(&member_table(command.arguments));
    }
    for info in types(command) {
        text.push_str(&section(info));
    }
    text
}

fn section(info: &TypeInfo) -> String {
    let since = info.since.map_or_else(String::new, |since| format!(" (since {since})"));
    let mut text = format!("\n{}{since}\n{}\n", info.name, paragraph(info.doc));
    match info.kind {
        TypeKind::Enum(values) => {
            let mut table = Table::new(["value", "meaning"]).indented();
            for value in values {
                table.row([value.name.to_owned(), meaning(value.doc, value.condition)]);
            }
            text.push_str(&table.render());
        }
        TypeKind::Struct(members) => text.push_str(&member_table(members)),
        TypeKind::Union { tag, members, branches } => {
            text.push_str(&member_table(members));
            text.push('\n');
            text.push_str(&branch_table(&format!("with {tag}"), branches));
        }
        TypeKind::Alternate(branches) => text.push_str(&branch_table("either", branches)),
        _ => {}
    }
    text
}

fn member_table(members: &[Member]) -> String {
    let mut table = Table::new(["name", "type", "", "meaning"]).indented();
    for member in members {
        table.row([
            member.name.to_owned(),
            if member.base64 { "base64".to_owned() } else { member.ty.to_string() },
            if member.optional { "optional" } else { "" }.to_owned(),
            meaning(member.doc, member.condition),
        ]);
    }
    table.render()
}

fn branch_table(head: &str, branches: &[Branch]) -> String {
    let mut table = Table::new([head, "type", "meaning"]).indented();
    for branch in branches {
        table.row([branch.name.to_owned(), branch.ty.to_string(), meaning(branch.doc, branch.condition)]);
    }
    table.render()
}

fn meaning(doc: &str, condition: Condition) -> String {
    match (condition, platforms(condition).as_str()) {
        (Condition::Always, _) | (_, "all") => doc.to_owned(),
        (_, platforms) => format!("{doc} ({platforms})"),
    }
}

fn document(command: &CommandInfo, agent: Option<&Agent>) -> Json {
    let mut document = json!({
        "name": command.name,
        "doc": command.doc,
        "since": command.since,
        "platforms": platform_names(command.condition),
        "features": command.features,
        "arguments": command.arguments.iter().map(member_document).collect::<Vec<_>>(),
        "returns": command.returns.map(|ty| ty.to_string()),
        "success_response": command.success_response,
        "allowed_while_frozen": command.allowed_while_frozen,
        "types": types(command).into_iter().map(type_document).collect::<Vec<_>>(),
    });
    if let Some(agent) = agent {
        document["agent"] = document_of_agent(agent);
        document["state"] = agent.support(command.name).into();
    }
    document
}

fn type_document(info: &TypeInfo) -> Json {
    let mut document = json!({ "name": info.name, "doc": info.doc, "since": info.since });
    let branches_document = |branches: &[Branch]| branches.iter().map(branch_document).collect::<Vec<_>>();
    match info.kind {
        TypeKind::Enum(values) => {
            document["values"] = values.iter().map(value_document).collect();
        }
        TypeKind::Struct(members) => {
            document["members"] = members.iter().map(member_document).collect();
        }
        TypeKind::Union { tag, members, branches } => {
            document["members"] = members.iter().map(member_document).collect();
            document["tag"] = tag.into();
            document["branches"] = branches_document(branches).into();
        }
        TypeKind::Alternate(branches) => document["alternatives"] = branches_document(branches).into(),
        _ => {}
    }
    document
}

fn member_document(member: &Member) -> Json {
    json!({
        "name": member.name,
        "type": member.ty.to_string(),
        "optional": member.optional,
        "base64": member.base64,
        "secret": member.secret,
        "since": member.since,
        "platforms": platform_names(member.condition),
        "doc": member.doc,
    })
}

fn value_document(value: &Value) -> Json {
    json!({
        "name": value.name,
        "since": value.since,
        "platforms": platform_names(value.condition),
        "doc": value.doc,
    })
}

fn branch_document(branch: &Branch) -> Json {
    json!({ "name": branch.name, "type": branch.ty.to_string(), "doc": branch.doc })
}
