//! The commands that show and change what a guest has.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Ended, Folder, Simulation, fed, run};

#[test]
fn net_tells_the_primary_address() {
    let text = run(&["-c", "sim:", "net"]).ok();
    assert!(
        text.starts_with("Primary address: 192.0.2.15 (eth0, by way of 192.0.2.1)\n\nINTERFACE"),
        "{text}"
    );
    let json = run(&["-c", "sim:", "--json", "net"]).json();
    assert_eq!(
        json["primary"],
        json!({ "address": "192.0.2.15", "prefix": 24, "interface": "eth0", "is_default_route": true })
    );
    assert_eq!((json["interfaces"].as_array().unwrap().len(), json["routes"].is_array()), (2, true));
    // One that says nothing when it is asked for routes.
    let json = run(&["-c", "sim:minimal", "--json", "net"]).json();
    assert_eq!((&json["primary"]["address"], &json["routes"]), (&json!("192.0.2.15"), &Value::Null));
    // One that does not tell them.
    let json = run(&["-c", "sim:qemu-7.2", "--json", "net"]).json();
    assert_eq!((&json["primary"]["is_default_route"], &json["routes"]), (&Value::Null, &Value::Null));
}

#[test]
fn net_of_a_guest_without_network() {
    let agent = Agent::new(|name| match name {
        "guest-network-get-interfaces" => Answer::Return(json!([{ "name": "lo" }])),
        _ => Answer::Refuse("CommandNotFound"),
    });
    let text = run(&["-c", &agent.address(), "net"]).ok();
    assert!(text.starts_with("There is no address"), "{text}");
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn what_only_asks_asks_many() {
    for command in ["net", "fs", "disks", "users", "cpu", "mem", "time"] {
        let text = run(&["-c", "sim:", "-c", "sim:qemu-11.1", command]).ok();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("GUEST ") && lines[1].starts_with("sim: "), "{text}");
        let rows = run(&["-c", "sim:", "-c", "sim:qemu-11.1", "--json", command]).rows(0);
        assert!(rows.len() == 2 && rows.iter().all(|row| !row["result"].is_null()), "{rows:?}");
    }
}

#[test]
fn what_changes_something_takes_one_guest() {
    for command in [&["cpu", "--online", "1"][..], &["mem", "--offline", "9"], &["time", "--set"], &["trim"]]
    {
        let line = run(&[&["-c", "sim:", "-c", "sim:"], command].concat()).failed(2);
        assert!(line.contains("no more than one guest"), "{line}");
    }
}

#[test]
fn words_of_a_hostile_guest_are_shown_and_not_obeyed() {
    let bad = "\x1b[2J\u{202e}bad\nline";
    let agent = move || {
        Agent::new(move |name| match name {
            "guest-network-get-interfaces" => Answer::Return(json!([{
                "name": bad, "hardware-address": bad,
                "ip-addresses": [{ "ip-address": bad, "ip-address-type": bad, "prefix": -1 }],
            }])),
            "guest-network-get-route" => Answer::Return(json!([
                { "iface": bad, "destination": bad, "metric": -1, "version": 99, "gateway": bad },
            ])),
            "guest-get-fsinfo" => Answer::Return(json!([{
                "name": bad, "mountpoint": bad, "type": bad, "used-bytes": u64::MAX, "total-bytes": 1, "disk": [],
            }])),
            "guest-get-disks" => Answer::Return(json!([{
                "name": bad, "partition": true, "alias": bad, "dependencies": [bad],
            }])),
            "guest-get-users" => Answer::Return(json!([{ "user": bad, "domain": bad, "login-time": 1e300 }])),
            "guest-get-vcpus" => Answer::Return(json!([
                { "logical-id": -5, "online": true },
                { "logical-id": i64::MAX, "online": true },
            ])),
            "guest-get-memory-blocks" => Answer::Return(json!([
                { "phys-index": u64::MAX, "online": true }, { "phys-index": 0, "online": false },
            ])),
            "guest-get-memory-block-info" => Answer::Return(json!({ "size": u64::MAX })),
            "guest-fstrim" => {
                Answer::Return(json!({ "paths": [{ "path": bad, "trimmed": -1, "error": null }] }))
            }
            "guest-ssh-get-authorized-keys" => Answer::Return(json!({ "keys": [bad] })),
            "guest-get-time" => Answer::Return(json!(i64::MIN)),
            _ => Answer::Refuse("CommandNotFound"),
        })
    };
    for command in [
        &["net"][..],
        &["fs"],
        &["disks"],
        &["users"],
        &["cpu"],
        &["mem"],
        &["time"],
        &["trim"],
        &["ssh-keys", "u"],
    ] {
        for json in [false, true] {
            let agent = agent();
            let address = agent.address();
            let mut arguments = vec!["-c", &address];
            arguments.extend(json.then_some("--json"));
            arguments.extend(command);
            let ran = run(&arguments);
            // 5: what it says is no reply.
            assert!(matches!(ran.code, Some(0 | 5)), "{command:?}: {:?} {}", ran.code, ran.err);
            let all = ran.out + &ran.err;
            assert!(!all.contains(['\x1b', '\u{202e}']), "{command:?}: {all:?}");
            assert_eq!(agent.ended(), Ended::Closed);
        }
    }
}

#[test]
fn processors_are_taken_out_of_use_and_back() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let json = run(&["-c", &address, "--json", "cpu", "--offline", "all"]).json();
    assert_eq!((&json["changed"], &json["processors"][1]["online"]), (&json!([1]), &json!(false)));
    let rows = run(&["-c", &address, "--json", "cpu"]).json();
    assert_eq!((&rows[0]["online"], &rows[1]["online"]), (&json!(true), &json!(false)));
    let text = run(&["-c", &address, "cpu", "--online", "0-1"]).ok();
    assert!(text.starts_with("changed: 1\n"), "{text}");
    let text = run(&["-c", &address, "cpu", "--online", "0-1"]).ok();
    assert!(text.starts_with("changed: none\n"), "{text}");
    let line = run(&["-c", &address, "cpu", "--offline", "0"]).failed(1);
    assert!(line.contains("can't be offlined") && line.contains("changed before: none"), "{line}");
    let line = run(&["-c", &address, "cpu", "--offline", "1-4"]).failed(2);
    assert!(line.contains("the guest has no processor 2; nothing was changed; it has 0-1"), "{line}");
}

#[test]
fn memory_that_stays_is_told() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let ran = run(&["-c", &address, "--json", "mem", "--offline", "7-9"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let done: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&done["changed"], &done["refused"][0]["block"]), (&json!([8, 9]), &json!(7)));
    let text = run(&["-c", &address, "mem"]).ok();
    assert!(text.lines().any(|line| line.starts_with("8-9 ") && line.contains("256.0 MiB  no")), "{text}");
    run(&["-c", &address, "mem", "--online", "all"]).ok();
}

#[test]
fn passwords_come_from_standard_input() {
    let out = fed(&["-c", "sim:", "passwd", "alice"], b"not \xff UTF-8\n").ok();
    assert_eq!(out, "the password of alice is set\n");
    let line = fed(&["-c", "sim:", "passwd", "alice"], b"\n").failed(2);
    assert!(line.contains("the password is empty"), "{line}");
    let line = fed(&["-c", "sim:", "passwd", "bob"], b"secret").failed(1);
    assert!(line.contains("guest-set-user-password") && !line.contains("secret"), "{line}");
    run(&["-c", "sim:", "passwd", "alice", "secret"]).failed(2);
}

#[test]
fn keys_are_added_shown_and_removed() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let keys = b"# mine\n\nssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n";
    let out = fed(&["-c", &address, "ssh-keys", "alice", "add", "-f", "-"], keys).ok();
    assert_eq!(out, "2 keys of alice are added\n");
    let json = run(&["-c", &address, "--json", "ssh-keys", "alice"]).json();
    assert_eq!(json["keys"].as_array().unwrap().len(), 2);
    run(&["-c", &address, "ssh-keys", "alice", "remove", "ssh-ed25519 AAAA one"]).ok();
    assert_eq!(run(&["-c", &address, "ssh-keys", "alice"]).ok(), "ssh-ed25519 BBBB two\n");
    run(&["-c", &address, "ssh-keys", "alice", "add", "--replace", "ssh-ed25519 CCCC "]).ok();
    assert_eq!(run(&["-c", &address, "ssh-keys", "alice"]).ok(), "ssh-ed25519 CCCC\n");
    // In the file there is a space behind it: the agent says that it has removed it, and has not.
    let line = run(&["-c", &address, "ssh-keys", "alice", "remove", "ssh-ed25519 CCCC"]).failed(1);
    assert!(line.contains("1 of the keys are still there"), "{line}");
    for bad in ["# comment", "two\nlines", " "] {
        run(&["-c", &address, "ssh-keys", "alice", "add", bad]).failed(2);
    }
}

#[test]
fn too_many_keys_are_not_sent_cut() {
    let line = fed(&["-c", "sim:", "ssh-keys", "alice", "add", "-f", "-"], &[b'k'; (1 << 20) + 1]).failed(2);
    assert!(line.contains("more than 1048576 bytes; nothing was sent"), "{line}");
}

#[test]
fn keys_that_cannot_be_looked_for_are_not_said_to_be_removed() {
    for (class, code) in [("CommandNotFound", 1), ("GenericError", 0)] {
        let agent = Agent::new(move |name| match name {
            "guest-ssh-remove-authorized-keys" => Answer::Return(json!({})),
            _ => Answer::Refuse(class),
        });
        let ran = run(&["-c", &agent.address(), "ssh-keys", "alice", "remove", "ssh-ed25519 AAAA one"]);
        assert_eq!(ran.code, Some(code), "{class}: {}{}", ran.out, ran.err);
        assert_eq!(agent.ended(), Ended::Closed);
    }
}

#[test]
fn trim_tells_of_each_file_system() {
    let json = run(&["-c", "sim:", "--json", "trim"]).json();
    assert_eq!(json["paths"].as_array().unwrap().len(), 2);
    let agent = Agent::new(|_| {
        Answer::Return(json!({ "paths": [{ "path": "/", "error": "the operation is not supported" }] }))
    });
    let ran = run(&["-c", &agent.address(), "trim"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("the operation is not supported"), "{}", ran.out);
}

#[test]
fn top_without_a_terminal_is_one_table() {
    let folder = Folder::new();
    let nobody = folder.address_of("nobody");
    let ran = run(&["-c", "sim:", "-c", &nobody, "top", "--interval", "0.2"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.out.starts_with("GUEST   LOAD  CPU"), "{}", ran.out);
    assert!(ran.out.contains("nobody  connection: "), "{}", ran.out);
    let rows = run(&["-c", "sim:", "--json", "top", "--interval", "0.2"]).json();
    let result = &rows[0]["result"];
    assert_eq!((&result["load1m"], &result["received_bytes_per_second"]), (&json!(0.08), &json!(0.0)));
}

#[test]
fn what_an_agent_says_nothing_to_is_a_dash() {
    let rows = run(&["-c", "sim:minimal", "--json", "top", "--interval", "0.2"]).json();
    let result = &rows[0]["result"];
    assert_eq!((&result["load1m"], &result["received_bytes_per_second"]), (&Value::Null, &json!(0.0)));
}

#[test]
fn one_of_many_guests_may_not_say_as_much_as_a_single_one() {
    let talker = || {
        let user = "u".repeat(5 << 20);
        Agent::new(move |_| Answer::Return(json!([{ "user": user, "login-time": 1.5 }])))
    };
    let agent = talker();
    let rows = run(&["-c", &agent.address(), "-c", "sim:", "--json", "users"]).rows(5);
    assert_eq!((&rows[0]["error"]["exit_code"], rows[1]["result"].is_array()), (&json!(5), true));
    assert_eq!(agent.ended(), Ended::Closed);
    let agent = talker();
    run(&["-c", &agent.address(), "--json", "users"]).json();
    assert_eq!(agent.ended(), Ended::Closed);
}

#[test]
fn shells_complete_and_manuals_are_written() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ok();
        assert!(script.contains("ssh-keys"), "{shell}");
    }
    let folder = Folder::new();
    let script = folder.path().join("qga.bash");
    fs::write(&script, run(&["completions", "bash"]).ok()).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success());

    let pages = folder.path().to_str().unwrap();
    assert_eq!(run(&["man", pages]).ok(), "");
    for page in ["qga.1", "qga-info.1", "qga-ssh-keys-add.1"] {
        let text = fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
    assert!(run(&["man", "-"]).ok().contains(".TH qga 1"));
    run(&["man", "/no/such/folder"]).failed(6);
}
