//! What the schema says about commands and types, at run time: for help texts, for checks before a command is
//! sent, and for agents that must say what they can do.
//!
//! The tables themselves are generated: [`COMMANDS`] and [`TYPES`].
//! ```
//! use qga_proto::metadata::{self, Platform};
//!
//! let command = metadata::command("guest-fsfreeze-freeze").unwrap();
//! assert!(command.condition.on(Platform::Linux) && !command.condition.on(Platform::OpenBsd));
//! assert!(!command.allowed_while_frozen);
//! assert_eq!(metadata::command("guest-nothing"), None);
//! ```

use core::fmt;

use crate::schema::{COMMANDS, PLATFORMS, TYPES};

/// The command of this name, if the schema has it.
#[must_use]
pub fn command(name: &str) -> Option<&'static CommandInfo> {
    let at = COMMANDS.binary_search_by(|command| command.name.cmp(name)).ok()?;
    COMMANDS.get(at)
}

/// The type of this name, if the schema has it.
#[must_use]
pub fn type_info(name: &str) -> Option<&'static TypeInfo> {
    let at = TYPES.binary_search_by(|info| info.name.cmp(name)).ok()?;
    TYPES.get(at)
}

/// A command.
///
/// Generated code builds this and the other structures with `..Self::DEFAULT`, so that a field may be added
/// without breaking it; write patterns with `..` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// What it does: one paragraph of plain text, of which the first sentence is a summary.
    pub doc: &'static str,
    /// The QEMU release that brought it.
    pub since: Option<&'static str>,
    /// On which builds it exists.
    pub condition: Condition,
    /// Special features, such as `deprecated`.
    pub features: &'static [&'static str],
    /// Its arguments. When they are a union, those of all branches, which are then optional.
    pub arguments: &'static [Member],
    /// What the reply holds; `None` is an object without members.
    pub returns: Option<Type>,
    /// Whether the agent answers when the command succeeds.
    pub success_response: bool,
    /// Whether the agent carries it out while the file systems are frozen.
    pub allowed_while_frozen: bool,
    /// Whether it only asks, so that it can be sent again when nobody knows whether it arrived: see
    /// [`Command::is_query`](crate::Command::is_query).
    pub query: bool,
}

impl CommandInfo {
    /// A command without name, documentation and arguments, which is there on every build, is answered and
    /// is no query.
    pub const DEFAULT: Self = Self {
        name: "",
        doc: "",
        since: None,
        condition: Condition::Always,
        features: &[],
        arguments: &[],
        returns: None,
        success_response: true,
        allowed_while_frozen: false,
        query: false,
    };

    /// The first sentence of the documentation.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        summary(self.doc)
    }
}

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// The name in the schema.
    pub name: &'static str,
    /// What it is for: one paragraph of plain text, of which the first sentence is a summary.
    pub doc: &'static str,
    /// The QEMU release that brought it.
    pub since: Option<&'static str>,
    /// On which builds it exists.
    pub condition: Condition,
    /// Special features, such as `deprecated`.
    pub features: &'static [&'static str],
    /// What values it has.
    pub kind: TypeKind,
}

impl TypeInfo {
    /// A struct without name, documentation and members.
    pub const DEFAULT: Self = Self {
        name: "",
        doc: "",
        since: None,
        condition: Condition::Always,
        features: &[],
        kind: TypeKind::Struct(&[]),
    };

    /// The first sentence of the documentation.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        summary(self.doc)
    }
}

/// What values a type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeKind {
    /// One of several strings.
    Enum(&'static [Value]),
    /// An object.
    Struct(&'static [Member]),
    /// An object whose further members depend on one of them, the tag.
    Union {
        /// The name of the tag.
        tag: &'static str,
        /// The members that are always there, the tag among them.
        members: &'static [Member],
        /// The further members, by value of the tag. Values without a branch have none.
        branches: &'static [Branch],
    },
    /// Any of several types, which differ in what kind of JSON they are.
    Alternate(&'static [Branch]),
}

/// A member of an object: an argument of a command, or a part of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name on the wire.
    pub name: &'static str,
    /// What it says: one paragraph of plain text.
    pub doc: &'static str,
    /// The type of its value.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
    /// The QEMU release that brought it, when that is not the one that brought its owner.
    pub since: Option<&'static str>,
    /// On which builds it exists.
    pub condition: Condition,
    /// Special features, such as `deprecated`.
    pub features: &'static [&'static str],
    /// Whether it is a string that stands for bytes, in base64.
    pub base64: bool,
    /// Whether it must not be shown or logged.
    pub secret: bool,
}

impl Member {
    /// A required string without name and documentation.
    pub const DEFAULT: Self = Self {
        name: "",
        doc: "",
        ty: Type::Str,
        optional: false,
        since: None,
        condition: Condition::Always,
        features: &[],
        base64: false,
        secret: false,
    };
}

/// A value of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The string on the wire.
    pub name: &'static str,
    /// What it means: one paragraph of plain text.
    pub doc: &'static str,
    /// The QEMU release that brought it, when that is not the one that brought its enum.
    pub since: Option<&'static str>,
    /// On which builds it exists.
    pub condition: Condition,
    /// Special features, such as `deprecated`.
    pub features: &'static [&'static str],
}

impl Value {
    /// A value without name and documentation.
    pub const DEFAULT: Self =
        Self { name: "", doc: "", since: None, condition: Condition::Always, features: &[] };
}

/// A branch of a union or an alternate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// In a union the value of the tag; in an alternate a name that does not travel.
    pub name: &'static str,
    /// What it means: one paragraph of plain text.
    pub doc: &'static str,
    /// The type that has the members, or the value.
    pub ty: Type,
    /// On which builds it exists.
    pub condition: Condition,
}

impl Branch {
    /// A branch without name and documentation.
    pub const DEFAULT: Self = Self { name: "", doc: "", ty: Type::Str, condition: Condition::Always };
}

/// The type of a value. It prints as the schema writes it: `int`, `[str]`, `GuestDiskInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Any JSON value.
    Any,
    /// `true` or `false`.
    Bool,
    /// A signed integer of 64 bits.
    Int,
    /// A signed integer of 8 bits.
    Int8,
    /// A signed integer of 16 bits.
    Int16,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// `null`.
    Null,
    /// A number that may have a fraction.
    Number,
    /// The name of a kind of JSON value.
    QType,
    /// A size in bytes: an unsigned integer of 64 bits.
    Size,
    /// A string.
    Str,
    /// An unsigned integer of 8 bits.
    UInt8,
    /// An unsigned integer of 16 bits.
    UInt16,
    /// An unsigned integer of 32 bits.
    UInt32,
    /// An unsigned integer of 64 bits.
    UInt64,
    /// A type of the schema: see [`type_info`].
    Named(&'static str),
    /// An array of values of one type.
    Array(&'static Self),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Null => "null",
            Self::Number => "number",
            Self::QType => "QType",
            Self::Size => "size",
            Self::Str => "str",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Named(name) => name,
            Self::Array(item) => return write!(f, "[{item}]"),
        })
    }
}

/// On which builds of the agent something exists. Before QEMU 9.1 it existed on all, and did not work on
/// some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// On all.
    Always,
    /// On those that define a symbol.
    If(&'static str),
    /// On those where all of these hold.
    All(&'static [Self]),
    /// On those where one of these holds.
    Any(&'static [Self]),
    /// On those where this does not hold.
    Not(&'static Self),
}

impl Condition {
    /// Whether it holds on a build that defines the symbols for which `defined` is true.
    pub fn holds(&self, defined: &dyn Fn(&str) -> bool) -> bool {
        match *self {
            Self::Always => true,
            Self::If(symbol) => defined(symbol),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(defined)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(defined)),
            Self::Not(condition) => !condition.holds(defined),
        }
    }

    /// Whether it holds on a build for this platform that lacks nothing it can be built with.
    #[must_use]
    pub fn on(&self, platform: Platform) -> bool {
        let symbols =
            PLATFORMS.iter().find(|(other, _)| *other == platform).map_or(&[][..], |(_, symbols)| symbols);
        self.holds(&|symbol| symbols.contains(&symbol))
    }

    /// The platforms on which it holds.
    pub fn platforms(self) -> impl Iterator<Item = Platform> {
        Platform::ALL.into_iter().filter(move |platform| self.on(*platform))
    }
}

/// An operating system that the agent is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// FreeBSD.
    FreeBsd,
    /// NetBSD.
    NetBsd,
    /// OpenBSD.
    OpenBsd,
    /// Solaris and its descendants.
    Solaris,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Linux, Self::Windows, Self::FreeBsd, Self::NetBsd, Self::OpenBsd, Self::Solaris];

    /// The name as its makers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
            Self::FreeBsd => "FreeBSD",
            Self::NetBsd => "NetBSD",
            Self::OpenBsd => "OpenBSD",
            Self::Solaris => "Solaris",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn summary(doc: &'static str) -> &'static str {
    match doc.find(". ") {
        Some(end) => &doc[..=end],
        None => doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        assert!(TYPES.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn platforms_of_commands() {
        let limited = |name| {
            let mut names = [""; 6];
            let command = command(name).unwrap();
            command
                .condition
                .platforms()
                .zip(&mut names)
                .for_each(|(platform, name)| *name = platform.name());
            names
        };
        assert_eq!(limited("guest-ping"), ["Linux", "Windows", "FreeBSD", "NetBSD", "OpenBSD", "Solaris"]);
        assert_eq!(limited("guest-fsfreeze-thaw"), ["Linux", "Windows", "FreeBSD", "", "", ""]);
        assert_eq!(limited("guest-fstrim"), ["Linux", "Windows", "", "", "", ""]);
        assert_eq!(limited("guest-get-users"), ["Linux", "Windows", "FreeBSD", "NetBSD", "", ""]);
        assert_eq!(limited("guest-get-devices"), ["Windows", "", "", "", "", ""]);
    }
}
