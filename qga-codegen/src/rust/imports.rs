//! The `use` lines of a generated file: those whose names its body has, in rustfmt's order.

/// Names by where they come from, in groups that blank lines separate.
type Groups = &'static [&'static [(&'static str, &'static [&'static str])]];

const STD: &[(&str, &[&str])] = &[
    ("alloc::boxed", &["Box"]),
    ("alloc::string", &["String"]),
    ("alloc::vec", &["Vec"]),
    ("core", &["fmt"]),
];

const SERDE: &[(&str, &[&str])] = &[
    ("serde::de", &["self", "Error as _", "IntoDeserializer", "MapAccess", "SeqAccess", "Visitor"]),
    ("serde::de::value", &["MapAccessDeserializer", "SeqAccessDeserializer"]),
    ("serde", &["Deserialize", "Deserializer", "Serialize", "Serializer"]),
];

const OWN: &[(&str, &[&str])] = &[
    ("super", &["owned", "view"]),
    ("CRATE", &["Command", "Empty", "NamedCommand", "OwnedCommand", "Secret", "members"]),
    ("CRATE::json", &["Base64", "Bytes", "List", "Members", "Raw", "RawBuf", "Str"]),
    (
        "CRATE::metadata",
        &[
            "Branch",
            "CommandInfo",
            "Condition",
            "Member",
            "Platform",
            "Type",
            "TypeInfo",
            "TypeKind",
            "Value",
        ],
    ),
];

const GROUPS: Groups = &[STD, SERDE, OWN];

/// The lines for a file's body, with a blank line in front.
pub(crate) fn imports(file: &str, body: &str, krate: &str, alloc: Option<&str>) -> String {
    let mut text = String::new();
    if alloc.is_none() && needs_alloc(file, body) {
        text.push_str("\nextern crate alloc;\n");
    }
    for group in GROUPS {
        let mut lines = Vec::new();
        for (path, names) in *group {
            let names: Vec<_> =
                names.iter().copied().filter(|name| is_used(file, body, path, name)).collect();
            let path = path.replace("CRATE", krate);
            // What only owned replies need, where these are a choice.
            let only_owned =
                |name: &&str| ["owned", "OwnedCommand", "RawBuf", "String", "Vec"].contains(name);
            let (owned, others): (Vec<_>, Vec<_>) = names
                .into_iter()
                .partition(|name| alloc.is_some() && file == "commands.rs" && only_owned(name));
            lines.extend(line(&path, &owned).map(|line| match alloc {
                Some(attribute) => (line.clone(), format!("{attribute}\n{line}")),
                None => (line.clone(), line),
            }));
            lines.extend(line(&path, &others).map(|line| (line.clone(), line)));
        }
        // A list in braces comes after all names, as its sign does.
        lines.sort_by_key(|(line, _)| (!line.starts_with("use super"), line.clone()));
        if !lines.is_empty() {
            text.push('\n');
            text.extend(lines.into_iter().map(|(_, line)| format!("{line}\n")));
        }
    }
    text
}

fn needs_alloc(file: &str, body: &str) -> bool {
    file == "owned.rs" || (file == "commands.rs" && ["Vec", "String"].iter().any(|name| has_word(body, name)))
}

fn line(path: &str, names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        ["self"] => Some(format!("use {path};")),
        [name] => Some(format!("use {path}::{name};")),
        names => Some(format!("use {path}::{{{}}};", names.join(", "))),
    }
}

fn is_used(file: &str, body: &str, path: &str, name: &str) -> bool {
    match (file, path) {
        ("mod.rs", _) => false,
        // The tables' own types; words in descriptions are neither followed by a brace nor by `::`.
        ("schema.rs", path) => {
            let built = |after: &str| after.starts_with(" {") || after.starts_with("::");
            path == "CRATE::metadata"
                && (["CommandInfo", "TypeInfo"].contains(&name) || has(body, name, built))
        }
        (_, "CRATE::metadata") => false,
        ("commands.rs", "super") => has_path(body, name),
        (_, "super") => false,
        _ => match name {
            "self" => has_path(body, "de"),
            "Error as _" => body.contains("Error::custom") || body.contains("Error::missing_field"),
            "IntoDeserializer" => body.contains(".into_deserializer()"),
            "fmt" => has_path(body, name),
            "members" => body.contains("members! {"),
            "Members" => body.contains("Members::empty()") || body.contains("::read_map("),
            name => has_word(body, name),
        },
    }
}

/// Whether code (not a comment) has `name::`.
fn has_path(body: &str, name: &str) -> bool {
    has(body, name, |after| after.starts_with("::"))
}

/// Whether code (not a comment) has the name as a word of its own.
fn has_word(body: &str, name: &str) -> bool {
    has(body, name, |after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether code has the name, and not as that of a variant: declared at the start of a line, used after `::`.
fn has(body: &str, name: &str, follows: impl Fn(&str) -> bool) -> bool {
    let mut code = body.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    code.any(|line| {
        line.match_indices(name).any(|(at, _)| {
            let after = &line[at + name.len()..];
            let starts = match line[..at].chars().next_back() {
                Some(before) => !before.is_alphanumeric() && !"_:.\"".contains(before),
                None => !after.starts_with(" = ") && !after.starts_with('('),
            };
            starts && follows(after)
        })
    })
}
