//! What one agent does and another does not.

mod common;

use std::time::Duration;

use common::Line;
use qga_sim::{Guest, Personality, Run};
use serde_json::{Value, json};

fn line(personality: Personality) -> Line {
    Line::new(Guest::with(personality))
}

/// The names that `guest-info` tells, and which of them it calls disabled.
fn commands(line: &mut Line) -> (usize, Vec<String>) {
    let info = line.ok("guest-info", "{}");
    let commands = info["supported_commands"].as_array().unwrap();
    let disabled = commands.iter().filter(|command| command["enabled"] == false);
    (commands.len(), disabled.map(|command| command["name"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn names_are_read_and_others_are_not() {
    for personality in Personality::ALL {
        assert_eq!(personality.to_string().parse(), Ok(personality));
    }
    let error = "qemu".parse::<Personality>().unwrap_err().to_string();
    assert!(error.contains("qemu-10.0, qemu-11.1, windows"), "{error}");
    assert_eq!(Personality::ALL.into_iter().filter(|personality| personality.is_qemu()).count(), 6);
}

#[test]
fn each_release_has_its_commands() {
    for (personality, version, count, disabled) in [
        (Personality::Qemu2, "2.12.0", 35, &[][..]),
        (Personality::Qemu5, "5.2.0", 40, &["guest-get-devices"]),
        (Personality::Qemu7, "7.2.22", 42, &["guest-get-devices"]),
        (Personality::Qemu10, "10.0.2", 43, &[]),
        (Personality::Qemu11, "11.1.3", 43, &[]),
    ] {
        let mut line = line(personality);
        assert_eq!(line.ok("guest-info", "{}")["version"], version);
        let (told, off) = commands(&mut line);
        assert_eq!(told, count, "{personality}");
        assert_eq!(off, disabled, "{personality}");
    }
}

#[test]
fn what_came_later_is_left_out_and_refused() {
    let mut old = line(Personality::Qemu2);
    let root = &old.ok("guest-get-fsinfo", "{}")[1];
    assert_eq!((root.get("used-bytes"), root["disk"][0].get("serial")), (None, None));
    let mut newer = line(Personality::Qemu7);
    let root = &newer.ok("guest-get-fsinfo", "{}")[1];
    assert!(root["used-bytes"].is_u64() && root.get("total-bytes-privileged").is_none());
    let merged = r#"{"path":"true","capture-output":"merged"}"#;
    assert_eq!(
        newer.refused("guest-exec", merged),
        "Invalid parameter type for 'capture-output', expected: boolean"
    );
    line(Personality::Qemu10).ok("guest-exec", merged);
}

#[test]
fn an_id_is_repeated_passed_over_or_refused() {
    let ping = b"{\"execute\":\"guest-ping\",\"id\":7}\n";
    let answer = |personality| String::from_utf8(line(personality).send(ping)).unwrap();
    assert!(answer(Personality::Qemu2).contains("QMP input member 'id' is unexpected\"}}\n"));
    assert_eq!(answer(Personality::Qemu5), "{\"return\": {}, \"id\": 7}\n");
    assert_eq!(answer(Personality::Windows), "{\"return\": {}, \"id\": 7}\n");
    assert_eq!(answer(Personality::Apple), "{\"return\":{},\"id\":7}\n");
    assert_eq!(answer(Personality::Minimal), "{\"return\":{}}\n");
}

#[test]
fn a_disabled_command_is_refused_in_the_words_of_the_release() {
    for (personality, class, desc) in [
        (Personality::Qemu2, "GenericError", "The command guest-exec has been disabled for this instance"),
        (Personality::Qemu5, "CommandNotFound", "The command guest-exec has been disabled for this instance"),
        (Personality::Qemu7, "CommandNotFound", "Command guest-exec has been disabled"),
        (
            Personality::Qemu10,
            "CommandNotFound",
            "Command guest-exec has been disabled: the command is not allowed",
        ),
    ] {
        let mut line = Line::new(Guest::with(personality).disable("guest-exec"));
        assert_eq!(line.call("guest-exec", r#"{"path":"true"}"#), Err((class.into(), desc.into())));
        assert_eq!(commands(&mut line).1.iter().filter(|name| *name == "guest-exec").count(), 1);
    }
}

/// Up to QEMU 9.0 a thaw that is disabled stays so, and the guest frozen.
#[test]
fn a_disabled_thaw() {
    let frozen = |personality| Line::new(Guest::with(personality).disable("guest-fsfreeze-thaw").frozen());
    let (class, _) = frozen(Personality::Qemu7).call("guest-fsfreeze-thaw", "{}").unwrap_err();
    assert_eq!(class, "CommandNotFound");
    assert_eq!(frozen(Personality::Qemu10).ok("guest-fsfreeze-thaw", "{}"), 1);
    let (_, desc) = frozen(Personality::Qemu7).call("guest-get-time", "{}").unwrap_err();
    assert_eq!(desc, "Command guest-get-time has been disabled: the agent is in frozen state");
}

#[test]
fn truncation_is_told_rightly_by_some() {
    let big = |personality| {
        let guest =
            Guest::with(personality).program("/opt/big", Run::new().stdout(vec![b'x'; (16 << 20) + 1]));
        let mut line = Line::new(guest);
        let pid = line.ok("guest-exec", r#"{"path":"/opt/big","capture-output":true}"#)["pid"].to_string();
        let status = line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
        // All keep 16 MiB, and say so in base64.
        let kept = status["out-data"].as_str().expect("output").len();
        assert_eq!(kept, (16_usize << 20).div_ceil(3) * 4, "{personality}");
        status["out-truncated"].clone()
    };
    assert_eq!(big(Personality::Qemu7), true);
    assert_eq!(big(Personality::Qemu10), false);
    assert_eq!(big(Personality::Qemu11), true);
    let mut line = line(Personality::Qemu11);
    let pid = line.ok("guest-exec", r#"{"path":"echo","capture-output":true}"#)["pid"].to_string();
    let status = line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
    assert_eq!((&status["out-truncated"], status.get("err-truncated")), (&json!(false), None));
}

#[test]
fn a_clock_without_hardware() {
    let set = |personality| {
        let mut line = Line::new(Guest::with(personality).no_hardware_clock());
        line.refused("guest-set-time", r#"{"time":5000}"#);
        line.ok("guest-get-time", "{}")
    };
    assert_ne!(set(Personality::Qemu7), 5000);
    assert_eq!(set(Personality::Qemu10), 5000);
}

mod windows {
    use super::*;

    fn windows() -> Line {
        line(Personality::Windows)
    }

    #[test]
    fn it_is_another_system() {
        let mut line = windows();
        assert_eq!(line.ok("guest-get-osinfo", "{}")["id"], "mswindows");
        assert_eq!(line.ok("guest-info", "{}")["version"], "108.0.2");
        assert_eq!(line.ok("guest-get-users", "{}")[0]["domain"], "WIN-GUEST");
        assert_eq!(line.ok("guest-get-devices", "{}")[1]["id"]["device-id"], 0x1003);
        let (_, disabled) = commands(&mut line);
        for name in ["guest-set-vcpus", "guest-suspend-hybrid", "guest-ssh-get-authorized-keys"] {
            assert!(disabled.iter().any(|disabled| disabled == name), "{name}");
            let (class, desc) = line.call(name, "{}").unwrap_err();
            assert_eq!((&*class, desc), ("CommandNotFound", format!("Command {name} has been disabled")));
        }
        line.ok("guest-set-user-password", r#"{"username":"alice","password":"cHc=","crypted":false}"#);
        line.refused("guest-set-user-password", r#"{"username":"alice","password":"cHc=","crypted":true}"#);
    }

    /// The end is told only when there is nothing before it.
    #[test]
    fn files_are_read_by_their_own_rules() {
        let mut line = Line::new(Guest::with(Personality::Windows).file(r"C:\Users\alice\a.txt", "hello"));
        line.refused("guest-file-open", r#"{"path":"C:\\Users\\alice\\a.txt","mode":"ab"}"#);
        let handle = line.ok("guest-file-open", r#"{"path":"C:/Users\\alice/a.txt"}"#).to_string();
        let read = format!(r#"{{"handle":{handle}}}"#);
        assert_eq!(
            line.ok("guest-file-read", &read),
            json!({"count": 5, "buf-b64": "aGVsbG8=", "eof": false})
        );
        assert_eq!(line.ok("guest-file-read", &read), json!({"count": 0, "buf-b64": "", "eof": true}));
    }

    #[test]
    fn programs_are_found_in_its_own_path() {
        let guest = Guest::with(Personality::Windows).program(r"C:\Windows\System32\x.exe", Run::new());
        let mut line = Line::new(guest);
        for path in ["x.exe", r"C:\\Windows\\System32\\x.exe"] {
            line.ok("guest-exec", &format!(r#"{{"path":"{path}"}}"#));
        }
        line.refused("guest-exec", r#"{"path":"y.exe"}"#);
    }

    #[test]
    fn a_freeze_ends_by_itself() {
        let mut line = windows();
        assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), 1);
        line.now += Duration::from_millis(9_999);
        assert_eq!(line.ok("guest-fsfreeze-status", "{}"), "frozen");
        assert_eq!(line.sim.poll_timeout(), Some(line.now + Duration::from_millis(1)));
        line.now += Duration::from_millis(1);
        assert_eq!(line.ok("guest-fsfreeze-status", "{}"), "thawed");
        line.refused("guest-fsfreeze-thaw", "{}");
        assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 0);
        line.ok("guest-fsfreeze-freeze", "{}");
        assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 1);
    }
}

#[test]
fn some_need_a_newline() {
    for personality in [Personality::Apple, Personality::Minimal, Personality::Strings] {
        let mut line = line(personality);
        assert_eq!(line.send(b"{\"execute\":\"guest-ping\"}"), b"");
        assert_eq!(line.send(b"\n"), b"{\"return\":{}}\n");
    }
}

#[test]
fn apple_has_commands_of_its_own() {
    let mut line = line(Personality::Apple);
    assert_eq!(commands(&mut line).0, 18);
    assert_eq!(line.call("guest-get-osinfo", "{}").unwrap_err().0, "CommandNotFound");
    let pid = line.ok("guest-exec", r#"{"path":"sleep","arg":["100"]}"#)["pid"].to_string();
    line.ok("apple-guest-signal-pid", &format!(r#"{{"pid":{pid},"signal":9}}"#));
    let status = line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
    assert_eq!(status, json!({"exited": true, "signal": 9}));
    line.refused("apple-guest-signal-pid", r#"{"pid":1,"signal":9}"#);
    line.refused("apple-guest-signal-pid", "{}");
    line.ok("apple-guest-set-remote-login", r#"{"enabled":true}"#);
}

#[test]
fn a_minimal_agent_says_no_more_than_it_must() {
    let mut line = line(Personality::Minimal);
    for silent in [
        &br#"{"execute":"guest-info"}"#[..],
        br#"{"execute":"guest-sync","arguments":{"id":1}}"#,
        br#"{"execute":"no-such-command"}"#,
        b"garbage",
        b"[]",
        br#"{"execute":1}"#,
    ] {
        assert_eq!(line.send(&[silent, b"\n"].concat()), b"", "{}", silent.escape_ascii());
    }
    let sync = b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":5}}\n";
    assert_eq!(line.send(sync), b"\xFF{\"return\":5}\n");
    assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), 1);
    assert_eq!(line.ok("guest-fsfreeze-freeze", "{}"), 0);
    assert_eq!(line.ok("guest-get-host-name", "{}"), json!({"host-name": "guest"}));
    assert_eq!(line.ok("guest-fsfreeze-thaw", "{}"), 1);
}

#[test]
fn another_lists_its_commands_by_name_and_answers_what_others_do_not() {
    let mut line = line(Personality::Strings);
    let info = line.ok("guest-info", "{}");
    assert!(info["supported_commands"].as_array().unwrap().iter().all(Value::is_string));
    assert_eq!(line.ok("guest-suspend-ram", "{}"), json!({}));
    let now = line.now;
    line.sim.wake(now);
    assert_eq!(line.ok("guest-reboot", "{}"), json!({}));
    assert_eq!(
        line.send(b"garbage\n"),
        b"{\"error\":{\"class\":\"GenericError\",\"desc\":\"the line is not a JSON object\"}}\n"
    );
}
