//! An agent that says what a test wants, right or wrong.

use std::collections::VecDeque;
use std::convert::Infallible;

use qga_proto::{Client, Config, Instant, Session, Transport};
use serde_json::Value;

/// An agent that answers syncs rightly, and commands with these values, one after the other.
pub struct Scripted {
    answers: VecDeque<&'static str>,
    bytes: VecDeque<u8>,
    sent: Vec<u8>,
    /// How much of it has been read.
    heard: usize,
    now: Instant,
}

impl Scripted {
    /// All requests that came.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent).into_owned()
    }
}

impl Transport for Scripted {
    type Error = Infallible;

    fn now(&self) -> Instant {
        self.now
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        if self.bytes.is_empty() {
            self.now = self.now.max(deadline);
            return Ok(None);
        }
        let n = buffer.len().min(self.bytes.len());
        buffer.iter_mut().zip(self.bytes.drain(..n)).for_each(|(place, byte)| *place = byte);
        Ok(Some(n))
    }

    async fn write(&mut self, bytes: &[u8], _: Instant) -> Result<Option<usize>, Infallible> {
        self.sent.extend_from_slice(bytes);
        while let Some(len) = self.sent[self.heard..].iter().position(|byte| *byte == b'\n') {
            let line = &self.sent[self.heard..][..=len];
            let line: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0xFF).collect();
            self.heard += len + 1;
            let request: Value = serde_json::from_slice(&line).expect("a request");
            let (id, number) = (&request["id"], &request["arguments"]["id"]);
            let answer = match request["execute"].as_str() {
                Some("guest-sync-delimited") => format!("\u{FF}{{\"return\": {number}, \"id\": {id}}}\n"),
                _ => match self.answers.pop_front() {
                    Some(error) if error.contains("\"class\"") => {
                        format!("{{\"error\": {error}, \"id\": {id}}}\n")
                    }
                    Some(value) => format!("{{\"return\": {value}, \"id\": {id}}}\n"),
                    None => continue,
                },
            };
            self.bytes.extend(answer.chars().map(|c| c as u8));
        }
        Ok(Some(bytes.len()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.now = self.now.max(deadline);
    }
}

/// A session with an agent of these answers.
pub fn session(answers: &[&'static str]) -> Session<Scripted, Vec<u8>> {
    let answers = answers.iter().copied().collect();
    let line = Scripted { answers, bytes: VecDeque::new(), sent: Vec::new(), heard: 0, now: Instant::ZERO };
    Session::new(line, Client::new(Config::default(), Vec::new(), Vec::new(), 1))
}
