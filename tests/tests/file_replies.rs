//! What an agent may say of files that QEMU's never does.

use std::time::Duration;

use qga_std::block_on;
use qga_tests::scripted::session;

const MINUTE: Duration = Duration::from_secs(60);

/// Some agents leave the padding of base64 out: what they read is not lost.
#[test]
fn base64_without_its_padding_is_read() {
    for (text, content) in [("aGk", "hi"), ("aA", "h"), ("aGk=", "hi"), ("aGVs", "hel")] {
        let read = format!(r#"{{"count": {}, "buf-b64": "{text}", "eof": true}}"#, content.len());
        let mut session = session(&["1000", read.leak(), "{}"]);
        let deadline = session.deadline(MINUTE);
        let read = block_on(session.read_file("/file", 100, deadline));
        assert_eq!(read.expect("it is read"), content.as_bytes(), "{text}");
    }
}

/// Bytes that lack, or are too many, are no file, whatever else is right.
#[test]
fn bytes_that_are_not_as_many_as_was_said_are_not_believed() {
    for read in [
        r#"{"count": 3, "buf-b64": "aGk", "eof": true}"#,
        r#"{"count": 1, "buf-b64": "aGk=", "eof": true}"#,
        r#"{"count": 0, "buf-b64": "aGk=", "eof": true}"#,
        r#"{"count": 2, "buf-b64": "", "eof": true}"#,
        r#"{"count": -1, "buf-b64": "", "eof": true}"#,
        r#"{"count": 1, "buf-b64": "a", "eof": true}"#,
    ] {
        let mut session = session(&["1000", read, read, read, read, read, read, read, read]);
        let deadline = session.deadline(MINUTE);
        let read = block_on(session.read_file("/file", 100, deadline));
        assert!(read.is_err(), "{read:?}");
    }
}
