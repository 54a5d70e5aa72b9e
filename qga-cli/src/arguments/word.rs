//! Words of the command line as values: `5` is a number where the schema has a number, and a string where it has a
//! string.

use qga_proto::metadata::{Type, TypeKind, type_info};
use serde_json::{Number, Value};

use super::describe::range;

/// Reads a word as a value of a type. `None`: it is none.
pub(super) fn value(ty: Type, word: &str) -> Option<Value> {
    match ty {
        Type::Bool => word.parse().ok().map(Value::Bool),
        Type::Null => (word == "null").then_some(Value::Null),
        Type::Number => number(word),
        Type::Any => serde_json::from_str(word).ok(),
        Type::Str | Type::QType => Some(word.into()),
        Type::Named(name) => named(name, word),
        // An array within an array has no words, only JSON.
        Type::Array(_) => None,
        ty => {
            let (least, most) = range(ty)?;
            let number: i128 = word.parse().ok().filter(|number| (least..=most).contains(number))?;
            Number::from_i128(number).map(Value::Number)
        }
    }
}

fn number(word: &str) -> Option<Value> {
    match serde_json::from_str(word) {
        Ok(Value::Number(number)) => Some(Value::Number(number)),
        _ => None,
    }
}

fn named(name: &str, word: &str) -> Option<Value> {
    match type_info(name)?.kind {
        TypeKind::Enum(values) => values.iter().any(|value| value.name == word).then(|| word.into()),
        // Branches differ in their kind of JSON. Strings come last: any word is one.
        TypeKind::Alternate(branches) => {
            let types = branches.iter().map(|branch| branch.ty);
            let (strings, others): (Vec<_>, Vec<_>) = types.partition(|ty| *ty == Type::Str);
            others.into_iter().chain(strings).find_map(|ty| value(ty, word))
        }
        // Objects have no words, only JSON.
        _ => None,
    }
}
