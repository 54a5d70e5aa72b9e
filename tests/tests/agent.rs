//! The agent's half by itself: what the real agent was seen to answer, and the agent of the documentation.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use qga_proto::commands::{
    GuestExec, GuestFileClose, GuestFileOpen, GuestFileRead, GuestGetHostName, GuestInfo, GuestPing,
    GuestSetVcpus, GuestShutdown,
};
use qga_proto::json::Raw;
use qga_proto::{Agent, Empty, ErrorClass, Request, RequestError};
use qga_std::Session;
use serde_json::Value;

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../../qga-proto/examples/agent.rs"]
mod example;

/// Pairs of requests and replies, recorded from three releases of the real agent.
const PAIRS: &str = include_str!("../../qga-sim/tests/data/conformance.jsonl");

/// The pairs that are not met, and why.
const NOT_MET: &[(&str, &str)] = &[
    ("id 1e400", INFINITE),
    ("id -1e400", INFINITE),
    ("id 01", LEXER),
    ("id +1", LEXER),
    ("id NaN", LEXER),
    ("error recovery: lexical error inside nested value", LEXER),
    ("kernel msg", LEXER),
    ("id ufffe", NONCHARACTER),
    ("id uffff", NONCHARACTER),
    ("id raw c0 80", EXTENSION),
    ("id apos esc", EXTENSION),
    ("single quoted", EXTENSION),
];

const INFINITE: &str = "the real agent echoes `inf`, which is not JSON; here the number comes back as it was";
const LEXER: &str =
    "how many errors garbage costs: here each stretch is one, the real agent counts by its tokens";
const NONCHARACTER: &str = "these are characters to JSON and to Rust, and are taken here";
const EXTENSION: &str = "an extension over JSON that no client is known to use";

#[test]
fn it_answers_as_the_real_agent_does() {
    let reasons: BTreeMap<_, _> = NOT_MET.iter().copied().collect();
    let mut excused = 0;
    let mut faults = Vec::new();
    for pair in PAIRS.lines().map(|line| serde_json::from_str::<Value>(line).expect("a pair")) {
        let name = pair["name"].as_str().expect("a name");
        let sent = bytes_of(pair["send_hex"].as_str().expect("digits"));
        // In the file each character is a byte.
        let seen: Vec<u8> = pair["reply_10.0"].as_str().expect("a reply").chars().map(|c| c as u8).collect();
        for piece in [usize::MAX, 1] {
            let got = said(&sent, piece);
            let is_met = replies(&seen).is_some_and(|seen| Some(seen) == replies(&got));
            match (is_met, reasons.get(name)) {
                (true, None) | (false, Some(_)) => {}
                (true, Some(_)) => faults.push(format!("{name}: is met now")),
                (false, None) => {
                    faults.push(format!("{name}: {}\n{}", sent.escape_ascii(), got.escape_ascii()));
                }
            }
        }
        excused += usize::from(reasons.contains_key(name));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(excused, reasons.len(), "a pair that is not met is not there");
}

/// What an agent answers that has the commands of the pairs, as far as they go.
fn said(mut bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut agent = Agent::new(Vec::new(), Vec::new());
    let mut said = Vec::new();
    while !bytes.is_empty() {
        let window = agent.receive_buffer();
        let n = piece.min(bytes.len()).min(window.len());
        window[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        agent.handle_received(n);
        loop {
            if let Some(bytes) = agent.poll_transmit() {
                said.extend_from_slice(bytes);
                let n = bytes.len();
                agent.handle_transmitted(n);
            }
            if let Some(request) = agent.poll_request() {
                match carry_out(&request) {
                    Ok(true) => agent.respond(&Empty {}),
                    Ok(false) => agent.refuse(ErrorClass::GenericError, "this does not go"),
                    Err(None) => agent.refuse(ErrorClass::CommandNotFound, "there is none"),
                    Err(Some(error)) => agent.refuse(ErrorClass::GenericError, error),
                }
                .expect("it fits");
            } else if agent.poll_transmit().is_none() {
                break;
            }
        }
    }
    said
}

/// Whether a command succeeds; no error: there is none of the name.
fn carry_out(request: &Request<'_>) -> Result<bool, Option<RequestError>> {
    let name = request.name().to_string();
    match name.as_str() {
        GuestPing::NAME => request.arguments::<GuestPing>().map(|_| true),
        GuestFileClose::NAME => request.arguments::<GuestFileClose>().map(|_| false),
        GuestFileRead::NAME => request.arguments::<GuestFileRead>().map(|_| false),
        GuestFileOpen::NAME => request.arguments::<GuestFileOpen<'_>>().map(|_| false),
        GuestExec::NAME => request.arguments::<GuestExec<'_>>().map(|_| false),
        GuestSetVcpus::NAME => request.arguments::<GuestSetVcpus<'_>>().map(|_| false),
        _ => return Err(None),
    }
    .map_err(Some)
}

/// What replies say: whether 0xFF stands before each, its value or its error's class, and its `id`.
type Said = (bool, Result<Value, Value>, Option<Value>);

fn replies(bytes: &[u8]) -> Option<Vec<Said>> {
    let reply = |line: &[u8]| {
        let (delimited, line) = line.strip_prefix(b"\xFF").map_or((false, line), |line| (true, line));
        let mut reply: Value = serde_json::from_slice(line).ok()?;
        let id = reply.as_object_mut()?.remove("id").map(plain);
        let result = match reply.get_mut("error") {
            Some(error) => Err(error["class"].take()),
            None => Ok(plain(reply["return"].take())),
        };
        Some((delimited, result, id))
    };
    bytes.split_inclusive(|&byte| byte == b'\n').map(reply).collect()
}

/// Writes numbers that are whole as whole numbers: `1e2` is 100.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float as i64 as f64 == float => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(elements) => elements.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => other,
    }
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
}

/// What no pair shows; the real agent refuses such messages at every depth, and whatever the number of members.
#[test]
fn names_that_come_twice_are_an_error_among_the_first_members_of_an_object() {
    let twice = |before: usize| {
        let others: String = (0..before).map(|at| format!("\"m{at}\":0,")).collect();
        let request = format!("{{\"execute\":\"guest-ping\",\"id\":{{{others}\"a\":1,\"a\":2}}}}");
        replies(&said(request.as_bytes(), usize::MAX)).expect("replies")
    };
    assert!(matches!(&twice(0)[..], [(false, Err(class), None)] if class == "GenericError"));
    assert!(matches!(&twice(15)[..], [(false, Err(_), None)]));
    // Not met: it would take time that grows with the square of what a hostile client sends.
    assert!(matches!(&twice(16)[..], [(false, Ok(_), Some(_))]));
}

#[test]
fn arguments_can_be_taken_as_they_stand() {
    let mut agent = Agent::new(Vec::new(), Vec::new());
    let request = br#"{"execute":"vendor-do","arguments":{"a" : [1, {"b": null}]}}"#;
    agent.receive_buffer()[..request.len()].copy_from_slice(request);
    agent.handle_received(request.len());
    let request = agent.poll_request().expect("a request");
    let arguments: Raw<'_> = request.arguments().expect("any arguments");
    assert_eq!(arguments.as_str(), r#"{"a" : [1, {"b": null}]}"#);
}

#[test]
fn the_agent_of_the_documentation_serves_our_client() {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let guest = thread::spawn(move || {
        example::serve(&mut example::Agent::new([0; 1024], [0; 1024]), ours)
            .map_err(|error| error.to_string())
    });
    let mut session = Session::new(theirs);
    session.call(&GuestPing::new()).expect("ping");
    assert_eq!(session.call(&GuestInfo::new()).expect("info").supported_commands.len(), 4);
    assert_eq!(session.call(&GuestGetHostName::new()).expect("a name").host_name, "sixty-lines");
    let refusal = session.call(&GuestFileOpen::new("/etc/motd")).expect_err("there is none");
    assert_eq!(refusal.refusal().expect("a refusal").class, "CommandNotFound");
    session.call(&GuestShutdown::new()).expect("it stops");
    assert_eq!(guest.join().expect("no panic"), Ok(true));
}

#[test]
fn an_id_that_does_not_fit_costs_the_agent_of_the_documentation_one_reply() {
    let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
    let guest = thread::spawn(move || {
        example::serve(&mut example::Agent::new([0; 1024], [0; 1024]), theirs)
            .map_err(|error| error.to_string())
    });
    // As it comes the `id` fits 1024 bytes; in ASCII, as it goes back, it does not.
    let id = "\u{E9}".repeat(300);
    for execute in ["guest-ping", "guest-info", "no-such-command", "guest-sync"] {
        let request = format!("{{\"execute\":\"{execute}\",\"id\":\"{id}\"}}\n");
        ours.write_all(request.as_bytes()).expect("it is there");
        let mut reply = String::new();
        BufReader::new(&ours).read_line(&mut reply).expect("it is there");
        assert!(reply.starts_with("{\"error\":") && !reply.contains("\"id\""), "{execute}: {reply}");
    }
    let mut session = Session::new(ours);
    session.call(&GuestPing::new()).expect("it serves on");
    session.call(&GuestShutdown::new()).expect("it stops");
    assert_eq!(guest.join().expect("no panic"), Ok(true));
}
