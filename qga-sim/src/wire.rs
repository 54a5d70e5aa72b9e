//! How an agent reads what a client sends, and writes what it answers.

use qga_proto::json;

use crate::error::Refusal;
use crate::value::{Dict, Style, Value};

mod lines;
mod qemu;

use lines::Lines;
use qemu::{Parser, Release};

/// The way of one agent or another. What it reads it hands out message by message; what it is given to write are the replies
/// that an [`Agent`](qga_proto::Agent) makes.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    reader: Reader,
    ids: Ids,
    /// What has come and was not read yet; the first `read` bytes of it were.
    incoming: Vec<u8>,
    read: usize,
}

#[derive(Clone, Debug)]
enum Reader {
    Qemu(Box<Parser>),
    Lines(Lines),
}

/// What an agent does with the member `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// It repeats it.
    Echo,
    /// It reads over it.
    Ignore,
    /// It takes it for a fault.
    Reject,
}

/// How an agent tells one message from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As QEMU before 3.1.
    QemuFirst,
    /// As QEMU since then.
    Qemu,
    /// As QEMU since 11.1.
    QemuPushing,
    /// By lines, with an error for each that is no message.
    Lines,
    /// By lines, and those that are no message are passed over.
    SilentLines,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// A command, which there may be or not.
    Call(Call),
    /// What is none.
    Fault { desc: String, id: Option<Value> },
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Dict,
    pub(crate) id: Option<Value>,
}

/// How much is taken in before it is read: requests are read one by one, and the rest waits.
pub(crate) const WINDOW: usize = 64 * 1024;

impl Wire {
    pub(crate) fn new(framing: Framing, ids: Ids) -> Self {
        let qemu = |release| Reader::Qemu(Box::new(Parser::new(release)));
        let reader = match framing {
            Framing::QemuFirst => qemu(Release::First),
            Framing::Qemu => qemu(Release::Recovering),
            Framing::QemuPushing => qemu(Release::Pushing),
            Framing::Lines => Reader::Lines(Lines::new(true)),
            Framing::SilentLines => Reader::Lines(Lines::new(false)),
        };
        Self { reader, ids, incoming: Vec::new(), read: 0 }
    }

    /// How many bytes it takes now.
    pub(crate) fn room(&self) -> usize {
        WINDOW - (self.incoming.len() - self.read)
    }

    /// Takes as many bytes as there is [`room`](Self::room) for.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.incoming.drain(..self.read);
        self.read = 0;
        self.incoming.extend_from_slice(&bytes[..bytes.len().min(self.room())]);
    }

    /// The next message.
    pub(crate) fn poll(&mut self) -> Option<Heard> {
        loop {
            let heard = match &mut self.reader {
                Reader::Qemu(parser) => parser.poll(self.ids),
                Reader::Lines(lines) => lines.poll(self.ids),
            };
            let rest = &self.incoming[self.read..];
            if heard.is_some() || rest.is_empty() {
                return heard;
            }
            self.read += match &mut self.reader {
                Reader::Qemu(parser) => parser.push(rest),
                Reader::Lines(lines) => lines.push(rest),
            };
        }
    }

    /// Says that the client is gone. QEMU's agent takes what is half said for the beginning of what the next one says.
    pub(crate) fn handle_eof(&mut self) {
        if let Reader::Lines(lines) = &mut self.reader {
            lines.restart();
        }
    }

    /// Words a reply as this agent does: QEMU's with spaces and in its order, others without.
    pub(crate) fn word(&self, reply: &Reply) -> Vec<u8> {
        let mut text = String::new();
        let value = Value::Dict(reply.members.clone());
        match self.reader {
            Reader::Qemu(_) => value.print(&mut text, Style::Qemu),
            Reader::Lines(_) => value.print(&mut text, Style::Compact),
        }
        let delimiter: &[u8] = if reply.is_delimited { b"\xFF" } else { b"" };
        [delimiter, text.as_bytes(), b"\n"].concat()
    }
}

/// A reply, before it is worded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) is_delimited: bool,
    pub(crate) members: Dict,
}

impl Reply {
    /// Takes apart what an [`Agent`](qga_proto::Agent) sends: one line, without an `id`.
    pub(crate) fn parse(line: &[u8]) -> Self {
        let is_delimited = line.first() == Some(&0xFF);
        let members = match json::from_slice(line.get(usize::from(is_delimited)..).unwrap_or_default()) {
            Ok(Value::Dict(members)) => members,
            // An `Agent` sends nothing else.
            _ => Dict::default(),
        };
        Self { is_delimited, members }
    }

    /// A yes.
    pub(crate) fn success(value: Value) -> Self {
        Self { is_delimited: false, members: Dict(vec![("return".to_owned(), value)]) }
    }

    /// A no.
    pub(crate) fn refusal(refusal: &Refusal) -> Self {
        let text = |name: &str, text: &str| (name.to_owned(), Value::from(text));
        let error = Dict(vec![text("class", refusal.class.name()), text("desc", &refusal.desc)]);
        Self { is_delimited: false, members: Dict(vec![("error".to_owned(), Value::Dict(error))]) }
    }

    /// Adds the `id` of the request.
    pub(crate) fn with_id(mut self, id: Option<Value>) -> Self {
        self.members.0.extend(id.map(|id| ("id".to_owned(), id)));
        self
    }
}

/// Looks at a message, up to what it asks for.
pub(crate) fn envelope(value: Value, ids: Ids) -> Heard {
    let Value::Dict(mut members) = value else {
        return Heard::Fault { desc: "QMP input must be a JSON object".into(), id: None };
    };
    let fault = find_fault(&members, ids);
    let id = members.take("id").filter(|_| ids == Ids::Echo);
    match (fault, members.take("execute"), members.take("arguments")) {
        (Some(desc), ..) => Heard::Fault { desc, id },
        (None, Some(Value::Text(name)), Some(Value::Dict(arguments))) => {
            Heard::Call(Call { name, arguments, id })
        }
        (None, Some(Value::Text(name)), _) => Heard::Call(Call { name, arguments: Dict::default(), id }),
        (None, ..) => Heard::Fault { desc: "QMP input lacks member 'execute'".into(), id },
    }
}

/// The first member that cannot be, in the order in which QEMU looks at them.
fn find_fault(members: &Dict, ids: Ids) -> Option<String> {
    members.in_order().into_iter().find_map(|(key, value)| match (key.as_str(), value) {
        ("execute", Value::Text(_)) | ("arguments", Value::Dict(_)) => None,
        ("execute", _) => Some("QMP input member 'execute' must be a string".into()),
        ("arguments", _) => Some("QMP input member 'arguments' must be an object".into()),
        ("id", _) if ids != Ids::Reject => None,
        (key, _) => Some(format!("QMP input member '{key}' is unexpected")),
    })
}
