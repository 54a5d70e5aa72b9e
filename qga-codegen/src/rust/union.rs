//! Unions: flat on the wire, an enum in Rust.
//!
//! A private struct stands between the two. It has the base's members and those of every branch, each of
//! which may be missing, so that it can be read from any deserializer in one pass, without a buffer for
//! members that come before the tag.

use crate::error::Fault;
use crate::rust::layout::{Code, Expr, literal};
use crate::rust::members::{Field, Fields, Presence};
use crate::rust::types::{Family, Types};
use crate::rust::{docs, names};
use crate::schema::{Branch, Item, TypeId, TypeKind, Union};

/// A union on its way to Rust.
struct Writer<'u> {
    types: &'u Types<'u>,
    id: TypeId,
    union: &'u Union,
    family: Family,
    name: &'u str,
    lifetime: &'static str,
    /// The enum of the branches: the union itself when its base has nothing but the tag.
    data: String,
    base: Fields<'u>,
}

pub(crate) fn generate(
    code: &mut Code,
    types: &Types<'_>,
    id: TypeId,
    union: &Union,
    family: Family,
) -> Result<(), Fault> {
    names::check_distinct(union.branches.iter().map(|branch| &branch.name), names::variant)?;
    let name = types.name(id);
    let data = types.data_name(id, union);
    let base = Fields::new(types, Some(id), &union.members, family.place())?;
    let lifetime = if family == Family::View { "<'a>" } else { "" };
    let writer = Writer { types, id, union, family, name, lifetime, data, base };
    let wire = writer.wire()?;
    writer.declare(code)?;
    writer.traits(code);
    code.line("");
    code.line(format!("/// The members that a [`{name}`] may have."));
    code.line("#[derive(Default, Serialize, Deserialize)]");
    wire.container(code, &[]);
    wire.declare(code, &format!("{name}Wire"), false);
    writer.decode(code)?;
    writer.encode(code)
}

/// The fields that stand for a type's members in the struct on the wire.
fn wire_fields<'t>(types: &'t Types<'_>, id: TypeId, family: Family) -> Result<Vec<Field<'t>>, Fault> {
    match &types.schema.types[id].kind {
        TypeKind::Struct(members) => Ok(Fields::new(types, Some(id), members, family.place())?.all),
        TypeKind::Union(union) => {
            let mut all = Fields::new(types, Some(id), &union.members, family.place())?.all;
            for branch in &union.branches {
                let Item::Named(inner) = branch.ty.item else { continue };
                for field in wire_fields(types, inner, family)? {
                    merge(&mut all, field, branch)?;
                }
            }
            Ok(all)
        }
        TypeKind::Enum(_) | TypeKind::Alternate(_) => Ok(Vec::new()),
    }
}

/// Adds a branch's field to those of others. One that others have too must be the same there.
fn merge<'t>(all: &mut Vec<Field<'t>>, field: Field<'t>, branch: &Branch) -> Result<(), Fault> {
    let name = &field.member.name;
    match all.iter().find(|other| other.name == field.name) {
        Some(other) if other.ty == field.ty && other.member.name.value == name.value => Ok(()),
        Some(other) => {
            let place = other.member.name.pos;
            let message = format!(
                "expected one type for members of one name, '{}' is {} in the branch '{}' and {} in '{}' \
                 (line {}, column {})",
                name.value,
                field.ty,
                branch.name.value,
                other.ty,
                other.member.owner,
                place.line,
                place.column
            );
            Err(Fault::new(name.pos, message))
        }
        None => {
            all.push(field);
            Ok(())
        }
    }
}

impl Writer<'_> {
    fn wire(&self) -> Result<Fields<'_>, Fault> {
        let all = wire_fields(self.types, self.id, self.family)?;
        let mut wire = Fields::from_fields(all, self.family.place());
        wire.make_optional();
        Ok(wire)
    }

    fn tag(&self) -> &Field<'_> {
        &self.base.all[self.union.tag]
    }

    /// The base's members without the tag.
    fn others(&self) -> impl Iterator<Item = &Field<'_>> {
        self.base.all.iter().enumerate().filter(|(index, _)| *index != self.union.tag).map(|(_, field)| field)
    }

    fn tag_enum(&self) -> &str {
        self.types.name(self.union.tag_type)
    }

    fn branches(&self) -> impl Iterator<Item = (&Branch, TypeId)> {
        self.union.branches.iter().filter_map(|branch| match branch.ty.item {
            Item::Named(id) => Some((branch, id)),
            Item::Builtin(_) => None,
        })
    }

    /// The union's declaration.
    fn declare(&self, code: &mut Code) -> Result<(), Fault> {
        let derives = format!("#[derive({})]", self.family.derives(false));
        code.docs(&docs::named_type(&self.types.schema.types[self.id], code.room(4)));
        code.line(&derives);
        code.line("#[non_exhaustive]");
        if self.data != self.name {
            self.declare_base(code, &derives)?;
        }
        let tag = &self.tag().member.name.value;
        code.open(format!("pub enum {}{} {{", self.data, self.lifetime));
        for (branch, id) in self.branches() {
            let fallback = format!("``{tag}`` is ``{}``.", branch.name.value);
            let text = if branch.doc.trim().is_empty() { fallback } else { branch.doc.clone() };
            code.docs(&docs::part(&branch.name.value, &text, branch.condition.as_ref(), code.room(4)));
            let ty = self.types.named(id, self.family.place());
            code.line(format!("{}({ty}),", names::variant(&branch.name.value)));
        }
        code.line(format!("/// Any other `{tag}`: nothing more is known."));
        code.line(format!("Other({}),", self.tag().ty));
        code.close("}");
        Ok(())
    }

    /// The struct of the members that are always there, with the head of the enum for the others.
    fn declare_base(&self, code: &mut Code, derives: &str) -> Result<(), Fault> {
        let place = self.family.place();
        let fields = Fields::new(self.types, Some(self.id), &self.union.members, place)?
            .in_definition_of(&self.types.named(self.id, place))
            .written_out(self.union.tag, &format!("{}{}", self.data, self.lifetime));
        fields.declare(code, self.name, true);
        code.line("");
        code.open(format!("impl{0} {1}{0} {{", self.lifetime, self.name));
        fields.methods(code, "With the members that are always there.");
        code.close("}");
        code.line("");
        code.line(format!("/// What a [`{}`] has by its `{}`.", self.name, self.tag().member.name.value));
        code.line(derives);
        code.line("#[non_exhaustive]");
        Ok(())
    }

    /// Serde's traits, by way of the struct on the wire.
    fn traits(&self, code: &mut Code) {
        let (any, generics, value) = match self.family {
            Family::View => ("<'_>", "<'de: 'a, 'a>", "*self"),
            Family::Owned => ("", "<'de>", "self.clone()"),
        };
        let name = self.name;
        code.line("");
        code.open(format!("impl Serialize for {name}{any} {{"));
        code.open("fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {");
        code.line(format!("{name}Wire::from({value}).serialize(serializer)"));
        code.close("}");
        code.close("}");
        code.line("");
        code.open(format!("impl{generics} Deserialize<'de> for {name}{} {{", self.lifetime));
        code.open("fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {");
        code.line(format!(
            "{name}Wire::deserialize(deserializer)?.decode().map_err(D::Error::missing_field)"
        ));
        code.close("}");
        code.close("}");
    }

    /// From the wire; an error is the name of a member that is missing.
    fn decode(&self, code: &mut Code) -> Result<(), Fault> {
        let (name, lifetime, tag) = (self.name, self.lifetime, self.tag());
        code.line("");
        code.open(format!("impl{lifetime} {name}Wire{lifetime} {{"));
        code.line("/// Chooses the branch; `Err` names a member that is missing.");
        code.function(
            "fn decode",
            &["mut self".to_owned()],
            &format!("Result<{name}{lifetime}, &'static str>"),
        );
        for field in self.others() {
            let chain = vec!["self".to_owned(), field.name.clone(), "take()".to_owned()];
            code.expression(&format!("let {} = ", field.name), &taken(field, chain), ";");
        }
        let whole = self.data == self.name;
        let start = if whole { "Ok(match".to_owned() } else { format!("let {} = match", tag.name) };
        code.open(format!("{start} self.{}.take().ok_or({})? {{", tag.name, literal(&tag.member.name.value)));
        for (branch, _) in self.branches() {
            let variant = names::variant(&branch.name.value);
            let method = names::field(&format!("branch-{}", branch.name.value));
            code.line(format!(
                "{}::{variant} => {}::{variant}(self.{method}()?),",
                self.tag_enum(),
                self.data
            ));
        }
        code.line(format!("tag => {}::Other(tag),", self.data));
        code.close(if whole { "})" } else { "};" });
        if !whole {
            let fields =
                self.base.all.iter().map(|field| (field.name.clone(), Expr::atom(&field.name))).collect();
            code.expression("Ok(", &Expr::Struct { name: name.to_owned(), fields, rest: None }, ")");
        }
        code.close("}");
        for (branch, id) in self.branches() {
            self.decode_branch(code, branch, id)?;
        }
        code.close("}");
        Ok(())
    }

    fn decode_branch(&self, code: &mut Code, branch: &Branch, id: TypeId) -> Result<(), Fault> {
        let ty = self.types.named(id, self.family.place());
        let method = names::field(&format!("branch-{}", branch.name.value));
        let from_self = |field: &Field<'_>| vec!["self".to_owned(), field.name.clone()];
        code.line("");
        code.function(&format!("fn {method}"), &["self".to_owned()], &format!("Result<{ty}, &'static str>"));
        let name = self.types.name(id).to_owned();
        match &self.types.schema.types[id].kind {
            TypeKind::Struct(members) => {
                let fields = Fields::new(self.types, Some(id), members, self.family.place())?;
                let fields = fields
                    .all
                    .iter()
                    .map(|field| (field.name.clone(), taken(field, from_self(field))))
                    .collect();
                code.expression("Ok(", &Expr::Struct { name, fields, rest: None }, ")");
            }
            _ => {
                let fields = wire_fields(self.types, id, self.family)?;
                let fields =
                    fields.iter().map(|field| (field.name.clone(), Expr::Chain(from_self(field)))).collect();
                let wire = Expr::Struct { name: format!("{name}Wire"), fields, rest: None };
                code.expression("let wire = ", &wire, ";");
                code.line("wire.decode()");
            }
        }
        code.close("}");
        Ok(())
    }

    /// To the wire.
    fn encode(&self, code: &mut Code) -> Result<(), Fault> {
        let (name, lifetime, tag) = (self.name, self.lifetime, self.tag());
        let data = &self.data;
        code.line("");
        code.open(format!("impl{lifetime} From<{name}{lifetime}> for {name}Wire{lifetime} {{"));
        code.open(format!("fn from(value: {name}{lifetime}) -> Self {{"));
        code.line("let mut wire = Self::default();");
        let value = if *data == name { "value".to_owned() } else { format!("value.{}", tag.name) };
        code.open(format!("match {value} {{"));
        for (branch, id) in self.branches() {
            let variant = names::variant(&branch.name.value);
            let fields = match &self.types.schema.types[id].kind {
                TypeKind::Struct(members) => {
                    Some(Fields::new(self.types, Some(id), members, self.family.place())?.all)
                }
                _ => None,
            };
            let binding = if fields.as_ref().is_some_and(Vec::is_empty) { "_" } else { "data" };
            code.open(format!("{data}::{variant}({binding}) => {{"));
            code.assign(&format!("wire.{}", tag.name), &format!("Some({}::{variant})", self.tag_enum()));
            match fields {
                Some(fields) => fields.iter().for_each(|field| give(code, "data", field)),
                None => {
                    code.line(format!("let inner = {}Wire::from(data);", self.types.name(id)));
                    for field in wire_fields(self.types, id, self.family)? {
                        code.assign(&format!("wire.{}", field.name), &format!("inner.{}", field.name));
                    }
                }
            }
            code.close("}");
        }
        code.line(format!("{data}::Other(tag) => wire.{} = Some(tag),", tag.name));
        code.close("}");
        self.others().for_each(|field| give(code, "value", field));
        code.line("wire");
        code.close("}");
        code.close("}");
        Ok(())
    }
}

/// A field's value, from the one on the wire that may be missing.
fn taken(field: &Field<'_>, mut chain: Vec<String>) -> Expr {
    match field.presence {
        Presence::Optional => {}
        Presence::Empty => chain.push("unwrap_or_default()".to_owned()),
        Presence::True => chain.push("unwrap_or(true)".to_owned()),
        Presence::Required => chain.push(format!("ok_or({})?", literal(&field.member.name.value))),
    }
    Expr::Chain(chain)
}

/// Copies a field to the wire.
fn give(code: &mut Code, from: &str, field: &Field<'_>) {
    let value = match field.presence {
        Presence::Optional => format!("{from}.{}", field.name),
        _ => format!("Some({from}.{})", field.name),
    };
    code.assign(&format!("wire.{}", field.name), &value);
}
