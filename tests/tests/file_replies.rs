//! What an agent may say of files that QEMU's never does.

use std::time::Duration;

use qga_proto::{CopyFrom, Error, FileError};
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
        assert!(matches!(read, Err(FileError::Call(Error::Protocol(_)))), "{read:?}");
    }
}

/// A file may be cut while it is copied, and some tell wrong sizes: that is no error, but nobody is to believe that it was all.
#[test]
fn a_file_that_ends_before_its_told_end_is_told() {
    for (size, missing) in [(100, 98), (2, 0), (1, 0), (0, 0)] {
        let size = format!(r#"{{"position": {size}, "eof": false}}"#);
        let start = r#"{"position": 0, "eof": false}"#;
        let read = r#"{"count": 2, "buf-b64": "aGk=", "eof": true}"#;
        let mut session = session(&["1000", size.leak(), start, read, "{}"]);
        let (mut copy, deadline) = (Vec::new(), session.deadline(MINUTE));
        let what = CopyFrom::new("/file");
        let copied = block_on(session.copy_from(&what, &mut copy, &mut [0; 100], |_| {}, deadline));
        let copied = copied.expect("it is copied");
        assert_eq!((copied.len, copied.missing, &*copy), (2, missing, &b"hi"[..]));
    }
}
