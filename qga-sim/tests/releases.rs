//! What commands do alike in three releases of the agent, byte for byte: where they differ is in `personalities.rs`.

mod common;

use common::Line;
use qga_sim::{Guest, Personality, Run};

const RELEASES: [Personality; 3] = [Personality::Qemu7, Personality::Qemu10, Personality::Qemu11];

/// Sends one request after the other to the same agent, each with the reply that it must get.
#[track_caller]
fn assert_conversation(make: impl Fn(Guest) -> Guest, requests: &[(&str, &str)]) {
    for personality in RELEASES {
        let mut line = Line::new(make(Guest::with(personality)));
        for (request, reply) in requests {
            let got = line.send(request.as_bytes());
            assert_eq!(String::from_utf8_lossy(&got), format!("{reply}\n"), "{personality}: {request}");
        }
    }
}

#[test]
fn a_frozen_guest_answers_what_is_needed_to_thaw_it() {
    assert_conversation(
        Guest::frozen,
        &[
            (r#"{"execute":"guest-ping"}"#, r#"{"return": {}}"#),
            (r#"{"execute":"guest-sync","arguments":{"id":7}}"#, r#"{"return": 7}"#),
            (r#"{"execute":"guest-fsfreeze-status"}"#, r#"{"return": "frozen"}"#),
            (r#"{"execute":"guest-fsfreeze-thaw"}"#, r#"{"return": 1}"#),
            (r#"{"execute":"guest-fsfreeze-status"}"#, r#"{"return": "thawed"}"#),
        ],
    );
    for personality in RELEASES {
        let mut line = Line::new(Guest::with(personality).frozen());
        let sync = line.send(br#"{"execute":"guest-sync-delimited","arguments":{"id":8}}"#);
        assert_eq!(sync, b"\xFF{\"return\": 8}\n", "{personality}");
        let info = line.ok("guest-info", "{}");
        let enabled = info["supported_commands"].as_array().unwrap().iter();
        assert_eq!(enabled.filter(|command| command["enabled"] == true).count(), 6, "{personality}");
        for name in ["guest-get-time", "guest-fsfreeze-freeze", "guest-exec-status"] {
            assert_eq!(line.call(name, "{}").unwrap_err().0, "CommandNotFound", "{personality}: {name}");
        }
    }
}

#[test]
fn nothing_frozen_is_no_frozen_state() {
    assert_conversation(
        |guest| guest,
        &[
            (
                r#"{"execute":"guest-fsfreeze-freeze-list","arguments":{"mountpoints":["/no-such-mount-point"]}}"#,
                r#"{"return": 0}"#,
            ),
            (r#"{"execute":"guest-fsfreeze-status"}"#, r#"{"return": "thawed"}"#),
        ],
    );
}

#[test]
fn the_end_of_a_file_is_told_when_a_read_hits_it() {
    let read = |count: usize| {
        format!(r#"{{"execute":"guest-file-read","arguments":{{"handle":1000,"count":{count}}}}}"#)
    };
    assert_conversation(
        |guest| guest.file("/data", "0123456789"),
        &[
            (r#"{"execute":"guest-file-open","arguments":{"path":"/data"}}"#, r#"{"return": 1000}"#),
            (&read(10), r#"{"return": {"count": 10, "buf-b64": "MDEyMzQ1Njc4OQ==", "eof": false}}"#),
            (&read(0), r#"{"return": {"count": 0, "buf-b64": "", "eof": false}}"#),
            (&read(1), r#"{"return": {"count": 0, "buf-b64": "", "eof": true}}"#),
            (&read(0), r#"{"return": {"count": 0, "buf-b64": "", "eof": false}}"#),
        ],
    );
}

#[test]
fn base64_is_taken_without_its_end_and_with_newlines() {
    let write = |base64: &str| {
        format!(r#"{{"execute":"guest-file-write","arguments":{{"handle":1000,"buf-b64":"{base64}"}}}}"#)
    };
    assert_conversation(
        |guest| guest,
        &[
            (
                r#"{"execute":"guest-file-open","arguments":{"path":"/tmp/new","mode":"w+"}}"#,
                r#"{"return": 1000}"#,
            ),
            (&write("aGVsbG8"), r#"{"return": {"count": 3, "eof": false}}"#),
            (&write("aGVsbG8="), r#"{"return": {"count": 5, "eof": false}}"#),
            (&write(r"aGVs\nbG8="), r#"{"return": {"count": 5, "eof": false}}"#),
            (
                &write("!!!"),
                r#"{"error": {"class": "GenericError", "desc": "Base64 data contains invalid characters"}}"#,
            ),
        ],
    );
}

#[test]
fn the_end_of_a_program_is_told_once() {
    for personality in RELEASES {
        let guest = Guest::with(personality).program("/opt/killed", Run::new().signal(9));
        let mut line = Line::new(guest);
        for (path, end) in [("true", r#""exitcode": 0"#), ("/opt/killed", r#""signal": 9"#)] {
            let pid = line.ok("guest-exec", &format!(r#"{{"path":"{path}"}}"#))["pid"].to_string();
            let status = format!(r#"{{"execute":"guest-exec-status","arguments":{{"pid":{pid}}}}}"#);
            let told = line.send(status.as_bytes());
            assert_eq!(
                String::from_utf8_lossy(&told),
                format!("{{\"return\": {{{end}, \"exited\": true}}}}\n")
            );
            line.refused("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
        }
    }
}

#[test]
fn what_is_missing_in_a_list_is_named() {
    assert_conversation(
        |guest| guest,
        &[(
            r#"{"execute":"guest-set-vcpus","arguments":{"vcpus":[{"logical-id":0}]}}"#,
            r#"{"error": {"class": "GenericError", "desc": "Parameter 'vcpus[0].online' is missing"}}"#,
        )],
    );
}
