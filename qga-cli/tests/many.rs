//! One command over many guests.
#![cfg(unix)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use qga_sim::{Guest, Server, ServerHandle};
use serde_json::{Value, json};

mod common;
use common::{Agent, Answer, Ended, Folder, qga, ran, run, signal, wait};

fn simulate(folder: &Folder, name: &str) -> ServerHandle {
    let guest = Guest::new().host_name(format!("host-{name}"));
    Server::bind(&folder.address_of(name), guest).unwrap().spawn().unwrap()
}

/// A folder with two guests that answer, a third that was one, and files that are none.
fn three() -> (Folder, [ServerHandle; 2]) {
    let folder = Folder::new();
    let servers = [simulate(&folder, "db"), simulate(&folder, "web")];
    drop(UnixListener::bind(folder.path().join("gone")).unwrap());
    fs::write(folder.path().join("a.log"), "no socket").unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    (folder, servers)
}

fn directory(folder: &Folder) -> String {
    folder.path().display().to_string()
}

#[test]
fn all_of_a_directory() {
    let (folder, _servers) = three();
    let all = directory(&folder);
    let ran = run(&["--all", &all, "info"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert_eq!(ran.err, "qga: 1 of 3 guests failed (1 connection); --json tells more of each\n");
    let lines: Vec<_> = ran.out.lines().collect();
    assert!(lines[0].starts_with("GUEST  VERSION  HOST NAME  SYSTEM  "), "{}", ran.out);
    assert!(lines[1].starts_with("db     10.0.2   host-db    Debian GNU/Linux 13 (trixie)  192.0.2.15"));
    assert_eq!(lines[2], "gone   connection: nobody listens on the socket");
    assert!(lines[3].starts_with("web    10.0.2   host-web   Debian"), "{}", ran.out);
    assert_eq!(lines.len(), 4);

    let ran = run(&["--all", &all, "--json", "info"]);
    assert!(!ran.err.contains("--json"), "{}", ran.err);
    let rows = ran.rows(3);
    let names: Vec<_> = rows.iter().map(|row| row["guest"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "gone", "web"]);
    assert_eq!(rows[0]["address"], folder.address_of("db"));
    assert_eq!(rows[0]["result"]["host_name"], "host-db");
    // What one guest alone gets.
    let alone = run(&["-c", &folder.address_of("gone"), "--json", "info"]).failed_json(3);
    assert_eq!((&rows[1]["error"], &alone["diagnosis"]), (&alone, &json!("not-listening")));
    let mut alone = run(&["-c", &folder.address_of("web"), "--json", "info"]).json();
    let mut row = rows[2]["result"].clone();
    for document in [&mut alone, &mut row] {
        document["time"].take();
        document["time_ns"].take();
        document["load"].take();
    }
    assert_eq!(row, alone);
}

#[test]
fn every_command_that_can() {
    let (folder, _servers) = three();
    let [db, web] = ["db", "web"].map(|name| folder.address_of(name));
    let many = ["-c", &web, "-c", &db];
    let table = |command: &[&str]| run(&[&many[..], command].concat()).ok();
    let rows = |command: &[&str]| run(&[&many[..], &["--json"], command].concat()).rows(0);

    assert!(table(&["ping"]).starts_with("GUEST  ANSWERS AFTER\nweb    "), "{}", table(&["ping"]));
    assert!(rows(&["ping"])[1]["result"]["milliseconds"].as_f64().unwrap() > 0.0);
    assert!(
        table(&["wait"]).starts_with("GUEST  VERSION  READY AFTER\nweb    10.0.2   0."),
        "{}",
        table(&["wait"])
    );
    assert_eq!(rows(&["wait"])[0]["result"]["version"], "10.0.2");
    assert_eq!(
        table(&["call", "guest-get-host-name"]),
        "GUEST  REPLY\nweb    {\"host-name\":\"host-web\"}\ndb     {\"host-name\":\"host-db\"}\n"
    );
    assert_eq!(
        rows(&["call", "guest-get-host-name"]),
        [
            json!({ "guest": "web", "address": web, "result": { "host-name": "host-web" } }),
            json!({ "guest": "db", "address": db, "result": { "host-name": "host-db" } }),
        ]
    );
}

#[test]
fn guests_are_named_by_what_tells_them_apart() {
    let (one, _servers) = three();
    let (two, _more) = three();
    let both = [one.address_of("db"), two.address_of("db"), one.address_of("web")];
    let names = |arguments: &[&str]| {
        let rows = run(&[arguments, &["--json", "ping"]].concat()).rows(0);
        rows.iter().map(|row| row["guest"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let paths = [&one, &two].map(|folder| folder.path().join("db").display().to_string());
    assert_eq!(names(&["-c", &both[0], "-c", &both[1], "-c", &both[2]]), [&paths[0], &paths[1], "web"]);
    // The same guest is asked once, and each simulated guest is another one.
    assert_eq!(names(&["-c", &both[0], "-c", "sim:", "-c", &both[0], "-c", "sim:"]), ["db", "sim:", "sim:"]);
    let again = format!("unix:{}/./db", one.path().display());
    assert_eq!(names(&["-c", &both[0], "-c", &again]), ["db"]);
}

#[test]
fn a_guest_is_asked_once_whatever_it_is_called() {
    let (folder, _servers) = three();
    fs::remove_file(folder.path().join("gone")).unwrap();
    let links = Folder::new();
    std::os::unix::fs::symlink(folder.path().join("web"), links.path().join("shop")).unwrap();
    let all = directory(&folder);
    for (arguments, expected) in [
        (&["-c", "unix:web", "--all", ".", "--all", &all][..], &["web", "db"][..]),
        (&["-c", "unix:web", "-c", &folder.address_of("web"), "-c", "unix:../other"], &["web", "other"]),
        (&["--all", &directory(&links), "--all", &all], &["shop", "db"]),
    ] {
        let ran = ran(qga(&[arguments, &["--json", "ping"]].concat()).current_dir(folder.path()));
        let rows: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        let names: Vec<_> = rows.iter().map(|row| row["guest"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{arguments:?}");
    }
}

/// Nothing of what may be a guest is left out without a word.
#[test]
fn what_cannot_be_asked_has_a_row() {
    let (folder, _servers) = three();
    let path = folder.path();
    fs::remove_file(path.join("gone")).unwrap();
    // It cannot be looked at, and has another reason than that it would not be there.
    std::os::unix::fs::symlink("loop", path.join("loop")).unwrap();
    let rows = run(&["--all", &directory(&folder), "--json", "ping"]).rows(3);
    let names: Vec<_> = rows.iter().map(|row| row["guest"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "loop", "web"]);
    assert_eq!(rows[1]["error"]["diagnosis"], "unreachable", "{}", rows[1]);
    fs::remove_file(path.join("loop")).unwrap();

    let name = std::ffi::OsStr::from_bytes(b"n\xfft");
    // Not everywhere may there be such a file.
    let Ok(_listener) = UnixListener::bind(path.join(name)) else { return };
    let rows = run(&["--all", &directory(&folder), "--json", "ping"]).rows(3);
    assert_eq!(rows[1]["guest"], "n\\xfft");
    let error = &rows[1]["error"];
    assert_eq!((&error["diagnosis"], &error["address"]), (&json!("bad-address"), &rows[1]["address"]));
    assert!(rows[0]["result"].is_object() && rows[2]["result"].is_object(), "{rows:?}");
    let out = run(&["--all", &directory(&folder), "ping"]).out;
    assert!(out.contains("\nn\\xfft  connection: the socket's path is not UTF-8\n"), "{out}");
}

#[test]
fn long_replies_are_whole_where_there_is_no_terminal() {
    let agent = || Agent::new(|_| Answer::Return(json!("x".repeat(100_000))));
    let (one, two) = (agent(), agent());
    let out = run(&["-c", &one.address(), "-c", &two.address(), "call", "guest-ping"]).ok();
    assert!(out.lines().next().unwrap().ends_with("REPLY"), "{}", out.lines().next().unwrap());
    assert_eq!(out.matches('x').count(), 200_000);
}

#[test]
fn what_is_named_adds_up() {
    let (folder, _servers) = three();
    fs::remove_file(folder.path().join("gone")).unwrap();
    let (all, other) = (directory(&folder), Folder::new());
    let _server = simulate(&other, "x");
    let x = other.address_of("x");
    let names = |arguments: &[&str]| {
        let out = ran(qga(arguments).env("QGA_CONNECT", "unix:/not/asked")).ok();
        let names = out.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&["--all", &all, "ping"]), "db web");
    assert_eq!(names(&["--all", &all, "-c", &x, "ping"]), "x db web");
    assert_eq!(names(&["-c", &x, "ping", "--all", &all]), "x db web");
    assert_eq!(names(&["-c", &x, "ping", "-c", &folder.address_of("web")]), "x web");
    assert_eq!(names(&["--all", &all, "--all", &directory(&other), "ping"]), "db web x");
    // A link to a socket is one; a row it is, if it is the only one.
    let links = Folder::new();
    std::os::unix::fs::symlink(folder.path().join("web"), links.path().join("shop")).unwrap();
    std::os::unix::fs::symlink("/not/there", links.path().join("dangling")).unwrap();
    assert_eq!(names(&["--all", &directory(&links), "ping"]), "shop");
    // One alone is spoken of as ever.
    assert!(run(&["-c", &x, "ping"]).ok().starts_with("the agent at "));
}

#[test]
fn usage() {
    let (folder, _servers) = three();
    let (all, empty) = (directory(&folder), Folder::new());
    let nothing = directory(&empty);
    let can = "info, ping, wait, call, net, fs, disks, cpu, mem, users, time and top take many";
    for (arguments, what) in [
        (&["--all", "/not/there", "info"][..], "cannot read the directory '/not/there': No such file"),
        (&["--all", &nothing, "info"], "there is no Unix socket in '"),
        (&["--all", &nothing, "-c", "sim:", "info"], "there is no Unix socket in '"),
        (&["--all", &folder.path().join("a.log").display().to_string(), "info"], "Not a directory"),
        (
            &["--all", &all, "commands"],
            "'commands' asks no more than one guest; give it one -c; info, ping, ",
        ),
        (&["-c", "sim:", "-c", "sim:", "commands", "guest-ping"], can),
        (&["sim", "--listen", "unix:/s", "--all", &all], can),
        (&["-c", "sim:", "-c", "sim:", "sim", "--listen", "unix:/s"], can),
        (&["sim", "--listen", "unix:/s", "--jobs", "3"], "'sim' listens, and takes no --jobs"),
        (&["-c", "sim:", "-c", "nonsense", "info"], "'nonsense' is no address"),
        (&["--all", &all, "--jobs", "0", "info"], "must be a number from 1 to 500"),
        (&["--all", &all, "--jobs", "501", "info"], "must be a number from 1 to 500"),
    ] {
        let line = run(arguments).failed(2);
        assert!(line.contains(what), "{arguments:?}: {line}");
        assert_eq!(run(&[&["--json"], arguments].concat()).failed_json(2)["kind"], "usage");
    }
}

#[test]
fn different_failures_are_7() {
    let (folder, _servers) = three();
    let silent = UnixListener::bind(folder.path().join("silent")).unwrap();
    let all = directory(&folder);
    let ran = run(&["--all", &all, "-t", "1", "ping"]);
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    assert!(ran.err.starts_with("qga: 2 of 4 guests failed (1 connection, 1 deadline); "), "{}", ran.err);
    assert!(ran.out.contains("\nsilent  deadline: connected, but nobody has answered\n"));
    let rows = run(&["--all", &all, "-t", "1", "--json", "ping"]).rows(7);
    assert_eq!(rows[1]["error"]["exit_code"], 3);
    assert_eq!(rows[2]["error"]["exit_code"], 4);

    drop(silent);
    fs::remove_file(folder.path().join("silent")).unwrap();
    // Why an agent refuses is told here, too, and what may have become of a command.
    let agent = Agent::new(|_| Answer::Close);
    let ran = run(&["-c", &agent.address(), "-c", "unix:/gone", "call", "guest-exec", "path=a"]);
    assert!(
        ran.out.contains(
            "\ns      connection: the connection was lost; the command may have been carried out\n"
        )
    );
    // Nothing that makes anybody call it again.
    assert_eq!(
        ran.err,
        "qga: 2 of 2 guests failed (2 connection); the command may have been carried out by 1 of these\n"
    );
    let ran = run(&["-c", "sim:", "-c", "unix:/gone", "call", "guest-file-open", "path=/etc/none"]);
    assert_eq!(ran.err, "qga: 2 of 2 guests failed (1 refused, 1 connection)\n");
    let frozen = Server::bind(&folder.address_of("frozen"), Guest::new().frozen()).unwrap().spawn().unwrap();
    let out = run(&["--all", &all, "call", "guest-get-time"]).out;
    assert!(out.contains("\nfrozen  refused: the guest's file systems are frozen\n"), "{out}");
    let out = run(&["--all", &all, "info"]).out;
    assert!(out.contains("\nfrozen  10.0.2              FROZEN\n"), "{out}");
    let rows = run(&["--all", &all, "-t", "0.5", "--json", "wait"]).rows(7);
    assert_eq!(rows[1]["error"]["diagnosis"], "frozen");
    drop(frozen);
}

#[test]
fn no_more_at_a_time_than_asked_for() {
    let folder = Folder::new();
    let silent: Vec<_> =
        ["a", "b"].iter().map(|name| UnixListener::bind(folder.path().join(name)).unwrap()).collect();
    let _server = simulate(&folder, "c");
    let rows = run(&["--all", &directory(&folder), "--jobs", "1", "-t", "1", "--json", "ping"]).rows(4);
    assert_eq!(rows[0]["error"]["diagnosis"], "silent");
    for row in &rows[1..] {
        let message = row["error"]["message"].as_str().unwrap();
        assert_eq!(message, "the deadline passed before its turn came; it was not asked");
        let error = &row["error"];
        assert_eq!((&error["heard"], &error["address"]), (&json!(false), &row["address"]));
        assert_eq!((&error["diagnosis"], &error["fate_unknown"]), (&json!("not-asked"), &json!(false)));
    }
    let rows = run(&["--all", &directory(&folder), "--jobs", "3", "-t", "3", "--json", "ping"]).rows(4);
    assert!(rows[2]["result"].is_object(), "{rows:?}");
    drop(silent);
}

#[test]
fn a_signal_ends_all_connections_in_order() {
    let folder = Folder::new();
    let (sender, called) = mpsc::channel();
    let agents: Vec<_> = (0..5)
        .map(|_| {
            let sender = sender.clone();
            Agent::new(move |_| {
                sender.send(()).unwrap();
                Answer::Bytes(b"{\"return\": \"and so on and so on".to_vec())
            })
        })
        .collect();
    for (at, agent) in agents.iter().enumerate() {
        std::os::unix::fs::symlink(agent.socket(), folder.path().join(at.to_string())).unwrap();
    }
    let child = qga(&["--all", &directory(&folder), "-t", "60", "call", "guest-info"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in &agents {
        called.recv_timeout(Duration::from_secs(20)).unwrap();
    }
    signal(&child, "INT");
    let ran = wait(child);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(130), "", ""));
    for agent in agents {
        assert_eq!(agent.ended(), Ended::Closed);
    }
}

#[test]
fn what_guests_say_is_shown_never_obeyed() {
    const EVIL: &str = "\x1b]0;owned\x07\r\n\u{1}\u{202e}live";
    let evil = || {
        Agent::new(|name| match name {
            "guest-info" => Answer::Return(json!({ "version": EVIL.repeat(100), "supported_commands": [
                { "name": "guest-get-host-name", "enabled": true },
            ] })),
            "guest-get-host-name" => Answer::Return(json!({ "host-name": EVIL })),
            _ => Answer::Refuse(EVIL),
        })
    };
    let evil_name = Folder::new();
    let _server = simulate(&evil_name, "a\u{202e}\u{1}b\nc");
    for command in [&["info"][..], &["wait"], &["call", "guest-get-host-name"], &["call", "guest-get-time"]] {
        for json in [&[][..], &["--json"]] {
            let (one, two) = (evil(), evil());
            let (one, two, all) = (one.address(), two.address(), directory(&evil_name));
            let ran = run(&[&["-c", &one, "-c", &two, "--all", &all], json, command].concat());
            assert!(ran.out.contains("owned"), "{}", ran.out);
            let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!ran.out.contains(harmful) && !ran.err.contains(harmful), "{}{}", ran.out, ran.err);
            if json.is_empty() {
                assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);
            } else {
                let rows: Value = serde_json::from_str(&ran.out).unwrap();
                assert_eq!(rows[2]["guest"], "a\u{202e}\u{1}b\nc");
            }
        }
    }
}

/// As deep as a reply may be.
#[test]
fn deep_replies_have_room() {
    let deep = || {
        let value = (0..126).fold(json!([]), |inner, _| json!([inner]));
        Agent::new(move |_| Answer::Return(value.clone()))
    };
    let (one, two) = (deep(), deep());
    let out = run(&["-c", &one.address(), "-c", &two.address(), "--json", "call", "guest-ping"]).ok();
    // With the array of rows it is deeper than some readers go, ours among them.
    assert!(out.ends_with(&format!("\"result\":{}{}}}]\n", "[".repeat(127), "]".repeat(127))), "{out}");
}
