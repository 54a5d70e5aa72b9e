//! More of what was seen of the real agent, of three releases: cases that need more than one request, or bytes that are hard
//! to write down. Where releases differ, the last one is told apart.

mod common;

use std::time::{Duration, Instant};

use common::{Line, read_replies};
use qga_sim::{Guest, Personality};

const PING: &[u8] = b"{\"execute\":\"guest-ping\"}\n";
const PONG: &str = r#"{"return": {}}"#;
/// What every kind of garbage is answered with, but for the text.
const ERROR: &str = r#"{"error": {"class": "GenericError", "desc": ""}}"#;

const RELEASES: [Personality; 3] = [Personality::Qemu7, Personality::Qemu10, Personality::Qemu11];

/// Sends the pieces and holds the replies against those of the real agent. `<ff>` is a byte.
#[track_caller]
fn assert_answers(pieces: &[&[u8]], replies: &[&str]) {
    for personality in RELEASES {
        assert_answers_of(personality, pieces, replies);
    }
}

#[track_caller]
fn assert_answers_of(personality: Personality, pieces: &[&[u8]], replies: &[&str]) {
    let sent = pieces.concat();
    let wanted = replies.iter().flat_map(|reply| match reply.strip_prefix("<ff>") {
        Some(reply) => [&b"\xFF"[..], reply.as_bytes(), b"\n"],
        None => [b"", reply.as_bytes(), b"\n"],
    });
    let wanted: Vec<u8> = wanted.flatten().copied().collect();
    for piece in [usize::MAX, 1, 3] {
        let mut line = Line::new(Guest::with(personality));
        let got = line.send_pieces(&sent, piece);
        assert!(
            read_replies(&got) == read_replies(&wanted),
            "{personality}: {}\nin pieces of {piece}: {}",
            sent.escape_ascii(),
            got.escape_ascii()
        );
    }
}

#[test]
fn nothing_is_said_unasked() {
    assert_answers(&[], &[]);
    assert_answers(&[b"\n\n  \r\n"], &[]);
}

#[test]
fn white_space_may_stand_between_all_tokens() {
    assert_answers(&[b" {\r\n\t\"execute\"\t: \"guest-ping\" \n, \"arguments\" : { } }\r\n"], &[PONG]);
    assert_answers(&[PING.trim_ascii()], &[PONG]);
}

#[test]
fn an_id_of_any_characters_comes_back_in_ascii() {
    assert_answers(
        &[r#"{"execute":"guest-ping","id":"é中😀\u00e9\/"}"#.as_bytes()],
        &[r#"{"return": {}, "id": "\u00E9\u4E2D\uD83D\uDE00\u00E9/"}"#],
    );
    assert_answers(
        &[b"{\"execute\":\"guest-ping\",\"id\":[\n1 ,\t{ \"a b\" : \"\\\" \" }]}"],
        &[r#"{"return": {}, "id": [1, {"a b": "\" "}]}"#],
    );
}

#[test]
fn keys_may_be_escaped() {
    assert_answers(&[br#"{"\u0065xecute":"guest\u002dping","\u0069d":1}"#], &[r#"{"return": {}, "id": 1}"#]);
}

#[test]
fn null_is_no_argument() {
    for arguments in [r#""id":null"#, r#""id":1,"x":null"#] {
        let request = format!(r#"{{"execute":"guest-sync","arguments":{{{arguments}}}}}"#);
        assert_answers(&[request.as_bytes()], &[ERROR]);
    }
    assert_answers(
        &[br#"{"execute":"guest-file-open","arguments":{"path":"/etc/motd","mode":null},"id":1}"#],
        &[r#"{"id": 1, "error": {"class": "GenericError", "desc": ""}}"#],
    );
}

/// Of these the bytes count: as JSON they are the same as others.
#[test]
fn numbers_come_back_as_the_real_agent_writes_them() {
    for personality in RELEASES {
        for (id, back) in [("0.1", "0.10000000000000001"), ("1.0", "1"), ("1e2", "100")] {
            let mut line = Line::new(Guest::with(personality));
            let request = format!("{{\"execute\":\"guest-ping\",\"id\":{id}}}\n");
            let got = line.send_pieces(request.as_bytes(), usize::MAX);
            let wanted = format!("{{\"return\": {{}}, \"id\": {back}}}\n");
            assert_eq!(
                got.escape_ascii().to_string(),
                wanted.as_bytes().escape_ascii().to_string(),
                "{personality}"
            );
        }
    }
}

#[test]
fn numbers_are_integers_or_are_not() {
    assert_answers(&[br#"{"execute":"guest-ping","id":1.0}"#], &[r#"{"return": {}, "id": 1}"#]);
    assert_answers(&[br#"{"execute":"guest-ping","id":42}"#], &[r#"{"return": {}, "id": 42}"#]);
    for id in [r#""5""#, "5.0", "1e3", "9223372036854775808"] {
        let request = format!(r#"{{"execute":"guest-sync","arguments":{{"id":{id}}}}}"#);
        assert_answers(&[request.as_bytes(), PING], &[ERROR, PONG]);
    }
}

#[test]
fn what_is_no_request_costs_one_error() {
    for message in ["[]", "\"x\"", "1", "null", r#"[{"execute":"guest-ping"}]"#] {
        assert_answers(&[message.as_bytes(), b"\n", PING], &[ERROR, PONG]);
    }
    assert_answers(
        &[br#"{"exec-oob":"guest-ping","id":3}"#, PING],
        &[r#"{"id": 3, "error": {"class": "GenericError", "desc": ""}}"#, PONG],
    );
}

#[test]
fn strings_are_text_and_may_have_a_nul() {
    for broken in [&br"\ud83d"[..], br"\uffff", b"\xF4\x8F\xBF\xBF", b"a\x80b"] {
        assert_answers(&[br#"{"execute":"guest-ping","id":""#, broken, b"\"}", PING], &[ERROR, PONG]);
    }
    for nul in [&br"\u0000"[..], b"\xC0\x80"] {
        assert_answers(
            &[br#"{"execute":"guest-ping","id":"a"#, nul, br#"b"}"#],
            &[r#"{"return": {}, "id": "a\u0000b"}"#],
        );
    }
}

#[test]
fn ff_and_its_like_end_what_was_begun() {
    for reset in [b"\xFF", b"\xFE", b"\x1B"] {
        assert_answers(&[b"[{\"a\":[1,2,", reset, PING], &[ERROR, PONG]);
        assert_answers(&[b"{\"execute\":\"guest-p", reset, PING], &[ERROR, PONG]);
        assert_answers(&[b"{\"execute\":\"guest-p\\", reset, PING], &[ERROR, PONG]);
        assert_answers(&[reset, reset, reset, PING], &[ERROR, ERROR, ERROR, PONG]);
    }
    assert_answers(&[b"12\xFF", PING], &[ERROR, ERROR, PONG]);
}

#[test]
fn a_newline_ends_a_string_but_nothing_else() {
    assert_answers(&[b"{\"execute\":\"guest-ping\n", PING], &[ERROR, PONG]);
    assert_answers(&[b"{\"a\":[1 2\n", PING, PING, b"\xFF", PING], &[ERROR, PONG]);
    assert_answers(&[br#"{"execute":"guest-ping","id":"a"#, b"\n", br#"b"}"#, PING], &[ERROR, ERROR, PONG]);
}

/// The last release tells of it when it comes, and says nothing of the byte that ends the rest.
#[test]
fn a_fault_is_told_when_brackets_balance_or_at_once() {
    let begun: &[u8] = b"{\"a\":[1 2\n";
    for (personality, replies) in
        RELEASES.into_iter().zip([[&[][..], &[ERROR]], [&[], &[ERROR]], [&[ERROR], &[]]])
    {
        let mut line = Line::new(Guest::with(personality));
        for (sent, replies) in [begun, b"\xFF"].into_iter().zip(replies) {
            let wanted: String = replies.iter().map(|reply| format!("{reply}\n")).collect();
            assert_eq!(read_replies(&line.send(sent)), read_replies(wanted.as_bytes()), "{personality}");
        }
    }
}

#[test]
fn garbage_costs_no_good_request() {
    assert_answers(&[b"localhost login: \n", PING], &[ERROR, ERROR, ERROR, PONG]);
    assert_answers(&[b"@@@ garbage \"quoted ", PING], &[ERROR, PONG]);
    assert_answers(&["\u{FEFF}".as_bytes(), PING], &[ERROR, PONG]);
    assert_answers(&[b"}\n"], &[ERROR]);
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert_answers(&[nested(1024).as_bytes(), PING], &[ERROR, PONG]);
    // Until 11.0 what is left of it is taken for other messages.
    let burst = [vec![ERROR; 1026], vec![PONG]].concat();
    for (personality, replies) in RELEASES.into_iter().zip([&burst, &burst, &vec![ERROR, PONG]]) {
        assert_answers_of(personality, &[nested(1025).as_bytes(), PING], replies);
    }
    let id = |depth| format!(r#"{{"execute":"guest-ping","id":{}}}"#, nested(depth));
    for depth in [100, 1023] {
        let reply = format!(r#"{{"return": {{}}, "id": {}}}"#, nested(depth));
        for personality in RELEASES {
            let mut line = Line::new(Guest::with(personality));
            assert_eq!(line.send(id(depth).as_bytes()), format!("{reply}\n").as_bytes());
        }
    }
}

#[test]
fn only_the_success_of_a_delimited_sync_is_delimited() {
    assert_answers(
        &[
            br#"{"execute":"guest-sync-delimited","arguments":{"id":"5"}}"#,
            PING,
            br#"{"execute":"guest-sync-delimited","arguments":{"id":-5}}"#,
            PING,
        ],
        &[ERROR, PONG, r#"<ff>{"return": -5}"#, PONG],
    );
}

#[test]
fn a_command_that_is_silent_says_only_why_it_fails() {
    let ping = br#"{"execute":"guest-ping","id":2}"#;
    assert_answers(&[br#"{"execute":"guest-shutdown","id":1}"#, ping], &[r#"{"return": {}, "id": 2}"#]);
    assert_answers(
        &[br#"{"execute":"guest-shutdown","arguments":{"mode":"bogus"},"id":5}"#, PING],
        &[r#"{"id": 5, "error": {"class": "GenericError", "desc": ""}}"#, PONG],
    );
}

#[test]
fn what_a_client_has_left_half_said_is_the_next_ones_beginning() {
    for personality in RELEASES {
        let mut line = Line::new(Guest::with(personality));
        let mut leave = |bytes: &[u8]| {
            let answer = line.send(bytes);
            line.sim.handle_eof(line.now);
            String::from_utf8_lossy(&answer).into_owned()
        };
        assert_eq!(leave(br#"{"execute":"guest-sy"#), "");
        assert_eq!(leave(br#"nc","arguments":{"id":3}}"#), "{\"return\": 3}\n");
        assert_eq!(leave(b"[[[["), "");
        assert_eq!(leave(PING), "");
        let sync = b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":88}}\n";
        let answers = leave(sync);
        assert!(answers.contains("stray") && answers.ends_with("{\"return\": 88}\n"), "{answers}");
    }
}

#[test]
fn what_was_asked_is_done_though_the_client_is_gone() {
    let mut line = Line::new(Guest::new());
    let requests = concat!(
        r#"{"execute":"guest-ping"}"#,
        r#"{"execute":"guest-file-open","arguments":{"path":"/tmp/new","mode":"w"}}"#,
    );
    let window = line.sim.receive_buffer();
    window[..requests.len()].copy_from_slice(requests.as_bytes());
    line.sim.handle_received(requests.len(), line.now);
    assert!(line.sim.poll_transmit().is_some());
    line.sim.handle_eof(line.now);
    assert_eq!(line.sim.poll_transmit(), None);
    line.ok("guest-file-flush", r#"{"handle":1000}"#);
}

/// Requests that are cut, joined and damaged in every way: each answer is a reply, and the next client is served.
#[test]
fn no_bytes_break_it() {
    let requests: Vec<_> = [
        r#"{"execute":"guest-ping","id":[1.5,{"a":"\ud83d\ude00é"},null]}"#,
        r#"{"execute":"guest-sync-delimited","arguments":{"id":-9223372036854775808}}"#,
        r#"{"execute":"guest-file-open","arguments":{"path":"/tmp/x","mode":"a+"},"id":"x"}"#,
        r#"{"execute":"guest-file-write","arguments":{"handle":1000,"buf-b64":"aGVsbG8=","count":3}}"#,
        r#"{"execute":"guest-file-seek","arguments":{"handle":1000,"offset":-1,"whence":"end"}}"#,
        r#"{"execute":"guest-file-read","arguments":{"handle":1000,"count":10}}"#,
        r#"{"execute":"guest-exec","arguments":{"path":"cat","arg":["-"],"input-data":"AA==","env":[]}}"#,
        r#"{"execute":"guest-exec-status","arguments":{"pid":1201}}"#,
        r#"{"execute":"guest-info","arguments":{},"id":1e999}"#,
    ]
    .map(str::as_bytes)
    .concat();
    let mut random = Random(1);
    for _ in 0..2000 {
        let mut sent = requests.clone();
        for _ in 0..random.below(8) {
            let at = random.below(sent.len());
            match random.below(3) {
                0 => sent[at] = random.below(256) as u8,
                1 => sent.insert(at, b"\xFF\"{}[]\\,:0-\n"[random.below(12)]),
                _ => drop(sent.drain(at..(at + random.below(20)).min(sent.len()))),
            }
        }
        let personality = Personality::ALL[random.below(Personality::ALL.len())];
        let mut line = Line::new(Guest::with(personality));
        let got = line.send_pieces(&sent, 1 + random.below(sent.len()));
        for reply in got.split_inclusive(|&byte| byte == b'\n') {
            // What no double holds is no JSON, either.
            let is_infinite = reply.windows(3).any(|window| window == b"inf");
            assert!(is_infinite || read_replies(reply).is_ok(), "{}", reply.escape_ascii());
        }
        line.sim.handle_eof(line.now);
        let answers = line.send(&[b"\xFF", PING].concat());
        let last = read_replies(&answers).unwrap().pop().unwrap();
        assert_eq!(Ok(vec![last]), read_replies(format!("{PONG}\n").as_bytes()), "{personality}");
    }
}

/// Marsaglia's xorshift: the same damage each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Each name is looked for among those before it, which must not take longer and longer.
#[test]
fn very_many_members_are_read_in_time() {
    let members: String = (0..100_000).map(|number| format!("\"{number}\":0,")).collect();
    for personality in [Personality::Qemu2, Personality::Qemu10, Personality::Qemu11] {
        let mut line = Line::new(Guest::with(personality));
        let start = Instant::now();
        let double = format!("{{\"execute\":\"guest-ping\",\"arguments\":{{{members}\"7\":1}}}}\n");
        let reply = line.send(double.as_bytes());
        assert!(reply.starts_with(b"{\"error\""), "{}", reply.escape_ascii());
        // Looked through one by one this took minutes.
        assert!(start.elapsed() < Duration::from_secs(60), "{personality}: {:?}", start.elapsed());
    }
}
