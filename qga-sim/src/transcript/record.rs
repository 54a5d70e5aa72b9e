//! Writing a session down.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use qga_proto::commands::{GuestSync, GuestSyncDelimited};
use qga_proto::json;
use qga_proto::metadata::{self, CommandInfo, Member, Type, TypeKind, type_info};
use qga_proto::schema::COMMANDS;
use qga_proto::{Cause, Instant, Transport};

use super::{SECRET, text};
use crate::value::{Style, Value};

/// Writes down what goes over a line, so that it can be [played again](crate::Sim::replay). As a [`Transport`] around another
/// one it does so by itself; without, one tells it what was sent and received.
///
/// Passwords, keys, environments and what programs read are left out, as the schema calls them secret. What the commands of
/// others have for secrets nobody knows: it is written down. So are the contents of files, and what programs print.
#[derive(Debug)]
pub struct Recorder<W, T = ()> {
    transport: T,
    sink: W,
    to_agent: Vec<u8>,
    from_agent: Vec<u8>,
    /// Whether what is sent is left out up to the next newline.
    is_dropping: bool,
    /// The numbers that have names, in the order of their names: the last ones.
    numbers: VecDeque<u64>,
    /// The name of the first of them. The first of all is 1.
    first_name: usize,
    /// The `id`s of the last commands, and what of their replies is secret.
    asked: VecDeque<(Value, Option<Type>)>,
    /// What of any reply may be secret, as such a command was sent before.
    secrets: Vec<Type>,
    last: Option<Duration>,
    result: io::Result<()>,
}

/// How much of a line of the agent's is kept before it is written down in parts.
const MAX_LINE: usize = 1 << 20;

/// How long a command may be: longer than any that agents take.
const MAX_COMMAND: usize = 128 << 20;

/// How many numbers are remembered, and of how many commands what they were. Answers to older ones do not come any more.
const MAX_NUMBERS: usize = 1024;
const MAX_ASKED: usize = 256;

/// Numbers below this are not random: they are nobody's mark.
const LEAST_MARK: u64 = 1 << 32;

impl<W: Write> Recorder<W> {
    /// Writes down what it is told.
    pub fn new(sink: W) -> Self {
        Self::over((), sink)
    }
}

impl<W: Write, T> Recorder<W, T> {
    /// Writes down what goes over a transport.
    pub fn over(transport: T, sink: W) -> Self {
        Self {
            transport,
            sink,
            to_agent: Vec::new(),
            from_agent: Vec::new(),
            is_dropping: false,
            numbers: VecDeque::new(),
            first_name: 1,
            asked: VecDeque::new(),
            secrets: Vec::new(),
            last: None,
            result: Ok(()),
        }
    }

    /// Says that the client has sent something. `now` is counted from anywhere.
    pub fn sent(&mut self, bytes: &[u8], now: Duration) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.to_agent.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.to_agent);
            if !std::mem::take(&mut self.is_dropping) {
                self.write_request(&line, now);
            }
        }
        self.to_agent.extend_from_slice(rest);
        if self.is_dropping {
            self.to_agent.clear();
        } else if self.to_agent.len() > MAX_COMMAND {
            // Its secrets could not be told from the rest.
            self.write("# a command that is too long", now);
            self.is_dropping = true;
            self.to_agent = Vec::new();
        }
    }

    /// Says that the agent has sent something.
    pub fn received(&mut self, bytes: &[u8], now: Duration) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.from_agent.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.from_agent);
            self.write_reply(&line, "", now);
        }
        self.from_agent.extend_from_slice(rest);
        if self.from_agent.len() > MAX_LINE {
            self.write_part(now);
        }
    }

    /// Says that the connection has ended.
    pub fn ended(&mut self, now: Duration) {
        if !self.from_agent.is_empty() {
            self.write_part(now);
        }
        if !self.to_agent.is_empty() {
            // It may hold a secret.
            self.write(
                &format!("# {} bytes of a command that did not leave whole", self.to_agent.len()),
                now,
            );
            self.to_agent.clear();
        }
        self.write("EOF", now);
    }

    /// Whether all could be written down.
    ///
    /// # Errors
    ///
    /// The first of the sink. Nothing more was written after it.
    pub fn finish(mut self) -> io::Result<W> {
        self.result.and_then(|()| self.sink.flush())?;
        Ok(self.sink)
    }

    fn write_request(&mut self, line: &[u8], now: Duration) {
        let start = line.iter().rposition(|&byte| byte == 0xFF).map_or(0, |at| at + 1);
        let (before, text) = line.split_at(start);
        let mut message = text.to_vec();
        match json::from_slice::<Value>(text) {
            Ok(mut value) => {
                let command = self.learn(&value);
                let members = command.map_or(&[][..], |command| command.arguments);
                if value.member_mut("arguments").is_some_and(|arguments| blank(members, arguments)) {
                    message = printed(&value);
                }
            }
            Err(_) if names_secret(text) => {
                return self.write(&format!("# {} bytes that may be secret", line.len()), now);
            }
            Err(_) => {}
        }
        let text = [&self.encoded(before)[..], &self.encoded(&message)].concat();
        self.write(&format!("C: {text}"), now);
    }

    /// Takes from a request what tells replies to it; gives its command, if the schema has it.
    fn learn(&mut self, request: &Value) -> Option<&'static CommandInfo> {
        let name = match request.member("execute") {
            Some(Value::Text(name)) => name.as_str(),
            _ => "",
        };
        let is_sync = name == GuestSync::NAME || name == GuestSyncDelimited::NAME;
        let argument = request.member("arguments").filter(|_| is_sync).and_then(|value| value.member("id"));
        for number in [argument, request.member("id")].into_iter().flatten() {
            if let Value::Int(number) = *number
                && let Ok(number) = u64::try_from(number)
                && number >= LEAST_MARK
                && !self.numbers.contains(&number)
            {
                self.numbers.push_back(number);
                if self.numbers.len() > MAX_NUMBERS {
                    self.numbers.pop_front();
                    self.first_name += 1;
                }
            }
        }
        let command = metadata::command(name);
        let secret = command.and_then(|command| command.returns).filter(|ty| is_secret(*ty));
        if let Some(id) = request.member("id") {
            self.asked.truncate(MAX_ASKED - 1);
            self.asked.push_front((id.clone(), secret));
        }
        if let Some(ty) = secret.filter(|ty| !self.secrets.contains(ty)) {
            self.secrets.push(ty);
        }
        command
    }

    /// A reply without an `id` may be late, and that of any command before: then all is left out that is secret in one of
    /// those.
    fn write_reply(&mut self, line: &[u8], end: &str, now: Duration) {
        if self.secrets.is_empty() {
            let text = self.encoded(line);
            return self.write(&format!("A: {text}{end}"), now);
        }
        let start = line.iter().rposition(|&byte| byte == 0xFF).map_or(0, |at| at + 1);
        let Ok(mut reply) = json::from_slice::<Value>(&line[start..]) else {
            return self.write(&format!("# {} bytes that may be secret", line.len()), now);
        };
        let asked = reply.member("id").and_then(|id| self.asked.iter().find(|(asked, _)| asked == id));
        let secrets = match asked {
            Some((_, secret)) => secret.as_slice(),
            None => &self.secrets,
        };
        let value = reply.member_mut("return");
        let is_blanked =
            value.is_some_and(|value| secrets.iter().fold(false, |any, ty| blank_value(*ty, value) | any));
        let text = self.encoded(if is_blanked { printed(&reply) } else { line.to_vec() }.as_slice());
        self.write(&format!("A: {text}{end}"), now);
    }

    /// Writes down what has come of a line.
    fn write_part(&mut self, now: Duration) {
        let part = std::mem::take(&mut self.from_agent);
        self.write_reply(&part, "<cut>", now);
    }

    fn encoded(&self, bytes: &[u8]) -> String {
        text::encode(bytes, |number| {
            let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
            let is_mark = number >= LEAST_MARK;
            let at = self.numbers.iter().position(|&known| is_mark && known == number)?;
            Some(self.first_name + at)
        })
    }

    fn write(&mut self, line: &str, now: Duration) {
        let passed = self.last.replace(now).map_or(0, |last| now.saturating_sub(last).as_millis());
        if self.result.is_ok() {
            self.result = match passed {
                0 => writeln!(self.sink, "{line}"),
                _ => writeln!(self.sink, "+{passed}ms\n{line}"),
            };
        }
    }
}

/// Whether a text that is no request has the name of something that would be secret in one.
fn names_secret(text: &[u8]) -> bool {
    let arguments = COMMANDS.iter().flat_map(|command| command.arguments);
    let mut secrets = arguments.filter(|member| member.secret);
    secrets.any(|member| memchr::memmem::find(text, member.name.as_bytes()).is_some())
}

fn printed(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    value.print(&mut text, Style::Compact);
    text.into_bytes()
}

/// Puts something else in the place of what is secret. Gives whether there was any.
fn blank(members: &[Member], object: &mut Value) -> bool {
    let mut any = false;
    for member in members {
        if let Some(value) = object.member_mut(member.name) {
            if member.secret {
                hide(value);
                any = true;
            } else {
                any |= blank_value(member.ty, value);
            }
        }
    }
    any
}

fn blank_value(ty: Type, value: &mut Value) -> bool {
    match (ty, value) {
        (Type::Array(item), Value::List(list)) => {
            list.iter_mut().fold(false, |any, value| blank_value(*item, value) | any)
        }
        (ty, value) => blank(members_of(ty), value),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::List(list) => list.iter_mut().for_each(hide),
        value => *value = SECRET.into(),
    }
}

fn members_of(ty: Type) -> &'static [Member] {
    let Type::Named(name) = ty else { return &[] };
    match type_info(name).map(|info| info.kind) {
        Some(TypeKind::Struct(members) | TypeKind::Union { members, .. }) => members,
        _ => &[],
    }
}

/// Whether a type has a member that is secret.
fn is_secret(ty: Type) -> bool {
    match ty {
        Type::Array(item) => is_secret(*item),
        ty => members_of(ty).iter().any(|member| member.secret || is_secret(member.ty)),
    }
}

impl<W: Write, T: Transport> Transport for Recorder<W, T> {
    type Error = T::Error;

    fn now(&self) -> Instant {
        self.transport.now()
    }

    async fn connect(&mut self, deadline: Instant) -> Result<bool, T::Error> {
        self.transport.connect(deadline).await
    }

    fn disconnect(&mut self) -> bool {
        self.transport.disconnect()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, T::Error> {
        let read = self.transport.read(buffer, deadline).await?;
        let now = self.transport.now().since_epoch();
        match read {
            Some(0) => self.ended(now),
            Some(n) => self.received(&buffer[..n], now),
            None => {}
        }
        Ok(read)
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, T::Error> {
        let written = self.transport.write(bytes, deadline).await?;
        if let Some(n) = written {
            self.sent(&bytes[..n], self.transport.now().since_epoch());
        }
        Ok(written)
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.transport.sleep_until(deadline).await;
    }

    fn cause(error: &T::Error) -> Cause {
        T::cause(error)
    }
}
