//! Strings, as QEMU's JSON parser reads them.

use std::fmt;

/// What is wrong with a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StringFault {
    Escape,
    /// The escape, as it stands.
    Unicode(String),
    Utf8,
}

/// Reads a string from its token, which has quotes of either kind around it.
pub(super) fn read(token: &[u8]) -> Result<String, StringFault> {
    let mut text = String::with_capacity(token.len());
    // The quote at the end stays: in a fault it may be told of.
    let mut rest = &token[1..];
    while let Some(at) = memchr::memchr(b'\\', rest) {
        read_plain(&rest[..at], &mut text)?;
        rest = read_escape(&rest[at + 1..], &mut text)?;
    }
    read_plain(&rest[..rest.len() - 1], &mut text)?;
    Ok(text)
}

/// Makes text of bytes as QEMU prints them: what is no character becomes one that says so.
pub(super) fn lossy(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    while !bytes.is_empty() {
        let (c, len) = first_char(bytes);
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        bytes = &bytes[len..];
    }
    text
}

/// Reads UTF-8 without noncharacters.
fn read_plain(mut bytes: &[u8], text: &mut String) -> Result<(), StringFault> {
    let plain = std::str::from_utf8(bytes).ok().filter(|plain| plain.is_ascii());
    if let Some(plain) = plain {
        text.push_str(plain);
        return Ok(());
    }
    while !bytes.is_empty() {
        let (c, len) = first_char(bytes);
        text.push(c.ok_or(StringFault::Utf8)?);
        bytes = &bytes[len..];
    }
    Ok(())
}

/// The character that bytes begin with, if it is one, and how many bytes it has. C0 80 stands for NUL; a first byte that
/// announces more takes all that go on with it, whether or not they are a character in the end.
fn first_char(bytes: &[u8]) -> (Option<char>, usize) {
    let first = bytes[0];
    let announced = first.leading_ones() as usize;
    if announced == 0 {
        return (Some(first.into()), 1);
    }
    if announced == 1 || announced > 6 {
        return (None, 1);
    }
    let more = bytes[1..].iter().take(announced - 1).take_while(|&&byte| byte & 0xC0 == 0x80).count();
    let sequence = &bytes[..=more];
    let c = match sequence {
        [0xC0, 0x80] => Some('\0'),
        _ => std::str::from_utf8(sequence).ok().and_then(|text| text.chars().next()),
    };
    (c.filter(|&c| !is_noncharacter(c)), sequence.len())
}

/// Reads what follows a backslash; gives what follows that.
fn read_escape<'a>(bytes: &'a [u8], text: &mut String) -> Result<&'a [u8], StringFault> {
    // The lexer has seen to it that something follows.
    let Some((&byte, rest)) = bytes.split_first() else { return Err(StringFault::Escape) };
    text.push(match byte {
        b'"' | b'\'' | b'\\' | b'/' => byte.into(),
        b'b' => '\x08',
        b'f' => '\x0C',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return read_unicode(rest, text),
        _ => return Err(StringFault::Escape),
    });
    Ok(rest)
}

/// Reads the digits of a `\u`, and those of its partner.
fn read_unicode<'a>(bytes: &'a [u8], text: &mut String) -> Result<&'a [u8], StringFault> {
    let fault = |len: usize| {
        let escape = lossy(&bytes[..bytes.len().min(len)]);
        Err(StringFault::Unicode(format!("\\u{escape}")))
    };
    let Some((first, rest)) = read_unit(bytes) else { return fault(4) };
    let second = rest.strip_prefix(b"\\u").and_then(read_unit).filter(|_| (0xD800..0xDC00).contains(&first));
    let (code, rest) = match second {
        Some((second @ 0xDC00..0xE000, rest)) => {
            (0x1_0000 + (u32::from(first - 0xD800) << 10) + u32::from(second - 0xDC00), rest)
        }
        _ => (first.into(), rest),
    };
    match char::from_u32(code).filter(|&c| !is_noncharacter(c)) {
        Some(c) => text.push(c),
        None => return fault(bytes.len() - rest.len()),
    }
    Ok(rest)
}

/// Four hexadecimal digits.
fn read_unit(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?));
    Some((u16::try_from(unit?).ok()?, rest))
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

impl fmt::Display for StringFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escape => f.write_str("invalid escape sequence in string"),
            Self::Unicode(escape) => write!(f, "{escape} is not a valid Unicode character"),
            Self::Utf8 => f.write_str("invalid UTF-8 sequence in string"),
        }
    }
}
