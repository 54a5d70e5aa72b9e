//! What serde asks of a reader.

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{DataVariant, UnitVariant};
use super::base64::Base64;
use super::list::List;
use super::raw::Raw;
use super::reader::Reader;
use super::str::Str;
use super::thrown::Thrown;

/// Room to undo escapes in: longer than any name or value of the schema.
pub(super) const SCRATCH: usize = 128;

/// Gives a string, which stands at `at`, to a visitor. One with escapes goes to a [`Str`] as bytes, to others unescaped where
/// that is possible.
pub(super) fn visit_str<'de, V: Visitor<'de>>(
    reader: &mut Reader<'de>,
    string: Str<'de>,
    at: usize,
    visitor: V,
) -> Result<V::Value, Thrown> {
    if let Some(text) = string.as_str() {
        return visitor.visit_borrowed_str(text);
    }
    #[cfg(feature = "alloc")]
    {
        let _ = (reader, at);
        visitor.visit_string(string.into())
    }
    #[cfg(not(feature = "alloc"))]
    {
        match string.copy_to(&mut [0; SCRATCH]) {
            Some(text) => visitor.visit_str(text),
            None => reader.thrown(|reader| {
                reader.at = at;
                Err(reader.expected("a string without escapes (or a json::Str to read it)"))
            }),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Thrown;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        match self.thrown(Reader::peek)? {
            b'{' => self.visit_object(visitor),
            b'[' => self.visit_array(visitor),
            b'"' => self.deserialize_str(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            b'-' | b'0'..=b'9' => {
                let at = self.at;
                match self.integer() {
                    Ok((false, magnitude)) => visitor.visit_u64(magnitude),
                    Ok((true, magnitude)) if magnitude <= i64::MIN.unsigned_abs() => {
                        visitor.visit_i64(0i64.wrapping_sub_unsigned(magnitude))
                    }
                    // A fraction, an exponent, or more than 64 bits: a double, as the agent reads it too.
                    _ => {
                        self.at = at;
                        self.deserialize_f64(visitor)
                    }
                }
            }
            _ => self.thrown(|reader| Err(reader.expected("a value"))),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        visitor.visit_bool(self.thrown(Reader::boolean)?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        visitor.visit_i64(self.thrown(Reader::signed)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        visitor.visit_u64(self.thrown(Reader::unsigned)?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        visitor.visit_f64(self.thrown(Reader::float)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.thrown(Reader::peek)?;
        let at = self.at;
        let string = self.thrown(Reader::string)?;
        visit_str(self, string, at, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        match self.thrown(Reader::null)? {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.thrown(|reader| if reader.null()? { Ok(()) } else { Err(reader.expected("null")) })?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        self.deserialize_unit(visitor)
    }

    /// The place where our own types ask for a token as it stands, by a name that no other type has.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        match name {
            Str::TOKEN => visit_token(self.thrown(Reader::string)?, visitor),
            Base64::TOKEN => {
                let token = self.thrown(|reader| reader.quoted("a base64 string"))?;
                visitor.visit_borrowed_bytes(token.text)
            }
            List::<()>::TOKEN => visitor.visit_borrowed_bytes(self.thrown(Reader::array)?),
            Str::OR_OBJECT => match self.thrown(Reader::peek)? {
                b'{' => self.visit_object(visitor),
                b'"' => self.deserialize_str(visitor),
                _ => self.thrown(|reader| Err(reader.expected("an object or a string"))),
            },
            Raw::TOKEN => {
                let range = self.thrown(Reader::skip)?;
                visitor.visit_borrowed_bytes(&self.text[range])
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Thrown> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        self.visit_array(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.visit_object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        self.visit_object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        match self.thrown(Reader::peek)? {
            b'"' => visitor.visit_enum(UnitVariant(self)),
            _ => {
                self.thrown(|reader| {
                    reader.open(b'{', "a string or an object")?;
                    if reader.next_in(b'}')? { Ok(()) } else { Err(reader.expected("a member")) }
                })?;
                let outer = self.depth - 1;
                let result = visitor.visit_enum(DataVariant(self));
                self.leave(outer, b'}', result)
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
        self.thrown(Reader::skip)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf }
}

/// Gives a string to [`Str`]'s visitor: as text when it is plain, as bytes when it is escaped.
pub(super) fn visit_token<'de, V: Visitor<'de>>(string: Str<'de>, visitor: V) -> Result<V::Value, Thrown> {
    match string.as_str() {
        Some(text) => visitor.visit_borrowed_str(text),
        None => visitor.visit_borrowed_bytes(string.escaped_bytes()),
    }
}
