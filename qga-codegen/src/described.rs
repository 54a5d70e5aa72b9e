//! What a documentation comment describes must exist.

use crate::ast::{self, Data, Definition, Kind};
use crate::error::Fault;

/// Refuses a documentation comment that describes something else.
pub(crate) fn check(definition: &Definition) -> Result<(), Fault> {
    let Some(doc) = &definition.doc else { return Ok(()) };
    let inline = |data: &'_ Option<Data>| match data {
        Some(Data::Inline(members)) => members.iter().map(|member| member.name.value.clone()).collect(),
        _ => Vec::new(),
    };
    let mut names: Vec<String> = match &definition.kind {
        Kind::Enum(values) => values.iter().map(|value| value.name.value.clone()).collect(),
        Kind::Struct { members, .. } => members.iter().map(|member| member.name.value.clone()).collect(),
        Kind::Union { base, branches, .. } => {
            let mut names = inline(&Some(base.clone()));
            names.extend(branches.iter().map(|branch| branch.name.value.clone()));
            names
        }
        Kind::Alternate(branches) => branches.iter().map(|branch| branch.name.value.clone()).collect(),
        Kind::Command(command) => inline(&command.data),
        Kind::Event { data, .. } => inline(data),
    };
    if let Some(section) = doc.members.iter().find(|section| !names.contains(&section.name.value)) {
        let message = format!(
            "expected a member, argument or value of '{}', found '@{}'",
            definition.name.value, section.name.value
        );
        return Err(Fault::new(section.name.pos, message));
    }
    names.extend(definition.features.iter().map(|feature| feature.name.value.clone()));
    names.extend(member_features(definition));
    match doc.features.iter().find(|section| !names.contains(&section.name.value)) {
        Some(section) => {
            let message =
                format!("expected a feature of '{}', found '@{}'", definition.name.value, section.name.value);
            Err(Fault::new(section.name.pos, message))
        }
        None => Ok(()),
    }
}

/// The names of features that members or values have; comments describe them with the definition's own.
fn member_features(definition: &Definition) -> Vec<String> {
    let members: Vec<&[ast::Feature]> = match &definition.kind {
        Kind::Enum(values) => values.iter().map(|value| &value.features[..]).collect(),
        Kind::Struct { members, .. }
        | Kind::Union { base: Data::Inline(members), .. }
        | Kind::Command(ast::Command { data: Some(Data::Inline(members)), .. })
        | Kind::Event { data: Some(Data::Inline(members)), .. } => {
            members.iter().map(|member| &member.features[..]).collect()
        }
        _ => Vec::new(),
    };
    members.into_iter().flatten().map(|feature| feature.name.value.clone()).collect()
}
