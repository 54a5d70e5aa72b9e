//! From definitions to a checked schema: names are looked up, the notation's rules are enforced.

use std::collections::BTreeMap;

use crate::ast::{self, Data, Definition, Kind};
use crate::described;
use crate::doc::{Doc, Section};
use crate::error::{Fault, Spanned};
use crate::recursion;
use crate::schema::{
    Arguments, Branch, Builtin, Command, Item, Json, Member, Schema, Type, TypeId, TypeKind, TypeRef,
};
use crate::schema::{Union, Value};
use crate::version::Version;

/// How deep unions may be branches of unions: each level multiplies what has to be looked at. QEMU has two.
const MAX_UNION_DEPTH: usize = 4;

/// Checks definitions against each other.
pub(crate) fn check(definitions: &[Definition]) -> Result<Schema, Fault> {
    let checker = Checker::new(definitions)?;
    let mut schema = Schema { types: Vec::new(), commands: Vec::new() };
    for definition in definitions {
        described::check(definition)?;
        match &definition.kind {
            Kind::Command(command) => schema.commands.push(checker.command(definition, command)?),
            Kind::Event { data, boxed } => {
                let owner = Owner::new(definition);
                checker.arguments(&owner, data.as_ref(), *boxed)?;
            }
            _ => schema.types.push(checker.named_type(definition)?),
        }
    }
    recursion::check(&schema)?;
    Ok(schema)
}

/// The definitions by name.
struct Checker<'d> {
    names: BTreeMap<&'d str, &'d Definition>,
    /// The types alone, with their place in [`Schema::types`].
    types: BTreeMap<&'d str, TypeId>,
}

/// What members need to know of the definition that they are written in.
struct Owner<'d> {
    name: &'d str,
    doc: Doc,
}

impl<'d> Owner<'d> {
    fn new(definition: &'d Definition) -> Self {
        Self { name: &definition.name.value, doc: definition.doc.clone().unwrap_or_default() }
    }

    fn text(&self, name: &str) -> String {
        self.doc.member(name).map(|section| section.text.clone()).unwrap_or_default()
    }

    fn since(&self, name: &str) -> Option<Version> {
        self.doc.member(name).and_then(Section::since)
    }
}

impl<'d> Checker<'d> {
    fn new(definitions: &'d [Definition]) -> Result<Self, Fault> {
        let mut checker = Self { names: BTreeMap::new(), types: BTreeMap::new() };
        for definition in definitions {
            let name = &definition.name;
            if Builtin::from_name(&name.value).is_some() {
                return Err(Fault::new(
                    name.pos,
                    format!("expected another name than that of the built-in type '{}'", name.value),
                ));
            }
            if let Some(first) = checker.names.insert(&name.value, definition) {
                let line = first.name.pos.line;
                return Err(Fault::new(
                    name.pos,
                    format!("expected each name once, '{}' is defined in line {line} already", name.value),
                ));
            }
            if !matches!(definition.kind, Kind::Command(_) | Kind::Event { .. }) {
                checker.types.insert(&name.value, checker.types.len());
            }
        }
        Ok(checker)
    }

    fn named_type(&self, definition: &'d Definition) -> Result<Type, Fault> {
        let owner = Owner::new(definition);
        let kind = match &definition.kind {
            Kind::Enum(values) => {
                TypeKind::Enum(values.iter().map(|value| enum_value(&owner, value)).collect())
            }
            Kind::Struct { .. } => TypeKind::Struct(self.struct_members(&definition.name)?),
            Kind::Union { base, discriminator, branches } => {
                TypeKind::Union(self.union(&owner, base, discriminator, branches)?)
            }
            Kind::Alternate(branches) => TypeKind::Alternate(self.alternate(&owner, branches)?),
            Kind::Command(_) | Kind::Event { .. } => unreachable!("commands and events are no types"),
        };
        Ok(Type {
            name: definition.name.clone(),
            doc: owner.doc,
            condition: definition.condition.clone(),
            features: definition.features.clone(),
            kind,
        })
    }

    /// The members of a struct, those of its bases first.
    fn struct_members(&self, name: &Spanned<String>) -> Result<Vec<Member>, Fault> {
        let mut chain = vec![];
        let mut next = Some(name);
        while let Some(name) = next {
            let Some(definition) = self.names.get(name.value.as_str()).copied() else {
                return Err(unknown_type(name));
            };
            let Kind::Struct { base, members } = &definition.kind else {
                return Err(Fault::new(
                    name.pos,
                    format!("expected the name of a struct, '{}' is not one", name.value),
                ));
            };
            if chain.iter().any(|(other, _): &(&Definition, _)| other.name.value == definition.name.value) {
                return Err(Fault::new(
                    name.pos,
                    format!("expected no cycle of bases, found '{}' again", name.value),
                ));
            }
            chain.push((definition, members));
            next = base.as_ref();
        }
        let mut all = Vec::new();
        for (definition, members) in chain.into_iter().rev() {
            self.add_members(&Owner::new(definition), members, &mut all)?;
        }
        Ok(all)
    }

    fn add_members(
        &self,
        owner: &Owner<'_>,
        members: &[ast::Member],
        all: &mut Vec<Member>,
    ) -> Result<(), Fault> {
        for member in members {
            if let Some(other) = all.iter().find(|other| other.name.value == member.name.value) {
                let message = format!(
                    "expected another name than '{}', which the base '{}' has",
                    other.name.value, other.owner
                );
                return Err(Fault::new(member.name.pos, message));
            }
            let since = owner.since(&member.name.value);
            let late = match (&since, &owner.doc.since) {
                (Some(member), Some(owner)) => member > owner,
                _ => false,
            };
            all.push(Member {
                name: member.name.clone(),
                owner: owner.name.to_owned(),
                ty: self.type_ref(&member.ty)?,
                optional: member.optional,
                doc: owner.text(&member.name.value),
                since,
                late,
                condition: member.condition.clone(),
                features: member.features.clone(),
            });
        }
        Ok(())
    }

    fn type_ref(&self, ty: &ast::TypeRef) -> Result<TypeRef, Fault> {
        let item = match Builtin::from_name(&ty.name) {
            Some(builtin) => Item::Builtin(builtin),
            None => match self.types.get(ty.name.as_str()) {
                Some(id) => Item::Named(*id),
                None => return Err(unknown_type(&Spanned { pos: ty.pos, value: ty.name.clone() })),
            },
        };
        Ok(TypeRef { pos: ty.pos, item, array: ty.array })
    }

    fn union(
        &self,
        owner: &Owner<'_>,
        base: &Data,
        discriminator: &Spanned<String>,
        branches: &[ast::Branch],
    ) -> Result<Union, Fault> {
        let mut members = Vec::new();
        match base {
            Data::Named(name) => members = self.struct_members(name)?,
            Data::Inline(inline) => self.add_members(owner, inline, &mut members)?,
        }
        let wrong = |what: String| Fault::new(discriminator.pos, what);
        let name = &discriminator.value;
        let Some(tag) = members.iter().position(|member| member.name.value == *name) else {
            return Err(wrong(format!("expected the name of a member of the base, found '{name}'")));
        };
        let member = &members[tag];
        if member.optional || member.condition.is_some() {
            return Err(wrong(format!(
                "expected a discriminator that is always there, '{name}' may be missing"
            )));
        }
        let tag_enum = match member.ty {
            TypeRef { item: Item::Named(id), array: false, .. } => {
                self.enum_values(id).map(|values| (id, values))
            }
            _ => None,
        };
        let Some((tag_type, values)) = tag_enum else {
            return Err(wrong(format!(
                "expected a discriminator whose type is an enum, that of '{name}' is not"
            )));
        };
        let mut checked = Vec::new();
        for branch in branches {
            if !values.iter().any(|value| value.name.value == branch.name.value) {
                let message =
                    format!("expected a value of the discriminator's enum, found '{}'", branch.name.value);
                return Err(Fault::new(branch.name.pos, message));
            }
            checked.push(self.branch(owner, branch)?);
            self.object_names(
                &branch.ty,
                &mut members.iter().map(|member| member.name.value.clone()).collect(),
                0,
            )?;
        }
        Ok(Union { members, tag, tag_type, branches: checked })
    }

    fn enum_values(&self, id: TypeId) -> Option<&'d [ast::Value]> {
        let (name, _) = self.types.iter().find(|(_, other)| **other == id)?;
        match &self.names.get(name)?.kind {
            Kind::Enum(values) => Some(values),
            _ => None,
        }
    }

    /// Adds the names of all members that may stand in an object of this type, which must be a struct or a
    /// union.
    fn object_names(&self, ty: &ast::TypeRef, names: &mut Vec<String>, depth: usize) -> Result<(), Fault> {
        let place = Spanned { pos: ty.pos, value: ty.name.clone() };
        let members = match self.names.get(ty.name.as_str()).map(|definition| (definition, &definition.kind))
        {
            _ if ty.array => None,
            _ if depth > MAX_UNION_DEPTH => {
                let message = format!("expected at most {MAX_UNION_DEPTH} unions inside each other");
                return Err(Fault::new(ty.pos, message));
            }
            Some((_, Kind::Struct { .. })) => Some(self.struct_members(&place)?),
            Some((definition, Kind::Union { base, branches, .. })) => {
                let mut members = Vec::new();
                match base {
                    Data::Named(name) => members = self.struct_members(name)?,
                    Data::Inline(inline) => {
                        self.add_members(&Owner::new(definition), inline, &mut members)?;
                    }
                }
                for branch in branches {
                    let mut inner = names.clone();
                    inner.extend(members.iter().map(|member| member.name.value.clone()));
                    self.object_names(&branch.ty, &mut inner, depth + 1)?;
                }
                Some(members)
            }
            _ => None,
        };
        let Some(members) = members else {
            return Err(Fault::new(
                ty.pos,
                format!("expected a struct or a union for a branch, '{}' is not one", ty.name),
            ));
        };
        for member in members {
            if names.contains(&member.name.value) {
                let message = format!(
                    "expected no member of '{}' to be in the union's base too, '{}' is",
                    ty.name, member.name.value
                );
                return Err(Fault::new(ty.pos, message));
            }
            names.push(member.name.value);
        }
        Ok(())
    }

    fn branch(&self, owner: &Owner<'_>, branch: &ast::Branch) -> Result<Branch, Fault> {
        let ty = self.type_ref(&branch.ty)?;
        let doc = owner.text(&branch.name.value);
        Ok(Branch { name: branch.name.clone(), ty, doc, condition: branch.condition.clone() })
    }

    fn alternate(&self, owner: &Owner<'_>, branches: &[ast::Branch]) -> Result<Vec<Branch>, Fault> {
        let mut seen = BTreeMap::new();
        let mut checked = Vec::new();
        for branch in branches {
            let Some(json) = self.json(&branch.ty) else {
                let message = format!(
                    "expected a type that is always the same kind of JSON, '{}' is not",
                    branch.ty.name
                );
                return Err(Fault::new(branch.ty.pos, message));
            };
            if let Some(other) = seen.insert(json, &branch.name.value) {
                let kind = json.describe();
                let message =
                    format!("expected branches of different kinds of JSON, '{other}' is {kind} already");
                return Err(Fault::new(branch.ty.pos, message));
            }
            checked.push(self.branch(owner, branch)?);
        }
        Ok(checked)
    }

    /// The kind of JSON that an alternate's branch is.
    fn json(&self, ty: &ast::TypeRef) -> Option<Json> {
        if ty.array {
            return Some(Json::Array);
        }
        match Builtin::from_name(&ty.name) {
            Some(builtin) => builtin.json(),
            None => match self.names.get(ty.name.as_str()).map(|definition| &definition.kind) {
                Some(Kind::Enum(_)) => Some(Json::String),
                Some(Kind::Alternate(_)) => None,
                // An unknown type is reported when it is looked up.
                _ => Some(Json::Object),
            },
        }
    }

    fn command(&self, definition: &'d Definition, command: &ast::Command) -> Result<Command, Fault> {
        let owner = Owner::new(definition);
        Ok(Command {
            name: definition.name.clone(),
            condition: definition.condition.clone(),
            features: definition.features.clone(),
            arguments: self.arguments(&owner, command.data.as_ref(), command.boxed)?,
            returns: command.returns.as_ref().map(|ty| self.type_ref(ty)).transpose()?,
            success_response: command.success_response,
            doc: owner.doc,
        })
    }

    fn arguments(&self, owner: &Owner<'_>, data: Option<&Data>, boxed: bool) -> Result<Arguments, Fault> {
        let mut members = Vec::new();
        match data {
            None => {}
            Some(Data::Inline(inline)) => self.add_members(owner, inline, &mut members)?,
            Some(Data::Named(name)) => {
                match self.names.get(name.value.as_str()).map(|definition| &definition.kind) {
                    Some(Kind::Union { .. }) if boxed => {
                        let id = self.types.get(name.value.as_str()).ok_or_else(|| unknown_type(name))?;
                        return Ok(Arguments::Union(*id));
                    }
                    Some(Kind::Union { .. }) => {
                        return Err(Fault::new(
                            name.pos,
                            format!("expected 'boxed': true beside the union '{}'", name.value),
                        ));
                    }
                    _ => members = self.struct_members(name)?,
                }
            }
        }
        Ok(Arguments::Members(members))
    }
}

fn unknown_type(name: &Spanned<String>) -> Fault {
    Fault::new(name.pos, format!("expected the name of a type, '{}' is not defined as one", name.value))
}

fn enum_value(owner: &Owner<'_>, value: &ast::Value) -> Value {
    Value {
        name: value.name.clone(),
        doc: owner.text(&value.name.value),
        since: owner.since(&value.name.value),
        condition: value.condition.clone(),
        features: value.features.clone(),
    }
}
