//! The lowest layer of reading: where a string, a number or a whole value ends. No recursion, no types.

use core::str;

use super::error::{Error, ErrorKind};
use super::reader::MAX_DEPTH;
use super::str::Str;

/// The contents of a string token, still escaped.
#[derive(Clone, Copy)]
pub(super) struct StringToken<'a> {
    pub(super) text: &'a [u8],
    pub(super) escaped: bool,
}

impl<'a> StringToken<'a> {
    /// The token, whose opening quote stands at `at`, as the text that it is.
    pub(super) fn to_str(self, at: usize) -> Result<Str<'a>, Error> {
        let text = str::from_utf8(self.text).map_err(|_| Error::new(ErrorKind::Utf8, at))?;
        Ok(if self.escaped { Str::from_escaped(text) } else { Str::new(text) })
    }
}

/// Reads a string whose opening quote stands right before `at`; gives its content and the position behind the closing
/// quote. Escapes are checked here, so that unescaping later cannot fail; UTF-8 is not.
#[inline]
pub(super) fn string(text: &[u8], at: usize) -> Result<(StringToken<'_>, usize), Error> {
    match name(text, at) {
        Ok(name) => Ok((StringToken { text: name, escaped: false }, at + name.len() + 1)),
        Err(end) => long_string(text, at, end),
    }
}

/// Skips a string whose opening quote stands right before `at`; gives the position behind its closing quote.
#[inline]
fn skip_string(text: &[u8], at: usize) -> Result<usize, Error> {
    match name(text, at) {
        Ok(name) => Ok(at + name.len() + 1),
        Err(end) => long_string(text, at, end).map(|(_, end)| end),
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

/// The same, for a string that is plain up to `end`.
#[inline(never)]
fn long_string(text: &[u8], at: usize, end: usize) -> Result<(StringToken<'_>, usize), Error> {
    let mut end = end;
    let mut escaped = false;
    loop {
        end = plain_end(text, end);
        match text.get(end) {
            Some(b'"') => return Ok((StringToken { text: &text[at..end], escaped }, end + 1)),
            Some(b'\\') => {
                end = escape(text, end)?;
                escaped = true;
            }
            Some(_) => {
                return Err(Error::new(ErrorKind::Expected("no raw control character in a string"), end));
            }
            None => return Err(Error::new(ErrorKind::Eof, end)),
        }
    }
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

/// Checks the escape whose backslash stands at `at`; gives the position behind it. A surrogate pair is one escape.
fn escape(text: &[u8], at: usize) -> Result<usize, Error> {
    let error = Error::new(ErrorKind::Escape, at);
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match code_unit(text, at) {
            Some(0xD800..=0xDBFF) => match code_unit(text, at + 6) {
                Some(0xDC00..=0xDFFF) => Ok(at + 12),
                _ => Err(error),
            },
            Some(0xDC00..=0xDFFF) | None => Err(error),
            Some(_) => Ok(at + 6),
        },
        _ => Err(error),
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

/// A number token from `at` on: where it ends, and whether it has neither fraction nor exponent.
pub(super) fn number(text: &[u8], at: usize) -> Result<(usize, bool), Error> {
    let expected = |what, at| Err(Error::new(ErrorKind::Expected(what), at));
    let digits = |at: usize| at + text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = at;
    if text.get(end) == Some(&b'-') {
        end += 1;
    }
    let whole = digits(end);
    match text.get(end) {
        Some(b'0') if whole > end + 1 => return expected("no digit after a leading zero", end + 1),
        _ if whole == end => return expected("a digit", end),
        _ => end = whole,
    }
    let mut integer = true;
    if text.get(end) == Some(&b'.') {
        integer = false;
        let fraction = digits(end + 1);
        if fraction == end + 1 {
            return expected("a digit after the point", fraction);
        }
        end = fraction;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        integer = false;
        end += 1;
        if let Some(b'+' | b'-') = text.get(end) {
            end += 1;
        }
        let exponent = digits(end);
        if exponent == end {
            return expected("a digit in the exponent", end);
        }
        end = exponent;
    }
    Ok((end, integer))
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

/// Skips one value from `at` on and gives the position behind it. The grammar is checked in full; the stack of open
/// brackets is one bit each, so a hostile text costs neither stack nor memory.
pub(super) fn value(text: &[u8], at: usize) -> Result<usize, Error> {
    /// One bit per open bracket, the innermost lowest: set for an object. As wide as [`MAX_DEPTH`].
    type Objects = u128;
    const { assert!(Objects::BITS as usize == MAX_DEPTH) };

    let mut objects: Objects = 0;
    let mut depth = 0;
    let mut at = at;
    loop {
        // Here a value must begin.
        at = space(text, at);
        at = match text.get(at) {
            Some(b'"') => skip_string(text, at + 1)?,
            Some(&bracket @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(Error::new(ErrorKind::TooDeep, at));
                }
                let object = bracket == b'{';
                at = space(text, at + 1);
                if text.get(at) == Some(if object { &b'}' } else { &b']' }) {
                    at + 1
                } else {
                    objects = objects << 1 | Objects::from(object);
                    depth += 1;
                    if object {
                        at = key(text, at)?;
                    }
                    continue;
                }
            }
            Some(b'-' | b'0'..=b'9') => number(text, at)?.0,
            _ => literal(text, at)?,
        };
        // Here a value has ended; close what it closes.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            let object = objects & 1 == 1;
            at = space(text, at);
            match text.get(at) {
                Some(b',') => {
                    at += 1;
                    if object {
                        at = key(text, at)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(_) if object => return Err(Error::new(ErrorKind::Expected("',' or '}'"), at)),
                Some(_) => return Err(Error::new(ErrorKind::Expected("',' or ']'"), at)),
                None => return Err(Error::new(ErrorKind::Eof, at)),
            }
            at += 1;
            objects >>= 1;
            depth -= 1;
        }
    }
}

/// Skips an array, by its brackets alone; gives the position behind it. What is between is checked when it is read.
pub(super) fn array(text: &[u8], at: usize) -> Result<usize, Error> {
    let mut depth = 0_usize;
    let mut at = at;
    loop {
        match text.get(at) {
            Some(b'"') => at = skip_string(text, at + 1)?,
            Some(b'[' | b'{') => {
                depth += 1;
                at += 1;
            }
            Some(&bracket @ (b']' | b'}')) => {
                depth -= 1;
                at += 1;
                match (depth, bracket) {
                    (0, b']') => return Ok(at),
                    (0, _) => return Err(Error::new(ErrorKind::Expected("']'"), at - 1)),
                    _ => {}
                }
            }
            Some(_) => at += 1,
            None => return Err(Error::new(ErrorKind::Eof, at)),
        }
    }
}

/// Skips a member's name and its colon.
fn key(text: &[u8], at: usize) -> Result<usize, Error> {
    let at = space(text, at);
    match text.get(at) {
        Some(b'"') => {}
        Some(_) => return Err(Error::new(ErrorKind::Expected("a member's name"), at)),
        None => return Err(Error::new(ErrorKind::Eof, at)),
    }
    let at = space(text, skip_string(text, at + 1)?);
    match text.get(at) {
        Some(b':') => Ok(at + 1),
        Some(_) => Err(Error::new(ErrorKind::Expected("':'"), at)),
        None => Err(Error::new(ErrorKind::Eof, at)),
    }
}

/// Skips `true`, `false` or `null`.
pub(super) fn literal(text: &[u8], at: usize) -> Result<usize, Error> {
    let rest = &text[at.min(text.len())..];
    for word in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(word) {
            return Ok(at + word.len());
        }
    }
    Err(Error::new(if rest.is_empty() { ErrorKind::Eof } else { ErrorKind::Expected("a value") }, at))
}
