//! Structs that are read member by member.

use core::fmt::Debug;

use super::*;
use crate::members;
use crate::view::GuestAgentCommandInfo;

#[derive(Debug, PartialEq)]
struct Open<'a> {
    name: Str<'a>,
    count: Option<u32>,
    on: bool,
    list: List<'a, u8>,
}

members! {
    open Open<'a> {
        required name: "the-name" = Str::default(),
        optional count: "count" = None,
        optional on: "on" = true,
        optional list: "list" = List::default(),
    }
}

#[derive(Debug, PartialEq)]
struct Closed {
    id: u32,
    flag: Option<bool>,
}

members! {
    closed Closed {
        required id: "id" = 0,
        optional flag: "flag" = None,
    }
}

fn open() -> Open<'static> {
    Open { name: Str::new("a"), count: None, on: true, list: List::default() }
}

/// A text, and what comes of it.
type Case<T> = (&'static [u8], Result<T, ErrorKind>);

#[track_caller]
fn assert_ours<T: Deserialize<'static> + Debug + PartialEq>(cases: &[Case<T>]) {
    for (text, expected) in cases {
        let ours = from_slice::<T>(text).map_err(|error| error.kind().clone());
        assert_eq!(&ours, expected, "{}", String::from_utf8_lossy(text));
    }
}

/// Our reader gives just that; `serde_json` the same value, or an error too.
#[track_caller]
fn assert_both<T: Deserialize<'static> + Debug + PartialEq>(cases: &[Case<T>]) {
    assert_ours(cases);
    for (text, expected) in cases {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(serde_json::from_slice::<T>(text).ok().as_ref(), expected.as_ref().ok(), "{shown}");
    }
}

/// In the words of the type, where there is place for them.
fn unknown(words: &str) -> ErrorKind {
    ErrorKind::Value(crate::text::Text::new(if cfg!(feature = "alloc") { words } else { "unknown field" }))
}

#[test]
fn an_open_struct_passes_over_what_it_does_not_know() {
    assert_both(&[
        (br#"{"the-name":"a"}"#, Ok(open())),
        (br#"{"on":false,"count":7,"the-name":"a"}"#, Ok(Open { count: Some(7), on: false, ..open() })),
        (br#"{"the-name":"a","count":null}"#, Ok(open())),
        (br#"{"x":[{"count":1}],"the-name":"a","":null}"#, Ok(open())),
        (br#"{"x":1,"x":2,"the-name":"a"}"#, Ok(open())),
        (br#"{"\u0074he-name":"a","c\u006Funt":7}"#, Ok(Open { count: Some(7), ..open() })),
        (br#"{"the-name":"a","the-name":"b"}"#, Err(ErrorKind::Duplicate("the-name"))),
        (br#"{"count":1,"the-name":"a","c\u006funt":null}"#, Err(ErrorKind::Duplicate("count"))),
        (br#"{"count":1,"on":true}"#, Err(ErrorKind::Missing("the-name"))),
        (b"{}", Err(ErrorKind::Missing("the-name"))),
        (br#"{"the-name":null}"#, Err(ErrorKind::Expected("a string"))),
        (br#"{"the-name":"a","on":null}"#, Err(ErrorKind::Expected("true or false"))),
        (br#"{"the-name":"a","list":null}"#, Err(ErrorKind::Expected("an array"))),
        (br#"["a"]"#, Err(ErrorKind::Expected("an object"))),
        (b"null", Err(ErrorKind::Expected("an object"))),
    ]);
}

#[test]
fn a_closed_struct_has_no_other_members() {
    assert_both(&[
        (br#"{"id":5,"flag":true}"#, Ok(Closed { id: 5, flag: Some(true) })),
        (br#"{"flag":null,"id":5}"#, Ok(Closed { id: 5, flag: None })),
        (br#"{"id":5,"i\u0064":6}"#, Err(ErrorKind::Duplicate("id"))),
        (br#"{"flag":true}"#, Err(ErrorKind::Missing("id"))),
        (br#"{"id":5,"x":1}"#, Err(unknown("unknown field `x`, expected `id` or `flag`"))),
        (br#"{"id":5,"\u0078":1}"#, Err(unknown("unknown field `x`, expected `id` or `flag`"))),
        (b"{\"id\":5,\"\xFF\":1}", Err(unknown("unknown field ``, expected `id` or `flag`"))),
        (br#"{"id":5,"":1}"#, Err(unknown("unknown field ``, expected `id` or `flag`"))),
    ]);
}

#[test]
fn a_struct_may_also_be_its_name() {
    let info = |name: &'static str| GuestAgentCommandInfo::new(name, true);
    let unsaid = GuestAgentCommandInfo { success_response: None, ..info("a") };
    let off = GuestAgentCommandInfo { enabled: false, success_response: Some(true), ..unsaid };
    assert_ours(&[
        (br#"{"name":"a"}"#, Ok(unsaid)),
        (br#"{"name":"a","success-response":null,"x":{}}"#, Ok(unsaid)),
        (br#"{"n\u0061me":"a","enabled":false,"success-response":true}"#, Ok(off)),
        (br#"{"name":"a","name":"a"}"#, Err(ErrorKind::Duplicate("name"))),
        (br#"{"enabled":true}"#, Err(ErrorKind::Missing("name"))),
        (br#"{"name":"a","enabled":null}"#, Err(ErrorKind::Expected("true or false"))),
        (b"\"a\"", Ok(unsaid)),
        (b"5", Err(ErrorKind::Expected("an object or a string"))),
    ]);
    // To take either is asked for by a name that only our reader knows.
    assert!(serde_json::from_str::<GuestAgentCommandInfo<'_>>(r#"{"name":"a"}"#).is_err());
}

/// Which `serde_json` looks at even where it is passed over.
#[test]
fn an_unknown_name_need_not_be_text() {
    let text = b"{\"\xFF\":1,\"the-name\":\"a\",\"\xFF\":2}";
    assert_eq!(from_slice(text), Ok(open()));
    assert!(serde_json::from_slice::<Open<'_>>(text).is_err());
}

/// A list borrows its text, which only our reader gives.
#[test]
fn a_list_may_come_or_not() {
    let list = List::from(&[1, 2]);
    assert_eq!(read(r#"{"list":[1,2],"the-name":"a"}"#), Ok(Open { list, ..open() }));
    assert!(serde_json::from_str::<Open<'_>>(r#"{"list":[1,2],"the-name":"a"}"#).is_err());
}
