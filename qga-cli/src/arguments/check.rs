//! JSON values against the schema.

use std::borrow::Cow;

use qga_proto::json::Bytes;
use qga_proto::metadata::{Member, Type, TypeKind, type_info};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::describe::range;
use super::{Problem, Tell, describe, find, mismatch};

/// Checks an object: the arguments of a command, or the value at `path` in them.
pub(super) fn object(
    path: &str,
    members: &[Member],
    object: &Map<String, Value>,
    tell: Tell,
) -> Result<(), Problem> {
    let at = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    for (name, value) in object {
        let member = find(members, name).map_err(|hint| match (tell, path) {
            (Tell::All, _) => format!("unknown argument '{}'{hint}", at(name)),
            (Tell::Nothing, "") => format!("unknown argument{hint}"),
            (Tell::Nothing, path) => format!("unknown argument in {path}{hint}"),
        })?;
        check(&at(name), member, member.ty, value, tell)?;
    }
    match members.iter().find(|member| !member.optional && !object.contains_key(member.name)) {
        None => Ok(()),
        Some(missing) => Err(format!("{} is missing: {}", at(missing.name), describe(missing.ty))),
    }
}

/// Checks a value within `member`: its own, or one of an array's.
fn check(path: &str, member: &Member, ty: Type, value: &Value, tell: Tell) -> Result<(), Problem> {
    match (ty, value) {
        (Type::Named(name), value) => named(path, member, name, value, tell),
        (Type::Array(item), Value::Array(values)) => values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check(&format!("{path}[{index}]"), member, *item, value, tell)),
        (Type::Str, Value::String(_)) if member.base64 && Bytes::deserialize(value).is_err() => {
            Err(format!("{path} must be base64"))
        }
        _ if is_a(ty, value) => Ok(()),
        _ => Err(mismatch(path, member, ty, &found(value), tell)),
    }
}

fn named(path: &str, member: &Member, name: &'static str, value: &Value, tell: Tell) -> Result<(), Problem> {
    // A type that the schema lacks says nothing about its values.
    let Some(info) = type_info(name) else { return Ok(()) };
    let fits = match (info.kind, value) {
        (TypeKind::Struct(members), Value::Object(fields)) => return object(path, members, fields, tell),
        (TypeKind::Union { tag, members, branches }, Value::Object(fields)) => {
            let branch = branches.iter().find(|branch| fields.get(tag).is_some_and(|tag| tag == branch.name));
            let further = branch.map_or(&[][..], |branch| members_of(branch.ty));
            return object(path, &[members, further].concat(), fields, tell);
        }
        (TypeKind::Enum(values), Value::String(text)) => values.iter().any(|value| value.name == text),
        (TypeKind::Alternate(branches), value) => {
            branches.iter().any(|branch| check(path, member, branch.ty, value, tell).is_ok())
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(mismatch(path, member, Type::Named(name), &found(value), tell)),
    }
}

fn members_of(ty: Type) -> &'static [Member] {
    match ty {
        Type::Named(name) => match type_info(name).map(|info| info.kind) {
            Some(TypeKind::Struct(members)) => members,
            _ => &[],
        },
        _ => &[],
    }
}

/// Whether a value is of a type that has no parts.
fn is_a(ty: Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Any, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::Null, Value::Null)
        | (Type::Number, Value::Number(_))
        | (Type::Str | Type::QType, Value::String(_)) => true,
        (ty, Value::Number(number)) => {
            let number = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            range(ty).zip(number).is_some_and(|((least, most), number)| (least..=most).contains(&number))
        }
        _ => false,
    }
}

/// A value as it is spoken of.
fn found(value: &Value) -> Cow<'static, str> {
    match value {
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
        scalar => scalar.to_string().into(),
    }
}
