//! A serde `Deserializer` over one complete JSON text.

use core::ops::Range;
use core::str;

use serde::de::{Deserialize, Visitor};

use super::access::{Elements, Key, Members};
use super::error::{Error, ErrorKind};
use super::scan::{self, StringToken};
use super::str::Str;

/// How many arrays and objects may be open inside each other. The deepest reply of the schema has six.
pub const MAX_DEPTH: usize = 128;

/// Reads `text`, which must be exactly one JSON value, as a `T`.
///
/// # Errors
///
/// When `text` is not JSON (within this module's limits) or not a `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader).map_err(|error| error.or_at(reader.at))?;
    reader.end()?;
    Ok(value)
}

/// Reads JSON from the front of a text.
#[derive(Clone)]
pub(crate) struct Reader<'de> {
    pub(super) text: &'de [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Inside an array or object: no element has been read yet.
    first: bool,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de [u8]) -> Self {
        Self { text, at: 0, depth: 0, first: true }
    }

    /// A reader that stands inside the array `text`.
    pub(super) fn in_array(text: &'de [u8]) -> Self {
        Self { text, at: 1, depth: 1, first: true }
    }

    /// The next element of the array that the reader stands in; `None` at its end, which is passed.
    pub(super) fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Error> {
        if !self.next_in(b']')? {
            return Ok(None);
        }
        T::deserialize(&mut *self).map(Some).map_err(|error| error.or_at(self.at))
    }

    /// Steps into an object.
    pub(crate) fn begin_object(&mut self) -> Result<(), Error> {
        self.open(b'{', "an object")
    }

    /// The next member's name in the object that the reader stands in, the reader then before its value; `None` at the
    /// object's end, which is passed.
    pub(crate) fn next_key(&mut self) -> Result<Option<Str<'de>>, Error> {
        if !self.next_in(b'}')? {
            return Ok(None);
        }
        let key = self.key()?.to_str()?;
        self.colon()?;
        Ok(Some(key))
    }

    /// Steps into an array.
    pub(crate) fn begin_array(&mut self) -> Result<(), Error> {
        self.open(b'[', "an array")
    }

    /// Steps to the next element of the array that the reader stands in; `false` at its end, which is passed.
    pub(crate) fn begin_element(&mut self) -> Result<bool, Error> {
        self.next_in(b']')
    }

    /// Skips a value; gives its place in the text.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, Error> {
        self.space();
        let start = self.at;
        self.at = scan::value(self.text, start)?;
        Ok(start..self.at)
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("nothing more")) }
    }

    #[inline]
    fn space(&mut self) {
        self.at = scan::space(self.text, self.at);
    }

    /// The next byte that is not white space, still unread.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, Error> {
        self.space();
        self.text.get(self.at).copied().ok_or(Error::new(ErrorKind::Eof, self.at))
    }

    pub(super) fn expected(&self, what: &'static str) -> Error {
        Error::new(ErrorKind::Expected(what), self.at)
    }

    pub(super) fn open(&mut self, bracket: u8, what: &'static str) -> Result<(), Error> {
        if self.peek()? != bracket {
            return Err(self.expected(what));
        }
        if self.depth == MAX_DEPTH {
            return Err(Error::new(ErrorKind::TooDeep, self.at));
        }
        self.at += 1;
        self.depth += 1;
        self.first = true;
        Ok(())
    }

    /// Passes the comma before the next element, or the closing bracket: `false`.
    #[inline]
    pub(super) fn next_in(&mut self, close: u8) -> Result<bool, Error> {
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
    pub(super) fn colon(&mut self) -> Result<(), Error> {
        if self.peek()? != b':' {
            return Err(self.expected("':'"));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn key(&mut self) -> Result<Key<'de>, Error> {
        if self.peek()? != b'"' {
            return Err(self.expected("a member's name"));
        }
        let at = self.at;
        Ok(Key::new(self.token()?, at))
    }

    /// A string token of which the reader stands at the opening quote.
    #[inline]
    pub(super) fn token(&mut self) -> Result<StringToken<'de>, Error> {
        let (token, end) = scan::string(self.text, self.at + 1)?;
        self.at = end;
        Ok(token)
    }

    pub(crate) fn string(&mut self) -> Result<Str<'de>, Error> {
        let at = self.at;
        self.token()?.to_str(at)
    }

    /// An integer: its sign and its magnitude.
    pub(crate) fn integer(&mut self) -> Result<(bool, u64), Error> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.expected("an integer"));
        }
        let (end, integer) = scan::number(self.text, self.at)?;
        if !integer {
            return Err(self.expected("an integer"));
        }
        let token = &self.text[self.at..end];
        let (negative, digits) = match token {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let magnitude = digits
            .iter()
            .try_fold(0, |value: u64, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
            .ok_or(Error::new(ErrorKind::NumberOutOfRange, self.at))?;
        self.at = end;
        Ok((negative, magnitude))
    }

    pub(super) fn float(&mut self) -> Result<f64, Error> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.expected("a number"));
        }
        let (end, _) = scan::number(self.text, self.at)?;
        let number = str::from_utf8(&self.text[self.at..end]).ok().and_then(|token| token.parse().ok());
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => {
                self.at = end;
                Ok(number)
            }
            None => Err(Error::new(ErrorKind::NumberOutOfRange, self.at)),
        }
    }

    /// `true`, `false` or `null`: the one that `word` is.
    pub(super) fn literal(&mut self, word: &'static str) -> Result<(), Error> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn visit_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.open(b'{', "an object")?;
        let outer = self.depth - 1;
        let value = visitor.visit_map(Members(self))?;
        self.closed(outer, b'}')?;
        Ok(value)
    }

    pub(super) fn visit_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.open(b'[', "an array")?;
        let outer = self.depth - 1;
        let value = visitor.visit_seq(Elements(self))?;
        self.closed(outer, b']')?;
        Ok(value)
    }

    /// After a visit: the closing bracket has been passed, or must come now.
    pub(super) fn closed(&mut self, outer: usize, close: u8) -> Result<(), Error> {
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
