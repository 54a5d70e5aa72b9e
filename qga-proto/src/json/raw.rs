//! Any JSON value, as text.

use core::cell::Cell;
use core::fmt;
use core::str;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::error::Error;
use super::reader::{Reader, from_slice};
use super::str::Str;

/// Any JSON value as its text: what a raw command sends or gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The name under which [`Raw`] asks the reader for a value as it stands.
    pub(super) const TOKEN: &'static str = "$qga_proto::json::Raw";

    /// An object without members.
    pub const EMPTY_OBJECT: Self = Self("{}");

    /// Takes `text` as it is.
    ///
    /// # Errors
    ///
    /// When it is not exactly one JSON value.
    pub fn new(text: &'a str) -> Result<Self, Error> {
        from_slice(text.as_bytes())
    }

    /// The JSON text, without white space around it.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    ///
    /// When it is not one.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        from_slice(self.0.as_bytes())
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Raw<'_> {
    /// Hands the value on piece by piece, so that any serializer can take it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reader = Reader::new(self.0.as_bytes());
        Transcode(Cell::new(Some(&mut reader))).serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::TOKEN, RawVisitor)
    }
}

/// Takes the text of a value, which only our reader gives: as bytes, which JSON has not.
struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
        str::from_utf8(text).map(Raw).map_err(|_| E::custom(Str::new("a string is not UTF-8")))
    }
}

/// A value still to be read, as something to be written: what one side decodes the other encodes at once. Recursion is
/// bounded by the reader's limit on nesting.
struct Transcode<D>(Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Transcode<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(deserializer) = self.0.take() else { return Err(S::Error::custom("serialized twice")) };
        match deserializer.deserialize_any(Transcoder(serializer)) {
            Ok(result) => result,
            Err(error) => Err(S::Error::custom(error)),
        }
    }
}

/// Passes what is read on to a serializer. What the serializer says is the value, so that its error keeps its type;
/// after an error the rest is read and dropped.
struct Transcoder<S>(S);

impl<'de, S: Serializer> Visitor<'de> for Transcoder<S> {
    type Value = Result<S::Ok, S::Error>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.0.serialize_bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.0.serialize_i64(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.0.serialize_u64(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.0.serialize_f64(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.0.serialize_str(value))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, escaped: &'de [u8]) -> Result<Self::Value, E> {
        let text = str::from_utf8(escaped).map_err(|_| E::custom(Str::new("a string is not UTF-8")))?;
        Ok(Str::from_escaped(text).serialize(self.0))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.0.serialize_unit())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut seq = match self.0.serialize_seq(None) {
            Ok(seq) => seq,
            Err(error) => {
                while access.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Err(error));
            }
        };
        let mut result = Ok(());
        while let Some(element) = access.next_element_seed(TranscodeElement(&mut seq, &result))? {
            result = result.and(element);
        }
        Ok(result.and_then(|()| seq.end()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = match self.0.serialize_map(None) {
            Ok(map) => map,
            Err(error) => {
                while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(Err(error));
            }
        };
        let mut result = Ok(());
        while let Some(key) = access.next_key::<Str<'de>>()? {
            result = result.and_then(|()| map.serialize_key(&key));
            let value = access.next_value_seed(TranscodeValue(&mut map, &result))?;
            result = result.and(value);
        }
        Ok(result.and_then(|()| map.end()))
    }
}

/// Writes an array's element while it is read; reads only, when writing has failed.
struct TranscodeElement<'s, Q: SerializeSeq>(&'s mut Q, &'s Result<(), Q::Error>);

impl<'de, Q: SerializeSeq> DeserializeSeed<'de> for TranscodeElement<'_, Q> {
    type Value = Result<(), Q::Error>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.1 {
            Ok(()) => Ok(self.0.serialize_element(&Transcode(Cell::new(Some(deserializer))))),
            Err(_) => IgnoredAny::deserialize(deserializer).map(|_| Ok(())),
        }
    }
}

/// Writes a member's value while it is read; reads only, when writing has failed.
struct TranscodeValue<'s, M: SerializeMap>(&'s mut M, &'s Result<(), M::Error>);

impl<'de, M: SerializeMap> DeserializeSeed<'de> for TranscodeValue<'_, M> {
    type Value = Result<(), M::Error>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.1 {
            Ok(()) => Ok(self.0.serialize_value(&Transcode(Cell::new(Some(deserializer))))),
            Err(_) => IgnoredAny::deserialize(deserializer).map(|_| Ok(())),
        }
    }
}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::string::String;
    use core::fmt;

    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use super::super::error::Error;
    use super::Raw;

    /// Any JSON value as its text, owned.
    #[derive(Clone, PartialEq, Eq)]
    pub struct RawBuf(String);

    impl RawBuf {
        /// Takes `text` as it is.
        ///
        /// # Errors
        ///
        /// When it is not exactly one JSON value.
        pub fn new(text: impl Into<String>) -> Result<Self, Error> {
            let text = text.into();
            let raw = Raw::new(&text)?;
            Ok(if raw.as_str().len() == text.len() { Self(text) } else { Self::from(raw) })
        }

        /// The value, borrowed.
        #[must_use]
        pub fn as_raw(&self) -> Raw<'_> {
            Raw(&self.0)
        }

        /// The JSON text.
        #[must_use]
        pub fn as_str(&self) -> &str {
            &self.0
        }

        /// The JSON text.
        #[must_use]
        pub fn into_string(self) -> String {
            self.0
        }
    }

    impl fmt::Debug for RawBuf {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl fmt::Display for RawBuf {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl From<Raw<'_>> for RawBuf {
        fn from(raw: Raw<'_>) -> Self {
            Self(raw.as_str().into())
        }
    }

    impl Serialize for RawBuf {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.as_raw().serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for RawBuf {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Raw::deserialize(deserializer).map(Self::from)
        }
    }
}

#[cfg(feature = "alloc")]
pub use owned::RawBuf;
