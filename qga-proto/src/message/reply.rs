//! `{"return": VALUE, "id": ID}` and `{"error": {"class": CLASS, "desc": DESC}, "id": ID}`.

use core::fmt;
use core::ops::Range;

use crate::json::{self, Raw, Reader, Str, WriteError, Writer};
use crate::members;

/// A line from the agent, as far as it can be told without knowing the command. Ranges are positions in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Error {
        id: Id,
        error: Range<usize>,
    },
    /// Something that is not for us and does no harm: a request (an echo of our own, on a terminal), an event or a
    /// greeting (of QEMU's monitor).
    Foreign,
    Return {
        id: Id,
        value: Range<usize>,
    },
}

/// The member `id` of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    Absent,
    Number(u64),
    /// Something that we never send.
    Other,
}

/// The agent's error object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorObject<'a> {
    pub(crate) class: Str<'a>,
    pub(crate) desc: Str<'a>,
}

members! {
    open ErrorObject<'a> {
        required class: "class" = Str::default(),
        optional desc: "desc" = Str::default(),
    }
}

impl Reply {
    /// Reads a line. `None`: it is not a message of this protocol.
    ///
    /// Nearly all are `{"return": VALUE, "id": 42}`: then the value is what stands between, without a look at it. If it
    /// is one JSON value (decoding it will show) that is right; if not, [`parse_in_full`](Self::parse_in_full) tells
    /// what the line is.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(b"{\"return\":")
            && let Some((value, id)) = Id::split_tail(rest)
        {
            let start = line.len() - rest.len();
            return Some(Self::Return { id: Id::Number(id), value: start..start + value.len() });
        }
        Self::parse_in_full(line)
    }

    /// Reads a line, and checks it from end to end.
    pub(crate) fn parse_in_full(line: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(line);
        let (mut id, mut value, mut error, mut foreign) = (Id::Absent, None, None, false);
        reader.begin_object().ok()?;
        while let Some(key) = reader.next_key().ok()? {
            let range = reader.skip().ok()?;
            match key.as_str() {
                Some("return") => value = Some(range),
                Some("error") => error = Some(range),
                Some("id") => id = Id::parse(&line[range]),
                Some("execute" | "event" | "QMP") => foreign = true,
                _ => {}
            }
        }
        reader.end().ok()?;
        match (value, error) {
            (Some(value), None) => Some(Self::Return { id, value }),
            (None, Some(error)) => Some(Self::Error { id, error }),
            (None, None) if foreign => Some(Self::Foreign),
            _ => None,
        }
    }
}

/// How many digits of a number surely fit 64 bits. Ours have fewer.
const MAX_DIGITS: usize = 19;

impl Id {
    fn parse(text: &[u8]) -> Self {
        json::from_slice(text).map_or(Self::Other, Self::Number)
    }

    /// Splits `, "id": 42}` off the end of a line, or of what is left of one. Sound because the line's end is the end of
    /// the outermost object: what stands right before it, with no bracket between, is that object's last member.
    pub(crate) fn split_tail(line: &[u8]) -> Option<(&[u8], u64)> {
        let rest = line.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
        let (mut number, mut scale, mut digits) = (0_u64, 1_u64, 0);
        for digit in rest.iter().rev().take_while(|byte| byte.is_ascii_digit()) {
            number = scale.checked_mul(u64::from(digit - b'0'))?.checked_add(number)?;
            scale = scale.wrapping_mul(10);
            digits += 1;
        }
        let canonical =
            (1..=MAX_DIGITS).contains(&digits) && (digits == 1 || rest[rest.len() - digits] != b'0');
        let rest = rest[..rest.len() - digits].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        let rest = rest.strip_suffix(b"\"id\"")?.trim_ascii_end().strip_suffix(b",")?;
        canonical.then_some((rest, number))
    }
}

/// Writes a success, behind 0xFF if it is `delimited`.
pub(crate) fn encode_return(
    value: &dyn Fn(&mut Writer<'_>) -> Result<(), WriteError>,
    delimited: bool,
    id: Option<Raw<'_>>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut writer = Writer::new(buffer);
    if delimited {
        writer.bytes(b"\xFF")?;
    }
    writer.bytes(b"{\"return\":")?;
    value(&mut writer)?;
    encode_end(id, writer)
}

/// Writes a failure.
pub(crate) fn encode_error(
    class: &str,
    desc: &dyn fmt::Display,
    id: Option<Raw<'_>>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut writer = Writer::new(buffer);
    writer.bytes(b"{\"error\":{\"class\":")?;
    writer.value(class)?;
    writer.bytes(b",\"desc\":")?;
    writer.value(&format_args!("{desc}"))?;
    writer.bytes(b"}")?;
    encode_end(id, writer)
}

fn encode_end(id: Option<Raw<'_>>, mut writer: Writer<'_>) -> Result<usize, WriteError> {
    if let Some(id) = id {
        writer.bytes(b",\"id\":")?;
        writer.raw(id)?;
    }
    writer.bytes(b"}\n")?;
    Ok(writer.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(
        room: usize,
        encode: impl Fn(&mut [u8]) -> Result<usize, WriteError>,
    ) -> Result<heapless::Vec<u8, 256>, WriteError> {
        let mut buffer = [0xAA; 256];
        let len = encode(&mut buffer[..room])?;
        if len > room {
            Err(WriteError::Full { len })
        } else {
            Ok(heapless::Vec::from_slice(&buffer[..len]).unwrap())
        }
    }

    /// Writes into every buffer that is too short, and one that is just long enough.
    #[track_caller]
    fn assert_encodes(expected: &[u8], write: impl Fn(&mut [u8]) -> Result<usize, WriteError>) {
        for room in 0..expected.len() {
            assert_eq!(encode(room, &write), Err(WriteError::Full { len: expected.len() }), "{room}");
        }
        assert_eq!(encode(expected.len(), &write).as_deref(), Ok(expected));
    }

    #[test]
    fn a_reply_is_one_line_of_ascii() {
        let id = Raw::new("[ 1e400,\r\n\t{ \"a \\\" \": \"\u{20AC}\" } ]").unwrap();
        // A raw string, so that the escapes can be read; it cannot hold the newline.
        let reply = br#"{"return":"a\u00E9\uD83D\uDE00\u007F\n\u0001/","id":[1e400,{"a \" ":"\u20AC"}]}"#;
        assert_encodes(&[&reply[..], b"\n"].concat(), |buffer| {
            encode_return(&|writer| writer.value("a\u{E9}\u{1F600}\x7F\n\x01/"), false, Some(id), buffer)
        });
    }

    #[test]
    fn a_delimited_reply_is_escaped_behind_its_delimiter() {
        assert_encodes(b"\xFF{\"return\":\"\\u00E9\"}\n", |buffer| {
            encode_return(&|writer| writer.value("\u{E9}"), true, None, buffer)
        });
    }

    #[test]
    fn an_error_has_a_class_and_a_text() {
        assert_encodes(
            b"{\"error\":{\"class\":\"GenericError\",\"desc\":\"no '\\u00E9'\"},\"id\":null}\n",
            |buffer| {
                let id = Raw::new(" null ").unwrap();
                encode_error("GenericError", &format_args!("no '{}'", '\u{E9}'), Some(id), buffer)
            },
        );
    }
}
