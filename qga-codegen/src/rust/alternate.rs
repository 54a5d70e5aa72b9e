//! Alternates: enums whose branches are told apart by what kind of JSON comes.

use crate::error::Fault;
use crate::rust::layout::Code;
use crate::rust::members::with_self;
use crate::rust::types::{Family, Types};
use crate::rust::{docs, family, names};
use crate::schema::{Branch, Builtin, Item, Json, TypeId, TypeRef};

/// A branch with its Rust.
struct Variant {
    name: String,
    ty: String,
    json: Json,
    /// Takes numbers with a fraction.
    fraction: bool,
    /// Borrows text that only our reader can give.
    lazy: bool,
}

pub(crate) fn generate(
    code: &mut Code,
    types: &Types<'_>,
    id: TypeId,
    branches: &[Branch],
    family: Family,
) -> Result<(), Fault> {
    names::check_distinct(branches.iter().map(|branch| &branch.name), names::camel)?;
    let ty = &types.schema.types[id];
    let variants: Vec<_> = branches.iter().map(|branch| variant(types, id, branch, family)).collect();
    code.docs(&docs::named_type(ty, code.room(4)));
    code.line(format!("#[derive({}, Serialize)]", family.derives(false)));
    code.line("#[serde(untagged)]");
    code.line("#[non_exhaustive]");
    code.open(format!("pub enum {} {{", types.named(id, family.place())));
    for (branch, variant) in branches.iter().zip(&variants) {
        code.docs(&docs::part(&branch.name.value, &branch.doc, branch.condition.as_ref(), code.room(4)));
        code.line(format!("{}({}),", variant.name, variant.ty));
    }
    code.close("}");
    code.line("");
    let mut kinds: Vec<_> = variants.iter().map(|variant| variant.json.describe()).collect();
    kinds.dedup();
    let expected = match &kinds[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        kinds => kinds.concat(),
    };
    let name = types.name(id);
    let borrows = family == Family::View && types.borrows(id);
    let lazy = borrows && variants.iter().any(|variant| variant.lazy);
    if lazy {
        by_text(code, name, &variants, &expected);
        return Ok(());
    }
    // A view that borrows nothing is written like an owned type.
    let family = if borrows { Family::View } else { Family::Owned };
    family::visitor(code, name, family, family::ANY, &expected, |code| {
        variants.iter().for_each(|variant| visit(code, name, variant, family));
    });
    Ok(())
}

fn variant(types: &Types<'_>, id: TypeId, branch: &Branch, family: Family) -> Variant {
    let json = match &branch.ty {
        TypeRef { array: true, .. } => Json::Array,
        TypeRef { item: Item::Builtin(builtin), .. } => builtin.json().unwrap_or(Json::Object),
        ty if types.is_enum(ty) => Json::String,
        _ => Json::Object,
    };
    let ty = types.rust(None, &branch.ty, family.place());
    Variant {
        name: names::camel(&branch.name.value),
        lazy: ["List<", "Str<"].iter().any(|start| ty.starts_with(start)),
        ty: with_self(&ty, &types.named(id, family.place())),
        json,
        fraction: !branch.ty.array && branch.ty.item == Item::Builtin(Builtin::Number),
    }
}

/// The visitor's methods for a branch.
fn visit(code: &mut Code, name: &str, variant: &Variant, family: Family) {
    let target = format!("{name}::{}", variant.name);
    let scalar = |code: &mut Code, method: &str, ty: &str, body: &str| {
        code.line("");
        code.open(format!("fn {method}<E: de::Error>(self, value: {ty}) -> Result<Self::Value, E> {{"));
        code.line(body);
        code.close("}");
    };
    let number = format!("Deserialize::deserialize(value.into_deserializer()).map({target})");
    let access = |code: &mut Code, what: &str, trait_name: &str| {
        code.line("");
        code.open(format!(
            "fn visit_{what}<A: {trait_name}<'de>>(self, {what}: A) -> Result<Self::Value, A::Error> {{"
        ));
        code.line(format!("Deserialize::deserialize({trait_name}Deserializer::new({what})).map({target})"));
        code.close("}");
    };
    match variant.json {
        Json::Null => {
            code.line("");
            code.open("fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {");
            code.line(format!("Ok({target}(()))"));
            code.close("}");
        }
        Json::Bool => scalar(code, "visit_bool", "bool", &format!("Ok({target}(value))")),
        Json::Number => {
            scalar(code, "visit_i64", "i64", &number);
            scalar(code, "visit_u64", "u64", &number);
            if variant.fraction {
                scalar(code, "visit_f64", "f64", &format!("Ok({target}(value))"));
            }
        }
        Json::String => {
            let (method, ty) = match family {
                Family::View => ("visit_borrowed_str", "&'de str"),
                Family::Owned => ("visit_str", "&str"),
            };
            scalar(code, method, ty, &format!("Ok({target}(value.into()))"));
        }
        Json::Array => access(code, "seq", "SeqAccess"),
        Json::Object => access(code, "map", "MapAccess"),
    }
}

/// `Deserialize` for a view with branches that only our reader can give: the text of the value is looked at
/// first.
fn by_text(code: &mut Code, name: &str, variants: &[Variant], expected: &str) {
    code.open(format!("impl<'de: 'a, 'a> Deserialize<'de> for {name}<'a> {{"));
    code.open("fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {");
    code.line("let raw = Raw::deserialize(deserializer)?;");
    code.open("let value = match raw.as_str().as_bytes().first() {");
    for variant in variants {
        let pattern = match variant.json {
            Json::Null => "b'n'",
            Json::Bool => "b't' | b'f'",
            Json::Number => "b'-' | b'0'..=b'9'",
            Json::String => "b'\"'",
            Json::Array => "b'['",
            Json::Object => "b'{'",
        };
        code.line(format!("Some({pattern}) => raw.decode().map(Self::{}),", variant.name));
    }
    code.line(format!("_ => return Err(D::Error::custom(\"expected {expected}\")),"));
    code.close("};");
    code.line("value.map_err(D::Error::custom)");
    code.close("}");
    code.close("}");
}
