//! Expressions as they are written: shapes are right, names are not yet looked up.

use crate::doc::Doc;
use crate::error::{Pos, Spanned};

/// One definition.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Spanned<String>,
    pub(crate) doc: Option<Doc>,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
    pub(crate) kind: Kind,
}

/// What is defined.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Enum(Vec<Value>),
    Struct {
        base: Option<Spanned<String>>,
        members: Vec<Member>,
    },
    Union {
        base: Data,
        discriminator: Spanned<String>,
        branches: Vec<Branch>,
    },
    Alternate(Vec<Branch>),
    Command(Command),
    /// The guest agent sends no events; they are checked and have no Rust.
    Event {
        data: Option<Data>,
        boxed: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) data: Option<Data>,
    pub(crate) boxed: bool,
    pub(crate) returns: Option<TypeRef>,
    pub(crate) success_response: bool,
}

/// Members by name of a type, or written in place.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Named(Spanned<String>),
    Inline(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Without the `*` of an optional member.
    pub(crate) name: Spanned<String>,
    pub(crate) optional: bool,
    pub(crate) ty: TypeRef,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
}

/// A branch of a union or an alternate.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) name: Spanned<String>,
    pub(crate) ty: TypeRef,
    pub(crate) condition: Option<Condition>,
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) name: Spanned<String>,
    pub(crate) condition: Option<Condition>,
    pub(crate) features: Vec<Feature>,
}

#[derive(Clone, Debug)]
pub(crate) struct Feature {
    pub(crate) name: Spanned<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct TypeRef {
    pub(crate) pos: Pos,
    pub(crate) name: String,
    pub(crate) array: bool,
}

/// On which builds a thing exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    If(String),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Condition {
    /// Whether it holds on a build that defines the symbols for which `defined` is true.
    pub(crate) fn holds(&self, defined: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::If(symbol) => defined(symbol),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(defined)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(defined)),
            Self::Not(condition) => !condition.holds(defined),
        }
    }
}
