//! A serde `Deserializer` over one complete JSON text.

use core::mem;
use core::ops::Range;
use core::str;

use serde::de::{Deserialize, Visitor};

use super::access::{Elements, Members, Name};
use super::error::{Error, ErrorKind};
use super::scan::{self, StringToken};
use super::str::Str;
use super::thrown::Thrown;

/// How many arrays and objects may be open inside each other. The deepest reply of the schema has six.
pub const MAX_DEPTH: usize = 128;

/// Reads `text`, which must be exactly one JSON value, as a `T`.
///
/// # Errors
///
/// When `text` is not JSON (within this module's limits) or not a `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    let mut value = None;
    read_into(text, &mut value)?;
    value.ok_or(Error::new(ErrorKind::Eof, 0))
}

/// The same, to where the value is to be: it may be large.
#[inline(never)]
pub(crate) fn read_into<'de, T: Deserialize<'de>>(
    text: &'de [u8],
    value: &mut Option<T>,
) -> Result<(), Error> {
    read_whole(text, &mut |reader| {
        *value = Some(T::deserialize(reader)?);
        Ok(())
    })
}

/// Lets `read` read a text, which must be all of it. Without the type, so that this stands once.
fn read_whole<'de>(
    text: &'de [u8],
    read: &mut dyn FnMut(&mut Reader<'de>) -> Result<(), Thrown>,
) -> Result<(), Error> {
    let mut reader = Reader::new(text);
    read(&mut reader).map_err(|thrown| reader.error_of(thrown))?;
    reader.told(Reader::end)
}

/// Reading has failed: the reader knows why, and stands where. So what is handed on at each `?` takes no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// Reads JSON from the front of a text.
#[derive(Clone)]
pub(crate) struct Reader<'de> {
    pub(super) text: &'de [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Inside an array or object: no element has been read yet.
    first: bool,
    /// What was wrong, when reading has failed.
    fault: ErrorKind,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de [u8]) -> Self {
        Self { text, at: 0, depth: 0, first: true, fault: ErrorKind::Eof }
    }

    /// A reader that stands inside the array `text`.
    pub(super) fn in_array(text: &'de [u8]) -> Self {
        Self { at: 1, depth: 1, ..Self::new(text) }
    }

    /// The next element of the array that the reader stands in; `None` at its end, which is passed.
    pub(super) fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Error> {
        if !self.told(Self::begin_element)? {
            return Ok(None);
        }
        T::deserialize(&mut *self).map(Some).map_err(|thrown| self.error_of(thrown))
    }

    /// Reads something; what is wrong with it is told.
    #[inline]
    pub(crate) fn told<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Failed>) -> Result<T, Error> {
        read(self).map_err(|Failed| self.error())
    }

    /// Reads something for a type.
    #[inline]
    pub(super) fn thrown<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Failed>,
    ) -> Result<T, Thrown> {
        read(self).map_err(|Failed| Thrown::TOLD)
    }

    /// Why a type was not read.
    #[cold]
    fn error_of(&mut self, thrown: Thrown) -> Error {
        let behind = self.text[..self.at.min(self.text.len())].last().copied();
        match thrown.into_kind(behind) {
            Some(kind) => Error::new(kind, self.at),
            None => self.error(),
        }
    }

    /// Why reading has failed.
    #[cold]
    pub(crate) fn error(&mut self) -> Error {
        Error::new(mem::replace(&mut self.fault, ErrorKind::Eof), self.at)
    }

    /// Reading has failed here.
    #[cold]
    pub(super) fn fail(&mut self, fault: ErrorKind) -> Failed {
        self.fault = fault;
        Failed
    }

    /// Something else must be here.
    #[cold]
    pub(super) fn expected(&mut self, what: &'static str) -> Failed {
        self.fail(ErrorKind::Expected(what))
    }

    /// Steps into an object.
    pub(crate) fn begin_object(&mut self) -> Result<(), Failed> {
        self.open(b'{', "an object")
    }

    /// The next member's name in the object that the reader stands in, the reader then before its value; `None` at the
    /// object's end, which is passed.
    pub(crate) fn next_key(&mut self) -> Result<Option<Str<'de>>, Failed> {
        match self.next_name()? {
            Some(Name { token, at }) => self.text_of(token, at).map(Some),
            None => Ok(None),
        }
    }

    /// Steps into an array.
    pub(crate) fn begin_array(&mut self) -> Result<(), Failed> {
        self.open(b'[', "an array")
    }

    /// Steps to the next element of the array that the reader stands in; `false` at its end, which is passed.
    pub(crate) fn begin_element(&mut self) -> Result<bool, Failed> {
        self.next_in(b']')
    }

    /// Skips a value; gives its place in the text.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, Failed> {
        self.space();
        let start = self.at;
        self.skip_value()?;
        Ok(start..self.at)
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Failed> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("nothing more")) }
    }

    #[inline]
    fn space(&mut self) {
        self.at = scan::space(self.text, self.at);
    }

    /// The next byte that is not white space, still unread.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, Failed> {
        self.space();
        match self.text.get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(self.fail(ErrorKind::Eof)),
        }
    }

    pub(super) fn open(&mut self, bracket: u8, what: &'static str) -> Result<(), Failed> {
        if self.peek()? != bracket {
            return Err(self.expected(what));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.fail(ErrorKind::TooDeep));
        }
        self.at += 1;
        self.depth += 1;
        self.first = true;
        Ok(())
    }

    /// Passes the comma before the next element, or the closing bracket: `false`.
    #[inline]
    pub(super) fn next_in(&mut self, close: u8) -> Result<bool, Failed> {
        let next = self.peek()?;
        if next == close {
            self.at += 1;
            self.depth -= 1;
            self.first = false;
            return Ok(false);
        }
        if self.first {
            self.first = false;
            return Ok(true);
        }
        if next != b',' {
            return Err(self.expected("',' or a closing bracket"));
        }
        self.at += 1;
        Ok(true)
    }

    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), Failed> {
        if self.peek()? != b':' {
            return Err(self.expected("':'"));
        }
        self.at += 1;
        Ok(())
    }

    /// A member's name, as a token.
    #[inline]
    pub(super) fn key(&mut self) -> Result<StringToken<'de>, Failed> {
        self.quoted("a member's name")
    }

    /// A member's name, and where it is.
    pub(super) fn name(&mut self) -> Result<Name<'de>, Failed> {
        let token = self.key()?;
        Ok(Name { token, at: self.start_of(&token) })
    }

    /// The next member's name, the reader then before its value; `None` at the object's end, which is passed.
    pub(super) fn next_name(&mut self) -> Result<Option<Name<'de>>, Failed> {
        if !self.next_in(b'}')? {
            return Ok(None);
        }
        let name = self.name()?;
        self.colon()?;
        Ok(Some(name))
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Str<'de>, Failed> {
        let token = self.quoted("a string")?;
        self.text_of(token, self.start_of(&token))
    }

    /// A string token. `what` must be here.
    #[inline]
    pub(super) fn quoted(&mut self, what: &'static str) -> Result<StringToken<'de>, Failed> {
        if self.peek()? != b'"' {
            return Err(self.expected(what));
        }
        self.token()
    }

    /// The text of an array.
    pub(super) fn array(&mut self) -> Result<&'de [u8], Failed> {
        if self.peek()? != b'[' {
            return Err(self.expected("an array"));
        }
        let start = self.at;
        self.skip_array()?;
        Ok(&self.text[start..self.at])
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Failed> {
        match self.peek()? {
            b't' => self.literal("true").map(|()| true),
            b'f' => self.literal("false").map(|()| false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Whether it is `null`, which is passed then.
    pub(super) fn null(&mut self) -> Result<bool, Failed> {
        match self.peek()? {
            b'n' => self.literal("null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// A token, which stands at `at`, as the text that it is.
    pub(super) fn text_of(&mut self, token: StringToken<'de>, at: usize) -> Result<Str<'de>, Failed> {
        token.to_str().ok_or_else(|| {
            self.at = at;
            self.fail(ErrorKind::Utf8)
        })
    }

    /// Where the opening quote is of the token that has just been read.
    fn start_of(&self, token: &StringToken<'_>) -> usize {
        self.at - token.text.len() - 2
    }

    /// `true`, `false` or `null`: the one that `word` is.
    pub(super) fn literal(&mut self, word: &'static str) -> Result<(), Failed> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn visit_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Thrown> {
        self.thrown(Self::begin_object)?;
        let outer = self.depth - 1;
        let result = visitor.visit_map(Members(self));
        self.leave(outer, b'}', result)
    }

    pub(super) fn visit_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Thrown> {
        self.thrown(Self::begin_array)?;
        let outer = self.depth - 1;
        let result = visitor.visit_seq(Elements(self));
        self.leave(outer, b']', result)
    }

    /// After a visit.
    pub(super) fn leave<T>(
        &mut self,
        outer: usize,
        close: u8,
        result: Result<T, Thrown>,
    ) -> Result<T, Thrown> {
        match result {
            Ok(_) if self.closed(outer, close).is_err() => Err(Thrown::TOLD),
            result => result,
        }
    }

    /// The closing bracket has been passed, or must come now.
    #[inline(never)]
    fn closed(&mut self, outer: usize, close: u8) -> Result<(), Failed> {
        if self.depth == outer {
            return Ok(());
        }
        if self.peek()? != close {
            return Err(self.expected("a closing bracket"));
        }
        self.at += 1;
        self.depth = outer;
        self.first = false;
        Ok(())
    }
}
