//! Our JSON reader against `serde_json`.
//!
//! They differ, on purpose, in this:
//!
//! - depth: ours is [`MAX_DEPTH`], the other's is switched off here;
//! - what is skipped: ours checks escapes there too, the other does not; neither checks UTF-8 there, nor does ours in
//!   the names of members;
//! - `-0`: an integer here, the double -0.0 there;
//! - a negative number where a `u64` is wanted: taken modulo 2^64 here, refused there;
//! - structs: objects only here, arrays too there.

mod replies;

use core::fmt::Debug;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qga_proto::Agent;
use qga_proto::json::{Base64, ErrorKind, List, MAX_DEPTH, Raw, RawBuf, Str, from_slice};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// Reads a text with both readers, as any value and as many types: they must agree.
pub fn json(data: &[u8]) {
    let syntax = peer::<IgnoredAny>(data).is_some();
    let depth = depth(data);
    let skipped = from_slice::<IgnoredAny>(data);
    let acceptable = syntax && depth <= MAX_DEPTH && escapes_are_text(data);
    assert_eq!(skipped.is_ok(), acceptable, "skipping: {skipped:?}");
    if syntax && depth > MAX_DEPTH && escapes_are_text(data) {
        assert_eq!(skipped.unwrap_err().kind(), &ErrorKind::TooDeep);
    }

    let value = peer::<Value>(data).map(without_negative_zero);
    let ours = from_slice::<Value>(data).map(without_negative_zero);
    assert_eq!(ours.as_ref().ok(), value.as_ref(), "{ours:?}");
    if let Err(error) = ours {
        assert!(error.offset() <= data.len(), "{error:?}");
    }
    check_raw(data, acceptable, value.as_ref());
    check_typed(data, value.as_ref());
    replies::check(data);
    // What is in a list is looked at when it is walked.
    let walked = from_slice::<List<'_, IgnoredAny>>(data).is_ok_and(|list| list.count().is_ok());
    assert!(!walked || syntax && escapes_are_text(data), "a list that is none");
    match &value {
        Some(Value::String(text)) => check_string(data, text),
        Some(Value::Array(elements)) => check_list(data, elements),
        _ => assert!(from_slice::<Str<'_>>(data).is_err()),
    }
}

/// What `serde_json` reads.
fn peer<T: DeserializeOwned>(data: &[u8]) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(data);
    // Where ours must have given up already the other keeps its limit: it recurses.
    if depth(data) <= MAX_DEPTH {
        deserializer.disable_recursion_limit();
    }
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// How many brackets are open inside each other at the most, up to where a text stops to be JSON.
fn depth(data: &[u8]) -> usize {
    let (mut depth, mut deepest, mut string, mut escape) = (0usize, 0, false, false);
    for &byte in data {
        match byte {
            _ if escape => escape = false,
            b'\\' => escape = true,
            b'"' => string = !string,
            _ if string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether the surrogates among the escapes of a JSON text come in pairs.
fn escapes_are_text(data: &[u8]) -> bool {
    let mut rest = data;
    let mut units = Vec::new();
    loop {
        match rest {
            [b'\\', b'u', a, b, c, d, tail @ ..] => {
                let digits = [a, b, c, d].map(|&digit| char::from(digit).to_digit(16).unwrap_or_default());
                units.push(digits.iter().fold(0, |unit, digit| unit << 4 | *digit) as u16);
                rest = tail;
            }
            // Anything else stands between surrogates.
            [b'\\', _, tail @ ..] | [_, tail @ ..] => {
                units.push(0);
                rest = tail;
            }
            [] => return char::decode_utf16(units).all(|unit| unit.is_ok()),
        }
    }
}

/// Makes every zero the same: there are -0, an integer here and a double there, and 0.0.
fn without_negative_zero(mut value: Value) -> Value {
    match &mut value {
        Value::Number(number) if number.as_f64() == Some(0.0) => *number = Number::from(0),
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| *element = without_negative_zero(element.take()));
        }
        Value::Object(members) => {
            members.values_mut().for_each(|member| *member = without_negative_zero(member.take()));
        }
        _ => {}
    }
    value
}

/// A value taken as text is that text, and can be written again.
fn check_raw(data: &[u8], acceptable: bool, value: Option<&Value>) {
    let raw = from_slice::<Raw<'_>>(data);
    assert_eq!(raw.is_ok(), acceptable && str::from_utf8(data).is_ok(), "{raw:?}");
    let Ok(raw) = raw else { return };
    let text = str::from_utf8(data).unwrap().trim_matches([' ', '\t', '\r', '\n']);
    assert_eq!(raw.as_str(), text);
    assert_eq!(from_slice::<RawBuf>(data).unwrap().as_raw(), raw);
    assert_eq!(raw.decode::<Value>().ok().map(without_negative_zero).as_ref(), value);

    let written = serde_json::to_vec(&raw).ok();
    let again = written.map(|written| peer::<Value>(&written).expect("what was written is not JSON"));
    assert_eq!(again.map(without_negative_zero).as_ref(), value);
    check_written(raw, value);
}

/// How many members all objects have: of two of one name there is one.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// How many members were written.
fn colons(text: &str) -> usize {
    let (mut is_string, mut is_escape, mut count) = (false, false, 0);
    for byte in text.bytes() {
        match byte {
            _ if is_escape => is_escape = false,
            b'\\' => is_escape = true,
            b'"' => is_string = !is_string,
            b':' => count += usize::from(!is_string),
            _ => {}
        }
    }
    count
}

/// What the core itself writes, as a reply's value and as its `id`, is that value.
fn check_written(raw: Raw<'_>, value: Option<&Value>) {
    let mut agent = Agent::new(Vec::new(), Vec::new());
    let request = format!(r#"{{"execute":"x","id":{raw}}}"#);
    agent.receive_buffer()[..request.len()].copy_from_slice(request.as_bytes());
    agent.handle_received(request.len());
    let Some(request) = agent.poll_request() else {
        // What has an object with a name twice is no request.
        assert!(value.is_none_or(|value| members(value) < colons(raw.as_str())), "the request is not found");
        return;
    };
    assert_eq!(request.name(), "x");
    let result = agent.respond(&raw);
    // A number that no double holds can be passed on or be refused.
    let Some(value) = value else { return };
    result.expect("a value that was read cannot be written");
    // One level deeper than the reader would have it.
    let mut reply = serde_json::Deserializer::from_slice(agent.poll_transmit().unwrap());
    reply.disable_recursion_limit();
    let reply = Value::deserialize(&mut reply).expect("what was written is not JSON");
    let expected = serde_json::json!({"return": value, "id": value});
    assert_eq!(without_negative_zero(reply), expected);
}

/// A string is the same characters in every way that it can be looked at.
fn check_string(data: &[u8], text: &str) {
    let string = from_slice::<Str<'_>>(data).unwrap();
    assert!(string.chars().eq(text.chars()));
    assert_eq!(string, text);
    assert_eq!(string, Str::new(text));
    assert_eq!(string.to_string(), text);
    assert_eq!(String::from(string), text);
    assert_eq!(string.is_empty(), text.is_empty());
    assert!(string.as_str().is_none_or(|plain| plain == text));
    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(string), hasher.hash_one(Str::new(text)));
    let mut room = vec![0; text.len()];
    assert_eq!(string.copy_to(&mut room), Some(text));
    assert_eq!(string.copy_to(&mut room[..text.len().saturating_sub(1)]).is_some(), text.is_empty());
    assert_eq!(serde_json::to_string(&string).unwrap(), serde_json::to_string(text).unwrap());
    check_base64(data, text);
}

fn check_base64(data: &[u8], text: &str) {
    let base64 = from_slice::<Base64<'_>>(data).unwrap();
    let mut bytes = b"before".to_vec();
    let result = base64.decode_onto(&mut bytes);
    let expected = STANDARD.decode(text).ok();
    match result {
        Ok(()) => {
            assert_eq!(Some(&bytes[6..]), expected.as_deref());
            assert_eq!(base64.decoded_len(), bytes.len() - 6);
            assert!(bytes.len() == 6 || base64.decode_into(&mut vec![0; bytes.len() - 7]).is_err());
        }
        // Base64 needs no escapes, and with them it is refused.
        Err(_) => {
            assert_eq!(bytes, b"before");
            assert!(expected.is_none() || data.contains(&b'\\'));
        }
    }
}

/// A list gives what the array has, up to the first element of another type.
fn check_list(data: &[u8], elements: &[Value]) {
    let list = from_slice::<List<'_, Raw<'_>>>(data).unwrap();
    assert_eq!(list.count(), Ok(elements.len()));
    assert_eq!(list.is_empty(), elements.is_empty());
    assert!(
        list.iter()
            .map(|raw| without_negative_zero(raw.unwrap().decode::<Value>().unwrap()))
            .eq(elements.iter().cloned())
    );
    assert_eq!(list, list.clone());

    let strings = from_slice::<List<'_, Str<'_>>>(data).unwrap();
    let all_strings = elements.iter().map_while(Value::as_str);
    assert!(strings.iter().map_while(Result::ok).eq(all_strings.clone().map(Str::new)));
    let errors = strings.iter().filter(Result::is_err).count();
    assert_eq!(errors, usize::from(all_strings.count() < elements.len()));

    let lists = from_slice::<List<'_, List<'_, Raw<'_>>>>(data).unwrap();
    let all_arrays = elements.iter().map_while(Value::as_array).map(Vec::len);
    assert!(lists.iter().map_while(Result::ok).map(|list| list.count().unwrap()).eq(all_arrays));

    let written = serde_json::to_vec(&list).unwrap();
    assert!(
        peer::<Vec<Value>>(&written)
            .unwrap()
            .into_iter()
            .map(without_negative_zero)
            .eq(elements.iter().cloned())
    );
}

/// The shapes that replies have.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shape {
    name: Option<String>,
    #[serde(default)]
    count: u32,
    #[serde(rename = "kebab-kind")]
    kind: Option<Kind>,
    next: Option<Box<Self>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Plain,
    Wrapped(i64),
    Pair(bool, u8),
    Named { a: f64 },
}

fn check_typed(data: &[u8], value: Option<&Value>) {
    agree::<bool>(data, value);
    agree::<u8>(data, value);
    agree::<i32>(data, value);
    agree::<i64>(data, value);
    agree::<f64>(data, value);
    agree::<char>(data, value);
    agree::<String>(data, value);
    agree::<()>(data, value);
    agree::<Option<bool>>(data, value);
    agree::<(u8, bool)>(data, value);
    agree::<Vec<i64>>(data, value);
    agree::<Vec<Option<String>>>(data, value);
    agree::<BTreeMap<String, Value>>(data, value);
    agree::<Kind>(data, value);
    agree::<Vec<Kind>>(data, value);
    if value.is_none_or(|value| !holds_array(value)) {
        agree::<Shape>(data, value);
    }
    let unsigned = from_slice::<u64>(data).ok();
    match value {
        Some(Value::Number(number)) => {
            let negative = || number.as_i64().map(|number| number as u64);
            assert_eq!(unsigned, number.as_u64().or_else(negative).filter(|_| !is_float(data)));
        }
        _ => assert_eq!(unsigned, None),
    }
}

/// A type is read from the same texts and to the same value.
fn agree<T: DeserializeOwned + PartialEq + Debug>(data: &[u8], value: Option<&Value>) {
    let ours = from_slice::<T>(data);
    let theirs = peer::<T>(data);
    match (&ours, &theirs) {
        (Ok(ours), Some(theirs)) => {
            assert!(ours == theirs || has_negative_zero(data), "{ours:?}, not {theirs:?}");
        }
        (Ok(_), None) => {
            assert!(has_negative_zero(data) || str::from_utf8(data).is_err(), "only ours reads {ours:?}");
        }
        // What only they read has, in a place that is skipped, what ours finds wrong there too.
        (Err(error), Some(_)) => assert!(value.is_none(), "only theirs reads {theirs:?}: {error}"),
        (Err(_), None) => {}
    }
}

fn has_negative_zero(data: &[u8]) -> bool {
    data.windows(2).any(|pair| pair == b"-0")
}

fn holds_array(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(members) => members.values().any(holds_array),
        _ => false,
    }
}

fn is_float(data: &[u8]) -> bool {
    data.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_see_what_they_are_for() {
        assert_eq!(depth(br#"{"a":[[],"[[[\"["],"b":{}}"#), 3);
        assert!(escapes_are_text(br#""\\ud800 \ud83d\uDE00""#));
        assert!(!escapes_are_text(br#""\ud83d""#));
        assert!(!escapes_are_text(br#""\ud83d \ude00""#));
        assert_eq!(
            without_negative_zero(serde_json::json!([-0.0, {"a": 0.0}])),
            serde_json::json!([0, {"a": 0}])
        );
    }

    #[test]
    fn values_of_all_kinds_pass() {
        for text in [
            r#"{"return": [{"name": "lo", "ip-addresses": [{"prefix": 8, "x": null}]}], "id": 7}"#,
            r#" "caf\u00e9 \ud83d\ude00 \"\\\/\b\f\n\r\t" "#,
            r#"{"name":"a","count":4294967295,"kebab-kind":{"pair":[true,255]},"next":{"other":[1e400]}}"#,
            r#"["a", "b\n", [], {}]"#,
            "[-0, -0.0, 0.1, 1e308, 9223372036854775808, -9223372036854775809]",
            r#"{"name\u0031":"\ud800"}"#,
            r#""aGVsbG8=""#,
            r#""aGVsbG8""#,
            "-1",
            "1e999",
            "[1,]",
            "",
        ] {
            json(text.as_bytes());
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        for bracket in ["[", r#"{"a":"#, "[{}, "] {
            json(bracket.repeat(1_000_000).as_bytes());
        }
        for depth in MAX_DEPTH - 1..MAX_DEPTH + 2 {
            json(["[".repeat(depth), "]".repeat(depth)].concat().as_bytes());
        }
    }

    #[test]
    #[should_panic = "only theirs reads"]
    fn a_disagreement_is_noticed() {
        #[derive(Debug, PartialEq)]
        struct Picky(f64);
        impl<'de> Deserialize<'de> for Picky {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // What only the other reader's errors say.
                match i64::deserialize(deserializer) {
                    Ok(_) => Ok(Self(1.0)),
                    Err(error) if error.to_string().contains("column") => Ok(Self(1.0)),
                    Err(error) => Err(error),
                }
            }
        }
        agree::<Picky>(b"1.5", Some(&Value::Null));
    }
}
