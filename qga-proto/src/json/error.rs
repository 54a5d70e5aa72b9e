//! Why a text could not be read.

use core::fmt;

use super::str::Str;
use crate::text::Text;

/// Why a JSON text could not be read, and where.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

/// What was wrong with a JSON text.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A member of this name came twice.
    Duplicate(&'static str),
    /// The text ends in the middle.
    Eof,
    /// An escape that JSON does not have, or a surrogate without its partner.
    Escape,
    /// Something else than this was expected.
    Expected(&'static str),
    /// There is no member of this name, and must be.
    Missing(&'static str),
    /// A number that the wanted type cannot hold.
    NumberOutOfRange,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) arrays and objects inside each other.
    TooDeep,
    /// A string that is not UTF-8.
    Utf8,
    /// A value that the type does not take, or an unknown member. With feature `alloc` in the words of the type that was
    /// read; without there is no place for these, and it only says which of the two it is.
    Value(Text<SHORT_TEXT>),
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong with a value that has been read, and so with no place in a text.
    pub(crate) fn custom(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Value(Text::new(message)), UNKNOWN)
    }

    /// What was wrong.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Where: bytes from the start of the text that was read.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// How many bytes of such a text are kept where there is no allocator: enough for what is said there of a type. This makes
/// 32 bytes of an error in all.
const SHORT_TEXT: usize = 22;

const UNKNOWN: usize = usize::MAX;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Duplicate(name) => write!(f, "duplicate field `{}`", Str::new(name))?,
            ErrorKind::Eof => f.write_str("the text ends too early")?,
            ErrorKind::Escape => f.write_str("invalid escape in a string")?,
            ErrorKind::Expected(what) => write!(f, "expected {}", Str::new(what))?,
            ErrorKind::Missing(name) => write!(f, "missing field `{}`", Str::new(name))?,
            ErrorKind::NumberOutOfRange => f.write_str("number out of range")?,
            ErrorKind::TooDeep => f.write_str("nested too deeply")?,
            ErrorKind::Utf8 => f.write_str("a string is not UTF-8")?,
            ErrorKind::Value(text) => f.write_str(text.as_str())?,
        }
        if self.offset == UNKNOWN { Ok(()) } else { write!(f, " at byte {}", self.offset) }
    }
}

impl core::error::Error for Error {}
