//! Tokens, as QEMU's JSON parser cuts them.

use std::ops::Range;

/// Cuts bytes into tokens, one byte at a time.
///
/// ```text
///            quote                quote
///   Start --------> String ------------> token
///     |  sign, digits, letters                    \
///     +-----------------------> Number, Keyword --> token, and the byte that ended it is looked at again
///     |  { } [ ] : ,
///     +--------> token
///     |  what can neither begin nor go on
///     +--------> Recovery, up to a byte where something may begin
/// ```
#[derive(Clone, Debug)]
pub(super) struct Lexer {
    state: State,
    /// Whether it skips behind a byte that cannot be, as QEMU does since 3.1; before, it went on at the next one, and
    /// took control characters in strings for text.
    recovers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Recovery,
    String { quote: u8 },
    Escape { quote: u8 },
    Sign,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Keyword,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Colon,
    Comma,
    Integer,
    Float,
    Keyword,
    String,
}

/// What a byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Between tokens.
    Blank,
    /// Part of a token that is not complete.
    Part,
    /// The last byte of a token.
    Last(Kind),
    /// The byte after a token, which is to be looked at again.
    Behind(Kind),
    /// To be looked at again: something may begin here.
    Again,
    /// The byte that cannot be, together with the parts before it.
    Stray,
}

/// A token, or what cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it is in the message.
    pub(super) text: Range<usize>,
}

impl Lexer {
    pub(super) fn new(recovers: bool) -> Self {
        Self { state: State::Start, recovers }
    }

    /// Begins afresh, as after a token.
    pub(super) fn restart(&mut self) {
        self.state = State::Start;
    }

    /// Whether it stands in a string that only a double quote ends.
    pub(super) fn is_in_string(&self) -> bool {
        self.state == State::String { quote: b'"' }
    }

    pub(super) fn step(&mut self, byte: u8) -> Step {
        let (state, step) = self.next(byte);
        self.state = state;
        step
    }

    fn next(&self, byte: u8) -> (State, Step) {
        use State::{
            Digits, Escape, Exponent, ExponentDigits, ExponentSign, Fraction, Keyword, Point, Recovery, Sign,
            Start, String, Zero,
        };

        let part = |state| (state, Step::Part);
        let behind = |kind| (Start, Step::Behind(kind));
        let stray = (if self.recovers { Recovery } else { Start }, Step::Stray);
        match (self.state, byte) {
            (Start, byte) => match start(byte) {
                Some(found) => found,
                None => stray,
            },
            (Recovery, byte) if may_begin(byte) => (Start, Step::Again),
            (Recovery, _) => (Recovery, Step::Blank),
            (String { .. } | Escape { .. }, byte) if self.cannot_be_text(byte) => stray,
            (String { quote }, b'\\') => part(Escape { quote }),
            (String { quote }, byte) if byte == quote => (Start, Step::Last(Kind::String)),
            (String { quote } | Escape { quote }, _) => part(String { quote }),
            (Sign, b'0') => part(Zero),
            (Sign, b'1'..=b'9') | (Digits, b'0'..=b'9') => part(Digits),
            (Zero | Digits, b'.') => part(Point),
            (Digits | Fraction, b'e' | b'E') => part(Exponent),
            (Point | Fraction, b'0'..=b'9') => part(Fraction),
            (Exponent, b'+' | b'-') => part(ExponentSign),
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => part(ExponentDigits),
            (Keyword, b'a'..=b'z') => part(Keyword),
            // A number that begins with a zero, and those that end in the middle.
            (Zero, b'0'..=b'9') | (Sign | Point | Exponent | ExponentSign, _) => stray,
            (Zero | Digits, _) => behind(Kind::Integer),
            (Fraction | ExponentDigits, _) => behind(Kind::Float),
            (Keyword, _) => behind(Kind::Keyword),
        }
    }

    fn cannot_be_text(&self, byte: u8) -> bool {
        byte >= 0xFE || self.recovers && byte < 0x20
    }
}

/// What begins with a byte, if anything does.
fn start(byte: u8) -> Option<(State, Step)> {
    let last = |kind| (State::Start, Step::Last(kind));
    Some(match byte {
        b' ' | b'\t' | b'\r' | b'\n' => (State::Start, Step::Blank),
        b'{' => last(Kind::OpenBrace),
        b'}' => last(Kind::CloseBrace),
        b'[' => last(Kind::OpenBracket),
        b']' => last(Kind::CloseBracket),
        b':' => last(Kind::Colon),
        b',' => last(Kind::Comma),
        b'"' | b'\'' => (State::String { quote: byte }, Step::Part),
        b'-' => (State::Sign, Step::Part),
        b'0' => (State::Zero, Step::Part),
        b'1'..=b'9' => (State::Digits, Step::Part),
        b'a'..=b'z' => (State::Keyword, Step::Part),
        _ => return None,
    })
}

/// Whether it ends the recovery: structure, or a control character but for the tab.
fn may_begin(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b':' | b',') || byte >= 0xFE || byte < 0x20 && byte != b'\t'
}
