//! Writing a session down.

use std::io::{self, Write};
use std::time::Duration;

use qga_proto::commands::{GuestSync, GuestSyncDelimited};
use qga_proto::json;
use qga_proto::metadata::{self, Member, Type, TypeKind, type_info};
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
    /// The numbers that have names, in the order of their names, which begin at 1.
    numbers: Vec<u64>,
    /// The command that was sent last.
    command: String,
    last: Option<Duration>,
    result: io::Result<()>,
}

/// How much of a line of the agent's is kept before it is written down in parts.
const MAX_LINE: usize = 1 << 20;

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
            numbers: Vec::new(),
            command: String::new(),
            last: None,
            result: Ok(()),
        }
    }

    /// Says that the client has sent something. `now` is counted from anywhere.
    pub fn sent(&mut self, bytes: &[u8], now: Duration) {
        self.to_agent.extend_from_slice(bytes);
        while let Some(end) = self.to_agent.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.to_agent.drain(..=end).collect();
            self.write_request(&line[..end], now);
        }
    }

    /// Says that the agent has sent something.
    pub fn received(&mut self, bytes: &[u8], now: Duration) {
        self.from_agent.extend_from_slice(bytes);
        while let Some(end) = self.from_agent.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.from_agent.drain(..=end).collect();
            self.write_reply(&line[..end], "", now);
        }
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
        self.command.clear();
        if let Ok(mut value) = json::from_slice::<Value>(text) {
            self.learn(&value);
            let members = metadata::command(&self.command).map_or(&[][..], |command| command.arguments);
            if value.member_mut("arguments").is_some_and(|arguments| blank(members, arguments)) {
                message = printed(&value);
            }
        }
        let text = [&self.encoded(before)[..], &self.encoded(&message)].concat();
        self.write(&format!("C: {text}"), now);
    }

    /// Takes from a request what tells replies to it.
    fn learn(&mut self, request: &Value) {
        if let Some(Value::Text(name)) = request.member("execute") {
            self.command.clone_from(name);
        }
        let is_sync = self.command == GuestSync::NAME || self.command == GuestSyncDelimited::NAME;
        let argument = request.member("arguments").filter(|_| is_sync).and_then(|value| value.member("id"));
        for number in [argument, request.member("id")].into_iter().flatten() {
            if let Value::Int(number) = *number
                && let Ok(number) = u64::try_from(number)
                && number >= LEAST_MARK
                && !self.numbers.contains(&number)
            {
                self.numbers.push(number);
            }
        }
    }

    fn write_reply(&mut self, line: &[u8], end: &str, now: Duration) {
        let secret = metadata::command(&self.command).and_then(|command| command.returns);
        let secret = secret.filter(|ty| is_secret(*ty));
        let mut message = line.to_vec();
        if let Some(ty) = secret {
            let start = line.iter().rposition(|&byte| byte == 0xFF).map_or(0, |at| at + 1);
            match json::from_slice::<Value>(&line[start..]) {
                Ok(mut value) => {
                    if value.member_mut("return").is_some_and(|value| blank_value(ty, value)) {
                        message = printed(&value);
                    }
                }
                Err(_) => return self.write(&format!("# {} bytes that may be secret", line.len()), now),
            }
        }
        let text = self.encoded(&message);
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
            self.numbers.iter().position(|&known| known == number).map(|at| at + 1)
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
