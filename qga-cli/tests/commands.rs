//! Every command, against the simulated guest inside the program and in a process of its own.
#![cfg(unix)]

use std::process::Stdio;

use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Folder, Simulation, fed, qga, run, signal, wait};

/// Runs a test at both addresses.
fn everywhere(test: impl Fn(&str)) {
    test("sim:");
    let simulation = Simulation::new();
    test(&simulation.folder.address());
    // The guest lives on when a client leaves.
    test(&simulation.folder.address());
}

#[test]
fn ping() {
    everywhere(|address| {
        let out = run(&["-c", address, "ping"]).ok();
        assert!(out.starts_with(&format!("the agent at {address} answers, after ")), "{out}");
        let json = run(&["-c", address, "--json", "ping"]).json();
        assert_eq!(json["address"], address);
        assert!(json["milliseconds"].as_f64().unwrap() > 0.0);
    });
}

#[test]
fn info() {
    everywhere(|address| {
        let text = run(&["-c", address, "info"]).ok();
        for line in ["Agent ", "Host name ", "System ", "Kernel ", "Time ", "Addresses", "File systems"] {
            assert!(text.lines().any(|there| there.starts_with(line)), "{line}: {text}");
        }
        assert!(text.contains("GiB"), "{text}");
        let json = run(&["-c", address, "--json", "info"]).json();
        assert_eq!(json["address"], address);
        for name in ["agent_version", "host_name", "time"] {
            assert!(json[name].is_string(), "{name}: {json}");
        }
        for name in ["interfaces", "file_systems", "disabled", "users"] {
            assert!(json[name].is_array(), "{name}: {json}");
        }
        assert_eq!(json["frozen"], false);
        assert!(json["time_ns"].as_i64().is_some() && json["system"]["id"].is_string(), "{json}");
    });
}

#[test]
fn info_goes_on_without_what_is_refused() {
    let agent = || {
        Agent::new(|name| match name {
            "guest-info" => Answer::Return(json!({ "version": "7.2", "supported_commands": [
                { "name": "guest-get-host-name", "enabled": true },
                { "name": "guest-get-osinfo", "enabled": true },
                { "name": "guest-get-users", "enabled": true },
                { "name": "guest-get-time", "enabled": false },
            ] })),
            "guest-get-host-name" => Answer::Return(json!({ "host-name": "web" })),
            "guest-get-osinfo" => Answer::Refuse("GenericError"),
            _ => Answer::Return(json!({ "no": "list" })),
        })
    };
    let text = run(&["-c", &agent().address(), "info"]).ok();
    assert!(text.contains("Host name  web\n"), "{text}");
    assert!(text.contains("System     refused: it said no\n"), "{text}");
    assert!(text.contains("Users      the agent's reply is not what the command returns"), "{text}");
    assert!(text.contains("Disabled commands\n  guest-get-time\n"), "{text}");
    assert!(!text.contains("Kernel ") && !text.contains("Time ") && !text.contains("Addresses"), "{text}");

    let json = run(&["-c", &agent().address(), "--json", "info"]).json();
    assert_eq!(json["host_name"], "web");
    assert_eq!(json["disabled"], json!(["guest-get-time"]));
    assert_eq!(json["unavailable"]["guest-get-time"], "disabled");
    assert_eq!(json["unavailable"]["guest-get-osinfo"], "refused: it said no");
    assert_eq!(json["unavailable"]["guest-get-fsinfo"], "missing");
}

#[test]
fn call() {
    everywhere(|address| {
        assert_eq!(run(&["-c", address, "call", "guest-ping"]).ok(), "{}\n");
        assert_eq!(run(&["-c", address, "--json", "call", "guest-ping"]).ok(), "{}\n");
        let name = run(&["-c", address, "call", "guest-get-host-name"]).ok();
        assert!(name.starts_with("{\n  \"host-name\": \""), "{name}");
        let time = run(&["-c", address, "--json", "call", "guest-get-time"]).json();
        assert!(time.as_i64().unwrap() > 0, "{time}");
        // Typed by the schema, and by hand.
        let words = ["guest-sync", "id=9007199254740993"];
        let document = ["guest-sync", r#"{"id": 9007199254740993}"#];
        let raw = ["--raw", "guest-sync", r#"{"id": 9007199254740993}"#];
        for arguments in [&words[..], &document, &raw] {
            let call = [&["-c", address, "call"], arguments].concat();
            assert_eq!(run(&call).ok(), "9007199254740993\n");
        }
        let error = run(&["-c", address, "--json", "call", "--raw", "guest-dance"]).failed_json(1);
        assert_eq!(error["class"], "CommandNotFound");
    });
}

#[test]
fn call_with_arguments_from_standard_input() {
    let ran = fed(&["-c", "sim:", "call", "guest-sync", "-"], b"{\"id\": 7}\n");
    assert_eq!(ran.ok(), "7\n");
}

/// Nothing is read for a command that nobody would get.
#[test]
fn standard_input_is_not_read_in_vain() {
    let mut child = qga(&["call", "guest-sync", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let line = wait(child).failed(2);
    assert!(line.contains("no agent's address is given"), "{line}");
    drop(stdin);
}

#[test]
fn secrets_are_not_repeated() {
    let call = ["-c", "sim:", "call", "guest-set-user-password"];
    for words in [&["username=root", "hunter2"][..], &["hunter2=="], &["username=root", "crypted=hunter2"]] {
        let line = run(&[&call, words].concat()).failed(2);
        assert!(!line.contains("hunter2"), "{line}");
    }
    for (command, document) in [
        ("guest-set-user-password", "\"hunter2\""),
        ("guest-set-user-password", "{\"username\": \"u\", \"crypted\": \"hunter2\"}"),
        ("guest-file-close", "{\"handle\": \"hunter2\"}"),
        ("guest-file-close", "{\"hunter2\": 1}"),
    ] {
        let line = fed(&["-c", "sim:", "call", command, "-"], document.as_bytes()).failed(2);
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn replies_are_shown_as_they_came() {
    let agent = || {
        let reply = r#"{"n": [1e999, 123456789012345678901234567890, 1.10], "s": "\u0061"}"#;
        Agent::new(move |_| Answer::ReturnText(reply))
    };
    let out = run(&["-c", &agent().address(), "--json", "call", "guest-ping"]).ok();
    assert_eq!(out, "{\"n\":[1e999,123456789012345678901234567890,1.10],\"s\":\"a\"}\n");
    let out = run(&["-c", &agent().address(), "call", "guest-ping"]).ok();
    assert!(out.starts_with("{\n  \"n\": [\n    1e999,\n"), "{out}");
}

#[test]
fn commands_that_are_silent_when_they_succeed() {
    // It says nothing, but answers the next sync.
    let agent = Agent::new(|_| Answer::Silence);
    assert_eq!(run(&["-c", &agent.address(), "call", "guest-shutdown", "mode=powerdown"]).ok(), "{}\n");
    // The guest goes down.
    let agent = Agent::new(|_| Answer::Close);
    assert_eq!(run(&["-c", &agent.address(), "call", "guest-suspend-ram"]).ok(), "{}\n");
    let agent = Agent::new(|_| Answer::Refuse("GenericError"));
    run(&["-c", &agent.address(), "call", "guest-suspend-ram"]).failed(1);
}

#[test]
fn info_of_a_frozen_guest() {
    let agent = || {
        Agent::new(|name| match name {
            "guest-info" => Answer::Return(json!({ "version": "10.0", "supported_commands": [
                { "name": "guest-fsfreeze-status", "enabled": true },
                { "name": "guest-get-time", "enabled": false },
            ] })),
            "guest-fsfreeze-status" => Answer::Return(json!("frozen")),
            _ => Answer::Refuse("CommandNotFound"),
        })
    };
    let text = run(&["-c", &agent().address(), "info"]).ok();
    assert!(text.contains("Frozen     YES: most commands are refused until guest-fsfreeze-thaw\n"), "{text}");
    assert_eq!(run(&["-c", &agent().address(), "--json", "info"]).json()["frozen"], true);
}

#[test]
fn commands_of_the_schema() {
    let table = run(&["commands"]).ok();
    assert!(table.starts_with("COMMAND "), "{table}");
    assert!(
        table.lines().any(|line| line.starts_with("guest-ping ") && line.contains("0.15   all")),
        "{table}"
    );
    let json = run(&["--json", "commands"]).json();
    let commands = json["commands"].as_array().unwrap();
    assert_eq!(commands.len(), table.lines().count() - 1);
    assert!(commands.iter().all(|command| command.get("state").is_none()));

    let text = run(&["commands", "guest-file-seek"]).ok();
    for part in
        ["Since         QEMU 0.15", "Arguments\n", "  whence  GuestFileWhence ", "QGASeek (since 2.6)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = run(&["--json", "commands", "guest-file-seek"]).json();
    assert_eq!(json["arguments"][2]["type"], "GuestFileWhence");
    assert_eq!(json["types"][1]["name"], "QGASeek");
    assert_eq!(json["returns"], "GuestFileSeek");
}

#[test]
fn commands_of_an_agent() {
    everywhere(|address| {
        let table = run(&["-c", address, "commands"]).ok();
        let line = table.lines().find(|line| line.starts_with("guest-ping ")).unwrap();
        assert!(line.contains(" enabled "), "{line}");
        assert!(table.ends_with(&format!(", at {address}.\n")), "{table}");
    });
    let agent = || {
        Agent::new(|_| {
            Answer::Return(json!({ "version": "1", "supported_commands": [
                { "name": "guest-ping", "enabled": true },
                { "name": "guest-exec", "enabled": false },
                { "name": "guest-dance", "enabled": true },
            ] }))
        })
    };
    let json = run(&["-c", &agent().address(), "--json", "commands"]).json();
    let state = |name: &str| {
        let commands = json["commands"].as_array().unwrap();
        commands.iter().find(|command| command["name"] == name).unwrap().clone()
    };
    assert_eq!(state("guest-ping")["state"], "enabled");
    assert_eq!(state("guest-exec")["state"], "disabled");
    assert_eq!(state("guest-info")["state"], "missing");
    assert_eq!(
        (&state("guest-dance")["state"], &state("guest-dance")["in_schema"]),
        (&json!("enabled"), &json!(false))
    );
    let text = run(&["-c", &agent().address(), "commands", "guest-exec"]).ok();
    assert!(text.contains("This agent    disabled (version 1, at unix:"), "{text}");
}

#[test]
fn sim() {
    let folder = Folder::new();
    let mut child =
        qga(&["sim", "--json", "--listen", &folder.address()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["address"], folder.address());
    run(&["-c", &folder.address(), "ping"]).ok();
    signal(&child, "TERM");
    assert_eq!(wait(child).code, Some(0));
    assert!(!folder.socket().exists());

    let help = run(&["sim", "--help"]).ok();
    assert!(help.contains("--listen") && help.contains("--json"), "{help}");
    for option in ["--connect", "--all", "--timeout", "--jobs"] {
        assert!(!help.contains(option), "{help}");
    }
    let line = run(&["sim", "--listen", "unix:/nowhere/at/all"]).failed(3);
    assert!(line.starts_with("qga: unix:/nowhere/at/all: cannot listen: "), "{line}");
}
