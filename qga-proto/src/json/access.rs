//! The parts of arrays, objects and enums, as serde asks for them.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::deserialize::{SCRATCH, visit_str, visit_token};
use super::error::{Error, ErrorKind};
use super::reader::Reader;
use super::scan::StringToken;
use super::str::Str;

/// The members of the object that the reader stands in.
pub(super) struct Members<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        match self.0.told(Reader::next_name)? {
            Some(key) => seed.deserialize(key).map(Some),
            None => Ok(None),
        }
    }

    /// Its colon has been passed with the name.
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

/// The elements of the array that the reader stands in.
pub(super) struct Elements<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if !self.0.told(Reader::begin_element)? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// A member's name.
pub(super) struct Key<'de> {
    token: StringToken<'de>,
    at: usize,
}

impl<'de> Key<'de> {
    pub(super) fn new(token: StringToken<'de>, at: usize) -> Self {
        Self { token, at }
    }

    fn to_str(&self) -> Result<Str<'de>, Error> {
        self.token.to_str().ok_or(Error::new(ErrorKind::Utf8, self.at))
    }
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visit_str(self.to_str()?, self.at, visitor)
    }

    /// One of the names that a type knows, or one to be skipped: as bytes, which need no look at their encoding. A name
    /// with escapes that is longer than any that is known may stay escaped: it is equal to none.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if !self.token.escaped {
            return visitor.visit_borrowed_bytes(self.token.text);
        }
        match self.to_str()?.copy_to(&mut [0; SCRATCH]) {
            Some(name) => visitor.visit_str(name),
            None => visitor.visit_borrowed_bytes(self.token.text),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == Str::TOKEN {
            visit_token(self.to_str()?, visitor)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum
    }
}

/// An enum's variant without data: a string.
pub(super) struct UnitVariant<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for UnitVariant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for UnitVariant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        self.0.told(|reader| Err(reader.expected("a variant with data")))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        self.0.told(|reader| Err(reader.expected("a variant with data")))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        self.0.told(|reader| Err(reader.expected("a variant with data")))
    }
}

/// An enum's variant with data: the one member of an object.
pub(super) struct DataVariant<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for DataVariant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let key = self.0.told(Reader::named)?;
        let variant = seed.deserialize(key)?;
        self.0.told(Reader::colon)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for DataVariant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.visit_array(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.visit_object(visitor)
    }
}
