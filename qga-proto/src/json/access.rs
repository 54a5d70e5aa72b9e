//! The parts of arrays, objects and enums, as serde asks for them.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::deserialize::{SCRATCH, visit_str, visit_token};
use super::reader::Reader;
use super::scan::StringToken;
use super::str::Str;
use super::thrown::Thrown;

/// The members of the object that the reader stands in.
pub(super) struct Members<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Thrown;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Thrown> {
        match self.0.thrown(Reader::next_name)? {
            Some(name) => seed.deserialize(Key { reader: self.0, name }).map(Some),
            None => Ok(None),
        }
    }

    /// Its colon has been passed with the name.
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Thrown> {
        seed.deserialize(&mut *self.0)
    }
}

/// The elements of the array that the reader stands in.
pub(super) struct Elements<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Thrown;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Thrown> {
        if !self.0.thrown(Reader::begin_element)? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// A member's name, for a type.
struct Key<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: Name<'de>,
}

/// A member's name.
#[derive(Clone, Copy)]
pub(super) struct Name<'de> {
    pub(super) token: StringToken<'de>,
    /// Where it is.
    pub(super) at: usize,
}

impl<'de> Key<'_, 'de> {
    fn text(&mut self) -> Result<Str<'de>, Thrown> {
        let Name { token, at } = self.name;
        self.reader.thrown(|reader| reader.text_of(token, at))
    }
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Thrown;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Thrown> {
        let string = self.text()?;
        visit_str(self.reader, string, self.name.at, visitor)
    }

    /// One of the names that a type knows, or one to be skipped: as bytes, which need no look at their encoding. A name
    /// with escapes that is longer than any that is known may stay escaped: it is equal to none.
    fn deserialize_identifier<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Thrown> {
        let token = self.name.token;
        if !token.escaped {
            return visitor.visit_borrowed_bytes(token.text);
        }
        match self.text()?.copy_to(&mut [0; SCRATCH]) {
            Some(name) => visitor.visit_str(name),
            None => visitor.visit_borrowed_bytes(token.text),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        if name == Str::TOKEN {
            visit_token(self.text()?, visitor)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Thrown> {
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
    type Error = Thrown;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Thrown> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for UnitVariant<'_, 'de> {
    type Error = Thrown;

    fn unit_variant(self) -> Result<(), Thrown> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Thrown> {
        self.0.thrown(|reader| Err(reader.expected("a variant with data")))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Thrown> {
        self.0.thrown(|reader| Err(reader.expected("a variant with data")))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Thrown> {
        self.0.thrown(|reader| Err(reader.expected("a variant with data")))
    }
}

/// An enum's variant with data: the one member of an object.
pub(super) struct DataVariant<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for DataVariant<'_, 'de> {
    type Error = Thrown;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Thrown> {
        let name = self.0.thrown(Reader::name)?;
        let variant = seed.deserialize(Key { reader: self.0, name })?;
        self.0.thrown(Reader::colon)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for DataVariant<'_, 'de> {
    type Error = Thrown;

    fn unit_variant(self) -> Result<(), Thrown> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Thrown> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Thrown> {
        self.0.visit_array(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Thrown> {
        self.0.visit_object(visitor)
    }
}
