//! What was seen of the real agent, held against this one, byte for byte: spaces, the order of members and the texts of
//! errors too. Only the place of an error, of which QEMU tells since 11.1, is left out: it counts from the agent's start.

mod common;

use common::Line;
use qga_sim::{Guest, Personality};
use serde_json::Value;

/// Pairs of requests and replies, recorded from three releases of the real agent, each on a connection of its own.
const PAIRS: &str = include_str!("data/conformance.jsonl");

const RELEASES: [(Personality, &str); 3] = [
    (Personality::Qemu7, "reply_7.2"),
    (Personality::Qemu10, "reply_10.0"),
    (Personality::Qemu11, "reply_11.1"),
];

/// What the recording of each pair begins with.
const RESYNC: &[u8] = b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1}}\n";

#[test]
fn answers_as_the_real_agent_does() {
    let mut faults = Vec::new();
    let mut count = 0;
    for (personality, key) in RELEASES {
        let mut line = Line::new(Guest::with(personality));
        for pair in PAIRS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let name = pair["name"].as_str().unwrap();
            let sent = hex(pair["send_hex"].as_str().unwrap());
            // In the file each character is a byte.
            let seen: Vec<u8> = pair[key].as_str().unwrap().chars().map(|c| c as u8).collect();
            for piece in [usize::MAX, 1] {
                let got = without_places(&line.send_pieces(&sent, piece));
                line.send(RESYNC);
                if got != seen {
                    let (sent, seen, got) = (sent.escape_ascii(), seen.escape_ascii(), got.escape_ascii());
                    faults
                        .push(format!("{personality}, {name}:\n  sent {sent}\n  want {seen}\n  got  {got}"));
                }
            }
            count += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(count, 300);
}

/// Writes `L:C` for the place of an error.
fn without_places(reply: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in reply.split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        match text.split_once("\"desc\": \"") {
            Some((head, desc)) if desc.starts_with(|c: char| c.is_ascii_digit()) => {
                let rest = desc.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
                lines.extend_from_slice(format!("{head}\"desc\": \"L:C:{rest}").as_bytes());
            }
            _ => lines.extend_from_slice(line),
        }
    }
    lines
}

fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
