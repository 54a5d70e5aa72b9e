//! The notation's tokens.
//!
//! QAPI is JSON with single-quoted strings, comments, and neither numbers nor `null`. A comment that starts
//! with a line of exactly `##` is documentation; it ends at the next such line.

use crate::error::{Fault, Pos};

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Colon,
    Comma,
    True,
    False,
    Str(String),
    Doc(DocComment),
    End,
}

impl Token {
    /// How an error message calls this token.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::OpenBrace => "'{'".into(),
            Self::CloseBrace => "'}'".into(),
            Self::OpenBracket => "'['".into(),
            Self::CloseBracket => "']'".into(),
            Self::Colon => "':'".into(),
            Self::Comma => "','".into(),
            Self::True => "true".into(),
            Self::False => "false".into(),
            Self::Str(text) => format!("string '{text}'"),
            Self::Doc(_) => "a documentation comment".into(),
            Self::End => "the end of the file".into(),
        }
    }
}

/// A documentation comment without its `##` lines and comment signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocComment {
    pub(crate) pos: Pos,
    pub(crate) lines: Vec<DocLine>,
}

/// One line of a documentation comment; `pos` is where `text` starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocLine {
    pub(crate) pos: Pos,
    pub(crate) text: String,
}

/// Cuts one file into tokens.
pub(crate) struct Lexer<'t> {
    rest: &'t str,
    pos: Pos,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(file: usize, text: &'t str) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { rest, pos: Pos { file, line: 1, column: 1 } }
    }

    /// The next token; documentation comments are tokens only when `docs` is set, else they are skipped.
    pub(crate) fn next(&mut self, docs: bool) -> Result<(Pos, Token), Fault> {
        loop {
            self.skip_space();
            let pos = self.pos;
            let Some(first) = self.rest.chars().next() else { return Ok((pos, Token::End)) };
            let token = match first {
                '{' => Token::OpenBrace,
                '}' => Token::CloseBrace,
                '[' => Token::OpenBracket,
                ']' => Token::CloseBracket,
                ':' => Token::Colon,
                ',' => Token::Comma,
                '\'' => return Ok((pos, Token::Str(self.string()?))),
                '#' if self.rest.starts_with("##") => {
                    let comment = self.doc_comment()?;
                    if docs {
                        return Ok((pos, Token::Doc(comment)));
                    }
                    continue;
                }
                '#' => {
                    self.take_line();
                    continue;
                }
                _ => return self.word().map(|word| (pos, word)),
            };
            self.advance(first);
            return Ok((pos, token));
        }
    }

    fn skip_space(&mut self) {
        while let Some(space) = self.rest.chars().next().filter(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
            self.advance(space);
        }
    }

    fn advance(&mut self, c: char) {
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.pos.line = self.pos.line.saturating_add(1);
            self.pos.column = 1;
        } else {
            self.pos.column = self.pos.column.saturating_add(1);
        }
    }

    /// Takes the rest of the line and its end; the end is not part of what is returned.
    fn take_line(&mut self) -> &'t str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        for c in line.chars() {
            self.advance(c);
        }
        if self.rest.starts_with('\n') {
            self.advance('\n');
        }
        line.trim_end()
    }

    fn string(&mut self) -> Result<String, Fault> {
        let start = self.pos;
        self.advance('\'');
        let mut text = String::new();
        loop {
            let pos = self.pos;
            let Some(c) = self.rest.chars().next() else {
                return Err(Fault::new(
                    start,
                    "expected the closing ' of this string before the end of the file",
                ));
            };
            match c {
                '\n' => {
                    return Err(Fault::new(start, "expected the closing ' of this string on the same line"));
                }
                '\'' => {
                    self.advance(c);
                    return Ok(text);
                }
                '\\' => {
                    self.advance(c);
                    if !self.rest.starts_with('\\') {
                        return Err(Fault::new(pos, "expected \\\\, the only escape that the notation has"));
                    }
                    self.advance('\\');
                    text.push('\\');
                }
                ' '..='~' => {
                    self.advance(c);
                    text.push(c);
                }
                _ => {
                    return Err(Fault::new(
                        pos,
                        format!("expected printable ASCII in a string, found {c:?}"),
                    ));
                }
            }
        }
    }

    fn word(&mut self) -> Result<Token, Fault> {
        let pos = self.pos;
        let word: String =
            self.rest.chars().take_while(|c| c.is_alphanumeric() || "_-.+".contains(*c)).take(40).collect();
        let token = match word.as_str() {
            "true" => Token::True,
            "false" => Token::False,
            _ => {
                let found = if word.is_empty() { self.rest.chars().take(1).collect() } else { word };
                let hint = if found.starts_with('"') {
                    "strings are single-quoted"
                } else {
                    "numbers and null do not exist"
                };
                return Err(Fault::new(pos, format!("expected a token, found {found:?} ({hint})")));
            }
        };
        for c in word.chars() {
            self.advance(c);
        }
        Ok(token)
    }

    fn doc_comment(&mut self) -> Result<DocComment, Fault> {
        let pos = self.pos;
        self.marker_line("start")?;
        let mut lines = Vec::new();
        loop {
            self.skip_space();
            if self.rest.starts_with("##") {
                self.marker_line("end")?;
                return Ok(DocComment { pos, lines });
            }
            if !self.rest.starts_with('#') {
                return Err(Fault::new(self.pos, "expected '##' to end the documentation comment"));
            }
            self.advance('#');
            if self.rest.starts_with(' ') {
                self.advance(' ');
            }
            let pos = self.pos;
            lines.push(DocLine { pos, text: self.take_line().to_owned() });
        }
    }

    fn marker_line(&mut self, which: &str) -> Result<(), Fault> {
        let pos = self.pos;
        match self.take_line() {
            "##" => Ok(()),
            _ => Err(Fault::new(
                Pos { column: pos.column + 2, ..pos },
                format!("expected nothing after '##' at the {which} of a documentation comment"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
        let mut lexer = Lexer::new(0, text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next(true)?.1 {
                Token::End => return Ok(tokens),
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn all_tokens() {
        let expected = [Token::OpenBrace, Token::Str("a\\b".into()), Token::Colon, Token::OpenBracket];
        let found = tokens("{ 'a\\\\b' : [ # comment\n true,false ] }").unwrap();
        assert_eq!(found[..4], expected);
        assert_eq!(
            found[4..],
            [Token::True, Token::Comma, Token::False, Token::CloseBracket, Token::CloseBrace]
        );
    }

    #[test]
    fn doc_comment_keeps_indentation() {
        let found = tokens("##\n# @a:\n#\n#     b\n#c\n##\n").unwrap();
        let [Token::Doc(doc)] = &found[..] else { panic!("{found:?}") };
        let lines: Vec<_> = doc.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["@a:", "", "    b", "c"]);
    }

    #[test]
    fn positions_count_characters() {
        let fault = tokens("# ä\n  'äb'").unwrap_err();
        assert_eq!((fault.pos.line, fault.pos.column), (2, 4));
    }
}
