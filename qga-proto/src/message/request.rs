//! `{"execute": NAME, "arguments": {...}, "id": ID}`.

use core::fmt;
use core::ops::Range;
use core::str;

use crate::json::{self, Failed, Reader, Str, WriteError, Writer};

/// A message from the client, as far as the agent can tell without knowing the command. Ranges are positions in the
/// message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Execute<'a> {
    /// Any value.
    pub(crate) id: Option<Range<usize>>,
    pub(crate) call: Result<Call, Fault<'a>>,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// A string.
    pub(crate) name: Range<usize>,
    /// An object.
    pub(crate) arguments: Option<Range<usize>>,
}

/// Why a message is refused before its command is looked at, in the real agent's words as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault<'a> {
    Arguments,
    Duplicate(Str<'a>),
    Execute,
    ExecuteMissing,
    NotAnObject,
    Syntax(json::Error),
    Unexpected(Str<'a>),
    Utf8,
}

impl<'a> Execute<'a> {
    /// Reads a message. Its members have been checked when its `call` is there.
    ///
    /// # Errors
    ///
    /// Why it is none, so that not even its `id` is known.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Fault<'a>> {
        if text.first() != Some(&b'{') {
            return Err(Fault::NotAnObject);
        }
        // Strings that are only skipped here are echoed later.
        str::from_utf8(text).map_err(|_| Fault::Utf8)?;
        let mut reader = Reader::new(text);
        let (mut name, mut arguments, mut id, mut fault) = (None, None, None, None);
        reader.told(Reader::begin_object)?;
        while let Some(key) = reader.told(Reader::next_key)? {
            let value = reader.told(Reader::skip)?;
            let first = text.get(value.start);
            let (member, wrong) = if key == "execute" {
                (&mut name, (first != Some(&b'"')).then_some(Fault::Execute))
            } else if key == "arguments" {
                (&mut arguments, (first != Some(&b'{')).then_some(Fault::Arguments))
            } else if key == "id" {
                (&mut id, None)
            } else {
                fault = fault.or(Some(Fault::Unexpected(key)));
                continue;
            };
            fault = fault.or(wrong);
            if member.replace(value).is_some() {
                return Err(Fault::Duplicate(key));
            }
        }
        reader.told(Reader::end)?;
        if let Some(key) = find_duplicate(text) {
            return Err(Fault::Duplicate(key));
        }
        let call = match (name, fault) {
            (Some(name), None) => Ok(Call { name, arguments }),
            (_, Some(fault)) => Err(fault),
            (None, None) => Err(Fault::ExecuteMissing),
        };
        Ok(Self { id, call })
    }
}

/// How many members of each object the others are held against: more than any that a client has reason to send. All of
/// them would cost a hostile client nothing, and the agent the square of their number.
const MOST_NAMES: usize = 16;

/// The name of a member that its object, at whatever depth, has already. The syntax of `text` has been checked.
///
/// Each object is walked once for itself, and skipped once for each that it is in: that takes the length of the text times
/// its depth, of which both are limited.
fn find_duplicate(text: &[u8]) -> Option<Str<'_>> {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let mut reader = Reader::new(rest);
        match rest.first()? {
            // Brackets in strings are none.
            b'"' => at += reader.skip().ok()?.end,
            b'{' => {
                if let Some(key) = find_duplicate_in(&mut reader).ok()? {
                    return Some(key);
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

fn find_duplicate_in<'a>(reader: &mut Reader<'a>) -> Result<Option<Str<'a>>, Failed> {
    let mut names = heapless::Vec::<_, MOST_NAMES>::new();
    reader.begin_object()?;
    while let Some(key) = reader.next_key()? {
        if names.contains(&key) {
            return Ok(Some(key));
        }
        // Full, it holds no more.
        let _ = names.push(key);
        reader.skip()?;
    }
    Ok(None)
}

impl From<json::Error> for Fault<'_> {
    fn from(error: json::Error) -> Self {
        Self::Syntax(error)
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments => f.write_str("QMP input member 'arguments' must be an object"),
            Self::Duplicate(key) => write!(f, "JSON parse error, duplicate key '{key}'"),
            Self::Execute => f.write_str("QMP input member 'execute' must be a string"),
            Self::ExecuteMissing => f.write_str("QMP input lacks member 'execute'"),
            Self::NotAnObject => f.write_str("QMP input must be a JSON object"),
            Self::Syntax(error) => write!(f, "JSON parse error, {error}"),
            Self::Unexpected(key) => write!(f, "QMP input member '{key}' is unexpected"),
            Self::Utf8 => f.write_str("JSON parse error, invalid UTF-8 sequence in string"),
        }
    }
}

/// Writes `{"execute":NAME,"arguments":{...}` without its closing brace: what follows depends on the agent.
/// `arguments_of` writes the object.
pub(crate) fn encode_command(
    name: &str,
    arguments_of: &dyn Fn(&mut Writer<'_>) -> Result<(), WriteError>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut writer = Writer::new(buffer);
    writer.bytes(b"{\"execute\":")?;
    writer.value(name)?;
    let bare = writer.len();
    writer.bytes(b",\"arguments\":")?;
    let arguments = writer.len();
    arguments_of(&mut writer)?;
    if !writer.fits() {
        return Ok(writer.len());
    }
    match writer.written(arguments) {
        // Minimal agents do not all know the member.
        b"{}" => Ok(bare),
        [b'{', ..] => Ok(writer.len()),
        _ => Err(WriteError::Value),
    }
}

/// How many bytes [`encode_command_tail`] writes at the most.
pub(crate) const COMMAND_TAIL: usize = br#","id":18446744073709551615}"#.len() + 1;

/// Writes what ends a command: its `id`, if it has one, the brace and the newline.
pub(crate) fn encode_command_tail(id: Option<u64>, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let mut writer = Writer::new(buffer);
    if let Some(id) = id {
        writer.bytes(b",\"id\":")?;
        writer.value(&id)?;
    }
    writer.bytes(b"}\n")?;
    Ok(writer.len())
}

/// The name in a command that [`encode_command`] wrote.
pub(crate) fn command_name(encoded: &[u8]) -> Str<'_> {
    let mut reader = Reader::new(encoded);
    let mut name = || {
        reader.begin_object()?;
        reader.next_key()?;
        reader.string()
    };
    name().unwrap_or_default()
}

/// The arguments in a command that [`encode_command`] wrote, if it has any.
pub(crate) fn command_arguments(encoded: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(encoded);
    reader.begin_object().ok()?;
    reader.next_key().ok()??;
    reader.skip().ok()?;
    reader.next_key().ok()??;
    Some(&encoded[reader.skip().ok()?])
}
