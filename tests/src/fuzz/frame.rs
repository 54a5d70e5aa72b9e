//! Any bytes, any cuts: the same frames.

use qga_proto::{Buffer, Frame, Framer, Framing};
use serde::de::IgnoredAny;

use super::{Input, Metered};

/// Cuts a stream in three ways, in memory of several kinds: the frames must be the same, and those that a much simpler
/// splitter finds.
pub fn frame(data: &[u8]) {
    let mut input = Input(data);
    let flags = input.byte();
    let framing = if flags & 1 == 0 { Framing::Lines } else { Framing::Objects };
    let limit = input.number() * if flags & 2 == 0 { 1 } else { 32 };
    let case = Case { framing, limit, script: input.take(4), stream: input.0 };

    let grown = case.frames(usize::MAX, || Metered::new(limit + 1));
    // In memory that does not grow the frames are the same if a frame of the limit fits; else that memory is the limit.
    for (capacity, frames) in [
        (64, case.frames(64, || [0; 64])),
        (257, case.frames(257, || [0; 257])),
        (300, case.frames(300, heapless::Vec::<u8, 300>::new)),
    ] {
        assert!(limit >= capacity || same_frames(&frames, &grown), "the memory makes a difference");
    }
}

struct Case<'a> {
    framing: Framing,
    limit: usize,
    script: &'a [u8],
    stream: &'a [u8],
}

/// A frame with its text.
type Framed = (Frame, Vec<u8>);

/// One read: how many bytes, and how many frames are polled after it.
#[derive(Clone, Copy)]
struct Read {
    len: usize,
    polls: usize,
}

impl Case<'_> {
    /// Cuts the stream whole, byte by byte, and as the script says; gives the frames, after a look at them.
    fn frames<B: Buffer>(&self, capacity: usize, buffer: impl Fn() -> B) -> Vec<Framed> {
        const WHOLE: Read = Read { len: usize::MAX, polls: usize::MAX };
        const BYTES: Read = Read { len: 1, polls: usize::MAX };
        let scripted: Vec<Read> = self.script.iter().map(|&byte| Read::new(byte)).collect();
        let cut = |reads: &[Read]| {
            let frames = cut(Framer::new(self.framing, buffer(), self.limit), reads, self.stream);
            // Without room for a newline it does not fit.
            self.check(&frames, self.limit.min(capacity - 1));
            frames
        };
        let whole = cut(&[WHOLE]);
        for reads in [&[BYTES], &scripted[..]] {
            if !reads.is_empty() {
                assert!(same_frames(&cut(reads), &whole), "the cuts make a difference");
            }
        }
        whole
    }

    fn check(&self, frames: &[Framed], limit: usize) {
        match self.framing {
            Framing::Lines => check_lines(frames, limit, self.stream),
            Framing::Objects => check_objects(frames, limit, self.stream),
        }
    }
}

impl Read {
    fn new(byte: u8) -> Self {
        Self { len: usize::from(byte >> 2) + 1, polls: [0, 1, 2, usize::MAX][usize::from(byte & 3)] }
    }
}

/// Runs the stream through a framer, with `reads` over and over.
fn cut<B: Buffer>(mut framer: Framer<B>, reads: &[Read], stream: &[u8]) -> Vec<Framed> {
    let mut frames: Vec<Framed> = Vec::new();
    let mut rest = stream;
    for read in reads.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        if framer.window().is_empty() {
            poll(&mut framer, &mut frames, usize::MAX);
            framer.release();
        }
        // What was asked once is asked again: that changes nothing.
        assert!(!framer.window().is_empty(), "no room for the next byte, though no frame is kept");
        let held = framer.text().to_vec();
        let window = framer.window();
        let n = read.len.min(window.len()).min(rest.len());
        window[..n].copy_from_slice(&rest[..n]);
        framer.commit(n);
        rest = &rest[n..];
        assert_eq!(framer.text(), held, "a frame's text was lost before it was released");
        poll(&mut framer, &mut frames, read.polls);
    }
    poll(&mut framer, &mut frames, usize::MAX);
    // As who reads until there is nothing more.
    framer.window();
    if let Some(frame) = framer.finish() {
        frames.push((frame, framer.text().to_vec()));
    }
    assert_eq!(framer.poll_frame(), None, "a frame behind the end");
    frames
}

fn poll<B: Buffer>(framer: &mut Framer<B>, frames: &mut Vec<Framed>, polls: usize) {
    for _ in 0..polls {
        let Some(frame) = framer.poll_frame() else { return };
        frames.push((frame, framer.text().to_vec()));
    }
}

/// Whether the frames are the same. How much is kept of the end of an oversized one is left open.
fn same_frames(a: &[Framed], b: &[Framed]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((frame, text), (other, other_text))| {
            frame == other && (matches!(frame, Frame::Oversized { .. }) || text == other_text)
        })
}

/// How much of the end of an oversized frame is kept at the most; enough for its `id`.
const TAIL: usize = 64;

/// Holds the frames against what splitting the whole stream at once gives.
fn check_lines(frames: &[Framed], limit: usize, stream: &[u8]) {
    let expected = split_lines(stream, limit);
    assert_eq!(frames.len(), expected.len(), "{frames:?}\n{expected:?}");
    for ((frame, text), (expected_frame, line)) in frames.iter().zip(&expected) {
        assert_eq!(frame, expected_frame);
        if let Frame::Oversized { .. } = frame {
            assert!(line.ends_with(text));
            assert!(text.len() <= TAIL && text.len() >= TAIL.min(limit.div_ceil(2)));
        } else {
            assert_eq!(text, line);
        }
    }
}

/// The frames of a stream of lines, each with all that it had.
fn split_lines(stream: &[u8], limit: usize) -> Vec<(Frame, &[u8])> {
    let mut frames = Vec::new();
    for (i, part) in stream.split(|&byte| byte == 0xFF).enumerate() {
        if i > 0 {
            // What stood between the last newline and this byte is void.
            while frames.last().is_some_and(|(_, _, ended)| !ended) {
                frames.pop();
            }
            frames.push((Frame::Delimiter, &part[..0], true));
        }
        for line in part.split_inclusive(|&byte| byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let ended = text.len() < line.len();
            if text.len() > limit {
                frames.push((Frame::Oversized { len: text.len() }, text, ended));
            } else if !text.trim_ascii().is_empty() {
                frames.push((Frame::Text, text, ended));
            }
        }
    }
    frames.into_iter().map(|(frame, text, _)| (frame, text)).collect()
}

/// As long as the stream is JSON, the frames are its values.
fn check_objects(frames: &[Framed], limit: usize, stream: &[u8]) {
    let reset = |&byte: &u8| byte >= 0xFE || byte < 0x20 && !byte.is_ascii_whitespace() || byte == 0x0C;
    let stream = stream.split(reset).next().unwrap_or_default();
    let mut values = serde_json::Deserializer::from_slice(stream).into_iter::<IgnoredAny>();
    let mut frames = frames.iter();
    let mut start = 0;
    while let Some(Ok(_)) = values.next() {
        let value = stream[start..values.byte_offset()].trim_ascii();
        start = values.byte_offset();
        // Of a number or a word only what follows shows that it ends. A value as long as the memory, though over the
        // limit, may fit or not.
        if start == stream.len() || value.len() == limit + 1 {
            return;
        }
        let (frame, text) = frames.next().expect("a value was not found");
        if value.len() > limit {
            assert_eq!(*frame, Frame::Oversized { len: value.len() });
            assert!(value.ends_with(text));
        } else {
            assert_eq!((*frame, &text[..]), (Frame::Text, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_splits() {
        let frames = split_lines(b"a\n \r\nvoid\xFFbc\r\nlonger\n\xFF\xFFend", 3);
        let expected: [(Frame, &[u8]); 7] = [
            (Frame::Text, b"a"),
            (Frame::Delimiter, b""),
            (Frame::Text, b"bc\r"),
            (Frame::Oversized { len: 6 }, b"longer"),
            (Frame::Delimiter, b""),
            (Frame::Delimiter, b""),
            (Frame::Text, b"end"),
        ];
        assert_eq!(frames, expected);
    }

    #[test]
    fn lines_and_objects_pass() {
        let stream =
            b"\xFF{\"return\": 1}\n\r\n{\"a\":[1,\"}\"]} 12 \"s\" nul\x1B{\"open\": \"...............\n";
        for flags in 0..2 {
            for limit in [0, 1, 5, 14, 255] {
                frame(&[&[flags, limit, 7, 0, 41, 2][..], stream].concat());
            }
        }
    }

    #[test]
    #[should_panic = "the cuts make a difference"]
    fn lost_memory_is_noticed() {
        /// Changes a byte when it has been written to often.
        struct Broken([u8; 100], usize);
        impl Buffer for Broken {
            fn bytes(&self) -> &[u8] {
                &self.0
            }
            fn bytes_mut(&mut self) -> &mut [u8] {
                self.1 += 1;
                self.0[2] ^= u8::from(self.1 == 20);
                &mut self.0
            }
        }
        let case = Case {
            framing: Framing::Objects,
            limit: 99,
            script: &[255],
            stream: b"{\"a\": \"of a fine length\"}",
        };
        case.frames(100, || Broken([0; 100], 0));
    }
}
