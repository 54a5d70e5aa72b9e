//! Frames, from streams in pieces.

extern crate std;

use std::format;
use std::vec::Vec;

use super::*;

/// What the stream holds, read in pieces of `len` bytes.
fn frames_by<B: Buffer>(framer: &mut Framer<B>, stream: &[u8], len: usize) -> Vec<(Frame, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let window = framer.window();
        let n = len.min(window.len()).min(rest.len());
        assert!(n > 0, "no room");
        window[..n].copy_from_slice(&rest[..n]);
        framer.commit(n);
        rest = &rest[n..];
        while let Some(frame) = framer.poll_frame() {
            frames.push((frame, framer.text().to_vec()));
        }
    }
    frames
}

/// The frames of a stream, however it is cut.
#[track_caller]
fn assert_frames(framing: Framing, limit: usize, stream: &[u8], expected: &[(Frame, &[u8])]) {
    for len in [usize::MAX, 1, 2, 3, 7, 16] {
        let mut framer = Framer::new(framing, [0; 80], limit);
        let frames = frames_by(&mut framer, stream, len);
        let frames: Vec<_> = frames.iter().map(|(frame, text)| (*frame, &text[..])).collect();
        assert_eq!(frames, expected, "in pieces of {len}");
    }
}

const DELIMITER: (Frame, &[u8]) = (Frame::Delimiter, b"");
const GARBAGE: (Frame, &[u8]) = (Frame::Garbage, b"");

fn text(text: &str) -> (Frame, &[u8]) {
    (Frame::Text, text.as_bytes())
}

#[test]
fn lines_end_at_newlines_and_blank_ones_are_nothing() {
    assert_frames(Framing::Lines, 79, b"\n{}\n\r\n  \t\n{ }\r\n\n", &[text("{}"), text("{ }\r")]);
}

#[test]
fn a_delimiter_voids_what_was_before_it() {
    let stream = b"\xFF\xFF{\"return\": 77}\n{\"ret\xFF\n{}\xFF{ }\n";
    assert_frames(
        Framing::Lines,
        79,
        stream,
        &[DELIMITER, DELIMITER, text("{\"return\": 77}"), DELIMITER, DELIMITER, text("{ }")],
    );
}

#[test]
fn nothing_but_newline_and_0xff_means_anything_to_lines() {
    let stream = b"\x00\"\xFE\x80}{\\\n";
    assert_frames(Framing::Lines, 79, stream, &[(Frame::Text, &stream[..stream.len() - 1])]);
}

#[test]
fn a_line_of_the_limit_fits_and_a_longer_one_is_passed_over() {
    assert_frames(
        Framing::Lines,
        5,
        b"12345\n123456\n{}\n",
        &[text("12345"), (Frame::Oversized { len: 6 }, b"123456"), text("{}")],
    );
}

#[test]
fn the_end_of_an_oversized_line_is_kept() {
    let line = format!("{{\"return\": \"{}\", \"id\": 9007199254740990}}", "x".repeat(1000));
    let stream = format!("{line}\n{{}}\n");
    for len in [usize::MAX, 1, 100] {
        let mut framer = Framer::new(Framing::Lines, [0; 200], 150);
        let frames = frames_by(&mut framer, stream.as_bytes(), len);
        let tail = line.as_bytes()[line.len() - TAIL..].to_vec();
        assert_eq!(frames, [(Frame::Oversized { len: line.len() }, tail), (Frame::Text, b"{}".to_vec())]);
    }
}

#[test]
fn a_delimiter_ends_an_oversized_line() {
    let stream = [&[b'x'; 500][..], b"\xFF{}\n"].concat();
    assert_frames(Framing::Lines, 20, &stream, &[DELIMITER, text("{}")]);
}

#[test]
fn asking_for_room_twice_loses_nothing() {
    // A buffer of one byte keeps nothing of an oversized frame, but must still know that there is one.
    for framing in [Framing::Lines, Framing::Objects] {
        let mut framer = Framer::new(framing, [0; 1], 10);
        let mut frames = Vec::new();
        for &byte in b"[2,3]\n" {
            framer.release();
            framer.window();
            framer.window()[0] = byte;
            framer.commit(1);
            frames.extend(framer.poll_frame());
        }
        assert_eq!(frames, [Frame::Oversized { len: 5 }], "{framing:?}");
    }
}

#[test]
fn bytes_that_were_not_looked_at_are_not_dropped() {
    let mut framer = Framer::new(Framing::Lines, [0; 100], 99);
    framer.window()[..90].fill(b'x');
    framer.commit(90);
    assert_eq!(framer.poll_frame(), None);
    framer.window()[9] = b'\n';
    framer.commit(10);
    // Full, with a whole frame in it: there is no room before that is taken.
    framer.window();
    assert_eq!(framer.poll_frame(), Some(Frame::Text));
    assert_eq!(framer.text().len(), 99);
}

#[test]
fn text_stays_until_it_is_released() {
    let mut framer = Framer::new(Framing::Lines, [0; 16], 15);
    framer.window()[..9].copy_from_slice(b"{\"a\": 1}\n");
    framer.commit(9);
    assert_eq!(framer.poll_frame(), Some(Frame::Text));
    for byte in *b"{\"b\": 2" {
        framer.window()[0] = byte;
        framer.commit(1);
        assert_eq!(framer.text(), b"{\"a\": 1}");
    }
    assert!(framer.window().is_empty());
    framer.release();
    assert_eq!(framer.text(), b"");
    framer.window()[..2].copy_from_slice(b"}\n");
    framer.commit(2);
    assert_eq!(framer.poll_frame(), Some(Frame::Text));
    assert_eq!(framer.text(), b"{\"b\": 2}");
}

#[test]
fn finish_gives_what_has_no_newline() {
    for (stream, expected) in [(&b"{}\n[]"[..], Some(Frame::Text)), (b"{}\n", None), (b"{}\n \r", None)] {
        let mut framer = Framer::new(Framing::Lines, [0; 20], 19);
        assert_eq!(frames_by(&mut framer, stream, 1).len(), 1);
        assert_eq!(framer.finish(), expected);
        assert_eq!(framer.text(), if expected.is_some() { &b"[]"[..] } else { b"" });
        assert_eq!(framer.poll_frame(), None);
        assert_eq!(framer.finish(), None);
    }
    let mut framer = Framer::new(Framing::Lines, [0; 20], 5);
    frames_by(&mut framer, b"123456", 1);
    assert_eq!(framer.finish(), Some(Frame::Oversized { len: 6 }));
}

#[test]
fn a_reset_forgets_the_stream() {
    for framing in [Framing::Lines, Framing::Objects] {
        let mut framer = Framer::new(framing, [0; 20], 19);
        assert_eq!(frames_by(&mut framer, b"{\"half", 1), []);
        framer.reset();
        assert_eq!(frames_by(&mut framer, b"{}\n", 1), [(Frame::Text, b"{}".to_vec())]);
    }
}

#[test]
fn more_is_never_committed_than_there_is_room() {
    let mut framer = Framer::new(Framing::Lines, [b' '; 4], 3);
    framer.commit(usize::MAX);
    assert_eq!(framer.poll_frame(), None);
    framer.commit(usize::MAX);
    assert_eq!(framer.poll_frame(), None);
}

#[test]
fn a_buffer_grows_to_the_limit_and_one_byte() {
    let mut framer = Framer::new(Framing::Lines, heapless::Vec::<u8, 500>::new(), 300);
    let stream = [&[b'x'; 300][..], b"\n", &[b'y'; 900], b"\n{}\n"].concat();
    let frames = frames_by(&mut framer, &stream, usize::MAX);
    let kinds: Vec<_> = frames.iter().map(|(frame, _)| *frame).collect();
    assert_eq!(kinds, [Frame::Text, Frame::Oversized { len: 900 }, Frame::Text]);
    assert_eq!(framer.buffer.len(), 301);
}

#[test]
fn a_fixed_capacity_is_used_at_once() {
    let mut framer = Framer::new(Framing::Lines, heapless::Vec::<u8, 500>::new(), 4000);
    assert!(framer.window().len() > 100, "{} bytes to read to", framer.window().len());
}

#[cfg(feature = "alloc")]
#[test]
fn memory_follows_what_is_needed() {
    let mut framer = Framer::new(Framing::Lines, Vec::new(), 1 << 20);
    frames_by(&mut framer, b"{}\n{}\n", 2);
    assert_eq!(framer.buffer.len(), 4096);
    frames_by(&mut framer, &[b'x'; 5000], usize::MAX);
    assert_eq!(framer.buffer.len(), 8192);
    frames_by(&mut framer, &[b'x'; 2 << 20], usize::MAX);
    assert_eq!(framer.buffer.len(), (1 << 20) + 1);
}

#[test]
fn objects_need_no_newline() {
    assert_frames(
        Framing::Objects,
        79,
        b"{}[1]{\"a\":{}}\r\n \"s\"{}",
        &[text("{}"), text("[1]"), text("{\"a\":{}}"), text("\"s\""), text("{}")],
    );
}

#[test]
fn brackets_in_strings_do_not_count() {
    let object = r#"{"}\"{[":"\\","a":["]"]}"#;
    assert_frames(Framing::Objects, 79, object.as_bytes(), &[text(object)]);
}

#[test]
fn words_end_where_something_else_begins() {
    let stream = b"12 nul\n-1.5e+3{}true\"s\"7";
    assert_frames(
        Framing::Objects,
        79,
        stream,
        &[text("12"), text("nul"), text("-1.5e+3"), text("{}"), text("true"), text("\"s\"")],
    );
}

#[test]
fn bytes_that_cannot_be_reset_the_parser() {
    for reset in [0xFF, 0xFE, 0x00, 0x1B, 0x0C] {
        for begun in [&b"[{\"a\":[1,"[..], b"12 "] {
            let stream = [begun, &[reset], b"{}"].concat();
            let word = begun.starts_with(b"1").then_some(text("12"));
            let expected: Vec<_> = word.into_iter().chain([DELIMITER, text("{}")]).collect();
            assert_frames(Framing::Objects, 79, &stream, &expected);
        }
    }
    // In strings that goes for white space, too, but for the space.
    for reset in *b"\xFF\xFE\x00\x1B\n\r\t" {
        for begun in [&b"{\"a"[..], b"\"\\"] {
            let stream = [begun, &[reset], b"{}"].concat();
            assert_frames(Framing::Objects, 79, &stream, &[DELIMITER, text("{}")]);
        }
    }
    for space in ["\n", "\r", "\t"] {
        let spaced = format!("{{{space}\"a\":{space}1}}");
        assert_frames(Framing::Objects, 79, spaced.as_bytes(), &[text(&spaced)]);
    }
}

#[test]
fn garbage_is_reported_once_and_passed_over() {
    assert_frames(Framing::Objects, 79, b"@@@ 'x' \"quoted {}", &[GARBAGE, text("{}")]);
    assert_frames(Framing::Objects, 79, b"}:{}", &[GARBAGE, GARBAGE, text("{}")]);
    assert_frames(Framing::Objects, 79, b"\xEF\xBB\xBF\n{}", &[GARBAGE, text("{}")]);
}

#[test]
fn an_oversized_object_costs_itself() {
    let object = format!("{{\"a\":\"{}\"}}", "}".repeat(300));
    let stream = format!("{object}{{}}");
    for len in [usize::MAX, 1, 9] {
        let frames = frames_by(&mut Framer::new(Framing::Objects, [0; 80], 79), stream.as_bytes(), len);
        assert_eq!(frames[0].0, Frame::Oversized { len: object.len() });
        assert_eq!(frames[1..], [(Frame::Text, b"{}".to_vec())]);
    }
}

#[test]
fn what_is_buffered_is_not_printed() {
    let mut framer = Framer::new(Framing::Lines, [0; 64], 63);
    framer.window()[..6].copy_from_slice(b"secret");
    framer.commit(6);
    let printed = format!("{framer:?}");
    // Neither as text nor as numbers.
    assert!(!printed.contains("secret") && !printed.contains("115, 101"), "{printed}");
}
