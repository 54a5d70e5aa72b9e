//! The schema as an agent of one release on one platform has it: what it checks of arguments, and knows of replies.

use qga_proto::metadata::{Condition, Member, Platform, Type, TypeInfo, TypeKind, type_info};

use crate::value::{Dict, Value};

/// A build of QEMU's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    /// Major and minor number.
    pub(crate) release: (u32, u32),
    pub(crate) platform: Platform,
}

impl Build {
    /// One that knows all, but for what other platforms have.
    #[cfg(feature = "toml")]
    pub(crate) const LATEST: Self = Self { release: (u32::MAX, 0), platform: Platform::Linux };

    /// Whether it is of this release, or a later one.
    pub(crate) fn is_since(self, major: u32, minor: u32) -> bool {
        self.release >= (major, minor)
    }

    /// Whether something came with this release, or before.
    pub(crate) fn knows(self, since: Option<&str>) -> bool {
        since.is_none_or(|since| {
            let mut numbers = since.split('.').map(|number| number.parse().unwrap_or_default());
            self.release >= (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
        })
    }

    fn has(self, since: Option<&str>, condition: Condition) -> bool {
        self.knows(since) && condition.on(self.platform)
    }

    /// Checks arguments, in the order in which QEMU's agent does and with its words.
    pub(crate) fn check(self, members: &[Member], arguments: &Dict) -> Result<(), String> {
        self.check_members("", members, arguments)
    }

    /// Checks a value of a type.
    #[cfg(feature = "toml")]
    pub(crate) fn check_type(self, name: &str, value: &Value) -> Result<(), String> {
        type_info(name).map_or(Ok(()), |info| self.check_named("", info, value))
    }

    fn check_members(self, path: &str, members: &[Member], dict: &Dict) -> Result<(), String> {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let members = || members.iter().filter(|member| self.has(member.since, member.condition));
        for member in members() {
            match dict.get(member.name) {
                Some(value) => self.check_value(&at(member.name), member.ty, value)?,
                None if member.optional => {}
                None => return Err(format!("Parameter '{}' is missing", at(member.name))),
            }
        }
        match dict.0.iter().find(|(key, _)| members().all(|member| member.name != key)) {
            Some((key, _)) => Err(format!("Parameter '{}' is unexpected", at(key))),
            None => Ok(()),
        }
    }

    fn check_value(self, path: &str, ty: Type, value: &Value) -> Result<(), String> {
        let expected = |what| Err(format!("Invalid parameter type for '{path}', expected: {what}"));
        match (ty, value) {
            (Type::Named(name), value) => match type_info(name) {
                Some(info) => self.check_named(path, info, value),
                None => Ok(()),
            },
            (Type::Array(item), Value::List(list)) => list
                .iter()
                .enumerate()
                .try_for_each(|(at, value)| self.check_value(&format!("{path}[{at}]"), *item, value)),
            (Type::Array(_), _) => expected("array"),
            (Type::Str, Value::Text(_)) | (Type::Bool, Value::Bool(_)) => Ok(()),
            (Type::Str, _) => expected("string"),
            (Type::Bool, _) => expected("boolean"),
            (Type::Number, Value::Int(_) | Value::Uint(_) | Value::Double(_)) => Ok(()),
            (Type::Number, _) => expected("number"),
            // Negative ones count modulo 2^64.
            (Type::UInt64, Value::Int(_) | Value::Uint(_)) | (_, Value::Int(_)) => Ok(()),
            _ => expected("integer"),
        }
    }

    fn check_named(self, path: &str, info: &TypeInfo, value: &Value) -> Result<(), String> {
        let expected = |what| Err(format!("Invalid parameter type for '{path}', expected: {what}"));
        match (info.kind, value) {
            (TypeKind::Struct(members), Value::Dict(dict)) => self.check_members(path, members, dict),
            (TypeKind::Enum(values), Value::Text(text)) => {
                let mut known = values.iter().filter(|value| self.has(value.since, value.condition));
                match known.any(|value| value.name == text) {
                    true => Ok(()),
                    false => Err(format!("Parameter '{path}' does not accept value '{text}'")),
                }
            }
            (TypeKind::Enum(_), _) => expected("string"),
            // What became an alternate later was its first branch before.
            (TypeKind::Alternate([first, ..]), value) if !self.knows(info.since) => {
                self.check_value(path, first.ty, value)
            }
            (TypeKind::Alternate(branches), value) => {
                match branches.iter().find(|branch| is_of_kind(branch.ty, value)) {
                    Some(branch) => self.check_value(path, branch.ty, value),
                    None => expected(info.name),
                }
            }
            // No command takes a union.
            (TypeKind::Struct(_) | TypeKind::Union { .. }, _) => expected("object"),
            _ => Ok(()),
        }
    }

    /// Takes out of a reply what came later than this build.
    pub(crate) fn prune(self, ty: Type, value: &mut Value) {
        match (ty, value) {
            (Type::Array(item), Value::List(list)) => {
                list.iter_mut().for_each(|value| self.prune(*item, value));
            }
            (Type::Named(name), Value::Dict(dict)) => {
                let members = match type_info(name).map(|info| info.kind) {
                    Some(TypeKind::Struct(members) | TypeKind::Union { members, .. }) => members,
                    _ => &[],
                };
                for member in members {
                    if !self.has(member.since, member.condition) {
                        dict.take(member.name);
                    }
                    let value = dict.0.iter_mut().find(|(key, _)| key == member.name);
                    value.into_iter().for_each(|(_, value)| self.prune(member.ty, value));
                }
            }
            _ => {}
        }
    }
}

/// Whether a value is of the kind of JSON that a branch of an alternate is told by.
fn is_of_kind(ty: Type, value: &Value) -> bool {
    match value {
        Value::Bool(_) => ty == Type::Bool,
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => {
            !matches!(ty, Type::Bool | Type::Str | Type::Named(_) | Type::Array(_))
        }
        Value::Text(_) => match ty {
            Type::Named(name) => matches!(type_info(name).map(|info| info.kind), Some(TypeKind::Enum(_))),
            ty => ty == Type::Str,
        },
        Value::List(_) => matches!(ty, Type::Array(_)),
        Value::Dict(_) => match ty {
            Type::Named(name) => matches!(type_info(name).map(|info| info.kind), Some(TypeKind::Struct(_))),
            _ => false,
        },
        Value::Null => ty == Type::Null,
    }
}
