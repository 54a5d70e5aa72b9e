//! A real agent and the simulated one of its release hear the same bytes, and say the same: byte for byte, the places of
//! errors too.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use qga_sim::{Guest, Personality, Sim};
use qga_tests::real_agent::{BLOCKED, RealAgent, version};

/// The simulated agent that should say what the real one does.
fn personality() -> Personality {
    match version() {
        (11, 1..) | (12.., _) => Personality::Qemu11,
        (9, 1..) | (10.., _) => Personality::Qemu10,
        _ => Personality::Qemu7,
    }
}

/// A real agent and a simulated one, which have heard the same since they were started.
struct Pair {
    _agent: RealAgent,
    line: UnixStream,
    sim: Sim,
    syncs: u32,
}

impl Pair {
    fn start() -> Self {
        let agent = RealAgent::start();
        let line = agent.connect();
        line.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has limits");
        let guest = BLOCKED.split(',').fold(Guest::with(personality()), Guest::disable);
        Self { _agent: agent, line, sim: Sim::new(guest), syncs: 0 }
    }

    /// Says something to both, and what brings both to a known state; gives what each answers.
    fn say(&mut self, bytes: &[u8]) -> [Vec<u8>; 2] {
        self.syncs += 1;
        let sync =
            format!("{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{}}}}}\n", self.syncs);
        let said = [bytes, b"\xFF", sync.as_bytes()].concat();
        let last = [b"\xFF", format!("{{\"return\": {}}}\n", self.syncs).as_bytes()].concat();
        self.line.write_all(&said).expect("the agent reads");
        let mut real = Vec::new();
        let mut buffer = [0; 64 * 1024];
        while !real.ends_with(&last) {
            let n = self.line.read(&mut buffer).expect("the agent answers");
            assert!(n > 0, "the agent has ended at {}", bytes.escape_ascii());
            real.extend_from_slice(&buffer[..n]);
        }
        [real, self.say_to_sim(&said)]
    }

    fn say_to_sim(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        while !bytes.is_empty() || self.sim.poll_transmit().is_some() {
            if let Some(said) = self.sim.poll_transmit() {
                answer.extend_from_slice(said);
                let n = said.len();
                self.sim.handle_transmitted(n, Duration::ZERO);
                continue;
            }
            let window = self.sim.receive_buffer();
            let n = bytes.len().min(window.len());
            window[..n].copy_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.sim.handle_received(n, Duration::ZERO);
        }
        answer
    }

    #[track_caller]
    fn assert_same(&mut self, bytes: &[u8]) {
        let [real, sim] = self.say(bytes);
        let [real, sim] = [real, sim].map(|said| String::from_utf8_lossy(&said).into_owned());
        if real != sim {
            let differing = real.lines().zip(sim.lines()).find(|(real, sim)| real != sim);
            let said = bytes.escape_ascii().to_string();
            let counts = (real.lines().count(), sim.lines().count());
            panic!(
                "{}\nreal and simulated replies: {counts:?}, {differing:#?}",
                &said[..said.len().min(300)]
            );
        }
    }
}

/// What messages are made of, and what they are not made of.
const PARTS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\"a\"",
    b"'b'",
    b"\"",
    b"'",
    b"\\",
    b"/",
    b"@",
    b"N",
    b"-",
    b"+1",
    b".5",
    b"0",
    b"-0",
    b"01",
    b"1e",
    b"0e1",
    b"1.5e3",
    b"2.",
    b"1e400",
    b"18446744073709551615",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"0.1",
    b"1e17",
    b"true",
    b"nul",
    b"null",
    b"nan",
    b"\0",
    b"\x01",
    b"\x1B",
    b"\x7F",
    b"\xFE",
    b"\xFF",
    b"\xC3\xA9",
    b"\xC0\x80",
    b"\xC0\xAF",
    b"\xED\xA0\xBD",
    b"\xF0\x9F\x98\x80",
    b"\xF4\x8F\xBF\xBF",
    b"\xEF\xB7\x90",
    b"\xEF\xBB\xBF",
    b"\\u",
    b"\"\\u00e9\\/\\b\\'\"",
    b"\"\\ud83d\\ude00\"",
    b"\"\\ud83d\\u0041\"",
    b"\"\\ud83d",
    b"\"\\ufdd0\"",
    b"\"\\ud83f\\udffe\"",
    b"\"\\u12g4\"",
    b"\"\\u12\"",
    b"\"\\x\"",
    b"\"\\u0000\"",
    b"\"execute\"",
    b"\"guest-ping\"",
    b"\"arguments\"",
    b"\"id\"",
    b"\"id\":1,\"id\":",
    b"{\"execute\":\"guest-ping\"}",
    b"{\"execute\":\"guest-ping\",\"id\":",
    b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":",
    b"{'execute':'guest-sync-delimited','arguments':{'id':7},'id':",
    b"{\"execute\":\"no-such-command\",\"id\":",
    b"{\"execute\":\"guest-set-time\"}",
    b"{\"id\":61}",
];

#[test]
fn what_is_no_message_is_answered_alike() {
    let mut pair = Pair::start();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..3000 {
        let count = random.usize(1..=12);
        let parts: Vec<_> = (0..count).map(|_| PARTS[random.usize(..PARTS.len())]).collect();
        let bytes = parts.concat();
        pair.assert_same(&bytes);
    }
}

/// Commands that do nothing with the arguments that the test has, and these arguments' names.
const COMMANDS: &[(&str, &[&str])] = &[
    ("guest-exec-status", &["pid"]),
    ("guest-file-close", &["handle"]),
    ("guest-file-flush", &["handle"]),
    ("guest-file-open", &["path", "mode"]),
    ("guest-file-read", &["handle", "count"]),
    ("guest-file-seek", &["handle", "offset", "whence"]),
    ("guest-file-write", &["handle", "buf-b64", "count"]),
    ("guest-ping", &[]),
    ("guest-set-vcpus", &["vcpus"]),
    ("guest-ssh-get-authorized-keys", &["username"]),
    ("guest-sync", &["id"]),
    ("guest-exec", &["path", "arg", "env", "input-data", "capture-output"]),
];

const VALUES: &[&str] = &[
    "1",
    "-1",
    "0",
    "5.0",
    "9223372036854775808",
    "-9223372036854775809",
    "null",
    "true",
    "{}",
    "[]",
    "[1]",
    "[\"x\", 2]",
    "[null]",
    "\"\"",
    "\"/nonexistent/x\"",
    "\"end\"",
    "\"stop\"",
    "\"r\"",
    "\"rx\"",
    "\"!!\"",
    "\"aGk=\"",
    "\"separated\"",
    "{\"a\": 1}",
];

#[test]
fn arguments_are_refused_alike() {
    let mut pair = Pair::start();
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..3000 {
        let (name, arguments) = COMMANDS[random.usize(..COMMANDS.len())];
        let mut members = Vec::new();
        for argument in arguments.iter().chain(["extra"].iter()) {
            let likelihood = if *argument == "extra" { 0.1 } else { 0.8 };
            if random.f64() < likelihood {
                members.push(format!("\"{argument}\": {}", VALUES[random.usize(..VALUES.len())]));
            }
        }
        let request = format!("{{\"execute\":\"{name}\",\"arguments\":{{{}}}}}\n", members.join(", "));
        pair.assert_same(request.as_bytes());
    }
}

#[test]
fn limits_are_the_same() {
    let mut pair = Pair::start();
    for depth in [1023, 1024, 1025, 1030] {
        pair.assert_same(&[b"[".repeat(depth), b"]".repeat(depth)].concat());
        pair.assert_same(&[b"{\"a\":".repeat(depth), b"1".to_vec(), b"}".repeat(depth)].concat());
        pair.assert_same(&b"[".repeat(depth));
    }
}
