//! Reading line by line, as agents do that are not QEMU's.

use qga_proto::json;

use super::{Heard, Ids, envelope};
use crate::value::Value;

/// Cuts at newlines and nowhere else.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// Whether the line is longer than it may be; then it is no message.
    is_too_long: bool,
    is_complete: bool,
    /// Whether a line that is no message is answered.
    tells_faults: bool,
}

/// How long a line may be.
const MAX_LINE: usize = 64 << 20;

impl Lines {
    pub(super) fn new(tells_faults: bool) -> Self {
        Self { line: Vec::new(), is_too_long: false, is_complete: false, tells_faults }
    }

    /// Takes bytes up to the end of a line; gives how many.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        if part.len() > MAX_LINE - self.line.len() {
            self.is_too_long = true;
        } else {
            self.line.extend_from_slice(part);
        }
        self.is_complete = end.is_some();
        end.map_or(bytes.len(), |end| end + 1)
    }

    /// The message of the line that is complete.
    pub(super) fn poll(&mut self, ids: Ids) -> Option<Heard> {
        if !self.is_complete {
            return None;
        }
        let line = std::mem::take(&mut self.line);
        let is_too_long = std::mem::take(&mut self.is_too_long);
        self.is_complete = false;
        // 0xFF makes what is before it void, here too.
        let text = line.rsplit(|&byte| byte == 0xFF).next().unwrap_or_default();
        if text.trim_ascii().is_empty() && !is_too_long {
            return None;
        }
        match json::from_slice::<Value>(text) {
            Ok(value) if !is_too_long => match envelope(value, ids) {
                Heard::Fault { .. } if !self.tells_faults => None,
                heard => Some(heard),
            },
            _ if !self.tells_faults => None,
            _ => Some(Heard::Fault { desc: "the line is not a JSON object".into(), id: None }),
        }
    }

    /// Forgets what was begun.
    pub(super) fn restart(&mut self) {
        self.line.clear();
        (self.is_too_long, self.is_complete) = (false, false);
    }
}
