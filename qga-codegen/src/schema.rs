//! The checked schema: every name is resolved, every rule of the notation holds.

use crate::ast::{Condition, Feature};
use crate::doc::Doc;
use crate::error::{Pos, Spanned};
use crate::version::Version;

/// A schema that Rust can be made of.
#[derive(Debug)]
pub(crate) struct Schema {
    /// In the order of the schema.
    pub(crate) types: Vec<Type>,
    pub(crate) commands: Vec<Command>,
}

/// Index into [`Schema::types`].
pub(crate) type TypeId = usize;

#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: Spanned<String>,
    pub(crate) doc: Doc,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
    pub(crate) kind: TypeKind,
}

#[derive(Debug)]
pub(crate) enum TypeKind {
    Enum(Vec<Value>),
    /// With the base's members, which come first.
    Struct(Vec<Member>),
    Union(Union),
    Alternate(Vec<Branch>),
}

/// A flat union: `members`, one of which is the tag, and those of the branch that the tag chooses, in one
/// object.
#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) members: Vec<Member>,
    /// Index of the tag in `members`.
    pub(crate) tag: usize,
    /// The tag's enum.
    pub(crate) tag_type: TypeId,
    pub(crate) branches: Vec<Branch>,
}

impl Union {
    pub(crate) fn tag(&self) -> &Member {
        &self.members[self.tag]
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: Spanned<String>,
    /// The definition that the member is written in; another than the one it is found in if that has a base.
    pub(crate) owner: String,
    pub(crate) ty: TypeRef,
    pub(crate) optional: bool,
    pub(crate) doc: String,
    /// When it was added, if its description says so.
    pub(crate) since: Option<Version>,
    /// Whether it is younger than its owner, so that it may be missing though it is not optional.
    pub(crate) late: bool,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: Spanned<String>,
    pub(crate) doc: String,
    pub(crate) since: Option<Version>,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) name: Spanned<String>,
    pub(crate) ty: TypeRef,
    pub(crate) doc: String,
    pub(crate) condition: Option<Condition>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: Spanned<String>,
    pub(crate) doc: Doc,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
    pub(crate) arguments: Arguments,
    pub(crate) returns: Option<TypeRef>,
    pub(crate) success_response: bool,
}

#[derive(Debug)]
pub(crate) enum Arguments {
    Members(Vec<Member>),
    /// A union, whose members depend on its tag.
    Union(TypeId),
}

/// A type as it is used; `pos` is the place of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeRef {
    pub(crate) pos: Pos,
    pub(crate) item: Item,
    pub(crate) array: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Builtin(Builtin),
    Named(TypeId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Str,
    Number,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Size,
    Bool,
    Null,
    Any,
    QType,
}

impl Builtin {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "number" => Self::Number,
            "int" => Self::Int,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "uint8" => Self::UInt8,
            "uint16" => Self::UInt16,
            "uint32" => Self::UInt32,
            "uint64" => Self::UInt64,
            "size" => Self::Size,
            "bool" => Self::Bool,
            "null" => Self::Null,
            "any" => Self::Any,
            "QType" => Self::QType,
            _ => return None,
        })
    }

    /// The JSON that stands for it, as an alternate tells its branches apart.
    pub(crate) fn json(self) -> Option<Json> {
        Some(match self {
            Self::Str | Self::QType => Json::String,
            Self::Bool => Json::Bool,
            Self::Null => Json::Null,
            Self::Any => return None,
            _ => Json::Number,
        })
    }
}

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Json {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Json {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}
