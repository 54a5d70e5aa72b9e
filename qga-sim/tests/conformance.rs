//! What was seen of the real agent, held against this one: the same number of replies, each with the same value or class
//! of error, the same `id`, and 0xFF before it or not. Spaces, the order of members and the texts of errors may differ.

mod common;

use std::collections::BTreeMap;

use common::{Line, read_replies};
use qga_sim::Guest;
use serde_json::Value;

/// Pairs of requests and replies, recorded from three releases of the real agent.
const PAIRS: &str = include_str!("data/conformance.jsonl");

/// The release that a new guest's agent behaves like.
const REPLY: &str = "reply_10.0";

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
fn answers_as_the_real_agent_does() {
    let mut reasons: BTreeMap<_, _> = NOT_MET.iter().copied().collect();
    let mut faults = Vec::new();
    let mut line = Line::new(Guest::new());
    for pair in PAIRS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let name = pair["name"].as_str().unwrap();
        let sent = hex(pair["send_hex"].as_str().unwrap());
        // In the file each character is a byte.
        let seen: Vec<u8> = pair[REPLY].as_str().unwrap().chars().map(|c| c as u8).collect();
        let whole = line.send(&sent);
        line.sim.handle_eof(line.now);
        let bytewise = line.send_pieces(&sent, 1);
        line.sim.handle_eof(line.now);
        assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&bytewise), "{name}");
        let met = read_replies(&seen).is_ok_and(|seen| Ok(seen) == read_replies(&whole));
        match (met, reasons.remove(name)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => faults.push(format!("{name}: is met now")),
            (false, None) => faults.push(format!(
                "{name}:\n  sent {}\n  want {}\n  got  {}",
                sent.escape_ascii(),
                seen.escape_ascii(),
                whole.escape_ascii()
            )),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(reasons.is_empty(), "there are no pairs {:?}", reasons.keys());
}

fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
