//! JSON laid out anew, and otherwise as it was said: numbers of any size keep their digits.

use std::borrow::Cow;

use qga_proto::json::{Raw, Str};

/// In one line, without spaces.
pub(super) fn compact(document: &str) -> String {
    let mut out = String::with_capacity(document.len() + 1);
    for token in tokens(document) {
        out.push_str(&spelled(token));
    }
    out
}

/// With a line for each value.
pub(super) fn pretty(document: &str) -> String {
    let mut out = String::with_capacity(document.len() * 2);
    let mut depth = 0;
    let mut tokens = tokens(document).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "[" | "{" => {
                out.push_str(token);
                match tokens.next_if(|next| matches!(*next, "]" | "}")) {
                    Some(end) => out.push_str(end),
                    None => {
                        depth += 1;
                        begin_line(&mut out, depth);
                    }
                }
            }
            "]" | "}" => {
                depth = depth.saturating_sub(1);
                begin_line(&mut out, depth);
                out.push_str(token);
            }
            "," => {
                out.push_str(token);
                begin_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            token => out.push_str(&spelled(token)),
        }
    }
    out
}

fn begin_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// What a document that is JSON consists of: marks, strings with their quotes, and words.
fn tokens(document: &str) -> impl Iterator<Item = &str> {
    let mut rest = document;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_space);
        let end = match *rest.as_bytes().first()? {
            b'"' => string_end(rest),
            first if is_mark(char::from(first)) => 1,
            _ => rest.find(|c| is_mark(c) || is_space(c)).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        rest = behind;
        Some(token)
    })
}

fn is_mark(c: char) -> bool {
    matches!(c, '[' | ']' | '{' | '}' | ',' | ':' | '"')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Where the string ends that the text begins with.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |byte: &u8| match (*byte, is_escaped) {
        (b'"', false) => true,
        (byte, escaped) => {
            is_escaped = byte == b'\\' && !escaped;
            false
        }
    };
    text.as_bytes()[1..].iter().position(is_end).map_or(text.len(), |at| at + 2)
}

/// A token as it is shown: of a string's spellings the usual one.
fn spelled(token: &str) -> Cow<'_, str> {
    if !token.contains('\\') {
        return Cow::Borrowed(token);
    }
    let string = Raw::new(token).and_then(|string| string.decode::<Str<'_>>()).ok();
    match string.and_then(|string| serde_json::to_string(&string).ok()) {
        Some(string) => Cow::Owned(string),
        None => Cow::Borrowed(token),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn documents_look_as_usual() {
        let document = json!({
            "a": [], "b": {}, "c": [1, -2.5, true, null, "x\\\"]{,: \u{1}ä/"],
            "d\n": { "e": [[{}]], "f": { "g": "" } },
        });
        for text in [document.to_string(), format!("{document:#}")] {
            assert_eq!(compact(&text), document.to_string());
            assert_eq!(pretty(&text), format!("{document:#}"));
        }
        for text in ["7", "\"a\"", "null", "[]", "{}"] {
            assert_eq!((compact(text).as_str(), pretty(text).as_str()), (text, text));
        }
        assert_eq!(compact(r#" "\u0061\/\ud83d\ude00" "#), "\"a/😀\"");
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = "[1e999,123456789012345678901234567890,1.10,-0,1E5]";
        assert_eq!(compact(text), text);
        assert_eq!(pretty(text).replace([' ', '\n'], ""), text);
    }

    #[test]
    fn long_strings_are_whole() {
        let value = Value::from("\\\"".repeat(10_000));
        assert_eq!(compact(&value.to_string()), value.to_string());
    }
}
