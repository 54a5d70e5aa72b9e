//! Values held against the types of the schema.

use std::fmt::Write as _;

use qga_proto::metadata::{Branch, Member, Type, TypeInfo, TypeKind, Value as EnumValue, type_info};

use crate::excerpt;
use crate::value::Value;

/// Where a value first differs from its type, and how. `None`: it does not. Members that the schema does not have are
/// fine: each release may bring some.
pub(crate) fn deviation(ty: Type, value: &Value) -> Option<String> {
    let deviation = of_value(ty, value).err()?;
    let mut text = String::new();
    for step in deviation.path.iter().rev() {
        // Strings take all that is written to them.
        let _ = match step {
            Step::Element(at) => write!(text, "[{at}]"),
            Step::Member(name) if text.is_empty() => write!(text, "{name}"),
            Step::Member(name) => write!(text, ".{name}"),
        };
    }
    if text.is_empty() {
        text.push_str("the value");
    }
    Some(format!("{text} {}", deviation.what))
}

struct Deviation {
    /// From the inside out.
    path: Vec<Step>,
    what: String,
}

enum Step {
    Element(usize),
    Member(&'static str),
}

impl Deviation {
    fn at(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

fn deviates(what: String) -> Result<(), Deviation> {
    Err(Deviation { path: Vec::new(), what })
}

fn of_value(ty: Type, value: &Value) -> Result<(), Deviation> {
    let is = match (ty, value) {
        (Type::Named(name), value) => return type_info(name).map_or(Ok(()), |info| of_named(info, value)),
        (Type::Array(item), Value::List(elements)) => {
            return elements.iter().enumerate().try_for_each(|(at, element)| {
                of_value(*item, element).map_err(|deviation| deviation.at(Step::Element(at)))
            });
        }
        (Type::Any | Type::QType, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::Null, Value::Null)
        | (Type::Str, Value::Text(_))
        | (Type::Number, Value::Int(_) | Value::Uint(_) | Value::Double(_)) => true,
        (ty, Value::Int(number)) => is_in_range(ty, i128::from(*number)),
        (ty, Value::Uint(number)) => is_in_range(ty, i128::from(*number)),
        _ => false,
    };
    if is { Ok(()) } else { deviates(format!("is {}, not {}", shown(value), expected(ty))) }
}

/// Whether an integer is one of this type.
fn is_in_range(ty: Type, number: i128) -> bool {
    let (signed, bits) = match ty {
        Type::Int | Type::Int64 => (true, 64),
        Type::Int8 => (true, 8),
        Type::Int16 => (true, 16),
        Type::Int32 => (true, 32),
        Type::UInt8 => (false, 8),
        Type::UInt16 => (false, 16),
        Type::UInt32 => (false, 32),
        Type::UInt64 | Type::Size => (false, 64),
        _ => return false,
    };
    let most = 1i128 << if signed { bits - 1 } else { bits };
    let least = if signed { -most } else { 0 };
    (least..most).contains(&number)
}

fn of_named(info: &'static TypeInfo, value: &Value) -> Result<(), Deviation> {
    match (info.kind, value) {
        (TypeKind::Struct(members), Value::Object(_)) => of_members(members, value),
        (TypeKind::Union { tag, members, branches }, Value::Object(_)) => {
            of_members(members, value)?;
            let tag = value.get(tag).and_then(Value::text);
            match branches.iter().find(|branch| Some(branch.name) == tag) {
                Some(branch) => of_value(branch.ty, value),
                None => Ok(()),
            }
        }
        (TypeKind::Enum(values), Value::Text(text)) => {
            let is_known = values.iter().any(|known| known.name == text);
            if is_known || has_grown(values) {
                return Ok(());
            }
            deviates(format!("is '{}', which is no {}", excerpt::text(text), info.name))
        }
        (TypeKind::Alternate(branches), value) => of_alternate(info, branches, value),
        (TypeKind::Enum(_), _) => deviates(format!("is {}, not a string", value.kind())),
        _ => deviates(format!("is {}, not an object", value.kind())),
    }
}

/// Whether an enum got values after it came, so that it may get more.
fn has_grown(values: &[EnumValue]) -> bool {
    values.iter().any(|value| value.since.is_some())
}

fn of_members(members: &'static [Member], object: &Value) -> Result<(), Deviation> {
    members.iter().try_for_each(|member| match object.get(member.name) {
        Some(value) => {
            of_value(member.ty, value).map_err(|deviation| deviation.at(Step::Member(member.name)))
        }
        None if member.optional => Ok(()),
        None => {
            let deviation = Deviation { path: Vec::new(), what: "is missing".to_owned() };
            Err(deviation.at(Step::Member(member.name)))
        }
    })
}

fn of_alternate(info: &TypeInfo, branches: &[Branch], value: &Value) -> Result<(), Deviation> {
    match branches.iter().any(|branch| of_value(branch.ty, value).is_ok()) {
        true => Ok(()),
        false => deviates(format!("is {}, which is no {}", value.kind(), info.name)),
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        value => value.kind().to_owned(),
    }
}

fn expected(ty: Type) -> String {
    match ty {
        Type::Bool => "a boolean".to_owned(),
        Type::Str => "a string".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Int => "an integer".to_owned(),
        Type::Array(_) => "an array".to_owned(),
        ty => format!("of type {ty}"),
    }
}

#[cfg(test)]
mod tests {
    use qga_proto::json;

    use super::*;

    fn check(ty: &'static str, text: &str) -> Option<String> {
        deviation(Type::Named(ty), &json::from_slice(text.as_bytes()).unwrap())
    }

    #[test]
    fn what_the_schema_says_is_right() {
        let address =
            r#""pci-controller":{"domain":-1,"bus":-1,"slot":-1,"function":-1},"bus":0,"target":0,"unit":0"#;
        for (ty, text) in [
            ("GuestHostName", r#"{"host-name":"a","more":[{}]}"#.to_owned()),
            ("GuestOSInfo", "{}".to_owned()),
            ("GuestUser", r#"{"user":"a","login-time":1}"#.to_owned()),
            ("GuestDiskAddress", format!(r#"{{{address},"bus-type":"new-bus"}}"#)),
            ("GuestDeviceId", r#"{"type":"pci","vendor-id":65535,"device-id":0}"#.to_owned()),
            ("GuestDiskSmart", r#"{"type":"sata"}"#.to_owned()),
            ("GuestExecCaptureOutput", r#""merged""#.to_owned()),
            ("GuestExecCaptureOutput", "true".to_owned()),
            ("GuestMemoryBlockInfo", r#"{"size":18446744073709551615}"#.to_owned()),
        ] {
            assert_eq!(check(ty, &text), None, "{ty} {text}");
        }
    }

    #[test]
    fn the_first_deviation_is_told_with_its_place() {
        for (ty, text, told) in [
            ("GuestHostName", "[]", "the value is an array, not an object"),
            ("GuestHostName", "{}", "host-name is missing"),
            ("GuestHostName", r#"{"host-name":null}"#, "host-name is null, not a string"),
            ("GuestFsfreezeStatus", r#""melted""#, "the value is 'melted', which is no GuestFsfreezeStatus"),
            (
                "GuestDeviceId",
                r#"{"type":"pci","vendor-id":65536}"#,
                "vendor-id is 65536, not of type uint16",
            ),
            ("GuestDeviceId", r#"{"type":"pci","vendor-id":1}"#, "device-id is missing"),
            ("GuestMemoryBlockInfo", r#"{"size":-1}"#, "size is -1, not of type uint64"),
            ("GuestExecCaptureOutput", "7", "the value is an integer, which is no GuestExecCaptureOutput"),
            (
                "GuestNetworkInterface",
                r#"{"name":"lo","ip-addresses":[{"ip-address":"::1","ip-address-type":"IPv6","prefix":8}]}"#,
                "ip-addresses[0].ip-address-type is 'IPv6', which is no GuestIpAddressType",
            ),
            (
                "GuestNetworkInterface",
                r#"{"name":"lo","statistics":{"rx-bytes":1.5}}"#,
                "statistics.rx-bytes is a number that is no integer, not of type uint64",
            ),
        ] {
            assert_eq!(check(ty, text).as_deref(), Some(told), "{ty} {text}");
        }
    }
}
