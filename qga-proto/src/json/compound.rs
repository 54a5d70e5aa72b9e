//! The arrays and objects of a writer, element by element.

use serde::ser::{self, Serialize, Serializer};

use super::writer::{WriteError, Writer};

/// An array or an object that has been opened.
pub(crate) struct Compound<'w, 'b> {
    writer: &'w mut Writer<'b>,
    first: bool,
    close: &'static [u8],
}

impl<'w, 'b> Compound<'w, 'b> {
    pub(super) fn new(writer: &'w mut Writer<'b>, close: &'static [u8]) -> Self {
        Self { writer, first: true, close }
    }

    fn comma(&mut self) -> Result<(), WriteError> {
        if core::mem::take(&mut self.first) || self.writer.is_in_pieces() {
            return Ok(());
        }
        self.writer.bytes(b",")
    }

    pub(super) fn element<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, WriteError> {
        ser::SerializeSeq::serialize_element(&mut self, value)?;
        Ok(self)
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), WriteError> {
        self.name(key)?;
        value.serialize(&mut *self.writer)
    }

    /// Writes a member's name.
    fn name(&mut self, key: &str) -> Result<(), WriteError> {
        self.comma()?;
        self.writer.serialize_str(key)?;
        self.writer.bytes(b":")
    }

    pub(super) fn close(self) -> Result<(), WriteError> {
        self.writer.close(self.close)
    }
}

impl ser::SerializeSeq for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.comma()?;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeTuple for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    /// A key must be a string.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.comma()?;
        let start = self.writer.len();
        key.serialize(&mut *self.writer)?;
        let is_string = self.writer.written(start).first() == Some(&b'"');
        if is_string || !self.writer.fits() { Ok(()) } else { Err(WriteError::Value) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.writer.bytes(b":")?;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}
