//! Frames that are JSON values: what a client sends.

use core::ops::Range;

use super::{Cut, Frame, Scan};

/// Where in a request the scanner stands. It follows brackets and strings and leaves all else to the decoder.
///
/// ```text
///            { [             "
///   Between ------> Inside <----> String <---> Escape
///      ^  |            |   (depth counts the open brackets;
///      |  '--> Word    |    a string or word may also stand alone)
///      |         |     |
///      '---------+-----'   at the value's end, or at a byte that resets
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Objects(State);

/// Where it stands.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Between values.
    #[default]
    Between,
    /// In a value, outside strings.
    Inside { depth: usize },
    /// In a string.
    String { depth: usize },
    /// Behind a backslash in a string.
    Escape { depth: usize },
    /// In a number or a bare word at top level, whose end only the next byte shows.
    Word,
    /// Behind a byte that cannot be: up to the next byte where a value may begin.
    Skip,
}

impl Scan for Objects {
    fn scan(&mut self, bytes: &[u8], range: Range<usize>) -> Option<Cut> {
        let mut at = range.start;
        while at < range.end {
            if let State::String { .. } = self.0 {
                at += plain_len(&bytes[at..range.end]);
                if at == range.end {
                    break;
                }
            }
            if let Some(cut) = self.0.step(bytes[at], at) {
                return Some(cut);
            }
            at += 1;
        }
        None
    }

    fn is_between(&self) -> bool {
        matches!(self.0, State::Between | State::Skip)
    }

    fn ends_with_stream(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl State {
    fn step(&mut self, byte: u8, at: usize) -> Option<Cut> {
        match *self {
            Self::Between => self.between(byte, at),
            Self::Skip if is_structural(byte) || is_reset(byte) || byte == b'\n' || byte == b'\r' => {
                *self = Self::Between;
                self.between(byte, at)
            }
            Self::Skip => None,
            Self::Word if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_') => None,
            Self::Word => {
                *self = Self::Between;
                Some(Cut::Text { end: at, next: at })
            }
            Self::Inside { .. } if is_reset(byte) => self.drop(at),
            Self::Inside { depth } => self.inside(byte, at, depth),
            Self::String { .. } | Self::Escape { .. } if byte >= 0xFE => self.drop(at),
            Self::String { .. } | Self::Escape { .. } if byte < 0x20 => {
                *self = Self::Skip;
                Some(Cut::Drop { next: at + 1, frame: Frame::Delimiter })
            }
            Self::String { depth } => self.string(byte, at, depth),
            Self::Escape { depth } => {
                *self = Self::String { depth };
                None
            }
        }
    }

    fn between(&mut self, byte: u8, at: usize) -> Option<Cut> {
        *self = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return None,
            b'{' | b'[' => Self::Inside { depth: 1 },
            b'"' => Self::String { depth: 0 },
            b'-' => Self::Word,
            _ if byte.is_ascii_alphanumeric() => Self::Word,
            _ if is_reset(byte) => return Some(Cut::Drop { next: at + 1, frame: Frame::Delimiter }),
            _ if is_structural(byte) => return Some(Cut::Drop { next: at + 1, frame: Frame::Garbage }),
            _ => {
                *self = Self::Skip;
                return Some(Cut::Drop { next: at + 1, frame: Frame::Garbage });
            }
        };
        Some(Cut::Begin { at })
    }

    fn inside(&mut self, byte: u8, at: usize, depth: usize) -> Option<Cut> {
        match byte {
            b'"' => *self = Self::String { depth },
            b'{' | b'[' => *self = Self::Inside { depth: depth.saturating_add(1) },
            b'}' | b']' if depth == 1 => {
                *self = Self::Between;
                return Some(Cut::Text { end: at + 1, next: at + 1 });
            }
            b'}' | b']' => *self = Self::Inside { depth: depth - 1 },
            _ => {}
        }
        None
    }

    fn string(&mut self, byte: u8, at: usize, depth: usize) -> Option<Cut> {
        match byte {
            b'\\' => *self = Self::Escape { depth },
            b'"' if depth == 0 => {
                *self = Self::Between;
                return Some(Cut::Text { end: at + 1, next: at + 1 });
            }
            b'"' => *self = Self::Inside { depth },
            _ => {}
        }
        None
    }

    /// Voids what was begun at a byte that resets the parser, wherever it stands.
    fn drop(&mut self, at: usize) -> Option<Cut> {
        *self = Self::Between;
        Some(Cut::Drop { next: at + 1, frame: Frame::Delimiter })
    }
}

/// How many bytes of a string can be passed over at once: words of ASCII without quotes, backslashes and control characters.
fn plain_len(bytes: &[u8]) -> usize {
    const WORD: usize = size_of::<u128>();
    const ONES: u128 = u128::MAX / 0xFF;
    const HIGHS: u128 = ONES << 7;

    let is_zero = |word: u128| word.wrapping_sub(ONES) & !word;
    let (words, _) = bytes.as_chunks::<WORD>();
    let plain = words.iter().take_while(|word| {
        let word = u128::from_le_bytes(**word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found =
            word | control | is_zero(word ^ (ONES * b'"' as u128)) | is_zero(word ^ (ONES * b'\\' as u128));
        found & HIGHS == 0
    });
    plain.count() * WORD
}

fn is_structural(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b':' | b',')
}

/// Whether the agent drops what it is reading at this byte: 0xFE, 0xFF, and control characters but for white space.
fn is_reset(byte: u8) -> bool {
    byte >= 0xFE || byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}
