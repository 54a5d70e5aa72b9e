//! The files of types: `view.rs` borrows, `owned.rs` owns.

use crate::error::Fault;
use crate::facts;
use crate::rust::layout::{Code, Expr};
use crate::rust::members::{Fields, Presence};
use crate::rust::names;
use crate::rust::types::{Family, Place, Types, is_string};
use crate::rust::{alternate, docs, union};
use crate::schema::{Type, TypeId, TypeKind, Value};

impl Family {
    pub(crate) fn place(self) -> Place {
        match self {
            Self::View => Place::VIEW,
            Self::Owned => Place::OWNED,
        }
    }

    /// What types of the family derive, besides serde's traits.
    pub(crate) fn derives(self, default: bool) -> String {
        let copy = if self == Self::View { "Copy, " } else { "" };
        let default = if default { "Default, " } else { "" };
        format!("Clone, {copy}Debug, {default}PartialEq")
    }
}

/// All types of a family, without the file's head. Those that do not borrow are in the view family only.
pub(crate) fn generate(types: &Types<'_>, family: Family) -> Result<String, Fault> {
    names::check_distinct(types.schema.types.iter().map(|ty| &ty.name), names::type_name)?;
    let mut code = Code::default();
    for (id, ty) in types.schema.types.iter().enumerate() {
        if family == Family::Owned && !types.borrows(id) {
            continue;
        }
        code.line("");
        match &ty.kind {
            TypeKind::Enum(values) => enumeration(&mut code, types, id, values, family)?,
            TypeKind::Struct(_) => structure(&mut code, types, id, family)?,
            TypeKind::Union(union) => union::generate(&mut code, types, id, union, family)?,
            TypeKind::Alternate(branches) => alternate::generate(&mut code, types, id, branches, family)?,
        }
    }
    let text = code.into_text();
    let default_true =
        "\n/// What an agent means that does not say.\nconst fn yes() -> bool {\n    true\n}\n";
    Ok(if text.contains("default = \"yes\"") { text + default_true } else { text })
}

fn enumeration(
    code: &mut Code,
    types: &Types<'_>,
    id: TypeId,
    values: &[Value],
    family: Family,
) -> Result<(), Fault> {
    names::check_distinct(values.iter().map(|value| &value.name), names::variant)?;
    code.open("open_enum! {");
    code.docs(&docs::named_type(&types.schema.types[id], code.room(4)));
    code.open(format!("pub enum {} {{", types.named(id, family.place())));
    for value in values {
        code.docs(&docs::part(&value.name.value, &value.doc, value.condition.as_ref(), code.room(4)));
        code.line(format!("{} = \"{}\",", names::variant(&value.name.value), value.name.value));
    }
    code.close("}");
    code.close("}");
    Ok(())
}

fn structure(code: &mut Code, types: &Types<'_>, id: TypeId, family: Family) -> Result<(), Fault> {
    let ty = &types.schema.types[id];
    let TypeKind::Struct(members) = &ty.kind else { return Ok(()) };
    let fields = Fields::new(types, Some(id), members, family.place())?;
    let fields = fields.in_definition_of(&types.named(id, family.place()));
    let or_string = is_or_string(ty, &fields);
    code.docs(&docs::named_type(ty, code.room(4)));
    let view = family == Family::View;
    let fields = if view { fields.read_by_members()? } else { fields };
    let reader = if view { "" } else { ", Deserialize" };
    code.line(format!("#[derive({}, Serialize{reader})]", family.derives(fields.starts_empty())));
    fields.container(code, if or_string && !view { &["remote = \"Self\""] } else { &[] });
    code.line("#[non_exhaustive]");
    let name = types.name(id);
    fields.declare(code, name, true);
    code.line("");
    code.open(match fields.borrows() {
        true => format!("impl<'a> {name}<'a> {{"),
        false => format!("impl {name} {{"),
    });
    let doc = match fields.starts_empty() {
        true if fields.all.iter().any(|field| field.presence != Presence::Optional) => {
            "Everything zero or empty."
        }
        true => "Without any member.",
        false if fields.all.iter().any(|field| field.presence == Presence::Optional) => {
            "With the members that are always there."
        }
        false => "With all members.",
    };
    fields.methods(code, doc);
    code.close("}");
    if view {
        fields.members(code, if or_string { "or_string" } else { "open" }, name);
    }
    if or_string {
        string_form(code, name, &fields, family);
    }
    Ok(())
}

/// Whether a plain string can stand for the struct: its first member is one, nothing else is required.
fn is_or_string(ty: &Type, fields: &Fields<'_>) -> bool {
    facts::OR_STRING.contains(&ty.name.value.as_str())
        && match &fields.all[..] {
            [first, rest @ ..] => {
                is_string(&first.member.ty) && rest.iter().all(|field| field.presence != Presence::Required)
            }
            [] => false,
        }
}

/// `Deserialize` for a struct that may be a string. What serde derives for an owned one are plain functions, under
/// `remote`.
fn string_form(code: &mut Code, name: &str, fields: &Fields<'_>, family: Family) {
    let visit = match family {
        Family::View => "visit_borrowed_str<E: de::Error>(self, name: &'de str)",
        Family::Owned => "visit_str<E: de::Error>(self, name: &str)",
    };
    code.line("");
    if family == Family::Owned {
        code.open(format!("impl Serialize for {name} {{"));
        code.open("fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {");
        code.line("Self::serialize(self, serializer)");
        code.close("}");
        code.close("}");
        code.line("");
    }
    let ask = match family {
        // Without the numbers that a reader of anything has to know.
        Family::View => "deserialize_newtype_struct(Str::OR_OBJECT, ",
        Family::Owned => ANY,
    };
    visitor(code, name, family, ask, "an object or a string", |code| {
        code.line("");
        code.open(format!("fn {visit} -> Result<Self::Value, E> {{"));
        let expression = |(index, presence): (usize, Presence)| match presence {
            _ if index == 0 => Expr::atom("name.into()"),
            Presence::True => Expr::atom("true"),
            Presence::Optional => Expr::atom("None"),
            _ => Expr::atom("Default::default()"),
        };
        let fields = fields.all.iter().enumerate();
        let fields =
            fields.map(|(index, field)| (field.name.clone(), expression((index, field.presence)))).collect();
        code.expression("Ok(", &Expr::Struct { name: name.to_owned(), fields, rest: None }, ")");
        code.close("}");
        code.line("");
        code.open("fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {");
        code.line(match family {
            Family::View => "Self::Value::read_map(map)".to_owned(),
            Family::Owned => format!("{name}::deserialize(MapAccessDeserializer::new(map))"),
        });
        code.close("}");
    });
}

/// How a deserializer is asked for whatever comes.
pub(crate) const ANY: &str = "deserialize_any(";

/// `Deserialize` by a visitor that takes what comes; `methods` writes the visitor's methods.
pub(crate) fn visitor(
    code: &mut Code,
    name: &str,
    family: Family,
    ask: &str,
    expected: &str,
    methods: impl FnOnce(&mut Code),
) {
    let (generics, own, value) = match family {
        Family::View => ("<'de: 'a, 'a>", "<'a>", "<'de>"),
        Family::Owned => ("<'de>", "", ""),
    };
    code.open(format!("impl{generics} Deserialize<'de> for {name}{own} {{"));
    code.open("fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {");
    code.line(format!("deserializer.{ask}{name}Visitor)"));
    code.close("}");
    code.close("}");
    code.line("");
    code.line(format!("struct {name}Visitor;"));
    code.line("");
    code.open(format!("impl<'de> Visitor<'de> for {name}Visitor {{"));
    code.line(format!("type Value = {name}{value};"));
    code.line("");
    code.open("fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {");
    code.line(format!("f.write_str(\"{expected}\")"));
    code.close("}");
    methods(code);
    code.close("}");
}
