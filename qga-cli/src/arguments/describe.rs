//! Types, in words.

use qga_proto::metadata::{Type, TypeKind, type_info};

/// What a value of a type is, as in "count must be ...".
pub(crate) fn describe(ty: Type) -> String {
    match ty {
        Type::Any => "any JSON value".to_owned(),
        Type::Bool => "true or false".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Array(item) => format!("an array, each item {}", describe(*item)),
        Type::Named(name) => describe_named(name),
        ty if range(ty).is_some() => "an integer".to_owned(),
        _ => "a string".to_owned(),
    }
}

fn describe_named(name: &str) -> String {
    match type_info(name).map(|info| info.kind) {
        Some(TypeKind::Enum(values)) => {
            let names: Vec<_> = values.iter().map(|value| value.name).collect();
            format!("one of {}", names.join(", "))
        }
        Some(TypeKind::Alternate(branches)) => {
            let branches: Vec<_> = branches.iter().map(|branch| describe(branch.ty)).collect();
            branches.join(", or ")
        }
        _ => format!("an object ({name})"),
    }
}

/// The least and the most that an integer type holds; `None` for other types.
pub(super) fn range(ty: Type) -> Option<(i128, i128)> {
    Some(match ty {
        Type::Int | Type::Int64 => (i64::MIN.into(), i64::MAX.into()),
        Type::Int8 => (i8::MIN.into(), i8::MAX.into()),
        Type::Int16 => (i16::MIN.into(), i16::MAX.into()),
        Type::Int32 => (i32::MIN.into(), i32::MAX.into()),
        Type::UInt8 => (0, u8::MAX.into()),
        Type::UInt16 => (0, u16::MAX.into()),
        Type::UInt32 => (0, u32::MAX.into()),
        Type::Size | Type::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}
