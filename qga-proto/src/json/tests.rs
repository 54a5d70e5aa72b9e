//! The reader and the values that borrow from a message. Against `serde_json` the fuzz target `json` holds it, too.

extern crate std;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::hash::{BuildHasher, RandomState};
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::*;

mod borrowed;
mod members;

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    from_slice(text.as_bytes())
}

#[track_caller]
fn assert_error<T: DeserializeOwned>(text: &str, kind: &ErrorKind, offset: usize) {
    let error = read::<T>(text).err().expect("it was read");
    assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}: {error}");
}

fn string(text: &str) -> Str<'_> {
    read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

mod strings {
    use super::*;

    const ESCAPED: &str = r#""\"\\\/\b\f\n\r\t\u0000\u00e9\u4E2D\uD83D\uDE00\\u0041""#;
    const MEANT: &str = "\"\\/\u{8}\u{c}\n\r\t\0é中😀\\u0041";

    #[test]
    fn every_escape_is_understood() {
        assert!(string(ESCAPED).chars().eq(MEANT.chars()));
        assert_eq!(string(ESCAPED).as_str(), None);
        assert_eq!(string(r#""é😀""#).as_str(), Some("é😀"));
        assert_eq!(read::<char>(r#""\u00E9""#), Ok('é'));
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        for escape in [r"\x41", r"\'", r"\u12", r"\u12G4", r"\u+123", r"\U0041", r"\", r"\a"] {
            let text = format!("\"ab{escape}\"");
            assert!(read::<Str<'_>>(&text).is_err(), "{text}");
            assert!(read::<IgnoredAny>(&text).is_err(), "{text}");
        }
        for byte in 0..0x20 {
            let text = [b'"', byte, b'"'];
            assert_eq!(from_slice::<Str<'_>>(&text).unwrap_err().offset(), 1);
        }
        assert!(read::<Str<'_>>("\"\u{7f}\"").is_ok());
    }

    #[test]
    fn surrogates_come_in_pairs() {
        let unpaired = [
            r"\ud83d",
            r"\ude00",
            r"\ud83d\ud83d",
            r"\ude00\ud83d",
            r"\ud83d\u0041",
            r"\ud83dx\ude00",
            r"\ud83d\n",
        ];
        for escape in unpaired {
            assert_error::<String>(&format!("\"a{escape}\""), &ErrorKind::Escape, 2);
            assert_error::<IgnoredAny>(&format!("[\"{escape}\"]"), &ErrorKind::Escape, 2);
        }
        for (escape, c) in [(r"\ud800\udc00", '\u{10000}'), (r"\uDBFF\uDFFF", '\u{10FFFF}')] {
            assert!(string(&format!("\"{escape}\"")).chars().eq([c]));
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        for text in [&b"\"a\xFF\""[..], b"\"\xC3\"", b"\"\\n\xED\xA0\x80\""] {
            let error = from_slice::<Str<'_>>(text).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (&ErrorKind::Utf8, 0));
        }
        assert!(from_slice::<Raw<'_>>(b"{\"a\": \"\xFF\"}").is_err());
        assert!(from_slice::<BTreeMap<Box<str>, IgnoredAny>>(b"{\"\xFF\": 1}").is_err());
    }

    #[test]
    fn long_strings_end_where_they_end() {
        for len in 0..70 {
            let plain = "x".repeat(len);
            assert_eq!(string(&format!("\"{plain}\"")), &*plain);
            assert_eq!(string(&format!("\"{plain}\\n{plain}\"")), &*format!("{plain}\n{plain}"));
            assert_error::<String>(&format!("\"{plain}"), &ErrorKind::Eof, len + 1);
        }
    }

    #[test]
    fn an_escaped_string_is_the_string_that_it_means() {
        let (escaped, plain) = (string(ESCAPED), Str::new(MEANT));
        assert_eq!(escaped, plain);
        assert_eq!(escaped, MEANT);
        assert_ne!(escaped, string(r#""\n""#));
        let hasher = RandomState::new();
        assert_eq!(hasher.hash_one(escaped), hasher.hash_one(plain));
        assert_eq!(escaped.to_string(), MEANT);
        assert_eq!(format!("{escaped:?}"), format!("{plain:?}"));
        let (escaped, plain) = (string(r#""\u0061b""#), Str::new("ab"));
        assert_eq!(format!("[{escaped:>4}] [{escaped:.1}]"), format!("[{plain:>4}] [{plain:.1}]"));
    }

    #[test]
    fn a_copy_needs_room_for_all() {
        let mut buffer = [0; 4];
        assert_eq!(string(r#""\u00e9\n""#).copy_to(&mut buffer), Some("é\n"));
        assert_eq!(string(r#""\u00e9\n\n\n""#).copy_to(&mut buffer), None);
        assert_eq!(string("\"é\"").copy_to(&mut buffer[..1]), None);
        assert_eq!(string("\"\"").copy_to(&mut []), Some(""));
        assert!(string("\"\"").is_empty());
    }

    #[test]
    fn they_are_written_as_they_are_meant() {
        for text in [ESCAPED, "\"plain\""] {
            let string = string(text);
            assert_eq!(
                serde_json::to_string(&string).unwrap(),
                serde_json::to_string(&string.to_string()).unwrap()
            );
        }
    }
}

mod numbers {
    use super::*;

    #[test]
    fn the_extremes_are_read() {
        assert_eq!(read("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(read("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(read("255"), Ok(u8::MAX));
        assert_eq!(read("-128"), Ok(i8::MIN));
        assert_eq!(read("4294967295"), Ok(u32::MAX));
        assert_eq!(read("-0"), Ok(0i64));
        assert_eq!(read("1.7976931348623157e308"), Ok(f64::MAX));
        assert_eq!(read("18446744073709551616"), Ok(18_446_744_073_709_551_616.0));
        assert_eq!(read("-5E-1"), Ok(-0.5));
    }

    #[test]
    fn what_is_beyond_is_refused() {
        assert_error::<i64>("9223372036854775808", &ErrorKind::NumberOutOfRange, 0);
        assert_error::<i64>(" -9223372036854775809", &ErrorKind::NumberOutOfRange, 1);
        assert_error::<u64>("18446744073709551616", &ErrorKind::NumberOutOfRange, 0);
        assert_error::<u64>("[1]", &ErrorKind::Expected("an integer"), 0);
        assert_error::<f64>("1e400", &ErrorKind::NumberOutOfRange, 0);
        assert!(
            read::<u8>("256").is_err() && read::<u32>("-1").is_err() && read::<i32>("2147483648").is_err()
        );
        assert!(read::<i64>("5.0").is_err() && read::<i64>("1e3").is_err() && read::<u64>("\"5\"").is_err());
    }

    #[test]
    fn a_negative_u64_is_taken_modulo_2_64() {
        assert_eq!(read("-1"), Ok(u64::MAX));
        assert_eq!(read("-9223372036854775808"), Ok(1u64 << 63));
        assert_error::<u64>("-9223372036854775809", &ErrorKind::NumberOutOfRange, 0);
    }

    #[test]
    fn the_grammar_is_json() {
        for text in
            ["01", "-", "+1", ".5", "5.", "1e", "1e+", "0x1", "-01", "1.e1", "NaN", "inf", "1_0", "--1"]
        {
            assert!(read::<f64>(text).is_err(), "{text}");
            assert!(read::<IgnoredAny>(text).is_err(), "{text}");
        }
        for text in ["0", "-0", "0e1", "0.0", "1E+2", "1e-400", "1e400"] {
            assert!(read::<IgnoredAny>(text).is_ok(), "{text}");
        }
    }
}

mod structure {
    use super::*;

    fn nested(depth: usize) -> String {
        ["[".repeat(depth), "]".repeat(depth)].concat()
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(read::<serde_json::Value>(&nested(MAX_DEPTH)).is_ok());
        assert!(read::<IgnoredAny>(&nested(MAX_DEPTH)).is_ok());
        assert_error::<serde_json::Value>(&nested(MAX_DEPTH + 1), &ErrorKind::TooDeep, MAX_DEPTH);
        assert_error::<IgnoredAny>(&nested(MAX_DEPTH + 1), &ErrorKind::TooDeep, MAX_DEPTH);
        for open in ["[", "{\"a\":", "[[],{\"b\":"] {
            assert!(read::<IgnoredAny>(&open.repeat(100_000)).is_err());
        }
    }

    #[test]
    fn the_grammar_is_json() {
        for text in [
            "",
            " ",
            "[",
            "{",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{1:1}",
            "[}",
            "{]",
            "[1}",
            "{\"a\":1]",
            "nul",
            "True",
            "nulls",
            "[] []",
            "[]x",
            "\u{feff}{}",
        ] {
            assert!(read::<IgnoredAny>(text).is_err(), "{text}");
            assert!(read::<serde_json::Value>(text).is_err(), "{text}");
            assert!(read::<Raw<'_>>(text).is_err(), "{text}");
        }
        for text in [" \t\r\n[ ] \n", "{ \"a\" : [ 1 , { } ] , \"\" : null }"] {
            assert!(read::<IgnoredAny>(text).is_ok() && read::<serde_json::Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn brackets_match_where_a_type_has_read_all_that_it_wants() {
        assert!(read::<(u8,)>("[1]").is_ok());
        assert!(read::<(u8,)>("[1}").is_err());
        assert!(read::<(u8,)>("[1,2]").is_err());
        assert!(read::<()>("[1]").is_err());
    }

    #[test]
    fn errors_say_where() {
        assert_error::<Vec<u8>>("[1, 2, x]", &ErrorKind::Expected("an integer"), 7);
        assert_error::<IgnoredAny>("{\"a\": 1 2}", &ErrorKind::Expected("',' or '}'"), 8);
        assert_error::<IgnoredAny>("[1] 2", &ErrorKind::Expected("nothing more"), 4);
        assert_error::<bool>("  ", &ErrorKind::Eof, 2);
        let error = read::<Vec<u8>>("[1, 256]").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Value(_)) && error.offset() == 7, "{error}");
        assert!(error.to_string().ends_with(" at byte 7"), "{error}");
    }
}

mod types {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Reply {
        name: Option<Box<str>>,
        #[serde(default, rename = "logical-id")]
        number: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Plain,
        Wrapped(u8),
        Pair(u8, bool),
        Named { a: u8 },
    }

    #[test]
    fn members_are_optional_unknown_and_in_any_order() {
        let reply = Reply { name: Some("a".into()), number: 7 };
        assert_eq!(read(r#"{"logical-id":7,"new":[{"x":"]"}],"name":"a"}"#), Ok(reply));
        assert_eq!(read(r#"{"name":null}"#), Ok(Reply::default()));
        assert_eq!(read("{}"), Ok(Reply::default()));
        assert!(read::<Reply>(r#"{"name":"a","name":"b"}"#).is_err());
        assert!(read::<Reply>(r#"{"logical-id":null}"#).is_err());
        assert!(read::<Reply>("[null, 1]").is_err());
    }

    #[test]
    fn escapes_are_undone_for_names_and_owned_text() {
        let reply = Reply { name: Some("é".into()), number: 7 };
        assert_eq!(read(r#"{"n\u0061me":"\u00E9","logical\u002did":7}"#), Ok(reply));
        assert_eq!(read(r#""\u0070lain""#), Ok(Kind::Plain));
        let long = format!("\"\\n{}\"", "x".repeat(1000));
        assert_eq!(read::<Box<str>>(&long).is_ok(), cfg!(feature = "alloc"));
        assert!(read::<Str<'_>>(&long).is_ok());
        // What is skipped may be of any length.
        assert_eq!(read(&format!("{{{long}:{long}}}")), Ok(Reply::default()));
    }

    #[test]
    fn enums_have_four_shapes() {
        assert_eq!(read("\"plain\""), Ok(Kind::Plain));
        assert_eq!(read(r#"{"plain":null}"#), Ok(Kind::Plain));
        assert_eq!(read(r#"{"wrapped":5}"#), Ok(Kind::Wrapped(5)));
        assert_eq!(read(r#"{ "pair" : [5, true] }"#), Ok(Kind::Pair(5, true)));
        assert_eq!(read(r#"{"named":{"a":5}}"#), Ok(Kind::Named { a: 5 }));
        for text in [
            "\"other\"",
            "\"wrapped\"",
            "{}",
            r#"{"wrapped":5,"plain":null}"#,
            r#"{"wrapped":5]"#,
            r#"{}"wrapped":5"#,
            r#"{"wrapped":5"#,
            "5",
            "[]",
        ] {
            assert!(read::<Kind>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn null_is_nothing() {
        assert_eq!(read("null"), Ok(None::<bool>));
        assert_eq!(read("true"), Ok(Some(true)));
        assert_eq!(read("null"), Ok(()));
        assert!(read::<Option<bool>>("nil").is_err());
    }
}
