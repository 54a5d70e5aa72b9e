//! Waiting for an agent, whatever is not there yet.
#![cfg(unix)]

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use qga_sim::proto::commands::GuestFsfreezeThaw;
use qga_sim::{Guest, Server};
use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Folder, run};

#[test]
fn an_agent_that_is_ready() {
    let out = run(&["-c", "sim:", "wait"]).ok();
    assert!(out.starts_with("the agent at sim:, version 10.0.2, is ready, after 0."), "{out}");
    assert_eq!(out.lines().count(), 1);
    let json = run(&["-c", "sim:", "--json", "wait"]).json();
    assert_eq!((&json["address"], &json["version"]), (&json!("sim:"), &json!("10.0.2")));
    assert!(json["milliseconds"].as_u64().unwrap() < 5000, "{json}");
    assert!(json["commands"].as_u64().unwrap() > 20, "{json}");
}

#[test]
fn an_agent_that_says_nothing_of_itself_is_ready_too() {
    let agent = Agent::new(|_| Answer::Refuse("CommandNotFound"));
    let address = agent.address();
    let out = run(&["-c", &address, "wait"]).ok();
    assert!(out.starts_with(&format!("the agent at {address} is ready, after ")), "{out}");
}

#[test]
fn a_socket_that_appears_later() {
    let folder = Folder::new();
    let address = folder.address();
    let later = thread::spawn({
        let address = address.clone();
        move || {
            thread::sleep(Duration::from_millis(700));
            Server::bind(&address, Guest::new()).unwrap().spawn().unwrap()
        }
    });
    let ran = run(&["-c", &address, "-t", "20", "--json", "wait"]);
    assert!(ran.took < Duration::from_secs(15), "{:?}", ran.took);
    let milliseconds = ran.json()["milliseconds"].as_u64().unwrap();
    assert!(milliseconds >= 500, "{milliseconds}");
    later.join().unwrap();
}

/// Waits for what will not come; gives the error.
#[track_caller]
fn in_vain(address: &str, code: i32) -> Value {
    let ran = run(&["-c", address, "-t", "1", "--json", "wait"]);
    assert!(ran.took > Duration::from_millis(950) && ran.took < Duration::from_secs(10), "{:?}", ran.took);
    let error = ran.failed_json(code);
    assert!(error["message"].as_str().unwrap().starts_with("no agent is ready after "), "{error}");
    assert!(error["advice"].is_string(), "{error}");
    error
}

#[test]
fn a_socket_that_never_appears_is_3() {
    let folder = Folder::new();
    let address = folder.address();
    assert_eq!(in_vain(&address, 3)["diagnosis"], "no-socket");
    let line = run(&["-c", &address, "-t", "0.3", "wait"]).failed(3);
    assert!(line.starts_with(&format!("qga: {address}: no agent is ready after ")), "{line}");
    assert!(
        line.ends_with(
            " s: there is no such socket or device; \
             is the virtual machine running, and has it an agent's channel there?\n"
        ),
        "{line}"
    );
}

#[test]
fn a_socket_that_nobody_listens_on_is_3() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.socket()).unwrap());
    assert_eq!(in_vain(&folder.address(), 3)["diagnosis"], "not-listening");
}

#[test]
fn an_address_that_cannot_be_is_not_waited_for() {
    let ran = run(&["-c", &format!("unix:/{}", "x".repeat(200)), "-t", "20", "--json", "wait"]);
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    assert_eq!(ran.failed_json(3)["diagnosis"], "bad-address");
}

/// It says what `ping` says.
#[test]
fn an_agent_that_breaks_the_protocol_is_5() {
    let agent = || Agent::new(|_| Answer::Return(json!("no object")));
    let error = in_vain(&agent().address(), 5);
    assert_eq!(error["diagnosis"], "protocol-broken");
    let line = run(&["-c", &agent().address(), "-t", "1", "info"]).failed(5);
    let what = "the agent's reply is not what the command returns";
    assert!(line.contains(what) && error["message"].as_str().unwrap().contains(what), "{line}{error}");
}

#[test]
fn a_listener_that_says_nothing_is_4() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let error = in_vain(&folder.address(), 4);
    assert_eq!((&error["kind"], &error["diagnosis"]), (&json!("deadline"), &json!("silent")));
    assert!(error["advice"].as_str().unwrap().contains("another client holds the channel"), "{error}");
}

#[test]
fn a_frozen_guest_is_4_and_ready_when_it_has_thawed() {
    let folder = Folder::new();
    let address = folder.address();
    let _server = Server::bind(&address, Guest::new().frozen()).unwrap().spawn().unwrap();
    let error = in_vain(&address, 4);
    assert_eq!((&error["kind"], &error["diagnosis"]), (&json!("deadline"), &json!("frozen")));
    let line = run(&["-c", &address, "-t", "0.5", "wait"]).failed(4);
    assert!(
        line.contains(": the guest's file systems are frozen; 'qga call guest-fsfreeze-thaw' "),
        "{line}"
    );

    assert_eq!(run(&["-c", &address, "call", GuestFsfreezeThaw::NAME]).ok(), "1\n");
    run(&["-c", &address, "-t", "5", "wait"]).ok();
}
