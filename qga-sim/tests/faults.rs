//! What goes wrong on a line, one thing after the other.

mod common;

use std::time::Duration;

use common::{Line, START};
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};

const SECOND: Duration = Duration::from_secs(1);
const PING: &str = r#"{"execute":"guest-ping","id":1}"#;
const PONG: &str = "{\"return\": {}, \"id\": 1}\n";

fn line(faults: &[&str]) -> Line {
    let sim = faults.iter().fold(Sim::new(Guest::new()), |sim, fault| sim.fault(fault.parse().unwrap()));
    Line { sim, now: START }
}

/// Sends a ping; gives what comes at once.
fn ping(line: &mut Line) -> String {
    text(line.send(PING.as_bytes()))
}

/// Gives what comes later, up to a time.
fn wait(line: &mut Line, time: Duration) -> String {
    let end = line.now + time;
    let mut came = Vec::new();
    while let Some(at) = line.sim.poll_timeout().filter(|&at| at <= end) {
        line.now = at;
        line.sim.handle_timeout(at);
        came.extend(line.send(b""));
    }
    line.now = end;
    text(came)
}

/// With what is no character as `\xNN`.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        error.as_bytes().escape_ascii().to_string().replace("\\\"", "\"").replace("\\n", "\n")
    })
}

#[test]
fn replies_are_lost_doubled_and_reordered() {
    assert_eq!(ping(&mut line(&["lost"])), "");
    assert_eq!(ping(&mut line(&["doubled"])), [PONG, PONG].concat());
    let mut line = line(&["reordered#1"]);
    assert_eq!(ping(&mut line), "");
    let second = r#"{"execute":"guest-ping","id":2}"#;
    assert_eq!(text(line.send(second.as_bytes())), format!("{{\"return\": {{}}, \"id\": 2}}\n{PONG}"));
    assert_eq!(ping(&mut line), PONG);
}

#[test]
fn a_delay_holds_up_what_is_behind_it_and_lateness_does_not() {
    let mut delayed = line(&["delay=2s#1"]);
    assert_eq!(ping(&mut delayed), "");
    assert_eq!(ping(&mut delayed), "");
    assert_eq!(wait(&mut delayed, SECOND), "");
    assert_eq!(wait(&mut delayed, SECOND), [PONG, PONG].concat());
    let mut late = line(&["late=2s#1"]);
    assert_eq!(ping(&mut late), "");
    assert_eq!(text(late.send(br#"{"execute":"guest-get-host-name","id":2}"#)).lines().count(), 1);
    assert_eq!(wait(&mut late, SECOND), "");
    assert_eq!(wait(&mut late, SECOND), PONG);
}

#[test]
fn what_comes_first_is_not_the_reply() {
    assert_eq!(
        ping(&mut line(&["foreign"])),
        format!("{{\"return\": {{\"host-name\": \"another\"}}, \"id\": 61}}\n{PONG}")
    );
    assert_eq!(line(&["ff"]).send(PING.as_bytes()), [b"\xFF", PONG.as_bytes()].concat());
    assert_eq!(ping(&mut line(&["nul"])), format!("\0\0\0{PONG}"));
    let garbage = line(&["garbage"]).send(PING.as_bytes());
    let (first, rest) = garbage.split_at(garbage.len() - PONG.len());
    assert_eq!((rest, first.last()), (PONG.as_bytes(), Some(&b'\n')));
    assert!(first.len() > 8 && !first[..first.len() - 1].iter().any(|&byte| byte == b'\n' || byte == 0xFF));
    let mut stale = line(&["stale"]);
    let before = stale.send(b"");
    assert!(before.starts_with(b"QUFB") && before.ends_with(b"\xFF{\"return\": 424242}\n"));
    assert_eq!(ping(&mut stale), PONG);
    stale.sim.handle_eof(stale.now);
    assert_eq!(stale.send(b""), before);
}

#[test]
fn replies_are_spoilt() {
    let name = r#"{"execute":"guest-get-host-name","id":1}"#;
    let spoilt = |fault| line(&[fault]).send(name.as_bytes());
    assert_eq!(spoilt("bad-utf8"), b"{\"return\": {\"host-name\": \"guest\xC3(\"}, \"id\": 1}\n");
    assert_eq!(spoilt("bad-escape"), b"{\"return\": {\"host-name\": \"guest\\x\"}, \"id\": 1}\n");
    assert_eq!(spoilt("wrong-type"), b"{\"return\": [\"wrong\"], \"id\": 1}\n");
    assert_eq!(ping(&mut line(&["bad-utf8"])), "{\"return\": \"\\xc3(\", \"id\": 1}\n");
    let oversized = spoilt("oversized=1000");
    assert_eq!(oversized.len(), 1000 + spoilt("lost@guest-get-users").len() + "\"pad\": \"\", ".len());
    let deep = spoilt("deep");
    assert_eq!(deep.iter().filter(|&&byte| byte == b'[').count(), 100_000);
    assert!(deep.ends_with(b"]]], \"id\": 1}\n"));
}

#[test]
fn a_string_without_end_goes_on_for_ever() {
    let mut line = line(&["endless"]);
    let begun = ping(&mut line);
    assert!(begun.starts_with("{\"return\": \"xxxx") && !begun.contains('\n'));
    let more = wait(&mut line, SECOND);
    assert!(more.len() > 1 << 20 && more.bytes().all(|byte| byte == b'x'));
    assert_eq!(ping(&mut line), "");
    line.sim.handle_eof(line.now);
    assert_eq!(line.sim.poll_timeout(), None);
}

#[test]
fn half_a_reply_and_then_nothing() {
    let mut line = line(&["half#1"]);
    assert_eq!(ping(&mut line), PONG[..PONG.len().div_ceil(2)]);
    assert_eq!(ping(&mut line), "");
    line.sim.handle_eof(line.now);
    assert_eq!(ping(&mut line), PONG);
}

#[test]
fn half_a_reply_and_then_another_agent() {
    let mut line = line(&["restart#3"]);
    line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#);
    line.ok("guest-file-flush", r#"{"handle":1000}"#);
    let ends = line.sim.ends();
    assert_eq!(ping(&mut line), PONG[..PONG.len().div_ceil(2)]);
    line.sim.handle_timeout(line.now);
    assert_eq!(line.sim.ends(), ends + 1);
    assert_eq!(line.refused("guest-file-flush", r#"{"handle":1000}"#), "handle '1000' has not been found");
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#), 1001);
}

#[test]
fn a_connection_ends_behind_a_byte() {
    for at in 1..PONG.len() {
        let mut line = line(&[&format!("close={at}")]);
        for end in 1..4 {
            assert_eq!(ping(&mut line), PONG[..at]);
            line.sim.handle_timeout(line.now);
            assert_eq!(line.sim.ends(), end);
        }
    }
}

#[test]
fn bytes_come_in_pieces_and_slowly() {
    let mut pieces = line(&["pieces=7"]);
    let window = pieces.sim.receive_buffer();
    window[..PING.len()].copy_from_slice(PING.as_bytes());
    pieces.sim.handle_received(PING.len(), START);
    assert_eq!(pieces.sim.poll_transmit(), Some(&PONG.as_bytes()[..7]));
    let mut slow = line(&["slow=100ms"]);
    assert_eq!(ping(&mut slow), PONG[..1]);
    assert_eq!(wait(&mut slow, SECOND), PONG[1..11]);
    assert_eq!(wait(&mut slow, 10 * SECOND), PONG[11..]);
}

#[test]
fn a_deaf_agent_takes_nothing() {
    assert!(line(&["deaf"]).sim.receive_buffer().is_empty());
}

#[test]
fn faults_hit_what_they_are_about() {
    let mut line = line(&["lost@guest-ping#2", "doubled@sync"]);
    assert_eq!(ping(&mut line), PONG);
    line.ok("guest-get-host-name", "{}");
    assert_eq!(ping(&mut line), "");
    assert_eq!(ping(&mut line), PONG);
    let sync = br#"{"execute":"guest-sync-delimited","arguments":{"id":5}}"#;
    assert_eq!(line.send(sync), b"\xFF{\"return\": 5}\n\xFF{\"return\": 5}\n");
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let hits = |seed| {
        let fault = Fault::new(FaultKind::Lost).percent(30);
        let mut line = Line { sim: Sim::new(Guest::new()).fault(fault).seed(seed), now: START };
        (0..1000).map(|_| ping(&mut line).is_empty()).collect::<Vec<_>>()
    };
    let lost = hits(7);
    assert_eq!(lost, hits(7));
    assert_ne!(lost, hits(8));
    assert!((250..350).contains(&lost.iter().filter(|lost| **lost).count()));
}

/// A fault that spoils texts marks the place with a character for private use, which guests can have, too.
#[test]
fn characters_for_private_use_are_left_alone() {
    let guest = || Guest::new().host_name("a\u{E000}b\u{E001}");
    let name = br#"{"execute":"guest-get-host-name"}"#;
    let plain = Line::new(guest()).send(name);
    assert_eq!(text(plain), "{\"return\": {\"host-name\": \"a\\uE000b\\uE001\"}}\n");
    let mut spoilt = Line { sim: Sim::new(guest()).fault(Fault::new(FaultKind::InvalidEscape)), now: START };
    assert_eq!(spoilt.send(name), b"{\"return\": {\"host-name\": \"a\\uE000b\\uE001\\x\"}}\n");
}

#[test]
fn requests_are_lost_and_not_only_replies() {
    for (fault, is_done) in [("unheard@guest-file-open", false), ("lost@guest-file-open", true)] {
        let mut line = line(&[fault]);
        assert_eq!(line.send(br#"{"execute":"guest-file-open","arguments":{"path":"/etc/motd"}}"#), b"");
        assert_eq!(line.sim.guest().open_files(), usize::from(is_done), "{fault}");
        assert_eq!(ping(&mut line), PONG);
    }
}

#[test]
fn a_reply_is_cut_and_the_next_one_stands_behind_it() {
    let mut line = line(&["cut=10#1"]);
    assert_eq!(ping(&mut line), PONG[..10]);
    assert_eq!(ping(&mut line), PONG);
}

#[test]
fn a_reply_comes_that_nobody_has_asked_for() {
    let mut line = line(&["unasked#1"]);
    assert_eq!(ping(&mut line), [PONG, "{\"return\": {}}\n"].concat());
    assert_eq!(ping(&mut line), PONG);
}

#[test]
fn a_connection_ends_in_the_place_of_a_reply() {
    let mut line = line(&["hang-up@guest-file-open", "delay=2s@guest-file-open"]);
    let ends = line.sim.ends();
    // What comes behind it in the same write is done, too, but its answer is nobody else's.
    let open = r#"{"execute":"guest-file-open","arguments":{"path":"/etc/motd"}}"#;
    assert_eq!(line.send([open, PING].concat().as_bytes()), b"");
    assert_eq!((line.sim.guest().open_files(), line.sim.ends()), (1, ends));
    assert_eq!(wait(&mut line, 2 * SECOND), "");
    assert_eq!((line.sim.guest().open_files(), line.sim.ends()), (1, ends + 1));
    assert_eq!(ping(&mut line), PONG);
}

#[test]
fn a_fault_that_can_never_hit_is_told() {
    let told = |personality, faults: &[&str]| {
        let sim = Sim::new(Guest::with(personality));
        let sim = faults.iter().fold(sim, |sim, fault| sim.fault(fault.parse().unwrap()));
        sim.useless_fault().map(|useless| useless.to_string())
    };
    for (personality, faults) in [
        (Personality::Minimal, &["lost@guest-info"][..]),
        (Personality::Minimal, &["lost@guest-sync"]),
        (Personality::Apple, &["wrong-type@guest-fsfreeze-freeze"]),
        (Personality::Qemu10, &["deep@guest-shutdown"]),
        (Personality::Qemu10, &["pieces=1", "pieces=2"]),
    ] {
        assert!(told(personality, faults).is_some(), "{personality} {faults:?}");
    }
    for (personality, faults) in [
        (Personality::Minimal, &["lost@sync"][..]),
        // They are refused, which is a reply.
        (Personality::Apple, &["lost@guest-fsfreeze-freeze"]),
        (Personality::Qemu10, &["lost@guest-shutdown"]),
        (Personality::Strings, &["deep@guest-shutdown"]),
        (Personality::Qemu10, &["lost#1", "lost#2", "deep"]),
    ] {
        assert_eq!(told(personality, faults), None, "{personality} {faults:?}");
    }
    let replay = Sim::replay("C: {\"execute\":\"guest-ping\"}\nA: {\"return\": {}}\n").unwrap();
    assert!(replay.fault("wrong-type".parse().unwrap()).useless_fault().is_some());
}

#[test]
fn faults_are_there_for_replays_too() {
    let replay = Sim::replay("C: {\"execute\":\"guest-ping\"}\nA: {\"return\": {}}\n").unwrap();
    let mut line = Line { sim: replay.fault("ff".parse().unwrap()), now: START };
    assert_eq!(line.send(br#"{"execute":"guest-ping"}"#), b"\xFF{\"return\": {}}\n");
    let replay = Sim::replay("C: {\"execute\":\"guest-ping\"}\nA: {\"return\": {}}\n").unwrap();
    let mut line = Line { sim: replay.fault("unheard#1".parse().unwrap()), now: START };
    assert_eq!(line.send(br#"{"execute":"guest-ping"}"#), b"");
    assert_eq!(line.send(br#"{"execute":"guest-ping"}"#), b"{\"return\": {}}\n");
}
