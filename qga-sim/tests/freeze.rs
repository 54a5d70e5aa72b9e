//! The commands that freeze the file systems, and what they do to all others.

mod common;

use common::{Line, read_replies};
use qga_sim::Guest;
use qga_sim::proto::owned::GuestFilesystemInfo;
use serde_json::{Value, json};

/// What is carried out while the guest is frozen.
const ALLOWED: [&str; 6] = [
    "guest-fsfreeze-status",
    "guest-fsfreeze-thaw",
    "guest-info",
    "guest-ping",
    "guest-sync",
    "guest-sync-delimited",
];

/// A guest with more than the one file system that can be frozen.
fn guest() -> Guest {
    let mount = |name, mountpoint, kind| GuestFilesystemInfo::new(name, mountpoint, kind, vec![]);
    Guest::new()
        .file_system(mount("loop0", "/srv", "xfs"))
        .file_system(mount("tmpfs", "/run", "tmpfs"))
        .file_system(mount("server:/home", "/home", "nfs4"))
}

#[track_caller]
fn assert_status(line: &mut Line, status: &str) {
    assert_eq!(line.ok("guest-fsfreeze-status", "{}"), status);
}

/// Calls a command that must be refused as if there were none; gives the text.
#[track_caller]
fn not_found(line: &mut Line, name: &str) -> String {
    let (class, desc) = line.call(name, "{}").expect_err(name);
    assert_eq!(class, "CommandNotFound", "{desc}");
    desc
}

/// The names of the commands that `guest-info` has as enabled or not, sorted.
fn names(line: &mut Line, enabled: bool) -> Vec<String> {
    let info = line.ok("guest-info", "{}");
    let commands = info["supported_commands"].as_array().unwrap().iter();
    let chosen = commands.filter(|command| command["enabled"] == enabled);
    let mut names: Vec<_> = chosen.map(|command| command["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_frozen_and_thawed_is_counted() {
    for (guest, count) in [(Guest::new(), 1), (guest(), 2)] {
        let mut line = Line::new(guest);
        assert_status(&mut line, "thawed");
        assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 0);
        for _ in 0..2 {
            assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), count);
            assert_status(&mut line, "frozen");
            assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), count);
            assert_status(&mut line, "thawed");
            assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 0);
        }
    }
}

#[test]
fn a_list_freezes_what_it_names() {
    let mut line = Line::new(guest());
    for (arguments, count) in [
        (r"{}", 2),
        (r#"{"mountpoints":["/"]}"#, 1),
        (r#"{"mountpoints":["/srv","/nowhere","/srv","/"]}"#, 2),
        (r#"{"mountpoints":["\/s\u0072v","/run"]}"#, 1),
    ] {
        assert_eq!(line.ok("guest-fsfreeze-freeze-list", arguments), count, "{arguments}");
        assert_status(&mut line, "frozen");
        assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), count, "{arguments}");
    }
}

#[test]
fn nothing_frozen_is_no_frozen_state() {
    let mut line = Line::new(guest());
    for list in [r#"["/no-such-mount-point"]"#, "[]", r#"["/run","/home","/boot/efi"]"#, r#"["/srv/"]"#] {
        let arguments = format!(r#"{{"mountpoints":{list}}}"#);
        assert_eq!(line.ok("guest-fsfreeze-freeze-list", &arguments), 0, "{list}");
        assert_status(&mut line, "thawed");
        line.ok("guest-get-host-name", "{}");
    }
}

#[test]
fn a_bad_list_freezes_nothing() {
    let mut line = Line::new(guest());
    for arguments in [
        r#"{"mountpoints":"/"}"#,
        r#"{"mountpoints":null}"#,
        r#"{"mountpoints":["/",1]}"#,
        r#"{"mountpoints":["/",null]}"#,
        r#"{"mountpoint":["/"]}"#,
    ] {
        line.refused("guest-fsfreeze-freeze-list", arguments);
        assert_status(&mut line, "thawed");
    }
    line.refused("guest-fsfreeze-freeze", r#"{"mountpoints":["/"]}"#);
    assert_status(&mut line, "thawed");
}

#[test]
fn a_frozen_guest_does_little_else() {
    let mut line = Line::new(Guest::new().frozen());
    assert_eq!(names(&mut line, true), ALLOWED);
    let refused = names(&mut line, false);
    assert!(refused.iter().any(|name| name == "guest-fsfreeze-freeze"));
    for name in &refused {
        assert_eq!(
            not_found(&mut line, name),
            format!("Command {name} has been disabled: the command is not allowed")
        );
    }
    assert_eq!(not_found(&mut line, "guest-nope"), "The command guest-nope has not been found");

    assert_eq!(line.ok("guest-ping", "{}"), json!({}));
    assert_eq!(line.ok("guest-sync", r#"{"id":7}"#), 7);
    let sync = line.send(br#"{"execute":"guest-sync-delimited","arguments":{"id":8}}"#);
    let replies = read_replies(&sync).unwrap();
    assert!(replies.len() == 1 && replies[0].delimited && replies[0].result == Ok(Value::from(8)));
    assert_status(&mut line, "frozen");
    assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 1);
    assert_eq!(names(&mut line, false), [""; 0]);
    line.ok("guest-get-host-name", "{}");
}

#[test]
fn a_frozen_guest_does_what_is_disabled_otherwise() {
    let guest = Guest::new().disable("guest-ping").disable("guest-fsfreeze-thaw").disable("guest-exec");
    let mut line = Line::new(guest);
    not_found(&mut line, "guest-ping");
    assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), 1);
    assert_eq!(names(&mut line, true), ALLOWED);
    line.ok("guest-ping", "{}");
    not_found(&mut line, "guest-exec");
    assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 1);
    assert_eq!(names(&mut line, false), ["guest-exec", "guest-fsfreeze-thaw", "guest-ping"]);
    not_found(&mut line, "guest-fsfreeze-thaw");
    not_found(&mut line, "guest-ping");
}

#[test]
fn a_guest_stays_frozen_when_its_client_leaves() {
    let mut line = Line::new(Guest::new());
    let handle = line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#);
    line.ok("guest-fsfreeze-freeze", "{}");
    line.sim.handle_eof(line.now);
    assert_status(&mut line, "frozen");
    not_found(&mut line, "guest-file-read");
    line.ok("guest-fsfreeze-thaw", "{}");
    assert_eq!(line.ok("guest-file-read", &format!(r#"{{"handle":{handle}}}"#))["eof"], true);
}

#[test]
fn a_guest_that_cannot_be_frozen_is_not() {
    let root = GuestFilesystemInfo::new("overlay", "/", "overlay", vec![]);
    let mut line = Line::new(Guest::new().file_system(root).frozen());
    assert_status(&mut line, "thawed");
    assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), 0);
    assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 0);
    assert_eq!(names(&mut line, false), [""; 0]);
}
