//! Reading and writing as QEMU's agent does, byte for byte.

use std::collections::VecDeque;
use std::fmt;

use super::{Heard, Ids, envelope};
use crate::plain::plain_len;
use crate::value::Value;
use grammar::{Fault, Grammar};
use lexer::{Kind, Lexer, Step, Token};

mod grammar;
mod lexer;
mod string;

/// QEMU's JSON parser, of one release or another. It makes messages of bytes, and an error of each stretch that is none.
///
/// Until 11.0 tokens were kept until brackets balance, and looked at then. Since 11.1 each is looked at when it comes; of a
/// message with a fault the rest is dropped without a word.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    release: Release,
    lexer: Lexer,
    grammar: Grammar,
    /// The bytes of the message's tokens, and of the one that is being read.
    text: Vec<u8>,
    /// The tokens that are kept.
    tokens: Vec<Token>,
    /// What counts against the limits.
    size: usize,
    count: usize,
    braces: i32,
    brackets: i32,
    /// Whether a fault of this message has been told already.
    is_discarding: bool,
    position: Position,
    ready: VecDeque<Result<Value, String>>,
}

/// What changed in the parser from release to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Release {
    /// Before 3.1.
    First,
    /// 3.1: garbage is skipped up to where something may begin; 4.0: no key may come twice.
    Recovering,
    /// 11.1: faults are told at once, with their place.
    Pushing,
}

/// Where the parser stands, counted from the agent's start.
#[derive(Clone, Copy, Debug)]
struct Position {
    line: u64,
    column: u64,
    /// Of the token that is being read.
    start: Option<(u64, u64)>,
}

/// How many brackets may be open.
const MAX_NESTING: i32 = 1024;
/// How many tokens a message may have.
const MAX_TOKENS: usize = 2 << 20;
/// How many bytes the tokens of a message may have, and one more each.
const MAX_SIZE: usize = 64 << 20;

impl Parser {
    pub(super) fn new(release: Release) -> Self {
        Self {
            release,
            lexer: Lexer::new(release >= Release::Recovering),
            grammar: Grammar::new(release < Release::Recovering, release < Release::Pushing),
            text: Vec::new(),
            tokens: Vec::new(),
            size: 0,
            count: 0,
            braces: 0,
            brackets: 0,
            is_discarding: false,
            position: Position { line: 1, column: 0, start: None },
            ready: VecDeque::new(),
        }
    }

    /// Takes bytes up to the end of a message; gives how many.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && self.ready.is_empty() {
            taken += self.push_plain(&bytes[taken..]);
            if let Some(&byte) = bytes.get(taken) {
                self.push_byte(byte);
                taken += 1;
            }
        }
        taken
    }

    /// Takes bytes that are nothing but text of the string that is being read, all at once; gives how many.
    fn push_plain(&mut self, bytes: &[u8]) -> usize {
        if !self.lexer.is_in_string() {
            return 0;
        }
        let start = self.tokens.last().map_or(0, |token| token.text.end);
        let room = MAX_SIZE.saturating_sub(self.text.len() - start);
        let len = plain_len(&bytes[..bytes.len().min(room)]);
        self.text.extend_from_slice(&bytes[..len]);
        self.position.column += len as u64;
        len
    }

    /// The next message.
    pub(super) fn poll(&mut self, ids: Ids) -> Option<Heard> {
        self.ready.pop_front().map(|message| match message {
            Ok(value) => envelope(value, ids),
            Err(desc) => Heard::Fault { desc, id: None },
        })
    }

    fn push_byte(&mut self, byte: u8) {
        self.position.pass(byte);
        loop {
            let start = self.tokens.last().map_or(0, |token| token.text.end);
            match self.lexer.step(byte) {
                Step::Blank => {
                    self.position.start = None;
                    return;
                }
                Step::Part => {
                    self.position.begin(0);
                    self.text.push(byte);
                    if self.text.len() - start > MAX_SIZE {
                        self.position.start = None;
                        self.lexer.restart();
                        self.fail("JSON token size limit exceeded".into());
                    }
                    return;
                }
                Step::Last(kind) => {
                    self.position.begin(0);
                    self.text.push(byte);
                    return self.take(Token { kind, text: start..self.text.len() });
                }
                // What begins at a byte that is looked at again is said to begin at the next one.
                Step::Behind(kind) => {
                    self.take(Token { kind, text: start..self.text.len() });
                    self.position.begin(1);
                }
                Step::Again => self.position.begin(1),
                Step::Stray => {
                    self.position.begin(0);
                    self.text.push(byte);
                    return self.take_stray(start);
                }
            }
        }
    }

    /// Takes a complete token.
    fn take(&mut self, token: Token) {
        let (braces, brackets) = match token.kind {
            Kind::OpenBrace => (1, 0),
            Kind::CloseBrace => (-1, 0),
            Kind::OpenBracket => (0, 1),
            Kind::CloseBracket => (0, -1),
            _ => (0, 0),
        };
        self.braces += braces;
        self.brackets += brackets;
        self.size += token.text.len() + 1;
        self.count += 1;
        let is_over = self.braces < 0 || self.brackets < 0 || self.braces == 0 && self.brackets == 0;
        if !self.is_discarding {
            if let Some(limit) = self.exceeded() {
                self.fail(limit.into());
            } else if self.release == Release::Pushing {
                let pushed = self.grammar.push(&token, &self.text);
                self.conclude(pushed);
            } else {
                self.tokens.push(token);
                if is_over {
                    self.look_at_tokens();
                }
            }
        }
        if is_over {
            self.restart();
        } else if self.release == Release::Pushing {
            self.text.clear();
        }
        self.position.start = None;
    }

    /// The limit that the message exceeds, if it does.
    fn exceeded(&self) -> Option<&'static str> {
        if self.size > MAX_SIZE {
            Some("JSON token size limit exceeded")
        } else if self.count > MAX_TOKENS {
            Some("JSON token count limit exceeded")
        } else if self.braces.max(0) + self.brackets.max(0) > MAX_NESTING {
            Some("JSON nesting depth limit exceeded")
        } else {
            None
        }
    }

    /// Makes a value of the tokens that were kept. The brackets balance, but they need not match.
    fn look_at_tokens(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        let pushed = tokens.iter().find_map(|token| self.grammar.push(token, &self.text).transpose());
        self.conclude(pushed.transpose());
    }

    fn conclude(&mut self, pushed: Result<Option<Value>, Fault>) {
        match pushed {
            Ok(None) => {}
            Ok(Some(value)) => self.ready.push_back(Ok(value)),
            Err(fault) if self.release == Release::Pushing => self.fail_here(&fault),
            Err(fault) => self.fail_here(fault.old_words()),
        }
    }

    /// Takes bytes that are no token.
    fn take_stray(&mut self, start: usize) {
        if !self.is_discarding {
            // To C a text ends at a NUL.
            let stray = self.text[start..].split(|&byte| byte == 0).next().unwrap_or_default();
            let stray = string::lossy(stray);
            self.fail_here(&format_args!("stray '{stray}'"));
        }
        self.restart();
        self.position.start = None;
    }

    /// Tells of a fault in what was read.
    fn fail_here(&mut self, fault: &dyn fmt::Display) {
        self.fail(match (self.release, self.position.start) {
            (Release::Pushing, Some((line, column))) => format!("{line}:{column}: JSON parse error, {fault}"),
            _ => format!("JSON parse error, {fault}"),
        });
    }

    /// Tells of a fault. What of the message is still to come is another one until 11.0; since then it is dropped.
    fn fail(&mut self, desc: String) {
        self.ready.push_back(Err(desc));
        match self.release {
            Release::Pushing => self.is_discarding = true,
            _ => self.restart(),
        }
    }

    /// Begins with another message.
    fn restart(&mut self) {
        self.grammar.restart();
        self.text.clear();
        self.tokens.clear();
        (self.size, self.count, self.braces, self.brackets) = (0, 0, 0, 0);
        self.is_discarding = false;
    }
}

impl Position {
    fn pass(&mut self, byte: u8) {
        if byte == b'\n' {
            (self.line, self.column) = (self.line + 1, 0);
        } else {
            self.column += 1;
        }
    }

    /// A token begins here, unless one has.
    fn begin(&mut self, ahead: u64) {
        self.start.get_or_insert((self.line, self.column + ahead));
    }
}
