//! A serde `Serializer` that writes into a slice.

use core::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::as_it_is::Form;
use super::compound::Compound;
use super::raw::Raw;
use super::reader::from_slice;

/// Writes JSON to the front of a buffer: on one line, without white space, printable ASCII only. So no message of ours
/// holds a newline or 0xFF, as the real agent's do not.
///
/// What does not fit is counted, so that one who has too little room learns how much it takes.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
    /// How the next value is to be taken, or the one that is being written.
    form: Form,
}

/// Why something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// The buffer is too short.
    Full {
        /// How many bytes the message has.
        len: usize,
    },
    /// The value is none that JSON has, or says itself that it cannot be written.
    Value,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0, form: Form::Value }
    }

    /// How much there is: more than the buffer holds, if that is too short.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether all that there is fits.
    pub(crate) fn fits(&self) -> bool {
        self.len <= self.buffer.len()
    }

    /// What has been written from a position on.
    pub(crate) fn written(&self, from: usize) -> &[u8] {
        self.buffer.get(from..self.len).unwrap_or_default()
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let end = self.len.saturating_add(bytes.len());
        if let Some(room) = self.buffer.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
        }
        self.len = end;
        Ok(())
    }

    /// Writes a value.
    pub(crate) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    /// Writes a value that is JSON already, without the white space between its tokens. Its numbers stay as they are,
    /// however large.
    pub(crate) fn raw(&mut self, raw: Raw<'_>) -> Result<(), WriteError> {
        let (mut quoted, mut escaped) = (false, false);
        for c in raw.as_str().chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                ' ' | '\t' | '\r' | '\n' if !quoted => continue,
                _ => {}
            }
            match u8::try_from(c) {
                Ok(byte) if byte < DEL => self.bytes(&[byte])?,
                _ => self.escape(c)?,
            }
        }
        Ok(())
    }

    /// Writes a string's content.
    fn content(&mut self, text: &str) -> Result<(), WriteError> {
        let mut rest = text;
        // What needs no escapes is copied at once: all of a name, or of base64.
        while let Some(at) = rest.bytes().position(needs_escape) {
            self.bytes(&rest.as_bytes()[..at])?;
            let mut chars = rest.get(at..).unwrap_or_default().chars();
            if let Some(c) = chars.next() {
                self.escape(c)?;
            }
            rest = chars.as_str();
        }
        self.bytes(rest.as_bytes())
    }

    fn escape(&mut self, c: char) -> Result<(), WriteError> {
        match c {
            '"' => self.bytes(b"\\\""),
            '\\' => self.bytes(b"\\\\"),
            '\n' => self.bytes(b"\\n"),
            '\r' => self.bytes(b"\\r"),
            '\t' => self.bytes(b"\\t"),
            _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|&unit| {
                let digit = |shift: u32| b"0123456789ABCDEF"[usize::from(unit >> shift & 0xF)];
                self.bytes(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)])
            }),
        }
    }

    fn integer(&mut self, negative: bool, magnitude: u64) -> Result<(), WriteError> {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = magnitude;
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if negative {
            self.bytes(b"-")?;
        }
        self.bytes(&digits[start..])
    }

    fn display(&mut self, value: impl fmt::Display, quoted: bool) -> Result<(), WriteError> {
        fmt::write(&mut Text { writer: self, quoted }, format_args!("{value}")).map_err(|_| WriteError::Value)
    }

    /// The end of an array or object, or of a string that came in pieces.
    pub(super) fn close(&mut self, close: &[u8]) -> Result<(), WriteError> {
        self.form = Form::Value;
        self.bytes(close)
    }

    /// Whether a string is being written piece by piece.
    pub(super) fn is_in_pieces(&self) -> bool {
        self.form == Form::Pieces
    }

    fn open(&mut self, open: &[u8], close: &'static [u8]) -> Result<Compound<'_, 'b>, WriteError> {
        self.bytes(open)?;
        Ok(Compound::new(self, close))
    }

    fn open_variant(
        &mut self,
        variant: &str,
        open: &[u8],
        close: &'static [u8],
    ) -> Result<Compound<'_, 'b>, WriteError> {
        self.bytes(b"{")?;
        self.serialize_str(variant)?;
        self.bytes(b":")?;
        self.open(open, close)
    }
}

const DEL: u8 = 0x7F;

fn needs_escape(byte: u8) -> bool {
    !(b' '..DEL).contains(&byte) || byte == b'"' || byte == b'\\'
}

/// Takes text from a formatter.
struct Text<'w, 'b> {
    writer: &'w mut Writer<'b>,
    quoted: bool,
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let result = if self.quoted { self.writer.content(text) } else { self.writer.bytes(text.as_bytes()) };
        result.map_err(|_| fmt::Error)
    }
}

impl<'w, 'b> Serializer for &'w mut Writer<'b> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Compound<'w, 'b>;
    type SerializeTuple = Compound<'w, 'b>;
    type SerializeTupleStruct = Compound<'w, 'b>;
    type SerializeTupleVariant = Compound<'w, 'b>;
    type SerializeMap = Compound<'w, 'b>;
    type SerializeStruct = Compound<'w, 'b>;
    type SerializeStructVariant = Compound<'w, 'b>;

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.bytes(if value { b"true" } else { b"false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        self.integer(value < 0, value.unsigned_abs())
    }

    fn serialize_u8(self, value: u8) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        self.integer(false, value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        self.serialize_f64(value.into())
    }

    /// What is no number in JSON is `null`.
    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        if value.is_finite() { self.display(format_args!("{value:?}"), false) } else { self.serialize_unit() }
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        if self.is_in_pieces() {
            return self.content(value);
        }
        self.bytes(b"\"")?;
        self.content(value)?;
        self.bytes(b"\"")
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        if self.form != Form::Json {
            return self.collect_seq(value);
        }
        self.form = Form::Value;
        // A list is checked when it is walked, and this one was not: that it is JSON is all that is known then.
        self.raw(from_slice(value).map_err(|_| WriteError::Value)?)
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.bytes(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), WriteError> {
        self.serialize_str(variant)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.form = Form::of(name);
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.open_variant(variant, b"", b"}")?.element(value)?.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'b>, WriteError> {
        if self.is_in_pieces() { self.open(b"\"", b"\"") } else { self.open(b"[", b"]") }
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w, 'b>, WriteError> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'w, 'b>, WriteError> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b>, WriteError> {
        self.open_variant(variant, b"[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'b>, WriteError> {
        self.open(b"{", b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'w, 'b>, WriteError> {
        self.open(b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b>, WriteError> {
        self.open_variant(variant, b"{", b"}}")
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        self.bytes(b"\"")?;
        self.display(value, true)?;
        self.bytes(b"\"")
    }
}

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Value
    }
}

impl ser::StdError for WriteError {}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full { .. } => "the buffer is too short",
            Self::Value => "the value is not one of JSON",
        })
    }
}

#[cfg(test)]
mod tests;
