//! The machine on the guest's side.

use core::fmt;
use core::ops::Range;

use serde::Serialize;

use crate::buffer::Buffer;
use crate::client::DEFAULT_MAX_MESSAGE;
use crate::commands::{GuestSync, GuestSyncDelimited};
use crate::frame::{Frame, Framer, Objects};
use crate::json::{self, Raw, Str, WriteError, Writer};
use crate::message::{self, Call, Execute};

mod check;
mod request;
#[cfg(test)]
mod tests;

pub use request::{Request, RequestError};

/// Serves one client over one channel: bytes to requests, replies to bytes.
///
/// A function of bytes, without I/O. Send what [`poll_transmit`](Self::poll_transmit) gives, read into
/// [`receive_buffer`](Self::receive_buffer), and after each of both ask [`poll_request`](Self::poll_request) until it
/// gives `None`; answer each request with [`respond`](Self::respond), [`refuse`](Self::refuse), or (a command that is
/// silent when it succeeds) [`accept`](Self::accept). Syncs and what is not a request are answered inside.
///
/// As with the real agent, requests are served strictly one after the other: while a reply is being sent no request
/// comes out, and one that is not answered when the next is asked for stays without an answer.
///
/// ```
/// use qga_proto::{Agent, ErrorClass, commands::GuestGetHostName, view};
///
/// let mut agent = Agent::new([0; 256], [0; 256]);
/// # let bytes = br#"{"execute":"guest-get-host-name","id":1}"#;
/// # let mut read = |buffer: &mut [u8]| { buffer[..bytes.len()].copy_from_slice(bytes); bytes.len() };
/// let n = read(agent.receive_buffer());
/// agent.handle_received(n);
/// while let Some(request) = agent.poll_request() {
///     if request.name() == GuestGetHostName::NAME {
///         agent.respond(&view::GuestHostName::new("probe-3"))?;
///     } else {
///         agent.refuse(ErrorClass::CommandNotFound, "not here")?;
///     }
/// }
/// let reply = b"{\"return\":{\"host-name\":\"probe-3\"},\"id\":1}\n";
/// assert_eq!(agent.poll_transmit(), Some(&reply[..]));
/// # Ok::<(), qga_proto::ReplyError>(())
/// ```
///
/// # What a client sees
///
/// Replies are one line of ASCII each, with the request's `id` as it came, in errors too, unless it is so long that the
/// error would not fit the transmit buffer. 0xFF stands before the success of `guest-sync-delimited` and nowhere else.
/// 0xFF, 0xFE and control characters make the agent forget what was begun, and are answered with an error, as is everything
/// that is no request, also what has an object with two members of one name. (The real agent looks at all members for that;
/// here only the first 16 of each object are ones that another may not be called as.) Members that a request does not have
/// are refused: clients find out by that what an agent knows.
///
/// # A whole agent
///
/// One that serves the clients of a Unix socket, in `examples/agent.rs`:
///
/// ```no_run
#[doc = include_str!("../examples/agent.rs")]
/// ```
pub struct Agent<B> {
    framer: Framer<B, Objects>,
    outgoing: Outgoing<B>,
    state: State,
}

/// ```text
///             poll_request
///     Idle -----------------> Open
///       ^                       |
///       '-----------------------'  respond, refuse, accept; the next poll_request
/// ```
///
/// What is answered inside is open for a moment, too. While a reply is being sent it is idle.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody waits for an answer.
    Idle,
    /// A request was given out, and has no answer yet. `id` is where that is in the framer's text.
    Open { id: Option<Range<usize>> },
}

/// The class of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass<'a> {
    /// No such command, or not for this client, or not now.
    CommandNotFound,
    /// All else.
    GenericError,
    /// What agents before QEMU 1.2 and those of others say.
    Other(&'a str),
}

/// A reply that cannot be sent, of which no byte has been.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// No request is open: none was asked for, or it has been answered, or its client is gone.
    NoRequest,
    /// It does not fit the transmit buffer. The request is still open: refuse it.
    TooLong {
        /// How many bytes it has.
        len: usize,
        /// How many fit.
        limit: usize,
    },
    /// It does not serialize. The request is still open: refuse it.
    Value,
}

/// How long a reply may be, if the buffer can hold it: the longest request with some room.
const MAX_REPLY: usize = 2 * DEFAULT_MAX_MESSAGE;

/// The application's half.
impl<B: Buffer> Agent<B> {
    /// An agent for a channel. The buffers hold a request, and a reply.
    pub fn new(receive: B, transmit: B) -> Self {
        let framer = Framer::with_scanner(Objects::default(), receive, DEFAULT_MAX_MESSAGE);
        Self { framer, outgoing: Outgoing { buffer: transmit, len: 0, sent: 0 }, state: State::Idle }
    }

    /// The next request. `None`: there is none yet, or a reply has to be sent first.
    pub fn poll_request(&mut self) -> Option<Request<'_>> {
        self.state = State::Idle;
        let Call { name, arguments } = loop {
            if self.poll_transmit().is_some() {
                return None;
            }
            match self.framer.poll_frame()? {
                Frame::Text => {
                    if let Some(call) = self.handle_text() {
                        break call;
                    }
                }
                Frame::Delimiter | Frame::Garbage => {
                    self.fail(Str::new("JSON parse error, stray input"), None);
                }
                Frame::Oversized { .. } => self.fail(Str::new("JSON token size limit exceeded"), None),
            }
        };
        let text = self.framer.text();
        Some(Request { name: read_name(text, name), arguments: read_arguments(text, arguments) })
    }

    /// Answers the open request: it succeeded.
    ///
    /// # Errors
    ///
    /// Why the reply cannot be sent.
    pub fn respond<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ReplyError> {
        self.succeed(value, false)
    }

    /// Answers the open request: it failed. Without its `id`, as what cannot be read is answered, if it does not fit with
    /// that: a client may send one that fits the receive buffer, and not the other.
    ///
    /// # Errors
    ///
    /// Why the reply cannot be sent; also not without the `id`.
    pub fn refuse(&mut self, class: ErrorClass<'_>, desc: impl fmt::Display) -> Result<(), ReplyError> {
        self.answer(&|outgoing, id| outgoing.put_error(class.name(), &desc, id))
    }

    /// Ends the open request without an answer: it succeeded, and is one of those that are silent then. Without one it does
    /// nothing.
    pub fn accept(&mut self) {
        self.state = State::Idle;
    }
}

/// The transport's half.
impl<B: Buffer> Agent<B> {
    /// The bytes to send next.
    #[must_use]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        let Outgoing { buffer, len, sent } = &self.outgoing;
        buffer.bytes().get(*sent..*len).filter(|rest| !rest.is_empty())
    }

    /// Says that the first `n` bytes of [`poll_transmit`](Self::poll_transmit) have been sent.
    pub fn handle_transmitted(&mut self, n: usize) {
        let Outgoing { len, sent, .. } = &mut self.outgoing;
        *sent = sent.saturating_add(n).min(*len);
    }

    /// Where to read to. Empty only while requests wait to be polled in a full buffer.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        self.framer.window()
    }

    /// Says that the first `n` bytes of [`receive_buffer`](Self::receive_buffer) have been filled.
    pub fn handle_received(&mut self, n: usize) {
        self.framer.commit(n);
    }

    /// Says that the client is gone: what it left half said, and what was still to be said to it, is dropped. On
    /// channels where that cannot be seen the next client's 0xFF does the same.
    pub fn handle_eof(&mut self) {
        self.framer.reset();
        self.state = State::Idle;
        (self.outgoing.len, self.outgoing.sent) = (0, 0);
    }
}

impl<B: Buffer> Agent<B> {
    /// Looks at a message; gives a call that is the application's to answer.
    fn handle_text(&mut self) -> Option<Call> {
        let text = self.framer.text();
        let (id, call) = match Execute::parse(text) {
            Ok(Execute { id, call }) => (id, call),
            Err(fault) => (None, Err(fault)),
        };
        let call = match call {
            Ok(call) => call,
            Err(fault) => {
                let id = read_id(text, id);
                let _ = self.outgoing.put_error(GENERIC, &fault, id);
                return None;
            }
        };
        self.state = State::Open { id: id.clone() };
        let name = read_name(text, call.name.clone());
        let delimited = name == GuestSyncDelimited::NAME;
        if !delimited && name != GuestSync::NAME {
            return Some(call);
        }
        let request = Request { name, arguments: read_arguments(text, call.arguments) };
        match request.typed_arguments::<GuestSync>() {
            Ok(GuestSync { id: token, .. }) => {
                if self.succeed(&token, delimited).is_err() {
                    self.fail(Str::new("the id does not fit the reply"), id);
                }
            }
            Err(error) => self.fail(error, id),
        }
        None
    }

    fn succeed<T: Serialize + ?Sized>(&mut self, value: &T, delimited: bool) -> Result<(), ReplyError> {
        let value = |writer: &mut Writer<'_>| writer.value(value);
        self.answer(&|outgoing, id| {
            outgoing.put(&|buffer| message::encode_return(&value, delimited, id, buffer))
        })
    }

    /// Answers the open request, if one is: only then is the transmit buffer free.
    fn answer(&mut self, put: &Put<'_, B>) -> Result<(), ReplyError> {
        let State::Open { id } = &self.state else { return Err(ReplyError::NoRequest) };
        let id = read_id(self.framer.text(), id.clone());
        put(&mut self.outgoing, id)?;
        self.state = State::Idle;
        Ok(())
    }

    /// Complains of what is no request, or not one that can be answered.
    fn fail(&mut self, desc: impl fmt::Display, id: Option<Range<usize>>) {
        let id = read_id(self.framer.text(), id);
        let _ = self.outgoing.put_error(GENERIC, &desc, id);
        self.state = State::Idle;
    }
}

const GENERIC: &str = ErrorClass::GenericError.name();

/// Puts a reply to the request with this `id`.
type Put<'a, B> = dyn Fn(&mut Outgoing<B>, Option<Raw<'_>>) -> Result<(), ReplyError> + 'a;

/// The reply under way.
struct Outgoing<B> {
    buffer: B,
    len: usize,
    sent: usize,
}

impl<B: Buffer> Outgoing<B> {
    /// Writes a reply, growing the buffer if it can. When it cannot, there is none.
    fn put(&mut self, encode: &dyn Fn(&mut [u8]) -> Result<usize, WriteError>) -> Result<(), ReplyError> {
        (self.len, self.sent) = (0, 0);
        self.len =
            message::encode_growing(&mut self.buffer, MAX_REPLY, 0, encode).map_err(|error| match error {
                WriteError::Full { len } => {
                    ReplyError::TooLong { len, limit: self.buffer.bytes().len().min(MAX_REPLY) }
                }
                WriteError::Value => ReplyError::Value,
            })?;
        Ok(())
    }

    /// Writes an error; without the `id` if it does not fit with that. Too small a buffer for this leaves nothing to be said.
    fn put_error(
        &mut self,
        class: &str,
        desc: &dyn fmt::Display,
        id: Option<Raw<'_>>,
    ) -> Result<(), ReplyError> {
        match self.put(&|buffer| message::encode_error(class, desc, id, buffer)) {
            Err(ReplyError::TooLong { .. }) if id.is_some() => {
                self.put(&|buffer| message::encode_error(class, desc, None, buffer))
            }
            outcome => outcome,
        }
    }
}

/// The parts of a message whose syntax has been checked.
fn read_name(text: &[u8], name: Range<usize>) -> Str<'_> {
    json::from_slice(&text[name]).unwrap_or_default()
}

fn read_arguments(text: &[u8], arguments: Option<Range<usize>>) -> &[u8] {
    arguments.map_or(Raw::EMPTY_OBJECT.as_str().as_bytes(), |range| &text[range])
}

fn read_id(text: &[u8], id: Option<Range<usize>>) -> Option<Raw<'_>> {
    id.and_then(|range| json::from_slice(&text[range]).ok())
}

impl<B> fmt::Debug for Agent<B> {
    /// Without the buffers: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").finish_non_exhaustive()
    }
}

impl<'a> ErrorClass<'a> {
    /// As it stands in a reply.
    #[must_use]
    pub const fn name(self) -> &'a str {
        match self {
            Self::CommandNotFound => "CommandNotFound",
            Self::GenericError => "GenericError",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRequest => f.write_str("no request waits for a reply"),
            Self::TooLong { len, limit } => {
                write!(f, "the reply of {len} bytes does not fit the transmit buffer of {limit} bytes")
            }
            Self::Value => f.write_str("the reply does not serialize"),
        }
    }
}

impl core::error::Error for ReplyError {}
