//! Every way to fail has its exit code, and one line that says what, where, and what to do.
#![cfg(unix)]

use std::os::unix::net::UnixListener;
use std::time::Duration;

use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Ended, Folder, qga, ran, run};

#[test]
fn usage_is_2() {
    for (arguments, what) in [
        (&["ping"][..], "no agent's address is given; say -c unix:PATH (or set QGA_CONNECT)"),
        (&["-c", "", "ping"], "no agent's address is given"),
        (&["-c", "/run/qga.sock", "ping"], "'/run/qga.sock' is no address"),
        (&["-c", "unix:", "ping"], "'unix:' is no address: the address lacks a path or host"),
        (&["-t", "0", "-c", "sim:", "ping"], "must be more than 0"),
        (&["-t", "-1", "-c", "sim:", "ping"], "must be more than 0"),
        (&["-t", "inf", "-c", "sim:", "ping"], "must be more than 0"),
        (&["-t", "soon", "-c", "sim:", "ping"], "not a number"),
        (&["png"], "'ping'"),
        (&["ping", "--loud"], "--loud"),
        (&["call"], "<NAME>"),
        (&["-c", "sim:", "call", "guest-pnig"], "did you mean 'guest-ping'?"),
        (&["-c", "sim:", "call", "ping"], "did you mean 'guest-ping'?"),
        (&["-c", "sim:", "call", "guest-file-open"], "path is missing: a string"),
        (&["-c", "sim:", "call", "guest-file-open", "pth=/"], "did you mean 'path'?"),
        (&["-c", "sim:", "call", "guest-file-close", "handle=x"], "handle must be an integer, not 'x'"),
        (&["-c", "sim:", "call", "guest-ping", "{"], "not a JSON object"),
        (
            &["-c", "sim:", "call", "--raw", "guest-ping", "a=b"],
            "with --raw the arguments are one JSON object",
        ),
        (
            &["-c", "sim:", "call", "--raw", "guest-ping", "[1]"],
            "with --raw the arguments are one JSON object",
        ),
        (&["commands", "guest-pings"], "did you mean 'guest-ping'?"),
        (
            &["commands", "guest-file"],
            "did you mean 'guest-file-open', 'guest-file-read' or 'guest-file-seek'?",
        ),
        (&["-c", "vsock:a:1", "ping"], "'vsock:a:1' is no address: the address's context id is no number"),
        (&["sim"], "--listen"),
        (&["sim", "--listen", "unix:/s", "-c", "sim:"], "'sim' listens, and takes no --connect"),
        (&["-t", "5", "sim", "--listen", "unix:/s"], "'sim' listens, and takes no --timeout"),
    ] {
        let line = run(arguments).failed(2);
        assert!(line.starts_with("qga: ") && line.contains(what), "{arguments:?}: {line}");
        let error = run(&[&["--json"], arguments].concat()).failed_json(2);
        assert_eq!(error["kind"], "usage");
        assert!(error["advice"].is_string(), "{error}");
    }
}

#[test]
fn addresses_to_listen_at() {
    for address in ["foo", "sim:", "serial:/dev/null", ""] {
        let line = run(&["sim", "--listen", address]).failed(2);
        assert_eq!(
            line,
            format!(
                "qga: cannot listen at '{address}': one can listen at unix:PATH, tcp:HOST:PORT, vsock:CID:PORT or \
                 pty:PATH; an example is unix:/tmp/guest.sock\n"
            )
        );
    }
    let line = run(&["sim", "--listen", "tcp:localhost"]).failed(2);
    assert!(line.contains("cannot listen at 'tcp:localhost': the address lacks a port"), "{line}");

    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    // Where an agent would be is of no matter, so long as it is not said here.
    let ran = ran(qga(&["sim", "--listen", &folder.address()]).env("QGA_CONNECT", "sim:"));
    let line = ran.failed(3);
    assert!(line.contains("it is taken"), "{line}");
}

#[test]
fn nothing_but_the_name_gives_the_help() {
    let ran = run(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("Usage: qga") && ran.err.contains("Exit codes:"), "{}", ran.err);
}

#[test]
fn refusals_are_1() {
    let agent = Agent::new(|_| Answer::Refuse("GenericError"));
    let address = agent.address();
    let line = run(&["-c", &address, "ping"]).failed(1);
    assert_eq!(line, format!("qga: {address}: the agent refused guest-ping: it said no (GenericError)\n"));
    assert_eq!(agent.ended(), Ended::Closed);

    let agent = Agent::new(|_| Answer::Refuse("GenericError"));
    let error = run(&["-c", &agent.address(), "--json", "call", "guest-ping"]).failed_json(1);
    assert_eq!(error["kind"], "refused");
    assert_eq!(error["command"], "guest-ping");
    assert_eq!(error["class"], "GenericError");
    assert_eq!(error["desc"], "it said no");
    assert_eq!(error["address"], agent.address());
}

#[test]
fn refusals_are_explained() {
    let explained = |enabled, status| {
        let agent = Agent::new(move |name| match name {
            "guest-info" => Answer::Return(json!({
                "version": "9.9",
                "supported_commands": [{ "name": "guest-get-time", "enabled": enabled, "success-response": true }],
            })),
            "guest-fsfreeze-status" => Answer::Return(json!(status)),
            _ => Answer::Refuse("CommandNotFound"),
        });
        run(&["-c", &agent.address(), "call", "guest-get-time"]).failed(1)
    };
    assert!(explained(false, "frozen").contains("frozen: 'qga call guest-fsfreeze-thaw' first"));
    assert!(explained(false, "thawed").contains("disabled in the agent's configuration"));

    let poor = |commands: Value| {
        Agent::new(move |name| match name {
            "guest-info" => Answer::Return(json!({ "version": "9.9", "supported_commands": commands })),
            _ => Answer::Refuse("CommandNotFound"),
        })
    };
    let one = || poor(json!([{ "name": "guest-info", "enabled": true, "success-response": true }]));
    let line = run(&["-c", &one().address(), "call", "--raw", "guest-dance"]).failed(1);
    assert!(line.contains("this agent, version 9.9, does not have it; see 'qga commands'"), "{line}");
    let line = run(&["-c", &one().address(), "call", "guest-get-load"]).failed(1);
    assert!(line.contains("does not have it (it came with QEMU 10.0); see 'qga commands'"), "{line}");
    // An agent that lists nothing does not say that it lacks anything.
    let line = run(&["-c", &poor(json!([])).address(), "call", "--raw", "guest-dance"]).failed(1);
    assert!(line.ends_with(": it said no (CommandNotFound)\n"), "{line}");

    // Whatever is asked: here an agent that is frozen, and one that has nothing.
    let agent = Agent::new(|name| match name {
        "guest-info" => Answer::Return(json!({
            "version": "9.9",
            "supported_commands": [{ "name": "guest-ping", "enabled": false, "success-response": true }],
        })),
        _ => Answer::Refuse("CommandNotFound"),
    });
    let line = run(&["-c", &agent.address(), "ping"]).failed(1);
    assert!(line.contains("disabled in the agent's configuration"), "{line}");
    for arguments in ["ping", "info", "commands"] {
        let agent = Agent::new(|_| Answer::Refuse("CommandNotFound"));
        let line = run(&["-c", &agent.address(), arguments]).failed(1);
        assert!(line.ends_with(": it said no (CommandNotFound)\n"), "{line}");
    }
}

#[test]
fn arguments_that_were_not_checked_may_be_the_reason() {
    let refused = |arguments: &[&str]| {
        let agent = Agent::new(|_| Answer::Refuse("GenericError"));
        run(&[&["-c", &agent.address(), "call"], arguments].concat()).failed(1)
    };
    let line = refused(&["--raw", "guest-file-open", r#"{"path":5}"#]);
    assert!(line.contains("; by the schema path must be a string, not 5; 'qga commands"), "{line}");
    for arguments in [
        &["--raw", "guest-file-open", r#"{"path":"/a"}"#][..],
        &["guest-file-open", "path=/a"],
        &["--raw", "guest-dance"],
    ] {
        let line = refused(arguments);
        assert!(line.ends_with(": it said no (GenericError)\n"), "{line}");
    }
}

#[test]
fn no_connection_is_3() {
    let folder = Folder::new();
    let address = folder.address();
    let line = run(&["-c", &address, "ping"]).failed(3);
    assert!(line.starts_with(&format!("qga: {address}: cannot connect: ")), "{line}");
    assert!(line.contains("is the virtual machine running"), "{line}");

    // The socket of a virtual machine that has ended.
    drop(UnixListener::bind(folder.socket()).unwrap());
    let error = run(&["-c", &address, "--json", "ping"]).failed_json(3);
    assert_eq!(error["kind"], "connection");
    assert_eq!(error["address"], address);
    assert!(error["advice"].as_str().unwrap().contains("nobody listens there"), "{error}");

    // What is no socket never was one.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let address = folder.address_of("file");
    for arguments in [&["-c", &address, "ping"][..], &["-c", &address, "-t", "0.2", "wait"]] {
        let line = run(arguments).failed(3);
        assert!(line.contains(": that is not a socket; give the path of the socket itself"), "{line}");
    }

    let line = run(&["-c", "serial:/dev/null", "ping"]).failed(3);
    assert!(
        line.starts_with("qga: serial:/dev/null: cannot connect: that is not a serial device; "),
        "{line}"
    );
}

#[test]
fn a_lost_connection_is_3() {
    let agent = Agent::new(|_| Answer::Close);
    let line = run(&["-c", &agent.address(), "call", "guest-file-flush", "handle=1"]).failed(3);
    assert!(
        line.contains("the agent closed the connection; the command may have been carried out"),
        "{line}"
    );

    // What only asks does no harm, whatever became of it.
    let agent = Agent::new(|_| Answer::Close);
    let line = run(&["-c", &agent.address(), "info"]).failed(3);
    assert!(line.contains("the agent closed the connection; the agent or the virtual machine has"), "{line}");

    let agent = Agent::new(|name| match name {
        "guest-info" => Answer::Return(json!({ "version": "1.0", "supported_commands": [] })),
        _ => Answer::Close,
    });
    run(&["-c", &agent.address(), "info"]).failed(3);
}

#[test]
fn a_deadline_that_passes_is_4() {
    // Nobody accepts: connected, but never heard.
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let ran = run(&["-c", &folder.address(), "-t", "0.5", "call", "guest-info"]);
    assert!(ran.took >= Duration::from_millis(490) && ran.took < Duration::from_secs(10), "{:?}", ran.took);
    let line = ran.failed(4);
    assert!(line.contains("the deadline passed, and the agent was never heard"), "{line}");
    assert!(line.ends_with("; or give it more time with -t\n"), "{line}");

    let agent = Agent::new(|_| Answer::Silence);
    let address = agent.address();
    let error = run(&["-c", &address, "-t", "0.5", "--json", "call", "guest-info"]).failed_json(4);
    assert_eq!((&error["kind"], &error["heard"]), (&json!("deadline"), &json!(true)));
    assert!(error["message"].as_str().unwrap().contains("the agent was heard"), "{error}");
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn one_deadline_covers_all_calls() {
    let agent = Agent::new(|name| match name {
        "guest-info" => Answer::Return(json!({ "version": "1.0", "supported_commands": [] })),
        _ => {
            std::thread::sleep(Duration::from_millis(150));
            Answer::Refuse("GenericError")
        }
    });
    let ran = run(&["-c", &agent.address(), "-t", "0.5", "info"]);
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    ran.failed(4);
}

#[test]
fn a_broken_protocol_is_5() {
    let agent = Agent::new(|_| Answer::Bytes(b"no JSON at all\n".to_vec()));
    let error = run(&["-c", &agent.address(), "--json", "call", "guest-info"]).failed_json(5);
    assert_eq!(error["kind"], "protocol");
    let agent = Agent::new(|_| Answer::Return(json!("not an object")));
    let line = run(&["-c", &agent.address(), "info"]).failed(5);
    assert!(line.contains("not what the command returns"), "{line}");
}

#[test]
#[cfg(target_os = "linux")]
fn no_room_for_the_output_is_6() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let line = ran(qga(&["commands"]).stdout(full).stderr(std::process::Stdio::piped())).failed(6);
    assert!(line.contains("cannot write to standard output"), "{line}");
}

#[test]
fn the_address_can_come_from_the_environment() {
    let agent = Agent::new(|_| Answer::Return(json!({})));
    let out = ran(qga(&["ping"]).env("QGA_CONNECT", agent.address())).ok();
    assert!(out.contains(&agent.address()), "{out}");
    // An address on the command line is the one that counts.
    let folder = Folder::new();
    ran(qga(&["-c", &folder.address(), "ping"]).env("QGA_CONNECT", "sim:")).failed(3);
    // None there means none at all.
    ran(qga(&["-c", "", "commands"]).env("QGA_CONNECT", folder.address())).ok();
}
