//! What our own types give our writer as they have it: serde's data model has no place for that, but newtypes have names.

use core::any::type_name;
use core::{ptr, str};

use serde::ser::{Serialize, Serializer};

use super::writer::WriteError;

/// Whether a serializer is our writer, by the name of its error: a type that may borrow has no other mark. Compilers know
/// the answer by the place of the name, so one who only writes lists has no code that reads their elements.
#[inline(always)]
pub(super) fn is_ours<S: Serializer>() -> bool {
    let (name, ours) = (type_name::<S::Error>(), type_name::<WriteError>());
    ptr::eq(name, ours) || name == ours
}

/// Gives our writer a text that is to be JSON.
pub(super) fn write_json<S: Serializer>(text: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(const { as_name(JSON) }, &Bytes(text))
}

/// Gives our writer a string that is nowhere as a whole. Without this it would be displayed, and `core::fmt` is large.
pub(super) fn write_pieces<S: Serializer, I: Iterator<Item: Serialize>>(
    pieces: impl Fn() -> I,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(const { as_name(PIECES) }, &Pieces(pieces))
}

/// How our writer is to take the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As what it is.
    Value,
    /// Bytes: as JSON.
    Json,
    /// A sequence of strings: as one string.
    Pieces,
}

/// The names of newtypes whose value is to be taken so.
const JSON: &[u8; 16] = b"$qga_proto::json";
const PIECES: &[u8; 16] = b"$qga_proto::text";

impl Form {
    /// How to take what is in a newtype of this name.
    #[inline(always)]
    pub(super) fn of(name: &str) -> Self {
        // Arrays of 16 bytes are compared as one number, strings by a call: only of the first do compilers know the answer
        // wherever the name is known.
        match <&[u8; 16]>::try_from(name.as_bytes()) {
            Ok(name) if name == JSON => Self::Json,
            Ok(name) if name == PIECES => Self::Pieces,
            _ => Self::Value,
        }
    }
}

const fn as_name(name: &'static [u8; 16]) -> &'static str {
    match str::from_utf8(name) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Pieces<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Pieces<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}
