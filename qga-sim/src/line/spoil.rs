//! What comes in the place of a reply, or beside it.

use crate::value::{Style, Value};
use crate::wire::Reply;

/// The end of a long reply, replies to commands, and the answer to a sync: all somebody else's.
pub(super) fn stale() -> Vec<u8> {
    let replies = "QUFBQUFB\", \"eof\": false}}\n{\"return\": {}}\n{\"return\": 1000, \"id\": 7}\n";
    [replies.as_bytes(), b"\xFF{\"return\": 424242}\n"].concat()
}

/// A reply to a question that nobody here has asked.
pub(super) fn foreign() -> Vec<u8> {
    b"{\"return\": {\"host-name\": \"another\"}, \"id\": 61}\n".to_vec()
}

/// A reply that nobody has asked for, and that does not say whose it is.
pub(super) fn unasked() -> Vec<u8> {
    b"{\"return\": {}}\n".to_vec()
}

pub(super) fn put_first(reply: &mut Reply, name: &str, text: String) {
    reply.members.0.insert(0, (name.to_owned(), Value::Text(text)));
}

/// The value that is returned, if it is a success.
pub(super) fn value(reply: &mut Reply) -> Option<&mut Value> {
    reply.members.0.iter_mut().find(|(key, _)| key == "return").map(|(_, value)| value)
}

pub(super) fn change_type(reply: &mut Reply) {
    if let Some(value) = value(reply) {
        *value = match value {
            Value::Text(_) | Value::List(_) => Value::Int(0),
            _ => Value::List(vec!["wrong".into()]),
        };
    }
}

pub(super) fn replace_value(reply: &mut Reply, place: char) {
    if let Some(value) = value(reply) {
        *value = Value::Text(place.into());
    }
}

/// What is printed where a fault then puts bytes that cannot be printed: a character for private use which the reply itself
/// does not have.
pub(super) fn free_place(reply: &Reply) -> Option<char> {
    let mut text = String::new();
    Value::Dict(reply.members.clone()).print(&mut text, Style::Compact);
    ('\u{E000}'..='\u{F8FF}').find(|place| find(text.as_bytes(), &printed(*place)).is_none())
}

pub(super) fn printed(place: char) -> Vec<u8> {
    format!("\\u{:04X}", u32::from(place)).into_bytes()
}

/// Marks the first string in a reply's value, or puts one in its place.
pub(super) fn spoil_text(reply: &mut Reply, place: char) {
    fn first_text(value: &mut Value) -> Option<&mut String> {
        match value {
            Value::Text(text) => Some(text),
            Value::List(list) => list.iter_mut().find_map(first_text),
            Value::Dict(dict) => dict.0.iter_mut().find_map(|(_, value)| first_text(value)),
            _ => None,
        }
    }
    match value(reply).and_then(first_text) {
        Some(text) => text.push(place),
        None => replace_value(reply, place),
    }
}

pub(super) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, word)
}

/// Replaces the first occurrence of a word.
pub(super) fn replace(bytes: &[u8], word: &[u8], by: &[u8]) -> Vec<u8> {
    match find(bytes, word) {
        Some(at) => [&bytes[..at], by, &bytes[at + word.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
