//! Frames that are lines: what an agent sends.

use core::ops::Range;

use super::{Cut, Frame, Scan};

/// Cuts at newlines and 0xFF. A reply is one line of printable ASCII, so nothing else needs to be known of it: a lost quote
/// or bracket, or a log line between replies, costs one line and never the next.
#[derive(Debug)]
pub struct Lines;

/// The first newline or 0xFF.
#[cfg(feature = "std")]
fn end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', 0xFF, bytes)
}

/// The same, in less code.
#[cfg(not(feature = "std"))]
fn end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n' || byte == 0xFF)
}

impl Scan for Lines {
    fn scan(&mut self, bytes: &[u8], range: Range<usize>) -> Option<Cut> {
        let at = range.start + end(&bytes[range])?;
        Some(match bytes[at] {
            b'\n' => Cut::Text { end: at, next: at + 1 },
            _ => Cut::Drop { next: at + 1, frame: Frame::Delimiter },
        })
    }

    fn is_between(&self) -> bool {
        false
    }

    fn ends_with_stream(&self) -> bool {
        true
    }

    fn reset(&mut self) {}
}
