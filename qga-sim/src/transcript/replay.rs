//! Playing the agent of a transcript.

use std::collections::BTreeMap;
use std::fmt;

use qga_proto::{json, metadata};

use super::SECRET;
use super::text::{self, Part};
use crate::value::{Dict, Value};
use crate::wire::{Call, Heard, Ids, envelope};

/// An agent that answers as another did.
///
/// A request gets the answers of the next one in the transcript that is like it: the same command and arguments, but for the
/// numbers that have names. What only asks can be asked again.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// What was said before anything was asked.
    greeting: Vec<Vec<Part>>,
    exchanges: Vec<Exchange>,
    /// The first one that was not asked yet.
    next: usize,
}

#[derive(Clone, Debug)]
struct Exchange {
    /// `None`: bytes that are no request.
    request: Option<Request>,
    answers: Vec<Vec<Part>>,
    /// Whether the connection ended behind it.
    ends: bool,
}

/// A request in which names stand for numbers: they are strings that begin with a mark, a character for private use that the
/// request does not have otherwise.
#[derive(Clone, Debug)]
struct Request {
    call: Call,
    mark: char,
}

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection ends then.
    pub(crate) ends: bool,
}

/// What is wrong with a transcript, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptError {
    line: usize,
    what: &'static str,
}

/// The numbers that names stand for.
type Numbers = BTreeMap<usize, Value>;

impl Replay {
    /// Reads a transcript.
    pub(crate) fn parse(text: &str) -> Result<Self, TranscriptError> {
        let mut replay = Self { greeting: Vec::new(), exchanges: Vec::new(), next: 0 };
        for (at, line) in text.lines().enumerate() {
            let fail = |what| TranscriptError { line: at + 1, what };
            if let Some(text) = line.strip_prefix("C: ") {
                let parts = text::decode(text).ok_or_else(|| fail("there are bytes that cannot be"))?;
                let request = read_request(parts);
                replay.exchanges.push(Exchange { request, answers: Vec::new(), ends: false });
            } else if let Some(text) = line.strip_prefix("A: ") {
                let (text, end) = text.strip_suffix("<cut>").map_or((text, &b"\n"[..]), |text| (text, &[]));
                let mut parts = text::decode(text).ok_or_else(|| fail("there are bytes that cannot be"))?;
                parts.push(Part::Bytes(end.to_vec()));
                match replay.exchanges.last_mut() {
                    Some(exchange) => exchange.answers.push(parts),
                    None => replay.greeting.push(parts),
                }
            } else if line == "EOF" {
                if let Some(exchange) = replay.exchanges.last_mut() {
                    exchange.ends = true;
                }
            } else if !(line.is_empty() || line.starts_with(['#', '+'])) {
                return Err(fail("a line begins with C:, A:, +, # or is EOF"));
            }
        }
        Ok(replay)
    }

    /// What is said before anything is asked.
    pub(crate) fn greeting(&self) -> Vec<u8> {
        filled(&self.greeting, &Numbers::new())
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        let mut numbers = Numbers::new();
        let mut find = |range: std::ops::Range<usize>, exchanges: &[Exchange]| {
            range.into_iter().find(|&at| {
                numbers.clear();
                let request = exchanges[at].request.as_ref();
                request.is_some_and(|known| is_like(known, call, &mut numbers))
            })
        };
        let only_asks = metadata::command(&call.name).is_some_and(|command| command.query);
        let found = find(self.next..self.exchanges.len(), &self.exchanges).inspect(|at| self.next = at + 1);
        let again = || find(0..self.exchanges.len(), &self.exchanges).filter(|_| only_asks);
        match found.or_else(again) {
            Some(at) => {
                let Exchange { answers, ends, .. } = &self.exchanges[at];
                Answer { bytes: filled(answers, &numbers), ends: *ends }
            }
            None => Answer { bytes: refusal(call), ends: false },
        }
    }
}

impl Replay {
    /// Answers bytes that are no request, if the next thing in the transcript are such bytes. Else what they are answered with
    /// stands with the request that they came before.
    pub(crate) fn answer_garbage(&mut self) -> Option<Answer> {
        let exchange = self.exchanges.get(self.next).filter(|exchange| exchange.request.is_none())?;
        self.next += 1;
        Some(Answer { bytes: filled(&exchange.answers, &Numbers::new()), ends: exchange.ends })
    }
}

fn refusal(call: &Call) -> Vec<u8> {
    let desc = format!("the transcript has no such request for {}", call.name);
    let error = Dict(vec![("class".into(), "NotInTranscript".into()), ("desc".into(), Value::Text(desc))]);
    let id = call.id.clone().map(|id| ("id".to_owned(), id));
    let reply = Dict(id.into_iter().chain([("error".to_owned(), Value::Dict(error))]).collect());
    let mut text = String::new();
    Value::Dict(reply).print(&mut text, crate::value::Style::Qemu);
    text.push('\n');
    text.into_bytes()
}

/// Reads a request. `None`: it is none.
fn read_request(parts: Vec<Part>) -> Option<Request> {
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| if let Part::Bytes(bytes) = part { &bytes[..] } else { &[] })
        .copied()
        .collect();
    let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let is_free =
        |mark: &char| !text.contains(*mark) && !text.contains(&format!("\\u{:04x}", u32::from(*mark)));
    let mark = ('\u{E000}'..='\u{F8FF}').find(is_free)?;
    let mut message = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(bytes) => message.extend(bytes),
            Part::Number(name) => message.extend(format!("\"{mark}{name}\"").bytes()),
        }
    }
    let start = message.iter().rposition(|&byte| byte == 0xFF).map_or(0, |at| at + 1);
    match envelope(json::from_slice(&message[start..]).ok()?, Ids::Echo) {
        Heard::Call(call) => Some(Request { call, mark }),
        Heard::Fault { .. } => None,
    }
}

fn is_like(Request { call: known, mark }: &Request, call: &Call, numbers: &mut Numbers) -> bool {
    let ids = match (&known.id, &call.id) {
        (Some(known), Some(id)) => matches(*mark, known, id, numbers),
        (None, None) => true,
        _ => false,
    };
    let arguments = [&known.arguments, &call.arguments].map(|arguments| Value::Dict(arguments.clone()));
    ids && known.name == call.name && matches(*mark, &arguments[0], &arguments[1], numbers)
}

/// Whether a value is the known one, but for numbers and secrets.
fn matches(mark: char, known: &Value, value: &Value, numbers: &mut Numbers) -> bool {
    match (known, value) {
        (Value::Text(known), value) if known.starts_with(mark) => {
            let name = known[mark.len_utf8()..].parse().unwrap_or_default();
            numbers.entry(name).or_insert_with(|| value.clone()) == value
        }
        (Value::Text(known), Value::Text(_)) if known == SECRET => true,
        (Value::List(known), Value::List(values)) => {
            known.len() == values.len()
                && known.iter().zip(values).all(|(known, value)| matches(mark, known, value, numbers))
        }
        (Value::Dict(known), Value::Dict(values)) => {
            known.0.len() == values.0.len()
                && known.0.iter().all(|(key, known)| {
                    values.get(key).is_some_and(|value| matches(mark, known, value, numbers))
                })
        }
        _ => known == value,
    }
}

/// Lines with numbers in the place of their names.
fn filled(lines: &[Vec<Part>], numbers: &Numbers) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in lines.iter().flatten() {
        match part {
            Part::Bytes(part) => bytes.extend_from_slice(part),
            Part::Number(name) => {
                let mut text = String::new();
                // A number of which nobody has asked is that of an older request.
                numbers.get(name).unwrap_or(&Value::Int(0)).print(&mut text, crate::value::Style::Compact);
                bytes.extend(text.bytes());
            }
        }
    }
    bytes
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TranscriptError {}
