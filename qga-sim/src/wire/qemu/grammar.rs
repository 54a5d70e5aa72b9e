//! Values, as QEMU's JSON parser makes them of tokens.

use std::collections::HashSet;
use std::fmt;

use super::lexer::{Kind, Token};
use super::string::{self, StringFault};
use crate::value::{Dict, Value};

/// Makes a value of tokens, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    /// What is open, from the outside in.
    open: Vec<Open>,
    /// Whether a key may come twice, as before QEMU 4.0: then the last one counts.
    takes_doubles: bool,
    /// Whether a key is read as any value before it is found to be no string, as before QEMU 11.1.
    reads_keys_as_values: bool,
}

#[derive(Clone, Debug)]
enum Open {
    Dict { dict: Dict, keys: HashSet<String>, expected: InDict },
    List { list: Vec<Value>, expected: InList },
}

/// What comes next in an object.
#[derive(Clone, Debug)]
enum InDict {
    KeyOrEnd,
    Key,
    Colon(String),
    Value(String),
    CommaOrEnd,
}

/// What comes next in an array.
#[derive(Clone, Copy, Debug)]
enum InList {
    ValueOrEnd,
    Value,
    CommaOrEnd,
}

/// Why tokens make no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Colon,
    CommaInDict,
    CommaInList,
    Duplicate,
    Key,
    Keyword(String),
    String(StringFault),
    Value,
}

impl Grammar {
    pub(super) fn new(takes_doubles: bool, reads_keys_as_values: bool) -> Self {
        Self { open: Vec::new(), takes_doubles, reads_keys_as_values }
    }

    /// Begins afresh.
    pub(super) fn restart(&mut self) {
        self.open.clear();
    }

    /// Takes a token; gives the value that it completes.
    pub(super) fn push(&mut self, token: &Token, text: &[u8]) -> Result<Option<Value>, Fault> {
        let text = &text[token.text.clone()];
        let closed = match self.open.last_mut() {
            None => None,
            Some(Open::Dict { expected, .. }) => match (&mut *expected, token.kind) {
                (InDict::KeyOrEnd | InDict::CommaOrEnd, Kind::CloseBrace) => self.close(),
                (InDict::KeyOrEnd | InDict::Key, kind) => {
                    if kind != Kind::String && !self.reads_keys_as_values {
                        return Err(Fault::Key);
                    }
                    None
                }
                (InDict::Colon(key), Kind::Colon) => {
                    *expected = InDict::Value(std::mem::take(key));
                    return Ok(None);
                }
                (InDict::Colon(_), _) => return Err(Fault::Colon),
                (InDict::CommaOrEnd, Kind::Comma) => {
                    *expected = InDict::Key;
                    return Ok(None);
                }
                (InDict::CommaOrEnd, _) => return Err(Fault::CommaInDict),
                (InDict::Value(_), _) => None,
            },
            Some(Open::List { expected, .. }) => match (*expected, token.kind) {
                (InList::ValueOrEnd | InList::CommaOrEnd, Kind::CloseBracket) => self.close(),
                (InList::CommaOrEnd, Kind::Comma) => {
                    *expected = InList::Value;
                    return Ok(None);
                }
                (InList::CommaOrEnd, _) => return Err(Fault::CommaInList),
                (InList::ValueOrEnd | InList::Value, _) => None,
            },
        };
        let value = match closed {
            Some(value) => value,
            None => match self.begin(token.kind, text)? {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        self.complete(value)
    }

    /// Begins a value; gives one that has no parts.
    fn begin(&mut self, kind: Kind, text: &[u8]) -> Result<Option<Value>, Fault> {
        Ok(Some(match kind {
            Kind::OpenBrace => {
                self.open.push(Open::Dict {
                    dict: Dict::default(),
                    keys: HashSet::new(),
                    expected: InDict::KeyOrEnd,
                });
                return Ok(None);
            }
            Kind::OpenBracket => {
                self.open.push(Open::List { list: Vec::new(), expected: InList::ValueOrEnd });
                return Ok(None);
            }
            Kind::String => Value::Text(string::read(text)?),
            Kind::Integer | Kind::Float => read_number(text),
            Kind::Keyword => match text {
                b"true" => Value::Bool(true),
                b"false" => Value::Bool(false),
                b"null" => Value::Null,
                _ => return Err(Fault::Keyword(String::from_utf8_lossy(text).into_owned())),
            },
            Kind::CloseBrace | Kind::CloseBracket | Kind::Colon | Kind::Comma => return Err(Fault::Value),
        }))
    }

    /// Ends what was opened last.
    fn close(&mut self) -> Option<Value> {
        self.open.pop().map(|open| match open {
            Open::Dict { dict, .. } if self.takes_doubles => Value::Dict(without_doubles(dict)),
            Open::Dict { dict, .. } => Value::Dict(dict),
            Open::List { list, .. } => Value::List(list),
        })
    }

    /// Puts a value where it belongs; gives one that belongs nowhere.
    fn complete(&mut self, value: Value) -> Result<Option<Value>, Fault> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::List { list, expected }) => {
                list.push(value);
                *expected = InList::CommaOrEnd;
            }
            Some(Open::Dict { dict, keys, expected }) => {
                *expected = match (std::mem::replace(expected, InDict::CommaOrEnd), value) {
                    (InDict::Value(key), value) => {
                        if is_double(dict, keys, &key) && !self.takes_doubles {
                            return Err(Fault::Duplicate);
                        }
                        dict.0.push((key, value));
                        InDict::CommaOrEnd
                    }
                    (_, Value::Text(key)) => InDict::Colon(key),
                    _ => return Err(Fault::Key),
                };
            }
        }
        Ok(None)
    }
}

/// How many members are looked through one by one.
const FEW: usize = 16;

/// Whether an object has a member of this name. Where there are many members their names are kept by their hashes, or a client
/// could keep the agent busy for hours with one message.
fn is_double(dict: &Dict, keys: &mut HashSet<String>, key: &str) -> bool {
    if dict.0.len() < FEW {
        return dict.get(key).is_some();
    }
    if keys.is_empty() {
        keys.extend(dict.0.iter().map(|(key, _)| key.clone()));
    }
    !keys.insert(key.to_owned())
}

/// Of members with the same name the last one counts.
fn without_doubles(mut dict: Dict) -> Dict {
    let mut keys = HashSet::new();
    let mut is_last: Vec<_> = dict.0.iter().rev().map(|(key, _)| keys.insert(key.clone())).collect();
    dict.0.retain(|_| is_last.pop().unwrap_or_default());
    dict
}

/// An integer is kept exactly, if 64 bits hold it.
fn read_number(text: &[u8]) -> Value {
    // The lexer lets through nothing else.
    let text = std::str::from_utf8(text).unwrap_or_default();
    if let Ok(number) = text.parse() {
        return Value::Int(number);
    }
    match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => Value::Double(text.parse().unwrap_or_default()),
    }
}

impl From<StringFault> for Fault {
    fn from(fault: StringFault) -> Self {
        Self::String(fault)
    }
}

impl Fault {
    /// In the words of the parser up to QEMU 11.0.
    pub(super) fn old_words(&self) -> &dyn fmt::Display {
        match self {
            Self::Colon => &"missing : in object pair",
            Self::CommaInDict => &"expected separator in dict",
            Self::CommaInList => &"expected separator in list",
            Self::Key => &"key is not a string in object",
            other => other,
        }
    }
}

/// In the words of the parser since QEMU 11.1.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Colon => f.write_str("expecting ':'"),
            Self::CommaInDict => f.write_str("expected ',' or '}'"),
            Self::CommaInList => f.write_str("expected ',' or ']'"),
            Self::Duplicate => f.write_str("duplicate key"),
            Self::Key => f.write_str("expecting key"),
            Self::Keyword(word) => write!(f, "invalid keyword '{word}'"),
            Self::String(fault) => fault.fmt(f),
            Self::Value => f.write_str("expecting value"),
        }
    }
}
