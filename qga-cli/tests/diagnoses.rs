//! What is wrong, in a word that programs can go by.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Folder, run};

fn diagnosis(arguments: &[&str], code: i32) -> Value {
    run(&[&["--json", "-t", "1"], arguments].concat()).failed_json(code)
}

#[test]
fn of_no_connection() {
    let folder = Folder::new();
    let address = folder.address();
    let error = diagnosis(&["-c", &address, "ping"], 3);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("no-socket"), &json!(false)));
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(diagnosis(&["-c", &folder.address_of("file"), "ping"], 3)["diagnosis"], "bad-address");

    let listener = UnixListener::bind(folder.socket()).unwrap();
    drop(listener);
    assert_eq!(diagnosis(&["-c", &address, "ping"], 3)["diagnosis"], "not-listening");

    let long = format!("unix:/{}", "x".repeat(200));
    assert_eq!(diagnosis(&["-c", &long, "ping"], 3)["diagnosis"], "bad-address");
    assert_eq!(diagnosis(&["-c", "udp:h:1", "ping"], 2)["diagnosis"], "bad-address");
    assert_eq!(diagnosis(&["-c", "serial:/dev/null", "ping"], 3)["diagnosis"], "unreachable");
}

/// Others have the channel, and as many wait for it as may.
#[test]
#[cfg(target_os = "linux")]
fn of_a_channel_that_is_taken() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = folder.socket();
    thread::spawn(move || {
        // The one that finds no room blocks; it ends with the process.
        while let Ok(stream) = UnixStream::connect(&path) {
            let _ = sender.send(stream);
        }
    });
    let mut waiting = Vec::new();
    while let Ok(stream) = receiver.recv_timeout(Duration::from_millis(300)) {
        waiting.push(stream);
    }
    let error = diagnosis(&["-c", &folder.address(), "ping"], 4);
    assert_eq!(error["diagnosis"], "busy");
    assert_eq!(diagnosis(&["-c", &folder.address(), "wait"], 4)["diagnosis"], "busy");
    assert!(error["message"].as_str().unwrap().contains("another client holds the channel"), "{error}");
}

#[test]
fn of_an_agent_that_does_not_answer() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let error = diagnosis(&["-c", &folder.address(), "ping"], 4);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("silent"), &json!(false)));

    let agent = Agent::new(|_| Answer::Silence);
    let error = diagnosis(&["-c", &agent.address(), "call", "guest-exec", "path=a"], 4);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("slow"), &json!(true)));
    assert!(error["message"].as_str().unwrap().ends_with("may still be carried out"), "{error}");
    let agent = Agent::new(|_| Answer::Silence);
    let error = diagnosis(&["-c", &agent.address(), "info"], 4);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("slow"), &json!(false)));

    let agent = Agent::new(|_| Answer::Close);
    let error = diagnosis(&["-c", &agent.address(), "call", "guest-exec", "path=a"], 3);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("lost"), &json!(true)));
    let agent = Agent::new(|_| Answer::Bytes(b"no JSON at all\n".to_vec()));
    let error = diagnosis(&["-c", &agent.address(), "call", "guest-exec", "path=a"], 5);
    assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("protocol-broken"), &json!(true)));
    assert!(error["message"].as_str().unwrap().ends_with("; the command may have been carried out"));
}

/// A serial console, say.
#[test]
fn of_what_is_no_agent() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                while stream.write_all(b"localhost login: \n").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    for command in ["ping", "wait"] {
        let error = diagnosis(&["-c", &folder.address(), command], 4);
        assert_eq!((&error["kind"], &error["diagnosis"]), (&json!("deadline"), &json!("foreign")));
        assert!(error["message"].as_str().unwrap().contains("not a guest agent's"), "{error}");
    }
}

/// What programs go by is always there, alone and in a row.
#[test]
fn have_the_same_members_everywhere() {
    let folder = Folder::new();
    let _silent = UnixListener::bind(folder.path().join("silent")).unwrap();
    drop(UnixListener::bind(folder.path().join("gone")).unwrap());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let frozen = folder.address_of("frozen");
    let _frozen = qga_sim::Server::bind(&frozen, qga_sim::Guest::new().frozen()).unwrap().spawn().unwrap();
    let [silent, gone, file] = ["silent", "gone", "file"].map(|name| folder.address_of(name));
    let long = format!("unix:/{}", "x".repeat(200));
    type Make = fn(&str) -> Answer;
    let agents: [Make; 4] = [
        |_| Answer::Silence,
        |_| Answer::Close,
        |_| Answer::Bytes(b"no JSON at all\n".to_vec()),
        |_| Answer::Refuse("GenericError"),
    ];
    let mut kinds = Vec::new();
    for command in [&["ping"][..], &["wait"], &["info"], &["call", "guest-exec", "path=a"]] {
        let agents = agents.map(Agent::new);
        let mut addresses: Vec<_> = agents.iter().map(Agent::address).collect();
        addresses.extend(
            [&silent, &gone, &file, &frozen, &long, "serial:/dev/null", "unix:/not/there"].map(str::to_owned),
        );
        let guests = addresses.iter().flat_map(|address| ["-c", address]);
        let arguments: Vec<_> = guests.chain(["-t", "2", "--json"]).chain(command.iter().copied()).collect();
        let rows: Vec<Value> = serde_json::from_str(&run(&arguments).out).unwrap();
        assert_eq!(rows.len(), addresses.len());
        for error in rows.iter().filter_map(|row| row.get("error")) {
            let is_text = |name: &str| error[name].is_string();
            assert!(["kind", "message", "address", "diagnosis"].into_iter().all(is_text), "{error}");
            assert!(error["exit_code"].is_u64() && error["fate_unknown"].is_boolean(), "{error}");
            assert!(error["kind"] != "deadline" || error["heard"].is_boolean(), "{error}");
            kinds.push(error["kind"].as_str().unwrap().to_owned());
        }
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, ["connection", "deadline", "protocol", "refused"]);
}

#[test]
fn of_refusals() {
    let refused = |command: &str, listed: Value, status: &'static str| {
        let agent = Agent::new(move |name| match name {
            "guest-info" => Answer::Return(json!({ "version": "9.9", "supported_commands": listed })),
            "guest-fsfreeze-status" => Answer::Return(json!(status)),
            _ => Answer::Refuse("CommandNotFound"),
        });
        run(&["-c", &agent.address(), "-t", "20", "--json", "call", command]).failed_json(1)
    };
    let listed = |enabled: bool| json!([{ "name": "guest-get-time", "enabled": enabled }]);
    assert_eq!(refused("guest-get-time", listed(false), "frozen")["diagnosis"], "frozen");
    assert_eq!(refused("guest-get-time", listed(false), "thawed")["diagnosis"], "disabled");
    assert_eq!(refused("guest-get-time", listed(true), "thawed")["diagnosis"], "refused");
    let error = refused("guest-get-load", listed(true), "thawed");
    assert_eq!((&error["diagnosis"], &error["since"]), (&json!("unknown-command"), &json!("10.0")));
    assert_eq!((&error["version"], &error["class"]), (&json!("9.9"), &json!("CommandNotFound")));
}

/// The refusal is there; why it came may stay untold, but not for ever.
#[test]
fn of_a_refusal_that_is_not_explained_in_time() {
    let agent = Agent::new(|name| match name {
        "guest-info" => Answer::Silence,
        _ => Answer::Refuse("CommandNotFound"),
    });
    let ran = run(&["-c", &agent.address(), "-t", "30", "--json", "call", "guest-get-time"]);
    assert!(ran.took > Duration::from_secs(1) && ran.took < Duration::from_secs(15), "{:?}", ran.took);
    assert_eq!(ran.failed_json(1)["diagnosis"], "refused");

    let agent = Agent::new(|name| match name {
        "guest-info" => Answer::Silence,
        _ => Answer::Refuse("CommandNotFound"),
    });
    let ran = run(&["-c", &agent.address(), "-t", "0.5", "--json", "call", "guest-get-time"]);
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    assert_eq!(ran.failed_json(1)["diagnosis"], "refused");
}
