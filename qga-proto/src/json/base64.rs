//! Bytes that travel as base64.

use core::fmt;

use base64_simd::{AsOut, STANDARD, STANDARD_NO_PAD};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::as_it_is;
use super::str::Str;

/// Bytes that travel as base64: borrowed from the message they came in and decoded to where they are wanted, or any
/// slice of bytes on its way out.
///
/// The alphabet is the standard one with padding. `Debug` prints nothing of the content: it may be a password, a
/// program's input, or 48 MiB of a file.
#[derive(Clone, Copy)]
pub struct Base64<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Encoded(&'a [u8]),
    /// Encoded, with JSON escapes: some encoders write every slash as `\/`.
    Escaped(Str<'a>),
    Plain(&'a [u8]),
}

/// A text that is not base64, or too little room for what it stands for.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Base64Error {
    /// A character outside the alphabet, or padding that is missing or misplaced.
    Invalid,
    /// The decoded bytes need a buffer of this many bytes.
    TooShort {
        /// How many bytes the buffer must have.
        needed: usize,
    },
}

impl<'a> Base64<'a> {
    /// The name under which [`Base64`] asks the reader for a string as it stands.
    pub(super) const TOKEN: &'static str = "$qga_proto::json::Base64";

    /// A string token as it stands. A backslash is not base64, so there is one only where there are escapes.
    fn from_token<E: de::Error>(text: &'a [u8]) -> Result<Self, E> {
        if !has_backslash(text) {
            return Ok(Self(Repr::Encoded(text)));
        }
        let text = core::str::from_utf8(text).map_err(|_| E::custom(Str::new("invalid base64")))?;
        Ok(Self(Repr::Escaped(Str::from_escaped(text))))
    }

    /// How many bytes the content has at most; exact for well-formed base64.
    #[must_use]
    pub fn decoded_len(&self) -> usize {
        match self.0 {
            Repr::Plain(bytes) => bytes.len(),
            Repr::Encoded(text) => {
                let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
                (text.len().div_ceil(4) * 3).saturating_sub(padding)
            }
            Repr::Escaped(text) => {
                let padding = text.chars().filter(|&c| c == '=').count();
                (text.chars().count().div_ceil(4) * 3).saturating_sub(padding)
            }
        }
    }

    /// Decodes to the front of `buffer`; gives the part that was filled.
    ///
    /// # Errors
    ///
    /// [`Base64Error::TooShort`] with the length needed, or [`Base64Error::Invalid`].
    pub fn decode_into<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], Base64Error> {
        let needed = self.decoded_len();
        let Some(target) = buffer.get_mut(..needed) else { return Err(Base64Error::TooShort { needed }) };
        match self.0 {
            Repr::Plain(bytes) => target.copy_from_slice(bytes),
            Repr::Encoded(text) => decode(text, target)?,
            Repr::Escaped(text) => decode_escaped(text, target)?,
        }
        Ok(target)
    }

    /// Decodes as [`decode_into`](Self::decode_into), but also what lacks its padding, as some agents leave it out.
    pub(crate) fn decode_unpadded_into<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], Base64Error> {
        let Repr::Encoded(text) = self.0 else { return self.decode_into(buffer) };
        if text.len().is_multiple_of(4) {
            return self.decode_into(buffer);
        }
        let needed = STANDARD_NO_PAD.decoded_length(text).map_err(|_| Base64Error::Invalid)?;
        let Some(target) = buffer.get_mut(..needed) else { return Err(Base64Error::TooShort { needed }) };
        STANDARD_NO_PAD.decode(text, target.as_out()).map_err(|_| Base64Error::Invalid)?;
        Ok(target)
    }

    /// Decodes as much as `buffer` can hold, in whole groups of three bytes; gives the part that was filled.
    ///
    /// # Errors
    ///
    /// [`Base64Error::Invalid`]; what was not decoded is not looked at.
    pub fn decode_prefix<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], Base64Error> {
        if self.decoded_len() <= buffer.len() {
            return self.decode_into(buffer);
        }
        let groups = buffer.len() / 3;
        let target = &mut buffer[..groups * 3];
        match self.0 {
            Repr::Plain(bytes) => target.copy_from_slice(&bytes[..groups * 3]),
            Repr::Encoded(text) => {
                let text = text.get(..groups * 4).ok_or(Base64Error::Invalid)?;
                decode(text, target)?;
            }
            Repr::Escaped(text) => decode_chars(&mut text.chars(), target)?,
        }
        Ok(target)
    }

    /// Decodes to the end of `buffer`.
    ///
    /// # Errors
    ///
    /// [`Base64Error::Invalid`]; `buffer` is then as it was.
    #[cfg(feature = "alloc")]
    pub fn decode_onto(&self, buffer: &mut alloc::vec::Vec<u8>) -> Result<(), Base64Error> {
        let start = buffer.len();
        buffer.resize(start + self.decoded_len(), 0);
        let result = self.decode_into(&mut buffer[start..]).map(|_| ());
        if result.is_err() {
            buffer.truncate(start);
        }
        result
    }
}

impl Default for Base64<'_> {
    fn default() -> Self {
        Self(Repr::Plain(&[]))
    }
}

impl<'a> From<&'a [u8]> for Base64<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Repr::Plain(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Base64<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self(Repr::Plain(bytes))
    }
}

#[cfg(feature = "alloc")]
impl<'a> From<&'a alloc::vec::Vec<u8>> for Base64<'a> {
    fn from(bytes: &'a alloc::vec::Vec<u8>) -> Self {
        Self(Repr::Plain(bytes))
    }
}

impl PartialEq for Base64<'_> {
    /// Whether both are the same in the same form; one that came encoded and one that did not are never equal.
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Repr::Encoded(a), Repr::Encoded(b)) | (Repr::Plain(a), Repr::Plain(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base64(..)")
    }
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Repr::Plain(bytes) if as_it_is::is_ours::<S>() => {
                as_it_is::write_pieces(|| bytes.chunks(PIECE).map(Encoded), serializer)
            }
            Repr::Plain(bytes) => serializer.collect_str(&Displayed(bytes)),
            Repr::Encoded(text) => match core::str::from_utf8(text) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => Err(serde::ser::Error::custom("invalid base64")),
            },
            Repr::Escaped(text) => text.serialize(serializer),
        }
    }
}

#[cfg(feature = "std")]
fn has_backslash(text: &[u8]) -> bool {
    memchr::memchr(b'\\', text).is_some()
}

/// The same, in less code.
#[cfg(not(feature = "std"))]
fn has_backslash(text: &[u8]) -> bool {
    text.contains(&b'\\')
}

/// Decodes `text`, which must fill `target`.
fn decode(text: &[u8], target: &mut [u8]) -> Result<(), Base64Error> {
    if STANDARD.decoded_length(text).ok() != Some(target.len()) {
        return Err(Base64Error::Invalid);
    }
    STANDARD.decode(text, target.as_out()).map(|_| ()).map_err(|_| Base64Error::Invalid)
}

/// The same, four characters at a time.
fn decode_escaped(text: Str<'_>, target: &mut [u8]) -> Result<(), Base64Error> {
    let mut chars = text.chars();
    decode_chars(&mut chars, target)?;
    if chars.next().is_some() { Err(Base64Error::Invalid) } else { Ok(()) }
}

/// Decodes as many characters as fill `target`.
fn decode_chars(chars: &mut impl Iterator<Item = char>, target: &mut [u8]) -> Result<(), Base64Error> {
    for bytes in target.chunks_mut(3) {
        let mut group = [0; 4];
        for place in &mut group {
            let c = chars.next().ok_or(Base64Error::Invalid)?;
            *place = u8::try_from(c).map_err(|_| Base64Error::Invalid)?;
        }
        decode(&group, bytes)?;
    }
    Ok(())
}

/// How many bytes are encoded at a time: a multiple of three, so that only the last piece is padded.
const PIECE: usize = 192;

/// A piece of what is to be base64.
struct Encoded<'a>(&'a [u8]);

impl Encoded<'_> {
    fn text<'t>(&self, buffer: &'t mut [u8; PIECE / 3 * 4]) -> &'t str {
        STANDARD.encode_as_str(self.0, buffer[..].as_out())
    }
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut [0; _]))
    }
}

/// Displays bytes as base64.
struct Displayed<'a>(&'a [u8]);

impl fmt::Display for Displayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chunks(PIECE).try_for_each(|piece| f.write_str(Encoded(piece).text(&mut [0; _])))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Base64<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::TOKEN, Base64Visitor)
    }
}

struct Base64Visitor;

impl<'de> Visitor<'de> for Base64Visitor {
    type Value = Base64<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a base64 string")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Base64(Repr::Encoded(text.as_bytes())))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
        Base64::from_token(text)
    }
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("invalid base64"),
            Self::TooShort { needed } => write!(f, "the buffer is too short for {needed} bytes"),
        }
    }
}

impl core::error::Error for Base64Error {}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::vec::Vec;
    use core::fmt;
    use core::ops::{Deref, DerefMut};

    use serde::de::{self, Deserialize, Deserializer, Visitor};
    use serde::ser::{Serialize, Serializer};

    use super::Base64;

    /// Bytes that travel as base64, owned. `Debug` prints nothing of the content.
    #[derive(Clone, Default, PartialEq, Eq, Hash)]
    pub struct Bytes(pub Vec<u8>);

    impl fmt::Debug for Bytes {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Bytes(..)")
        }
    }

    impl Deref for Bytes {
        type Target = Vec<u8>;

        fn deref(&self) -> &Vec<u8> {
            &self.0
        }
    }

    impl DerefMut for Bytes {
        fn deref_mut(&mut self) -> &mut Vec<u8> {
            &mut self.0
        }
    }

    impl From<Vec<u8>> for Bytes {
        fn from(bytes: Vec<u8>) -> Self {
            Self(bytes)
        }
    }

    impl From<&[u8]> for Bytes {
        fn from(bytes: &[u8]) -> Self {
            Self(bytes.to_vec())
        }
    }

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            Base64::from(&self.0).serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_newtype_struct(Base64::TOKEN, BytesVisitor)
        }
    }

    struct BytesVisitor;

    impl<'de> Visitor<'de> for BytesVisitor {
        type Value = Bytes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a base64 string")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bytes, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
            self.visit_bytes(text.as_bytes())
        }

        fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Bytes, E> {
            let mut bytes = Vec::new();
            Base64::from_token(text)?.decode_onto(&mut bytes).map_err(E::custom)?;
            Ok(Bytes(bytes))
        }
    }
}

#[cfg(feature = "alloc")]
pub use owned::Bytes;
