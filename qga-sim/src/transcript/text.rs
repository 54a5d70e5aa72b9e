//! Bytes as the text of a line, and back.

use std::fmt::Write;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    /// A number that goes by a name.
    Number(usize),
}

/// Writes a line's bytes; `name` gives the name of a number that has one.
pub(super) fn encode(bytes: &[u8], name: impl Fn(&[u8]) -> Option<usize>) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // Strings take all that is written to them.
        let _ = if digits > 0 {
            let (number, behind) = rest.split_at(digits);
            rest = behind;
            match name(number) {
                Some(name) => write!(text, "${name}"),
                None => write!(text, "{}", String::from_utf8_lossy(number)),
            }
        } else {
            rest = behind;
            match byte {
                b'<' | b'$' => write!(text, "<{byte:02x}>"),
                b' '..=b'~' => write!(text, "{}", char::from(byte)),
                _ => write!(text, "<{byte:02x}>"),
            }
        };
    }
    text
}

/// Reads a line. `None`: it is none.
pub(super) fn decode(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        match byte {
            b'<' => {
                let (digits, behind) = behind.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind.strip_prefix(b">")?;
            }
            b'$' => {
                let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (digits, behind) = behind.split_at(digits);
                parts.push(Part::Bytes(std::mem::take(&mut bytes)));
                parts.push(Part::Number(std::str::from_utf8(digits).ok()?.parse().ok()?));
                rest = behind;
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    parts.push(Part::Bytes(bytes));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes, |_| None);
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        assert_eq!(decode(&text), Some(vec![Part::Bytes(bytes)]));
    }

    #[test]
    fn numbers_go_by_names() {
        let text = encode(b"{\"id\":123,\"x\":\"$12\",\"y\":1234}", |number| (number == b"123").then_some(7));
        assert_eq!(text, "{\"id\":$7,\"x\":\"<24>12\",\"y\":1234}");
        let parts = decode(&text).unwrap();
        assert_eq!(parts[1], Part::Number(7));
        for text in ["<", "<f", "<fg>", "<ff", "$", "$x", "<\u{e9}>"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
