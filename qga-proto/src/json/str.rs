//! Strings that borrow from the message.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::as_it_is;
use super::scan;

/// A string that borrows from the message it came in, perhaps still escaped.
///
/// Comparing, hashing, iterating and printing work on the text that is meant, escaped or not. Built from `&str` it is
/// that string; so the same types are read by one end and written by the other.
#[derive(Clone, Copy, Default)]
pub struct Str<'a> {
    text: &'a str,
    /// Whether `text` is the inside of a JSON string literal, its escapes checked.
    escaped: bool,
}

impl<'a> Str<'a> {
    /// The name under which [`Str`] asks the reader for a string as it stands.
    pub(super) const TOKEN: &'static str = "$qga_proto::json::Str";

    /// The name under which a type asks the reader for a string or an object: anything would be numbers, too, and code that
    /// reads floating-point numbers is large.
    #[doc(hidden)]
    pub const OR_OBJECT: &'static str = "$qga_proto::json::Str or object";

    /// A plain string.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, escaped: false }
    }

    /// The inside of a JSON string literal; `text` has passed [`scan::string`] and holds an escape.
    pub(super) const fn from_escaped(text: &'a str) -> Self {
        Self { text, escaped: true }
    }

    /// The text, when it came without escapes (nearly all do: printable ASCII without quotes and backslashes).
    #[must_use]
    pub const fn as_str(&self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.text) }
    }

    /// The text as it came, for [`StrVisitor`].
    pub(super) const fn escaped_bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The characters of the text.
    #[must_use]
    pub fn chars(&self) -> Chars<'a> {
        Chars { rest: self.text, escaped: self.escaped }
    }

    /// Writes the text to the front of `buffer`. `None`: it is too long.
    #[must_use]
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut len = 0;
        for c in self.chars() {
            len += c.encode_utf8(buffer.get_mut(len..len + c.len_utf8())?).len();
        }
        str::from_utf8(buffer.get(..len)?).ok()
    }

    /// Whether the text is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

#[cfg(feature = "alloc")]
impl<'a> From<&'a alloc::string::String> for Str<'a> {
    fn from(text: &'a alloc::string::String) -> Self {
        Self::new(text)
    }
}

#[cfg(feature = "alloc")]
impl From<Str<'_>> for alloc::string::String {
    fn from(text: Str<'_>) -> Self {
        match text.as_str() {
            Some(plain) => plain.into(),
            None => text.chars().collect(),
        }
    }
}

impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.escaped || other.escaped { self.chars().eq(other.chars()) } else { self.text == other.text }
    }
}

impl Eq for Str<'_> {}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == Str::new(other)
    }
}

impl PartialEq<&str> for Str<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == Str::new(other)
    }
}

impl Hash for Str<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chars().for_each(|c| c.hash(state));
    }
}

impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        f.write_char('"')?;
        for c in self.chars() {
            write!(f, "{}", c.escape_debug())?;
        }
        f.write_char('"')
    }
}

impl fmt::Display for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        if f.width().is_none()
            && f.precision().is_none()
            && let Some(text) = self.as_str()
        {
            return f.write_str(text);
        }
        // The same as `pad` does, for a text that is nowhere as a whole.
        let chars = self.chars().take(f.precision().unwrap_or(usize::MAX));
        let missing = f.width().map_or(0, |width| width.saturating_sub(chars.clone().count()));
        let before = match f.align() {
            Some(fmt::Alignment::Right) => missing,
            Some(fmt::Alignment::Center) => missing / 2,
            Some(fmt::Alignment::Left) | None => 0,
        };
        let fill = f.fill();
        (0..before).try_for_each(|_| f.write_char(fill))?;
        chars.into_iter().try_for_each(|c| f.write_char(c))?;
        (before..missing).try_for_each(|_| f.write_char(fill))
    }
}

impl Serialize for Str<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None if as_it_is::is_ours::<S>() => as_it_is::write_pieces(|| self.chars(), serializer),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::TOKEN, StrVisitor)
    }
}

/// Takes a plain string from any deserializer, and from our reader also one with escapes: as bytes, which JSON has not.
struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = Str<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Str::new(text))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, escaped: &'de [u8]) -> Result<Self::Value, E> {
        str::from_utf8(escaped)
            .map(Str::from_escaped)
            .map_err(|_| E::custom(Str::new("a string is not UTF-8")))
    }
}

/// The characters of a [`Str`], unescaped.
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    rest: &'a str,
    escaped: bool,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        let (c, len) =
            if self.escaped && first == '\\' { unescape(self.rest) } else { (first, first.len_utf8()) };
        self.rest = self.rest.get(len..).unwrap_or_default();
        Some(c)
    }
}

/// The character that the escape at the front of `text` stands for, and the escape's length.
fn unescape(text: &str) -> (char, usize) {
    let text = text.as_bytes();
    let c = match text.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let units =
                [scan::code_unit(text, 0), scan::code_unit(text, 6)].into_iter().map_while(|unit| unit);
            return match char::decode_utf16(units).next() {
                Some(Ok(c)) => (c, 6 * c.len_utf16()),
                // Not reached: `scan::string` let no such escape pass.
                _ => (char::REPLACEMENT_CHARACTER, 6),
            };
        }
        Some(&c) => char::from(c),
        None => char::REPLACEMENT_CHARACTER,
    };
    (c, 2)
}
