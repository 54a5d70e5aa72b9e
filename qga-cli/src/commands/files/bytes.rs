//! Bytes of the guest, printed.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::output::escape;
use crate::streams::{Output, Patience};

/// Standard output: bytes go there as they are, but to a terminal so that they do no harm.
pub(super) struct Stdout {
    stream: Output<io::StdoutLock<'static>>,
    is_terminal: bool,
    /// The start of a character whose end has not come yet.
    rest: Vec<u8>,
}

impl Stdout {
    pub(super) fn new(patience: Patience) -> Self {
        // Nothing else is printed before the end, so nothing is in its buffer.
        let stream = io::stdout().lock();
        Self { is_terminal: stream.is_terminal(), stream: Output::new(stream, patience), rest: Vec::new() }
    }

    fn write_text(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.rest.extend_from_slice(bytes);
        let end = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let rest = self.rest.split_off(end);
        let text = std::mem::replace(&mut self.rest, rest);
        self.stream.write_all(escape::printed(&String::from_utf8_lossy(&text)).as_bytes())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_terminal {
            self.write_text(bytes)?;
            return Ok(bytes.len());
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.stream.write_all(escape::printed(&String::from_utf8_lossy(&rest)).as_bytes())?;
        self.stream.flush()
    }
}

/// Bytes as a document has them.
pub(in crate::commands) fn base64(bytes: &[u8]) -> Value {
    // A string is always written.
    serde_json::to_value(qga_proto::json::Base64::from(bytes)).unwrap_or_default()
}
