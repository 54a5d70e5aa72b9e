//! Doc comments: what the schema says, then what follows from it.

use crate::ast::{Condition, Feature};
use crate::doc::Doc;
use crate::facts;
use crate::prose;
use crate::schema::{Command, Type};

/// The doc comment of a command's struct.
pub(crate) fn command(command: &Command, width: usize) -> Vec<String> {
    let name = &command.name.value;
    let mut facts = vec![match &command.doc.since {
        Some(since) => format!("``{name}``, since QEMU {since}."),
        None => format!("``{name}``."),
    }];
    facts.extend(platforms(command.condition.as_ref()).map(|platforms| format!("{platforms} only.")));
    if facts::WHILE_FROZEN.contains(&name.as_str()) {
        facts.push("Allowed while the guest is frozen.".to_owned());
    }
    if !command.success_response {
        facts.push("Silent on success.".to_owned());
    }
    definition(&command.doc, &command.features, &facts.join(" "), width)
}

/// The doc comment of a type.
pub(crate) fn named_type(ty: &Type, width: usize) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(ty.doc.since.as_ref().map(|since| format!("Since QEMU {since}.")));
    facts.extend(platforms(ty.condition.as_ref()).map(|platforms| format!("{platforms} only.")));
    let doc = match ty.doc.body.is_empty() {
        true => &Doc { body: format!("``{}``.", ty.name.value), ..ty.doc.clone() },
        false => &ty.doc,
    };
    definition(doc, &ty.features, &facts.join(" "), width)
}

/// The doc comment of a member, a value or a branch.
pub(crate) fn part(name: &str, text: &str, condition: Option<&Condition>, width: usize) -> Vec<String> {
    let text = if text.trim().is_empty() { format!("``{name}``.") } else { prose::sentence(text) };
    let mut lines = prose::render(&text, width);
    if let Some(platforms) = platforms(condition) {
        lines.push(String::new());
        lines.extend(prose::render(&format!("{platforms} only."), width));
    }
    lines
}

fn definition(doc: &Doc, features: &[Feature], facts: &str, width: usize) -> Vec<String> {
    let returns = match doc.returns.chars().next() {
        None => String::new(),
        Some(first) if first.is_lowercase() => format!("Returns {}", prose::finished(&doc.returns)),
        Some(_) => format!("Returns: {}", prose::finished(&doc.returns)),
    };
    let errors = match doc.errors.trim() {
        "" => String::new(),
        errors => format!("Errors:\n\n{errors}"),
    };
    let features = features.iter().map(|feature| {
        let text = doc
            .feature(&feature.name.value)
            .map(|section| prose::sentence(&section.text))
            .unwrap_or_default();
        match feature.name.value.as_str() {
            "deprecated" if text.is_empty() => "Deprecated.".to_owned(),
            "deprecated" => format!("Deprecated: {text}"),
            "unstable" => format!("May change without notice. {text}"),
            name if text.is_empty() => format!("Feature ``{name}``."),
            name => format!("Feature ``{name}``: {text}"),
        }
    });
    let mut parts = vec![prose::split_summary(&doc.body), returns, errors];
    parts.extend(features);
    parts.push(facts.to_owned());
    parts.retain(|part| !part.trim().is_empty());
    prose::render(&parts.join("\n\n"), width)
}

/// The platforms on which a condition holds, when these are some but not all that are known.
fn platforms(condition: Option<&Condition>) -> Option<String> {
    let condition = condition?;
    let holds = |symbols: &&[&str]| condition.holds(&|symbol| symbols.contains(&symbol));
    let names: Vec<_> =
        facts::PLATFORMS.iter().filter(|(_, symbols)| holds(symbols)).map(|(name, _)| *name).collect();
    match &names[..] {
        [] => None,
        all if all.len() == facts::PLATFORMS.len() => None,
        [one] => Some((*one).to_owned()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}
