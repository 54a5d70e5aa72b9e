//! Errors on their way through serde.

use core::fmt;

use serde::de::{Expected, Unexpected};

use super::error::ErrorKind;
#[cfg(not(feature = "alloc"))]
use super::str::Str;
use crate::text::Text;

/// Why a type was not read, as it is handed on from type to type: that happens at each `?` of all that is read, and so it
/// must fit registers. The reader makes an [`Error`](super::Error) of it.
#[derive(Debug)]
pub(crate) struct Thrown(Reason);

/// None: the reader knows.
#[cfg(feature = "alloc")]
type Reason = Option<alloc::boxed::Box<ErrorKind>>;

/// The name of a member that is missing or came twice; nothing, when the reader knows; or [`TYPE`] or [`UNKNOWN`]. To say
/// beside the name which of these it is would be a third word, which makes a client two kilobytes larger.
///
/// So types with a `Deserialize` of their own may be told wrongly: when a name of theirs begins with NUL or is empty, or when
/// they say elsewhere than [`members`](super::members) and serde's derive that a member is missing or came twice. All that
/// is wrong then is the error's kind.
#[cfg(not(feature = "alloc"))]
type Reason = &'static str;

/// A type does not take what is there. Its own words have no place to be: these are, behind a NUL, as it is in no name.
#[cfg(not(feature = "alloc"))]
const TYPE: &str = "\0a value is not allowed";

/// A type has no such member.
#[cfg(not(feature = "alloc"))]
const UNKNOWN: &str = "\0unknown field";

#[cfg(feature = "alloc")]
impl Thrown {
    /// The reader knows.
    pub(super) const TOLD: Self = Self(None);

    fn of_member(name: &'static str, kind: fn(&'static str) -> ErrorKind) -> Self {
        Self(Some(kind(name).into()))
    }

    /// What the type said; `None` when the reader knows.
    pub(super) fn into_kind(self, _: Option<u8>) -> Option<ErrorKind> {
        self.0.map(|kind| *kind)
    }
}

#[cfg(not(feature = "alloc"))]
impl Thrown {
    pub(super) const TOLD: Self = Self("");

    fn of_member(name: &'static str, _: fn(&'static str) -> ErrorKind) -> Self {
        Self(name)
    }

    /// What the type said; `None` when the reader knows. Whether a member came twice or not at all is told by the byte
    /// behind which the reader stands: the one is seen at its name, the other at the object's end.
    pub(super) fn into_kind(self, behind: Option<u8>) -> Option<ErrorKind> {
        match self.0.strip_prefix('\0') {
            Some(words) => Some(ErrorKind::Value(Text::of(Str::new(words)))),
            None if self.0.is_empty() => None,
            None if behind == Some(b':') => Some(ErrorKind::Duplicate(self.0)),
            None => Some(ErrorKind::Missing(self.0)),
        }
    }
}

impl serde::de::Error for Thrown {
    fn custom<T: fmt::Display>(message: T) -> Self {
        #[cfg(feature = "alloc")]
        return Self(Some(ErrorKind::Value(Text::new(message)).into()));
        #[cfg(not(feature = "alloc"))]
        {
            let _ = message;
            Self(TYPE)
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of_member(name, ErrorKind::Missing)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::of_member(name, ErrorKind::Duplicate)
    }

    #[cfg(not(feature = "alloc"))]
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self(UNKNOWN)
    }

    /// Says what was expected; what came instead is in the text. To print it would need code for floating-point numbers.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not what the type takes")
    }
}

impl core::error::Error for Thrown {}
