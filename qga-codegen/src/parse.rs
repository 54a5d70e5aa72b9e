//! The notation's values, and the sequence of them that a file is.

use crate::error::{Fault, Pos, Spanned};
use crate::lex::{DocComment, Lexer, Token};

/// How deep values may nest. Real schemas stay below ten; the limit keeps the recursive parser off the
/// stack's end.
const MAX_DEPTH: usize = 64;

/// A value with the place where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) pos: Pos,
    pub(crate) value: Value,
}

/// A value; objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Object(Vec<(Spanned<String>, Node)>),
    Array(Vec<Node>),
    Str(String),
    Bool(bool),
}

impl Node {
    /// How an error message calls this value.
    pub(crate) fn describe(&self) -> &'static str {
        match self.value {
            Value::Object(_) => "an object",
            Value::Array(_) => "an array",
            Value::Str(_) => "a string",
            Value::Bool(_) => "a boolean",
        }
    }

    pub(crate) fn object(&self, what: &str) -> Result<&[(Spanned<String>, Self)], Fault> {
        match &self.value {
            Value::Object(members) => Ok(members),
            _ => Err(self.unexpected(&format!("an object for {what}"))),
        }
    }

    pub(crate) fn array(&self, what: &str) -> Result<&[Self], Fault> {
        match &self.value {
            Value::Array(items) => Ok(items),
            _ => Err(self.unexpected(&format!("an array for {what}"))),
        }
    }

    pub(crate) fn string(&self, what: &str) -> Result<Spanned<String>, Fault> {
        match &self.value {
            Value::Str(text) => Ok(Spanned { pos: self.pos, value: text.clone() }),
            _ => Err(self.unexpected(&format!("a string for {what}"))),
        }
    }

    pub(crate) fn bool(&self, what: &str) -> Result<bool, Fault> {
        match self.value {
            Value::Bool(value) => Ok(value),
            _ => Err(self.unexpected(&format!("true or false for {what}"))),
        }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> Fault {
        Fault::new(self.pos, format!("expected {expected}, found {}", self.describe()))
    }
}

/// What stands at the top of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Top {
    Doc(DocComment),
    Expression(Node),
}

/// Reads a whole file.
pub(crate) fn parse(file: usize, text: &str) -> Result<Vec<Top>, Fault> {
    let mut lexer = Lexer::new(file, text);
    let mut tops = Vec::new();
    loop {
        tops.push(match lexer.next(true)? {
            (_, Token::End) => return Ok(tops),
            (_, Token::Doc(doc)) => Top::Doc(doc),
            (pos, Token::OpenBrace) => Top::Expression(object(&mut lexer, pos, 1)?),
            (pos, token) => {
                return Err(Fault::new(
                    pos,
                    format!("expected '{{' to start an expression, found {}", token.describe()),
                ));
            }
        });
    }
}

fn value(lexer: &mut Lexer<'_>, (pos, token): (Pos, Token), depth: usize) -> Result<Node, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::new(pos, format!("expected at most {MAX_DEPTH} levels of nesting")));
    }
    let value = match token {
        Token::OpenBrace => return object(lexer, pos, depth),
        Token::OpenBracket => return array(lexer, pos, depth),
        Token::Str(text) => Value::Str(text),
        Token::True => Value::Bool(true),
        Token::False => Value::Bool(false),
        token => {
            return Err(Fault::new(
                pos,
                format!("expected a string, an object, an array, true or false, found {}", token.describe()),
            ));
        }
    };
    Ok(Node { pos, value })
}

fn object(lexer: &mut Lexer<'_>, pos: Pos, depth: usize) -> Result<Node, Fault> {
    let mut members: Vec<(Spanned<String>, Node)> = Vec::new();
    let mut token = lexer.next(false)?;
    if token.1 == Token::CloseBrace {
        return Ok(Node { pos, value: Value::Object(members) });
    }
    loop {
        let key = match token {
            (pos, Token::Str(value)) => Spanned { pos, value },
            (pos, token) => {
                return Err(Fault::new(pos, format!("expected a string as key, found {}", token.describe())));
            }
        };
        if members.iter().any(|(other, _)| other.value == key.value) {
            return Err(Fault::new(key.pos, format!("expected each key once, found '{}' again", key.value)));
        }
        match lexer.next(false)? {
            (_, Token::Colon) => {}
            (pos, token) => return Err(Fault::new(pos, format!("expected ':', found {}", token.describe()))),
        }
        let start = lexer.next(false)?;
        let node = value(lexer, start, depth + 1)?;
        members.push((key, node));
        match lexer.next(false)? {
            (_, Token::CloseBrace) => return Ok(Node { pos, value: Value::Object(members) }),
            (_, Token::Comma) => token = lexer.next(false)?,
            (pos, token) => {
                return Err(Fault::new(pos, format!("expected ',' or '}}', found {}", token.describe())));
            }
        }
    }
}

fn array(lexer: &mut Lexer<'_>, pos: Pos, depth: usize) -> Result<Node, Fault> {
    let mut items = Vec::new();
    let mut token = lexer.next(false)?;
    if token.1 == Token::CloseBracket {
        return Ok(Node { pos, value: Value::Array(items) });
    }
    loop {
        items.push(value(lexer, token, depth + 1)?);
        match lexer.next(false)? {
            (_, Token::CloseBracket) => return Ok(Node { pos, value: Value::Array(items) }),
            (_, Token::Comma) => token = lexer.next(false)?,
            (pos, token) => {
                return Err(Fault::new(pos, format!("expected ',' or ']', found {}", token.describe())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let fault = parse(0, text).unwrap_err();
        format!("{}:{}: {}", fault.pos.line, fault.pos.column, fault.message)
    }

    #[test]
    fn order_of_keys_is_kept() {
        let tops = parse(0, "{ 'b': [ ], 'a': { 'c': true } }").unwrap();
        let [Top::Expression(node)] = &tops[..] else { panic!("{tops:?}") };
        let keys: Vec<_> = node.object("test").unwrap().iter().map(|(key, _)| key.value.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
    }

    #[test]
    fn trailing_comma() {
        assert_eq!(message("{ 'a': true, }"), "1:14: expected a string as key, found '}'");
        assert_eq!(
            message("{ 'a': [ 'b', ] }"),
            "1:15: expected a string, an object, an array, true or false, found ']'"
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let text = format!("{{ 'a': {}", "[".repeat(100_000));
        assert_eq!(message(&text), "1:71: expected at most 64 levels of nesting");
    }
}
