//! The lowest layer of reading: where a string, a number or a whole value ends. No recursion, no types.

use core::str;

use super::error::ErrorKind;
use super::reader::{Failed, MAX_DEPTH, Reader};
use super::str::Str;

/// The contents of a string token, still escaped.
#[derive(Clone, Copy)]
pub(super) struct StringToken<'a> {
    pub(super) text: &'a [u8],
    pub(super) escaped: bool,
}

impl<'a> StringToken<'a> {
    /// The token as the text that it is. `None`: it is not UTF-8.
    pub(super) fn to_str(self) -> Option<Str<'a>> {
        let text = str::from_utf8(self.text).ok()?;
        Some(if self.escaped { Str::from_escaped(text) } else { Str::new(text) })
    }
}

impl<'de> Reader<'de> {
    /// A string, at whose opening quote the reader stands. Escapes are checked here, so that unescaping later cannot fail;
    /// UTF-8 is not.
    #[inline]
    pub(super) fn token(&mut self) -> Result<StringToken<'de>, Failed> {
        let start = self.at + 1;
        match name(self.text, start) {
            Ok(name) => {
                self.at = start + name.len() + 1;
                Ok(StringToken { text: name, escaped: false })
            }
            Err(end) => self.long_string(start, end),
        }
    }

    /// The same, for a string that is plain up to `end`.
    #[inline(never)]
    fn long_string(&mut self, start: usize, end: usize) -> Result<StringToken<'de>, Failed> {
        let mut escaped = false;
        self.at = end;
        loop {
            self.at = plain_end(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(StringToken { text, escaped });
                }
                Some(b'\\') => {
                    let Some(len) = escape(self.text, self.at) else {
                        return Err(self.fail(ErrorKind::Escape));
                    };
                    self.at += len;
                    escaped = true;
                }
                Some(_) => return Err(self.expected("no raw control character in a string")),
                None => return Err(self.fail(ErrorKind::Eof)),
            }
        }
    }

    /// Skips one value. The grammar is checked in full; the stack of open brackets is one bit each, so a hostile text costs
    /// neither stack nor memory.
    pub(super) fn skip_value(&mut self) -> Result<(), Failed> {
        /// One bit per open bracket, the innermost lowest: set for an object. As wide as [`MAX_DEPTH`].
        type Objects = u128;
        const { assert!(Objects::BITS as usize == MAX_DEPTH) };

        let mut objects: Objects = 0;
        let mut depth = 0;
        loop {
            // Here a value must begin.
            match self.peek()? {
                b'"' => drop(self.token()?),
                bracket @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return Err(self.fail(ErrorKind::TooDeep));
                    }
                    let object = bracket == b'{';
                    self.at += 1;
                    if self.peek()? != (if object { b'}' } else { b']' }) {
                        objects = objects << 1 | Objects::from(object);
                        depth += 1;
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => drop(self.number()?),
                _ => self.skip_literal()?,
            }
            // Here a value has ended; close what it closes.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return Err(self.expected(if object { "',' or '}'" } else { "',' or ']'" })),
                }
                self.at += 1;
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    /// Skips an array, by its brackets alone. What is between is checked when it is read.
    pub(super) fn skip_array(&mut self) -> Result<(), Failed> {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.token()?;
                    continue;
                }
                Some(b'[' | b'{') => depth += 1,
                Some(&bracket @ (b']' | b'}')) => {
                    depth -= 1;
                    if depth == 0 {
                        if bracket == b'}' {
                            return Err(self.expected("']'"));
                        }
                        self.at += 1;
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return Err(self.fail(ErrorKind::Eof)),
            }
            self.at += 1;
        }
    }

    /// Skips a member's name and its colon.
    fn skip_key(&mut self) -> Result<(), Failed> {
        self.key()?;
        self.colon()
    }

    /// Skips `true`, `false` or `null`.
    fn skip_literal(&mut self) -> Result<(), Failed> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for word in ["true", "false", "null"] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        Err(self.expected("a value"))
    }
}

/// Reads a string that is as short as names are and has no escapes: most are. Else how far it is plain.
#[inline]
fn name(text: &[u8], at: usize) -> Result<&[u8], usize> {
    const WORDS: usize = 4;

    let mut end = at;
    for _ in 0..WORDS {
        match special_in_word(text, end) {
            Some(WORD) => end += WORD,
            Some(offset) => {
                end += offset;
                return if text[end] == b'"' { Ok(&text[at..end]) } else { Err(end) };
            }
            None => break,
        }
    }
    Err(end)
}

/// The first position from `at` on that is not ordinary string content: a quote, a backslash or a control character.
fn plain_end(text: &[u8], at: usize) -> usize {
    const STRIDE: usize = 32;

    let mut end = at;
    // Whole strides are tested without a branch per byte, which compilers turn into vector code.
    while let Some(stride) = text[end..].first_chunk::<STRIDE>() {
        if stride.iter().fold(false, |found, &byte| found | is_special(byte)) {
            break;
        }
        end += STRIDE;
    }
    text[end..].iter().position(|&byte| is_special(byte)).map_or(text.len(), |offset| end + offset)
}

fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

const WORD: usize = size_of::<u64>();

/// The offset of the first special byte in the eight from `at` on, all at once; [`WORD`] when there is none. `None`: there
/// are no eight bytes.
#[inline]
fn special_in_word(text: &[u8], at: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGHS: u64 = ONES << 7;

    let word = u64::from_le_bytes(*text.get(at..)?.first_chunk()?);
    // Each term sets the high bit of the first byte that is zero, or below a space; what it sets above is not used.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero(word ^ (ONES * b'"' as u64));
    let backslash = zero(word ^ (ONES * b'\\' as u64));
    let special = (below_space | quote | backslash) & HIGHS;
    Some(special.trailing_zeros() as usize / 8)
}

/// Checks the escape whose backslash stands at `at`; gives its length. A surrogate pair is one escape.
fn escape(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => match code_unit(text, at)? {
            0xD800..=0xDBFF => matches!(code_unit(text, at + 6)?, 0xDC00..=0xDFFF).then_some(12),
            0xDC00..=0xDFFF => None,
            _ => Some(6),
        },
        _ => None,
    }
}

/// The UTF-16 code unit of the `\uXXXX` at `at`.
pub(super) fn code_unit(text: &[u8], at: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text.get(at..at + 6)? else { return None };
    digits.iter().try_fold(0, |unit: u16, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(unit << 4 | value as u16)
    })
}

/// The position of the first byte from `at` on that is not white space.
#[inline]
pub(super) fn space(text: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(&byte) = text.get(end)
        && byte <= b' '
        && matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    {
        end += 1;
    }
    end
}
