//! Structs: their fields, constructor and setters, the same for commands, views and owned types.

use crate::error::{Fault, Spanned};
use crate::facts;
use crate::rust::docs;
use crate::rust::layout::{Code, Expr, literal};
use crate::rust::names;
use crate::rust::types::{Family, Place, Types};
use crate::schema::{Builtin, Item, Member, TypeId};

/// More parameters than these are a list that nobody reads; such structs start empty and are filled.
const MAX_PARAMETERS: usize = 7;

/// How many members `members!` takes in a struct, which is `qga_proto::json::members::MAX_MEMBERS`.
const MAX_MEMBERS: usize = 64;

/// Whether a member must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
    /// Always there in Rust; what an agent leaves out is empty.
    Empty,
    /// Always there in Rust; what an agent leaves out is true.
    True,
}

/// A member as a field.
pub(crate) struct Field<'m> {
    pub(crate) member: &'m Member,
    pub(crate) name: String,
    /// Without the `Option` of an optional one.
    pub(crate) ty: String,
    pub(crate) presence: Presence,
    /// Whether what a caller gives is converted into the field's type.
    into: bool,
    secret: bool,
    /// Whether its type has a value that says nothing.
    default: bool,
    /// The field of a view before the member has come.
    empty: String,
}

impl<'m> Field<'m> {
    fn new(types: &Types<'_>, user: Option<TypeId>, member: &'m Member, place: Place) -> Self {
        let (owner, name) = (member.owner.as_str(), member.name.value.as_str());
        let ty = types.member(user, member, place);
        // A request must be complete; a reply may come from an agent that does not know all of it.
        let reply = user.is_some();
        let presence = match member {
            Member { optional: true, .. } => Presence::Optional,
            Member { late: true, .. } if reply => Presence::Optional,
            _ if reply && member.ty.array => Presence::Empty,
            _ if facts::has(facts::DEFAULT_TRUE, owner, name) && ty == "bool" => Presence::True,
            _ => Presence::Required,
        };
        let plain = ty.trim_start_matches("Secret<");
        let into =
            ["Str<", "List<", "Base64<", "String", "Bytes"].iter().any(|start| plain.starts_with(start));
        let scalar = matches!(member.ty.item, Item::Builtin(builtin) if builtin != Builtin::Any);
        Self {
            name: names::field(name),
            secret: ty.starts_with("Secret<"),
            into,
            default: member.ty.array || scalar,
            empty: match presence {
                Presence::Optional => "None".to_owned(),
                Presence::True => "true".to_owned(),
                Presence::Empty | Presence::Required => types.empty_member(user, member, place),
            },
            member,
            ty,
            presence,
        }
    }

    pub(crate) fn full_type(&self) -> String {
        if self.presence == Presence::Optional { format!("Option<{}>", self.ty) } else { self.ty.clone() }
    }

    /// The type of the parameter through which a caller gives the value.
    fn parameter(&self) -> String {
        let plain = self.ty.strip_prefix("Secret<").and_then(|ty| ty.strip_suffix('>')).unwrap_or(&self.ty);
        if self.into { format!("impl Into<{plain}>") } else { plain.to_owned() }
    }

    /// The field's value, of the parameter.
    fn value(&self) -> String {
        let value = if self.into { format!("{}.into()", self.name) } else { self.name.clone() };
        if self.secret { format!("Secret({value})") } else { value }
    }

    fn attributes(&self, kebab: bool, read_by: ReadBy) -> Vec<String> {
        let wire = &self.member.name.value;
        let mut items = Vec::new();
        if read_by == ReadBy::Derive {
            if self.ty.contains("'a") {
                items.push("borrow".to_owned());
            }
            match self.presence {
                Presence::Empty => items.push("default".to_owned()),
                Presence::True => items.push("default = \"yes\"".to_owned()),
                _ => {}
            }
        }
        if (if kebab { self.name.replace('_', "-") } else { self.name.clone() }) != *wire {
            items.push(format!("rename = \"{wire}\""));
        }
        if self.presence == Presence::Optional {
            items.push("skip_serializing_if = \"Option::is_none\"".to_owned());
        }
        items
    }
}

/// What reads a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadBy {
    /// Serde's derive.
    Derive,
    /// `members!`, which is far smaller.
    Members,
    /// Nothing: all of its traits are written out.
    Nothing,
}

/// Members as fields.
pub(crate) struct Fields<'m> {
    pub(crate) all: Vec<Field<'m>>,
    place: Place,
    /// Whether the names on the wire have hyphens where the fields' have underscores.
    kebab: bool,
    read_by: ReadBy,
}

impl<'m> Fields<'m> {
    /// The fields of a struct of the schema, or with `user` absent of a command.
    pub(crate) fn new(
        types: &Types<'_>,
        user: Option<TypeId>,
        members: &'m [Member],
        place: Place,
    ) -> Result<Self, Fault> {
        names::check_distinct(members.iter().map(|member| &member.name), names::field)?;
        Ok(Self::from_fields(
            members.iter().map(|member| Field::new(types, user, member, place)).collect(),
            place,
        ))
    }

    pub(crate) fn from_fields(all: Vec<Field<'m>>, place: Place) -> Self {
        let kebab = all.iter().any(|field| {
            let wire = &field.member.name.value;
            wire.contains('-') && field.name.replace('_', "-") == *wire
        });
        Self { all, place, kebab, read_by: ReadBy::Derive }
    }

    pub(crate) fn borrows(&self) -> bool {
        self.all.iter().any(|field| field.ty.contains("'a"))
    }

    /// The same fields where each may be missing, for a private struct that has those of several types.
    pub(crate) fn make_optional(&mut self) {
        self.all.iter_mut().for_each(|field| field.presence = Presence::Optional);
    }

    /// The same fields in a struct that [`members`](Self::members) reads.
    pub(crate) fn read_by_members(mut self) -> Result<Self, Fault> {
        if let Some(field) = self.all.get(MAX_MEMBERS) {
            let Spanned { pos, value } = &field.member.name;
            let message = format!("expected no more than {MAX_MEMBERS} members, '{value}' is one too many");
            return Err(Fault::new(*pos, message));
        }
        self.read_by = ReadBy::Members;
        Ok(self)
    }

    /// The same fields in the definition of the type `named`, which says `Self` of itself.
    pub(crate) fn in_definition_of(mut self, named: &str) -> Self {
        self.all.iter_mut().for_each(|field| field.ty = with_self(&field.ty, named));
        self
    }

    /// The same fields in a struct for which serde's traits are written out, with another type for one of
    /// them.
    pub(crate) fn written_out(mut self, index: usize, ty: &str) -> Self {
        self.read_by = ReadBy::Nothing;
        if let Some(field) = self.all.get_mut(index) {
            ty.clone_into(&mut field.ty);
        }
        self
    }

    /// `#[serde(...)]` on the struct; `more` goes in front.
    pub(crate) fn container(&self, code: &mut Code, more: &[&str]) {
        let mut items: Vec<_> = more.iter().map(|item| (*item).to_owned()).collect();
        if self.kebab {
            items.push("rename_all = \"kebab-case\"".to_owned());
        }
        code.serde(&items);
    }

    /// `members!`: what reads the struct; `kind` says how.
    pub(crate) fn members(&self, code: &mut Code, kind: &str, name: &str) {
        let lifetime = if self.borrows() { "<'a>" } else { "" };
        code.line("");
        if self.all.is_empty() {
            return code.line(format!("members! {{ {kind} {name}{lifetime} {{}} }}"));
        }
        code.open("members! {");
        code.open(format!("{kind} {name}{lifetime} {{"));
        for field in &self.all {
            let presence = if field.presence == Presence::Required { "required" } else { "optional" };
            let (name, wire, empty) = (&field.name, literal(&field.member.name.value), &field.empty);
            code.line(format!("{presence} {name}: {wire} = {empty},"));
        }
        code.close("}");
        code.close("}");
    }

    /// The struct's declaration.
    pub(crate) fn declare(&self, code: &mut Code, name: &str, public: bool) {
        let visibility = if public { "pub " } else { "" };
        let lifetime = if self.borrows() { "<'a>" } else { "" };
        if self.all.is_empty() {
            return code.line(format!("{visibility}struct {name} {{}}"));
        }
        code.open(format!("{visibility}struct {name}{lifetime} {{"));
        for field in &self.all {
            if public {
                let member = field.member;
                code.docs(&docs::part(
                    &member.name.value,
                    &member.doc,
                    member.condition.as_ref(),
                    code.room(4),
                ));
            }
            if self.read_by != ReadBy::Nothing {
                code.serde(&field.attributes(self.kebab, self.read_by));
            }
            code.line(format!("{visibility}{}: {},", field.name, field.full_type()));
        }
        code.close("}");
    }

    fn required(&self) -> impl Iterator<Item = &Field<'m>> {
        self.all.iter().filter(|field| field.presence != Presence::Optional)
    }

    /// Whether the struct starts empty: nothing is required of it, or too much.
    pub(crate) fn starts_empty(&self) -> bool {
        let count = self.required().count();
        count == 0 || (count > MAX_PARAMETERS && self.required().all(|field| field.default))
    }

    /// `new`, and setters for what it does not take.
    pub(crate) fn methods(&self, code: &mut Code, new_doc: &str) {
        let parameters: Vec<_> = match self.starts_empty() {
            true => Vec::new(),
            false => self.required().map(|field| format!("{}: {}", field.name, field.parameter())).collect(),
        };
        let lints = parameters.len() > MAX_PARAMETERS;
        code.docs(&[new_doc.to_owned()]);
        if lints {
            code.line("#[allow(clippy::too_many_arguments)]");
        }
        let default = self.starts_empty() && self.required().next().is_some();
        let constant =
            self.place.family == Family::View && !default && !self.required().any(|field| field.into);
        code.function(if constant { "pub const fn new" } else { "pub fn new" }, &parameters, "Self");
        if default {
            code.line("Self::default()");
        } else {
            let value = |field: &Field<'_>| match field.presence {
                Presence::Optional => Expr::atom("None"),
                _ => Expr::Atom(field.value()),
            };
            let fields = self.all.iter().map(|field| (field.name.clone(), value(field))).collect();
            code.expression("", &Expr::Struct { name: "Self".into(), fields, rest: None }, "");
        }
        code.close("}");
        if self.place.family == Family::View {
            self.all
                .iter()
                .filter(|field| default || field.presence == Presence::Optional)
                .for_each(|field| setter(code, field));
        }
    }
}

/// A type in the definition of the type `named`, or in its methods.
pub(crate) fn with_self(ty: &str, named: &str) -> String {
    match ty.split_once(named) {
        Some((before, after))
            if !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric) =>
        {
            format!("{before}Self{after}")
        }
        _ => ty.to_owned(),
    }
}

fn setter(code: &mut Code, field: &Field<'_>) {
    let name = match field.name.as_str() {
        "new" => "with_new",
        name => name,
    };
    code.line("");
    code.line(format!("/// Sets `{}`.", field.name));
    code.line("#[must_use]");
    let parameter = format!("{}: {}", field.name, field.parameter());
    code.function(&format!("pub fn {name}"), &["mut self".to_owned(), parameter], "Self");
    let value = match field.presence {
        Presence::Optional => format!("Some({})", field.value()),
        _ => field.value(),
    };
    code.assign(&format!("self.{}", field.name), &value);
    code.line("self");
    code.close("}");
}
