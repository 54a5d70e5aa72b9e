//! The commands on files.

mod common;

use common::Line;
use qga_sim::Guest;
use serde_json::json;

fn line() -> Line {
    Line::new(Guest::new().file("/data", "0123456789").directory("/dir"))
}

#[test]
fn handles_grow_from_1000_and_outlive_clients() {
    let mut line = line();
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/data"}"#), 1000);
    assert_eq!(line.ok("guest-file-open", r#"{"path":"data","mode":"rb"}"#), 1001);
    line.sim.handle_eof(line.now);
    assert_eq!(line.ok("guest-file-close", r#"{"handle":1000}"#), json!({}));
    assert_eq!(line.refused("guest-file-close", r#"{"handle":1000}"#), "handle '1000' has not been found");
    assert_eq!(line.ok("guest-file-read", r#"{"handle":1001,"count":1}"#)["count"], 1);
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/data"}"#), 1002);
}

#[test]
fn a_test_sees_files_and_how_many_are_open() {
    let mut line = line();
    let content = |line: &Line, path: &str| {
        line.sim.guest().files().find(|(known, _)| *known == path).map(|(_, content)| content.to_vec())
    };
    assert_eq!(
        (content(&line, "/data").as_deref(), content(&line, "/dir")),
        (Some(&b"0123456789"[..]), None)
    );
    line.ok("guest-file-open", r#"{"path":"/new","mode":"w"}"#);
    line.ok("guest-file-write", r#"{"handle":1000,"buf-b64":"aGk="}"#);
    assert_eq!((content(&line, "/new").as_deref(), line.sim.guest().open_files()), (Some(&b"hi"[..]), 1));
    line.ok("guest-file-close", r#"{"handle":1000}"#);
    assert_eq!(line.sim.guest().open_files(), 0);
}

#[test]
fn opening_says_why_it_fails() {
    let mut line = line();
    assert_eq!(
        line.refused("guest-file-open", r#"{"path":"/no/data","mode":"w"}"#),
        "failed to open file '/no/data' (mode: 'w'): No such file or directory"
    );
    assert_eq!(
        line.refused("guest-file-open", r#"{"path":"/x","mode":"wx"}"#),
        "invalid file open mode 'wx'"
    );
    assert!(line.refused("guest-file-open", r#"{"path":"/dir","mode":"a"}"#).ends_with("Is a directory"));
    line.refused("guest-file-open", "{}");
    line.refused("guest-file-open", r#"{"path":1}"#);
    line.refused("guest-file-open", r#"{"path":"/data","flags":0}"#);
    line.ok("guest-file-open", r#"{"path":"/dir"}"#);
    assert!(line.refused("guest-file-read", r#"{"handle":1000}"#).ends_with("Is a directory"));
}

#[test]
fn reading_tells_the_end_when_it_hits_it() {
    let mut line = line();
    line.ok("guest-file-open", r#"{"path":"/data"}"#);
    let mut read = |count: &str| line.ok("guest-file-read", &format!(r#"{{"handle":1000{count}}}"#));
    assert_eq!(read(r#","count":10"#), json!({"count": 10, "buf-b64": "MDEyMzQ1Njc4OQ==", "eof": false}));
    assert_eq!(read(r#","count":0"#), json!({"count": 0, "buf-b64": "", "eof": false}));
    assert_eq!(read(r#","count":1"#), json!({"count": 0, "buf-b64": "", "eof": true}));
    assert_eq!(read(""), json!({"count": 0, "buf-b64": "", "eof": true}));
}

#[test]
fn the_count_has_limits() {
    const MAX: i64 = 48 * 1024 * 1024;

    let mut line = Line::new(Guest::new().file("/data", vec![0; 5000]));
    line.ok("guest-file-open", r#"{"path":"/data"}"#);
    assert_eq!(line.ok("guest-file-read", r#"{"handle":1000}"#)["count"], 4096);
    let mut read =
        |count: i64| line.call("guest-file-read", &format!(r#"{{"handle":1000,"count":{count}}}"#));
    assert_eq!(read(MAX).unwrap()["count"], 904);
    for count in [-1, MAX + 1, i64::MAX, i64::MIN] {
        assert_eq!(read(count).unwrap_err().1, format!("value '{count}' is invalid for argument count"));
    }
}

#[test]
fn writing_takes_base64_as_the_real_agent_does() {
    let mut line = line();
    line.ok("guest-file-open", r#"{"path":"/new","mode":"w+"}"#);
    let mut write = |base64: &str, count: &str| {
        let arguments = format!(r#"{{"handle":1000,"buf-b64":"{base64}"{count}}}"#);
        line.call("guest-file-write", &arguments).map_err(|(_, desc)| desc)
    };
    for (base64, count) in [("aGVsbG8", 3), ("aGVsbG8=", 5), (r"aGVs\nbG8=", 5), ("", 0)] {
        assert_eq!(write(base64, ""), Ok(json!({"count": count, "eof": false})));
    }
    for base64 in ["!!!", "_w==", r"aGVs\r\nbG8=", r"\u00e9"] {
        assert_eq!(write(base64, "").unwrap_err(), "Base64 data contains invalid characters");
    }
    assert_eq!(write("aGVsbG8=", r#","count":2"#), Ok(json!({"count": 2, "eof": false})));
    for count in [-1, 6] {
        let error = write("aGVsbG8=", &format!(r#","count":{count}"#)).unwrap_err();
        assert_eq!(error, format!("value '{count}' is invalid for argument count"));
    }
    line.ok("guest-file-flush", r#"{"handle":1000}"#);
    line.ok("guest-file-seek", r#"{"handle":1000,"offset":0,"whence":0}"#);
    // "helhellohellohe"
    assert_eq!(line.ok("guest-file-read", r#"{"handle":1000}"#)["buf-b64"], "aGVsaGVsbG9oZWxsb2hl");
}

#[test]
fn whence_is_a_number_or_a_name() {
    let mut line = line();
    line.ok("guest-file-open", r#"{"path":"/data"}"#);
    let mut seek = |offset: i64, whence: &str| {
        let arguments = format!(r#"{{"handle":1000,"offset":{offset},"whence":{whence}}}"#);
        line.call("guest-file-seek", &arguments).map_err(|(_, desc)| desc)
    };
    for (offset, whence, position) in [
        (3, "0", 3),
        (2, "1", 5),
        (-1, "2", 9),
        (4, r#""set""#, 4),
        (-1, r#""cur""#, 3),
        (90, r#""end""#, 100),
    ] {
        assert_eq!(
            seek(offset, whence),
            Ok(json!({"position": position, "eof": false})),
            "{offset} {whence}"
        );
    }
    assert_eq!(seek(-101, "1").unwrap_err(), "failed to seek file: Invalid argument");
    assert_eq!(seek(0, "3").unwrap_err(), "invalid whence code 3");
    assert_eq!(seek(0, r#""start""#).unwrap_err(), "Parameter 'whence' does not accept value 'start'");
    seek(0, "0.0").unwrap_err();
    seek(0, "true").unwrap_err();
    line.refused("guest-file-seek", r#"{"handle":1000,"offset":0}"#);
}
