//! What serde asks of a reader.

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{DataVariant, UnitVariant};
use super::base64::Base64;
use super::error::{Error, ErrorKind};
use super::list::List;
use super::raw::Raw;
use super::reader::Reader;
use super::scan;
use super::str::Str;

/// Room to undo escapes in: longer than any name or value of the schema.
pub(super) const SCRATCH: usize = 128;

/// Gives a string to a visitor. One with escapes goes to a [`Str`] as bytes, to others unescaped where that is possible.
pub(super) fn visit_str<'de, V: Visitor<'de>>(
    string: Str<'de>,
    at: usize,
    visitor: V,
) -> Result<V::Value, Error> {
    if let Some(text) = string.as_str() {
        return visitor.visit_borrowed_str(text);
    }
    #[cfg(feature = "alloc")]
    {
        let _ = at;
        visitor.visit_string(string.into())
    }
    #[cfg(not(feature = "alloc"))]
    {
        match string.copy_to(&mut [0; SCRATCH]) {
            Some(text) => visitor.visit_str(text),
            None => Err(Error::new(
                ErrorKind::Expected("a string without escapes (or a json::Str to read it)"),
                at,
            )),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            b'{' => self.visit_object(visitor),
            b'[' => self.visit_array(visitor),
            b'"' => {
                let at = self.at;
                visit_str(self.string()?, at, visitor)
            }
            b't' => self.literal("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.literal("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.literal("null").and_then(|()| visitor.visit_unit()),
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
                        visitor.visit_f64(self.float()?)
                    }
                }
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            b't' => self.literal("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.literal("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(self.expected("true or false")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.peek()?;
        let at = self.at;
        let (negative, magnitude) = self.integer()?;
        let value = if negative { 0i64.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() };
        visitor.visit_i64(value.ok_or(Error::new(ErrorKind::NumberOutOfRange, at))?)
    }

    /// A negative number stands for itself plus 2^64: agents before QEMU 2.11 print large unsigned numbers so.
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.peek()?;
        let at = self.at;
        let (negative, magnitude) = self.integer()?;
        let value = match (negative, 0i64.checked_sub_unsigned(magnitude)) {
            (false, _) => magnitude,
            (true, Some(value)) => value as u64,
            (true, None) => return Err(Error::new(ErrorKind::NumberOutOfRange, at)),
        };
        visitor.visit_u64(value)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek()? != b'"' {
            return Err(self.expected("a string"));
        }
        let at = self.at;
        visit_str(self.string()?, at, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            b'n' => self.literal("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.peek()?;
        self.literal("null").and_then(|()| visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    /// The place where our own types ask for a token as it stands, by a name that no other type has.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            Str::TOKEN => {
                if self.peek()? != b'"' {
                    return Err(self.expected("a string"));
                }
                visit_token(self.string()?, visitor)
            }
            Base64::TOKEN => {
                if self.peek()? != b'"' {
                    return Err(self.expected("a base64 string"));
                }
                visitor.visit_borrowed_bytes(self.token()?.text)
            }
            List::<()>::TOKEN => {
                if self.peek()? != b'[' {
                    return Err(self.expected("an array"));
                }
                let start = self.at;
                self.at = scan::array(self.text, start)?;
                visitor.visit_borrowed_bytes(&self.text[start..self.at])
            }
            Str::OR_OBJECT => match self.peek()? {
                b'{' => self.visit_object(visitor),
                b'"' => {
                    let at = self.at;
                    visit_str(self.string()?, at, visitor)
                }
                _ => Err(self.expected("an object or a string")),
            },
            Raw::TOKEN => visitor.visit_borrowed_bytes(&self.text[self.skip()?]),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek()? {
            b'"' => visitor.visit_enum(UnitVariant(self)),
            _ => {
                self.open(b'{', "a string or an object")?;
                let outer = self.depth - 1;
                if !self.next_in(b'}')? {
                    return Err(self.expected("a member"));
                }
                let value = visitor.visit_enum(DataVariant(self))?;
                self.closed(outer, b'}')?;
                Ok(value)
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf }
}

/// Gives a string to [`Str`]'s visitor: as text when it is plain, as bytes when it is escaped.
pub(super) fn visit_token<'de, V: Visitor<'de>>(string: Str<'de>, visitor: V) -> Result<V::Value, Error> {
    match string.as_str() {
        Some(text) => visitor.visit_borrowed_str(text),
        None => visitor.visit_borrowed_bytes(string.escaped_bytes()),
    }
}
