//! Names: from those of the schema to those of Rust.

use std::collections::BTreeMap;

use crate::error::{Fault, Spanned};

/// Words that cannot name a field, in any edition.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Names of types that generated files use for other things.
const TAKEN: &[&str] = &[
    "Base64",
    "Box",
    "Bytes",
    "Command",
    "Default",
    "Deserialize",
    "Deserializer",
    "Empty",
    "Err",
    "From",
    "Into",
    "List",
    "MapAccess",
    "NamedCommand",
    "None",
    "Ok",
    "Option",
    "OwnedCommand",
    "Raw",
    "RawBuf",
    "Result",
    "Secret",
    "Self",
    "SeqAccess",
    "Serialize",
    "Serializer",
    "Some",
    "Str",
    "String",
    "Vec",
    "Visitor",
];

/// The name of a field, a method or a function: `buf-b64` is `buf_b64`, `type` is `type_`.
pub(crate) fn field(name: &str) -> String {
    let mut field = String::new();
    let mut before = '_';
    for c in name.trim_start_matches('_').chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            field.push('_');
        }
        field.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    if KEYWORDS.contains(&field.as_str()) {
        field.push('_');
    }
    field
}

/// The name of an enum's variant or a command's struct: `file-backed-virtual` is `FileBackedVirtual`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            upper = true;
            continue;
        }
        // Two numbers must not run together.
        if upper && c.is_ascii_digit() && camel.ends_with(|c: char| c.is_ascii_digit()) {
            camel.push('_');
        }
        camel.push(if upper { c.to_ascii_uppercase() } else { c });
        upper = false;
    }
    if camel.starts_with(|c: char| c.is_ascii_digit()) {
        camel.insert(0, '_');
    }
    if camel == "Self" {
        camel.push('_');
    }
    camel
}

/// The variant of a value or branch; `Other` is what generated enums call values that they do not know.
pub(crate) fn variant(name: &str) -> String {
    match camel(name) {
        other if other == "Other" => "Other_".to_owned(),
        variant => variant,
    }
}

/// The name of a type: that of the schema, unless Rust would not like it.
pub(crate) fn type_name(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_ascii_alphanumeric()) && name.starts_with(|c: char| c.is_ascii_uppercase());
    let mut rust = if plain { name.to_owned() } else { camel(name) };
    if TAKEN.contains(&rust.as_str()) {
        rust.push('_');
    }
    rust
}

/// Refuses two names of the schema that are one in Rust, such as `a-b` and `a_b`.
pub(crate) fn check_distinct<'n>(
    names: impl Iterator<Item = &'n Spanned<String>>,
    rust: impl Fn(&str) -> String,
) -> Result<(), Fault> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for name in names {
        if let Some(other) = seen.insert(rust(&name.value), &name.value) {
            let message = format!(
                "expected names that differ in Rust too, '{}' and '{other}' are one there",
                name.value
            );
            return Err(Fault::new(name.pos, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let cases = [
            ("buf-b64", "buf_b64"),
            ("type", "type_"),
            ("supported_commands", "supported_commands"),
            ("__org.example_x-y", "org_example_x_y"),
            ("qomPath", "qom_path"),
            ("FOO", "foo"),
        ];
        for (name, expected) in cases {
            assert_eq!(field(name), expected);
        }
    }

    #[test]
    fn variants() {
        let cases = [
            ("file-backed-virtual", "FileBackedVirtual"),
            ("ieee1394", "Ieee1394"),
            ("3d", "_3d"),
            ("v1-2", "V1_2"),
            ("self", "Self_"),
            ("other", "Other_"),
        ];
        for (name, expected) in cases {
            assert_eq!(variant(name), expected);
        }
    }

    #[test]
    fn type_names() {
        let cases = [
            ("GuestPCIAddress", "GuestPCIAddress"),
            ("String", "String_"),
            ("__org.example_Thing", "OrgExampleThing"),
            ("q_obj", "QObj"),
        ];
        for (name, expected) in cases {
            assert_eq!(type_name(name), expected);
        }
    }
}
