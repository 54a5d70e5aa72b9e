//! Lists, base64 and raw values.

use super::*;

mod lists {
    use serde_test::{Configure, Token};

    use super::*;

    /// As it came, but for white space, by our writer; its elements by others.
    #[test]
    fn a_list_that_came_is_written_again() {
        let mut buffer = [0; 64];
        let mut written = |text| {
            let mut writer = Writer::new(&mut buffer);
            writer.value(&read::<List<'_, u64>>(text).unwrap())?;
            let len = writer.len();
            Ok(String::from_utf8(buffer[..len].to_vec()).unwrap())
        };
        assert_eq!(written(" [ 1, 2 ,3 ] ").as_deref(), Ok("[1,2,3]"));
        assert_eq!(written("[1 2]"), Err(WriteError::Value));
        let list = read::<List<'_, u64>>("[1, 2]").unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), "[1,2]");
    }

    /// What a list stands for goes into formats of bytes as well, wherever it came from.
    #[test]
    fn in_a_format_that_is_not_for_humans_it_is_its_elements() {
        let came = read::<List<'_, u64>>("[1, 2]").unwrap();
        let tokens = |len| [Token::Seq { len }, Token::U64(1), Token::U64(2), Token::SeqEnd];
        serde_test::assert_ser_tokens(&came.compact(), &tokens(None));
        serde_test::assert_ser_tokens(&List::from(&[1u64, 2]).compact(), &tokens(Some(2)));
        let wrong = read::<List<'_, u64>>("[-0.5]").unwrap();
        let error = wrong.iter().next().unwrap().unwrap_err().to_string();
        serde_test::assert_ser_tokens_error(&wrong.compact(), &[Token::Seq { len: None }], &error);
    }

    #[test]
    fn our_writer_does_not_look_at_the_elements() {
        let processors: List<'_, crate::view::GuestLogicalProcessor> = read(r#"[{"x": 1}]"#).unwrap();
        assert!(processors.count().is_err() && serde_json::to_string(&processors).is_err());
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.value(&processors), Ok(()));
        assert_eq!(writer.written(0), br#"[{"x":1}]"#);
    }

    #[test]
    fn elements_are_read_when_they_are_asked_for() {
        let list: List<'_, u8> = read("[1, 2, \"x\", 4]").unwrap();
        let mut elements = list.iter();
        assert_eq!((elements.next(), elements.next()), (Some(Ok(1)), Some(Ok(2))));
        assert!(elements.next().is_some_and(|element| element.is_err()));
        assert_eq!(elements.next(), None);
        assert!(list.count().is_err());
        assert!(!list.is_empty());
    }

    #[test]
    fn what_is_inside_is_checked_when_it_is_read() {
        for text in ["{}", "null", "[", "[1", "[}", "[[]", "[1] 2", "[\"]", "[\"\\x\"]"] {
            assert!(read::<List<'_, IgnoredAny>>(text).is_err(), "{text}");
        }
        for text in ["[1,]", "[1 2]", "[,]", "[[}]", "[{]]", "[01]", "[{1:2}]"] {
            assert!(read::<List<'_, IgnoredAny>>(text).is_ok_and(|list| list.count().is_err()), "{text}");
        }
        assert!(read::<List<'_, u8>>(" [ ] ").unwrap().is_empty());
    }

    #[test]
    fn lists_may_hold_lists() {
        let lists: List<'_, List<'_, Str<'_>>> = read(r#"[["a", "\n"], [], ["\u0062"]]"#).unwrap();
        let read: Vec<Vec<String>> = lists
            .iter()
            .map(|list| list.unwrap().iter().map(|text| text.unwrap().to_string()).collect())
            .collect();
        assert_eq!(read, [&["a", "\n"][..], &[], &["b"]]);
        assert_eq!(serde_json::to_string(&lists).unwrap(), r#"[["a","\n"],[],["b"]]"#);
    }

    #[test]
    fn one_that_is_read_equals_one_that_is_built() {
        let built = List::from(&[1u8, 2, 3]);
        assert_eq!(read::<List<'_, u8>>("[1,2, 3]").unwrap(), built);
        assert_ne!(read::<List<'_, u8>>("[1,2]").unwrap(), built);
        assert_eq!(built.count(), Ok(3));
        assert_eq!(format!("{built:?}"), "[1, 2, 3]");
    }
}

mod bytes {
    use super::*;

    fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
        let text = format!("\"{text}\"");
        let base64: Base64<'_> = read(&text).unwrap();
        let mut buffer = [0; 64];
        let decoded = base64.decode_into(&mut buffer)?.to_vec();
        assert_eq!(base64.decoded_len(), decoded.len());
        Ok(decoded)
    }

    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in
            [("", &b""[..]), ("aA==", b"h"), ("aGk=", b"hi"), ("aGkh", b"hi!"), ("//8+", b"\xFF\xFF\x3E")]
        {
            assert_eq!(decode(text).as_deref(), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in [
            "a", "aA", "aA=", "aGk", "=", "==", "====", "aGk=aGk=", "aG k", "aGk*", "__8=", "aB==", "aGl=",
            "aGkh=", "é",
        ] {
            assert_eq!(decode(text), Err(Base64Error::Invalid), "{text}");
        }
    }

    #[test]
    fn slashes_may_be_escaped() {
        // As some encoders do with every slash.
        assert_eq!(decode(r"\/\/8=").as_deref(), Ok(&b"\xFF\xFF"[..]));
    }

    #[test]
    fn a_short_buffer_is_told_what_is_needed() {
        let base64: Base64<'_> = read("\"aGVsbG8=\"").unwrap();
        assert_eq!(base64.decode_into(&mut [0; 4]), Err(Base64Error::TooShort { needed: 5 }));
        assert_eq!(base64.decode_into(&mut [0; 9]).as_deref(), Ok(&b"hello"[..]));
        assert_eq!(Base64::from(b"hi").decode_into(&mut [0; 1]), Err(Base64Error::TooShort { needed: 2 }));
        assert!(read::<Base64<'_>>("5").is_err());
    }

    #[test]
    fn it_is_written_as_it_came() {
        let base64: Base64<'_> = read("\"aGVsbG8=\"").unwrap();
        assert_eq!(serde_json::to_string(&base64).unwrap(), "\"aGVsbG8=\"");
        for len in 0..1000 {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let written = serde_json::to_string(&Base64::from(&bytes[..])).unwrap();
            let mut buffer = [0; 1000];
            assert_eq!(
                read::<Base64<'_>>(&written).unwrap().decode_into(&mut buffer).as_deref(),
                Ok(&bytes[..])
            );
        }
        assert_eq!(format!("{base64:?}"), "Base64(..)");
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn owned_bytes_are_the_same() {
        let bytes: Bytes = read("\"aGVsbG8=\"").unwrap();
        assert_eq!(*bytes, b"hello");
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"aGVsbG8=\"");
        assert!(read::<Bytes>("\"aGVsbG8\"").is_err());
    }
}

mod raw {
    use super::*;

    const TEXT: &str = r#"{"a":[1,-2,2.5,true,null,"\"é"],"b\n":{}}"#;

    #[test]
    fn a_value_is_its_text() {
        let spaced = format!(" {TEXT}\n");
        let raw: Raw<'_> = read(&spaced).unwrap();
        assert_eq!(raw.as_str(), TEXT);
        assert_eq!(serde_json::to_string(&raw).unwrap(), TEXT);
        assert_eq!(
            raw.decode::<serde_json::Value>().unwrap(),
            serde_json::from_str::<serde_json::Value>(TEXT).unwrap()
        );
        assert_eq!(Raw::new("{}"), Ok(Raw::EMPTY_OBJECT));
        assert!(Raw::new("{} {}").is_err() && Raw::new("").is_err());
        let members: BTreeMap<String, Raw<'_>> = read(r#"{"x": [ 1 ] ,"y":2}"#).unwrap();
        assert_eq!((members["x"].as_str(), members["y"].as_str()), ("[ 1 ]", "2"));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn an_owned_value_is_the_same() {
        let raw = RawBuf::new(TEXT).unwrap();
        assert_eq!(raw.as_raw(), read(TEXT).unwrap());
        assert_eq!(RawBuf::new(" 1 ").unwrap(), RawBuf::new("1").unwrap());
        assert_eq!(read::<RawBuf>(TEXT).unwrap().into_string(), TEXT);
        assert!(RawBuf::new("1 2").is_err());
    }
}
