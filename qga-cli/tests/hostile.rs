//! What a guest says is shown, never obeyed.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use qga_sim::{Guest, Server};
use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Folder, qga, run, signal, wait};

/// Sets the title, clears the screen, moves back, turns the direction of writing, hides.
const EVIL: &str = "\x1b]0;owned\x07\x1b[2J\r\n\x08\u{7f}\u{9b}31m\u{202e}live\u{200b}\u{feff}\u{e0041}";

fn evil_agent() -> Agent {
    Agent::new(|name| {
        let evil = EVIL;
        Answer::Return(match name {
            "guest-info" => json!({ "version": evil, "supported_commands": [
                { "name": "guest-get-host-name", "enabled": true },
                { "name": "guest-get-osinfo", "enabled": true },
                { "name": "guest-get-timezone", "enabled": true },
                { "name": "guest-get-users", "enabled": true },
                { "name": "guest-network-get-interfaces", "enabled": true },
                { "name": "guest-get-fsinfo", "enabled": true },
                { "name": "guest-get-load", "enabled": true },
                { "name": evil, "enabled": false },
            ] }),
            "guest-get-host-name" => json!({ "host-name": evil }),
            "guest-get-osinfo" => json!({ "pretty-name": evil, "machine": evil, "kernel-release": evil }),
            "guest-get-timezone" => json!({ "zone": evil, "offset": i64::MIN }),
            "guest-get-users" => json!([{ "user": evil, "login-time": 1e300, "domain": evil }]),
            "guest-network-get-interfaces" => json!([{
                "name": evil,
                "hardware-address": evil,
                "ip-addresses": [{ "ip-address": evil, "ip-address-type": evil, "prefix": i64::MAX }],
            }]),
            "guest-get-fsinfo" => json!([{
                "name": evil, "mountpoint": evil, "type": evil, "disk": [],
                "used-bytes": u64::MAX, "total-bytes": 1,
            }]),
            "guest-get-load" => json!({ "load1m": 1e300, "load5m": -1, "load15m": 0 }),
            _ => json!(null),
        })
    })
}

#[track_caller]
fn assert_harmless(text: &str) {
    for c in text.chars() {
        let harmless = c == '\n' || !c.is_control() && !"\u{202e}\u{200b}\u{feff}\u{e0041}".contains(c);
        assert!(harmless, "{c:?} in {text}");
    }
}

#[test]
fn nothing_reaches_the_terminal() {
    for arguments in [&["info"][..], &["commands"], &["call", "guest-get-host-name"]] {
        let agent = evil_agent();
        let text = run(&[&["-c", &agent.address()], arguments].concat()).ok();
        assert_harmless(&text);
        assert!(text.contains("owned"), "{text}");
    }
}

#[test]
fn lines_stay_lines() {
    let agent = evil_agent();
    let text = run(&["-c", &agent.address(), "info"]).ok();
    let host_name = text.lines().find(|line| line.starts_with("Host name")).unwrap();
    assert!(
        host_name
            .ends_with("\\u{1b}[2J\\r\\n\\u{8}\\u{7f}\\u{9b}31m\\u{202e}live\\u{200b}\\u{feff}\\u{e0041}")
    );
}

#[test]
fn json_says_the_same() {
    for (arguments, pointer) in [
        (&["info", "--json"][..], "/host_name"),
        (&["call", "guest-get-host-name", "--json"], "/host-name"),
        (&["call", "guest-get-host-name"], "/host-name"),
    ] {
        let agent = evil_agent();
        let text = run(&[&["-c", &agent.address()], arguments].concat()).ok();
        assert_harmless(&text);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.pointer(pointer), Some(&json!(EVIL)));
    }
}

#[test]
fn refusals_are_harmless() {
    let reply = json!({ "error": { "class": EVIL, "desc": EVIL } }).to_string();
    for json in [false, true] {
        let reply = format!("{reply}\n");
        let agent = Agent::new(move |_| Answer::Bytes(reply.clone().into_bytes()));
        let address = agent.address();
        let arguments = ["-c", &address, "ping", "--json"];
        let ran = run(&arguments[..if json { 4 } else { 3 }]);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("owned"), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1);
        assert_harmless(&ran.err);
    }
}

#[test]
fn addresses_are_harmless() {
    let folder = Folder::new();
    let address = folder.address_of("a\nb\u{1b}");
    let mut child = qga(&["sim", "--listen", &address]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    signal(&child, "TERM");
    assert_eq!(wait(child).code, Some(0));
    assert!(line.ends_with("/a\\nb\\u{1b}\n"), "{line}");

    let _server = Server::bind(&address, Guest::new()).unwrap().spawn().unwrap();
    for (command, lines) in
        [(&["ping"][..], 1), (&["wait"], 1), (&["commands"], 0), (&["commands", "guest-ping"], 0)]
    {
        let text = run(&[&["-c", &address], command].concat()).ok();
        assert!(text.contains("/a\\nb\\u{1b}"), "{text}");
        assert!(lines == 0 || text.lines().count() == lines, "{text}");
    }
}
