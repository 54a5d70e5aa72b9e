//! Every kind of value, into every size of buffer.

use base64_simd::AsOut;

use super::*;
use crate::json::{Base64, Str};

#[derive(serde::Serialize)]
enum Kind {
    Plain,
    Wrapped(i64),
    Pair(u8, char),
    Named { a: Option<u8>, b: () },
}

struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("no"))
    }
}

/// Writes into every buffer that is too short, and one that is just long enough.
#[track_caller]
fn assert_writes<T: Serialize + ?Sized>(value: &T, expected: &str) {
    let mut buffer = [0; 256];
    for room in 0..expected.len() {
        let mut writer = Writer::new(&mut buffer[..room]);
        assert_eq!(writer.value(value), Ok(()), "{expected} in {room}");
        assert!(!writer.fits() && writer.len() == expected.len(), "{expected} in {room}");
    }
    let mut writer = Writer::new(&mut buffer[..expected.len()]);
    assert_eq!(writer.value(value), Ok(()), "{expected}");
    assert_eq!(core::str::from_utf8(writer.written(0)), Ok(expected));
}

#[test]
fn every_kind_of_value() {
    assert_writes(&(true, false, None::<u8>), "[true,false,null]");
    assert_writes(&[i64::MIN, -1, 0, i64::MAX], "[-9223372036854775808,-1,0,9223372036854775807]");
    assert_writes(&u64::MAX, "18446744073709551615");
    assert_writes(&[0.5, -0.0, 1e300, f64::NAN, f64::INFINITY], "[0.5,-0.0,1e300,null,null]");
    assert_writes("a\"\\/\n\r\t\u{8}\u{7f}é€😀", r#""a\"\\/\n\r\t\u0008\u007F\u00E9\u20AC\uD83D\uDE00""#);
    assert_writes(&format_args!("{}-{}", "\u{1b}", 5), r#""\u001B-5""#);
    assert_writes(&[Kind::Plain, Kind::Wrapped(-5)], r#"["Plain",{"Wrapped":-5}]"#);
    assert_writes(&Kind::Pair(1, 'x'), r#"{"Pair":[1,"x"]}"#);
    assert_writes(&Kind::Named { a: Some(1), b: () }, r#"{"Named":{"a":1,"b":null}}"#);
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let mut buffer = [0; 64];
    assert_eq!(Writer::new(&mut buffer).value(&(1, Failing)), Err(WriteError::Value));
    let mut writer = Writer::new(&mut buffer);
    let mut map = writer.serialize_map(None).unwrap();
    assert_eq!(ser::SerializeMap::serialize_key(&mut map, &5), Err(WriteError::Value));
}

#[test]
fn raw_values_lose_their_white_space() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    let raw = Raw::new("[ 1e400,\r\n\t{ \"a \\\" \": \"\u{20AC}\" } ]").unwrap();
    assert_eq!(writer.raw(raw), Ok(()));
    assert_eq!(writer.written(0), br#"[1e400,{"a \" ":"\u20AC"}]"#);
}

/// Such a string is nowhere as a whole: it is written again character by character.
#[test]
fn a_string_that_came_escaped() {
    let text = br#""\u00e9 \/ \" \ud83d\ude00 \t""#;
    let came: Str<'_> = from_slice(text).unwrap();
    assert!(came.as_str().is_none());
    assert_writes(&came, r#""\u00E9 / \" \uD83D\uDE00 \t""#);
    assert_writes(&[came; 2], r#"["\u00E9 / \" \uD83D\uDE00 \t","\u00E9 / \" \uD83D\uDE00 \t"]"#);
}

/// Each piece, and what is left behind the last whole one.
#[test]
fn bytes_as_base64() {
    let bytes = core::array::from_fn::<_, 580, _>(|i| i as u8);
    for len in [0, 1, 2, 3, 4, 191, 192, 193, 194, 383, 384, 385, 580] {
        let (mut at_once, mut written) = ([0; 800], [0; 800]);
        let at_once = base64_simd::STANDARD.encode_as_str(&bytes[..len], at_once[..].as_out());
        let mut writer = Writer::new(&mut written);
        writer.value(&(Base64::from(&bytes[..len]), true)).unwrap();
        let text = core::str::from_utf8(writer.written(0)).unwrap();
        assert_eq!(text.strip_prefix("[\"").unwrap().strip_suffix("\",true]"), Some(&*at_once), "{len}");
    }
}
