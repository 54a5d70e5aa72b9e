//! A client that is nothing but bytes.

// Each test binary has its own copy, and none uses all of it.
#![allow(dead_code)]

use std::time::Duration;

use qga_sim::{Guest, Sim};
use serde_json::Value;

/// When the tests take place: 2026-01-01.
pub(crate) const START: Duration = Duration::from_secs(1_767_225_600);

/// A guest at the end of a line without I/O.
pub(crate) struct Line {
    pub(crate) sim: Sim,
    pub(crate) now: Duration,
}

/// What an answer says, whatever its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    /// Whether 0xFF stands before it.
    pub(crate) delimited: bool,
    /// The value, or the error's class.
    pub(crate) result: Result<Value, String>,
    pub(crate) id: Option<Value>,
}

impl Line {
    pub(crate) fn new(guest: Guest) -> Self {
        Self { sim: Sim::new(guest), now: START }
    }

    /// Sends bytes, whole, and takes what comes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.send_pieces(bytes, usize::MAX)
    }

    /// Sends bytes in pieces, and takes what comes after each, in pieces too.
    pub(crate) fn send_pieces(&mut self, mut bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut received = Vec::new();
        loop {
            while let Some(reply) = self.sim.poll_transmit() {
                let reply = &reply[..piece.min(reply.len())];
                received.extend_from_slice(reply);
                let n = reply.len();
                self.sim.handle_transmitted(n, self.now);
            }
            if bytes.is_empty() {
                return received;
            }
            let window = self.sim.receive_buffer();
            let n = piece.min(bytes.len()).min(window.len());
            assert!(n > 0, "there is always room where nothing waits to be sent");
            window[..n].copy_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.sim.handle_received(n, self.now);
        }
    }

    /// Calls a command; gives the value, or class and text of the error.
    pub(crate) fn call(&mut self, name: &str, arguments: &str) -> Result<Value, (String, String)> {
        let request = format!("{{\"execute\":\"{name}\",\"arguments\":{arguments}}}\n");
        let reply = self.send(request.as_bytes());
        let mut reply: Value = serde_json::from_slice(&reply).expect("one reply");
        if let Some(error) = reply.get("error") {
            let text = |key: &str| error[key].as_str().unwrap().to_owned();
            return Err((text("class"), text("desc")));
        }
        Ok(reply["return"].take())
    }

    /// Calls a command that must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, name: &str, arguments: &str) -> Value {
        self.call(name, arguments).expect(name)
    }

    /// Calls a command that must be refused; gives the text.
    #[track_caller]
    pub(crate) fn refused(&mut self, name: &str, arguments: &str) -> String {
        let (class, desc) = self.call(name, arguments).expect_err(name);
        assert_eq!(class, "GenericError", "{desc}");
        desc
    }
}

/// Takes what an agent has sent apart.
///
/// # Errors
///
/// What is no reply.
pub(crate) fn read_replies(bytes: &[u8]) -> Result<Vec<Reply>, String> {
    let Some(lines) = bytes.strip_suffix(b"\n") else {
        return if bytes.is_empty() { Ok(vec![]) } else { Err("no newline at the end".into()) };
    };
    lines.split(|&byte| byte == b'\n').map(read_reply).collect()
}

fn read_reply(line: &[u8]) -> Result<Reply, String> {
    let (delimited, line) = line.strip_prefix(b"\xFF").map_or((false, line), |line| (true, line));
    if !line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Err("not printable ASCII".into());
    }
    let mut value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let members = value.as_object_mut().ok_or("no object")?;
    let id = members.remove("id").map(plain_numbers);
    let result = match (members.remove("return"), members.remove("error")) {
        (Some(value), None) => Ok(plain_numbers(value)),
        (None, Some(error)) => {
            let is_error =
                error.as_object().is_some_and(|error| error.len() == 2 && error["desc"].is_string());
            let class = error["class"].as_str().filter(|_| is_error).ok_or("no error object")?;
            Err(class.to_owned())
        }
        _ => return Err("neither return nor error".into()),
    };
    if members.is_empty() { Ok(Reply { delimited, result, id }) } else { Err("more members".into()) }
}

/// Writes numbers that are whole as whole numbers: `1e2` is 100.
fn plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float as i64 as f64 == float => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(elements) => elements.into_iter().map(plain_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, plain_numbers(value))).collect()
        }
        other => other,
    }
}

/// Decodes base64 with its padding.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let digits = text.bytes().filter(|&c| c != b'=').map(|c| DIGITS.iter().position(|&d| d == c).unwrap());
    let bits: Vec<bool> = digits.flat_map(|digit| (0..6).rev().map(move |i| digit >> i & 1 == 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect()
}
