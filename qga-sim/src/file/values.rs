//! Values in the file of a guest, and how they are checked.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use qga_proto::json::Bytes;
use qga_proto::owned::{
    GuestDeviceInfo, GuestDiskInfo, GuestDiskStatsInfo, GuestFilesystemInfo, GuestLoadAverage,
    GuestLogicalProcessor, GuestMemoryBlock, GuestNetworkInterface, GuestNetworkRoute, GuestOSInfo,
    GuestTimezone, GuestUser,
};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use toml::Value;

use crate::fault;
use crate::files::Full;
use crate::program::read_octal;
use crate::schema::Build;
use crate::value::{Dict, Value as JsonValue};

/// Text, or bytes in base64.
pub(super) struct Content(pub(super) Vec<u8>);

/// Text such as `500ms`.
pub(super) struct Time(pub(super) Duration);

/// Text that is read.
pub(super) struct Parsed<T>(pub(super) T);

/// A value of a type of the schema, with no member that the type does not have.
pub(super) struct Checked<T>(pub(super) T);

/// What is checked.
pub(super) trait Named: DeserializeOwned {
    const NAME: &'static str;
}

macro_rules! named {
    ($($ty:ident),* $(,)?) => {
        $(impl Named for $ty {
            const NAME: &'static str = stringify!($ty);
        })*
    };
}

named!(
    GuestDeviceInfo,
    GuestDiskInfo,
    GuestDiskStatsInfo,
    GuestFilesystemInfo,
    GuestLoadAverage,
    GuestLogicalProcessor,
    GuestMemoryBlock,
    GuestNetworkInterface,
    GuestNetworkRoute,
    GuestOSInfo,
    GuestTimezone,
    GuestUser,
);

/// When a client is told that no more fits.
#[derive(Default, Deserialize)]
pub(super) enum Told {
    #[default]
    #[serde(rename = "at-write")]
    Write,
    #[serde(rename = "at-flush")]
    Flush,
    #[serde(rename = "at-close")]
    Close,
}

/// Permissions as digits, `0640`.
pub(super) struct Mode(pub(super) u32);

macro_rules! unwrap_checked {
    ($($ty:ident),*) => {
        $(impl From<Checked<Self>> for $ty {
            fn from(checked: Checked<Self>) -> Self {
                checked.0
            }
        })*
    };
}

unwrap_checked!(GuestOSInfo, GuestTimezone, GuestLoadAverage, GuestLogicalProcessor, GuestMemoryBlock);

impl<'de, T: Named> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_table() {
            return Err(D::Error::custom("this is a table"));
        }
        Build::LATEST
            .check_type(T::NAME, &to_json(&value))
            .map_err(|fault| D::Error::custom(format!("{}: {fault}", T::NAME)))?;
        T::deserialize(value.into_deserializer())
            .map(Self)
            .map_err(|error: toml::de::Error| D::Error::custom(error.message()))
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        fault::time(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is no time, such as 500ms or 2s")))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        read_octal(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is no mode, such as 0640")))
    }
}

impl From<Told> for Full {
    fn from(told: Told) -> Self {
        match told {
            Told::Write => Self::AtWrite,
            Told::Flush => Self::AtFlush,
            Told::Close => Self::AtClose,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into_bytes())),
            Value::Table(mut table) if table.len() == 1 => {
                let bytes = table.remove("base64").and_then(|value| Bytes::deserialize(value).ok());
                bytes.map(|bytes| Self(bytes.0)).ok_or_else(not_content)
            }
            _ => Err(not_content()),
        }
    }
}

fn not_content<E: serde::de::Error>() -> E {
    E::custom("content is a text, or { base64 = \"...\" }")
}

fn to_json(value: &Value) -> JsonValue {
    match value {
        Value::String(text) => JsonValue::Text(text.clone()),
        Value::Integer(number) => JsonValue::Int(*number),
        Value::Float(number) => JsonValue::Double(*number),
        Value::Boolean(value) => JsonValue::Bool(*value),
        Value::Array(values) => JsonValue::List(values.iter().map(to_json).collect()),
        Value::Table(table) => {
            JsonValue::Dict(Dict(table.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()))
        }
        // No type of the schema has it.
        Value::Datetime(_) => JsonValue::Null,
    }
}
