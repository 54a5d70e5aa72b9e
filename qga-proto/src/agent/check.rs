//! Whether arguments are what the schema has for a command, at every depth.

use core::fmt;

use heapless::String;

use crate::json::{Failed, Reader};
use crate::metadata::{Member, Type, TypeKind, type_info};
use crate::text::Text;

/// Holds the object `arguments` against the members that it may have, in one pass and without an allocator. How deep it goes is
/// up to the schema, not to the text.
///
/// # Errors
///
/// The first that is wrong, with its place, in the real agent's words.
pub(super) fn check(members: &[Member], arguments: &[u8]) -> Result<(), Text> {
    let mut reader = Reader::new(arguments);
    // The syntax has been checked; what is left can only be too deep.
    Checker { path: String::new() }.members(&mut reader, members).map_err(|fault| match fault {
        Fault::Told(text) => text,
        Fault::Syntax => Text::new(reader.error()),
    })
}

/// Where in the arguments one is.
struct Checker {
    /// Such as `vcpus[0].online`: what fits of it.
    path: String<MAX_PATH>,
}

enum Fault {
    Told(Text),
    Syntax,
}

/// More than any path has whose names are the schema's.
const MAX_PATH: usize = 96;

impl Checker {
    fn members(&mut self, reader: &mut Reader<'_>, members: &[Member]) -> Result<(), Fault> {
        let outer = self.path.len();
        let dot = if outer == 0 { "" } else { "." };
        // No object of the schema has more members than there are bits.
        let mut there = 0_u64;
        reader.begin_object()?;
        while let Some(key) = reader.next_key()? {
            let Some(at) = members.iter().position(|member| key == member.name) else {
                let path = &self.path;
                return Err(Fault::Told(Text::new(format_args!(
                    "Parameter '{path}{dot}{key}' is unexpected"
                ))));
            };
            there |= 1 << at;
            self.enter(format_args!("{dot}{}", members[at].name));
            self.value(reader, members[at].ty)?;
            self.path.truncate(outer);
        }
        for (at, member) in members.iter().enumerate() {
            if !member.optional && there & (1 << at) == 0 {
                let (path, name) = (&self.path, member.name);
                return Err(Fault::Told(Text::new(format_args!("Parameter '{path}{dot}{name}' is missing"))));
            }
        }
        Ok(())
    }

    fn value(&mut self, reader: &mut Reader<'_>, ty: Type) -> Result<(), Fault> {
        let first = reader.peek()?;
        let (fits, expected) = match ty {
            Type::Named(name) => match type_info(name) {
                Some(info) => return self.named(reader, info.name, info.kind),
                None => (true, "a value"),
            },
            Type::Array(item) if first == b'[' => return self.elements(reader, *item),
            Type::Array(_) => (false, "array"),
            Type::Any => (true, "a value"),
            Type::Str => (first == b'"', "string"),
            Type::Bool => (matches!(first, b't' | b'f'), "boolean"),
            Type::Null => (first == b'n', "null"),
            Type::Number => (is_number(first), "number"),
            Type::QType => (first == b'"', "string"),
            // Negative ones count modulo 2^64 where the type has no sign.
            _ => (reader.clone().integer().is_ok(), "integer"),
        };
        if !fits {
            return self.expected(expected);
        }
        reader.skip()?;
        Ok(())
    }

    fn elements(&mut self, reader: &mut Reader<'_>, item: Type) -> Result<(), Fault> {
        let outer = self.path.len();
        reader.begin_array()?;
        for at in 0_usize.. {
            if !reader.begin_element()? {
                break;
            }
            self.enter(format_args!("[{at}]"));
            self.value(reader, item)?;
            self.path.truncate(outer);
        }
        Ok(())
    }

    fn named(&mut self, reader: &mut Reader<'_>, name: &'static str, kind: TypeKind) -> Result<(), Fault> {
        let first = reader.peek()?;
        match kind {
            TypeKind::Struct(members) if first == b'{' => self.members(reader, members),
            TypeKind::Struct(_) => self.expected("object"),
            TypeKind::Enum(values) if first == b'"' => {
                let text = reader.string()?;
                match values.iter().any(|value| text == value.name) {
                    true => Ok(()),
                    false => {
                        let path = &self.path;
                        let told = format_args!("Parameter '{path}' does not accept value '{text}'");
                        Err(Fault::Told(Text::new(told)))
                    }
                }
            }
            TypeKind::Enum(_) => self.expected("string"),
            TypeKind::Alternate(branches) => match branches.iter().find(|branch| begins(branch.ty, first)) {
                Some(branch) => self.value(reader, branch.ty),
                None => self.expected(name),
            },
            // No command takes one inside another object.
            TypeKind::Union { .. } if first == b'{' => reader.skip().map(drop).map_err(Fault::from),
            TypeKind::Union { .. } => self.expected("object"),
        }
    }

    fn expected<T>(&self, what: &str) -> Result<T, Fault> {
        let path = &self.path;
        Err(Fault::Told(Text::new(format_args!("Invalid parameter type for '{path}', expected: {what}"))))
    }

    /// Adds to the path; what does not fit is left out.
    fn enter(&mut self, part: fmt::Arguments<'_>) {
        let _ = fmt::Write::write_fmt(&mut self.path, part);
    }
}

/// Whether a value of this type, one that no alternate has two of, can begin with a byte.
fn begins(ty: Type, first: u8) -> bool {
    match ty {
        Type::Bool => matches!(first, b't' | b'f'),
        Type::Str => first == b'"',
        Type::Null => first == b'n',
        Type::Array(_) => first == b'[',
        Type::Named(name) => match type_info(name).map(|info| info.kind) {
            Some(TypeKind::Enum(_)) => first == b'"',
            _ => first == b'{',
        },
        _ => is_number(first),
    }
}

fn is_number(first: u8) -> bool {
    first == b'-' || first.is_ascii_digit()
}

impl From<Failed> for Fault {
    fn from(_: Failed) -> Self {
        Self::Syntax
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata;

    #[track_caller]
    fn fault(command: &str, arguments: &str) -> Text {
        let command = metadata::command(command).unwrap();
        check(command.arguments, arguments.as_bytes()).expect_err("a fault")
    }

    #[test]
    fn faults_are_found_at_every_depth() {
        for (arguments, text) in [
            ("{}", "Parameter 'vcpus' is missing"),
            (r#"{"vcpus":{}}"#, "Invalid parameter type for 'vcpus', expected: array"),
            (r#"{"vcpus":null}"#, "Invalid parameter type for 'vcpus', expected: array"),
            (r#"{"vcpus":[],"x":1}"#, "Parameter 'x' is unexpected"),
            (r#"{"vcpus":[7]}"#, "Invalid parameter type for 'vcpus[0]', expected: object"),
            (r#"{"vcpus":[{"online":true}]}"#, "Parameter 'vcpus[0].logical-id' is missing"),
            (
                r#"{"vcpus":[{"logical-id":0,"online":true},{"logical-id":1,"online":1}]}"#,
                "Invalid parameter type for 'vcpus[1].online', expected: boolean",
            ),
            (
                r#"{"vcpus":[{"logical-id":"0","online":true}]}"#,
                "Invalid parameter type for 'vcpus[0].logical-id', expected: integer",
            ),
            (
                r#"{"vcpus":[{"logical-id":0.5,"online":true}]}"#,
                "Invalid parameter type for 'vcpus[0].logical-id', expected: integer",
            ),
            (
                r#"{"vcpus":[{"logical-id":0,"online":true,"a\u0062c":0}]}"#,
                "Parameter 'vcpus[0].abc' is unexpected",
            ),
        ] {
            assert_eq!(fault("guest-set-vcpus", arguments), text, "{arguments}");
        }
        assert_eq!(
            fault("guest-set-memory-blocks", r#"{"mem-blks":[{"phys-index":1,"online":"yes"}]}"#),
            "Invalid parameter type for 'mem-blks[0].online', expected: boolean"
        );
    }

    #[test]
    fn alternates_and_enums_take_what_they_have() {
        let whence = |value: &str| check_text("guest-file-seek", "handle\":0,\"offset\":0,\"whence", value);
        assert_eq!((whence("0"), whence("\"set\"")), (Ok(()), Ok(())));
        assert_eq!(
            whence("true"),
            Err(Text::new("Invalid parameter type for 'whence', expected: GuestFileWhence"))
        );
        assert_eq!(whence("\"x\""), Err(Text::new("Parameter 'whence' does not accept value 'x'")));
        let capture = |value: &str| check_text("guest-exec", "path\":\"x\",\"capture-output", value);
        assert_eq!((capture("true"), capture("\"merged\"")), (Ok(()), Ok(())));
        assert!(capture("1").is_err() && capture("\"all\"").is_err() && capture("null").is_err());
    }

    fn check_text(command: &str, before: &str, value: &str) -> Result<(), Text> {
        let mut text = String::<128>::new();
        fmt::Write::write_fmt(&mut text, format_args!("{{\"{before}\":{value}}}")).unwrap();
        check(metadata::command(command).unwrap().arguments, text.as_bytes())
    }

    #[test]
    fn no_object_of_the_schema_has_more_members_than_bits() {
        let structs = crate::schema::TYPES.iter().map(|info| match info.kind {
            TypeKind::Struct(members) => members.len(),
            _ => 0,
        });
        let commands = crate::schema::COMMANDS.iter().map(|command| command.arguments.len());
        assert!(structs.chain(commands).all(|len| len <= 64));
    }
}
