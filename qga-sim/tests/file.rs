//! Guests from TOML files.

#![cfg(feature = "toml")]

mod common;

use std::time::Duration;

use common::{Line, START};
use qga_sim::{FileKind, Guest, Personality, Sim};
use serde_json::json;

/// All that a file can say.
const ALL: &str = include_str!("data/guest.toml");

fn line(text: &str) -> Line {
    Line { sim: Sim::from_toml(text).unwrap(), now: START }
}

#[test]
fn a_file_says_what_the_guest_is() {
    let mut line = line(ALL);
    assert_eq!(line.sim.guest().personality(), Personality::Qemu11);
    assert_eq!(line.ok("guest-info", "{}")["version"], "11.1.4");
    assert_eq!(line.call("guest-get-load", "{}").unwrap_err().0, "CommandNotFound");
    assert_eq!(line.ok("guest-get-host-name", "{}")["host-name"], "build-7");
    assert_eq!(line.ok("guest-get-osinfo", "{}"), json!({"id": "alpine", "version-id": "3.22"}));
    assert_eq!(line.ok("guest-get-timezone", "{}"), json!({"zone": "CET", "offset": 3600}));
    let users = json!([{"user": "carol", "login-time": 1767254400.5}]);
    assert_eq!(line.ok("guest-get-users", "{}"), users);
    assert_eq!(
        line.ok("guest-ssh-get-authorized-keys", r#"{"username":"dave"}"#),
        json!({"keys": ["ssh-ed25519 AAAA"]})
    );
    let interfaces = line.ok("guest-network-get-interfaces", "{}");
    assert_eq!(interfaces[0]["ip-addresses"][0]["ip-address"], "198.51.100.7");
    assert_eq!(line.ok("guest-network-get-route", "{}")[0]["gateway"], "198.51.100.1");
    assert_eq!(line.ok("guest-get-fsinfo", "{}")[0]["mountpoint"], "/srv");
    assert_eq!(line.ok("guest-get-disks", "{}"), json!([{"name": "/dev/vdb", "partition": false}]));
    assert_eq!(line.ok("guest-get-diskstats", "{}")[0]["stats"]["read-ios"], 7);
    assert_eq!(line.ok("guest-get-vcpus", "{}")[0]["can-offline"], false);
    assert_eq!(line.ok("guest-get-memory-block-info", "{}"), json!({"size": 4096}));
    assert_eq!(line.ok("guest-get-memory-blocks", "{}").as_array().unwrap().len(), 1);
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#), 1000);
    assert_eq!(line.ok("guest-file-read", r#"{"handle":1000}"#)["buf-b64"], "V2VsY29tZS4K");
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/srv/data"}"#), 1001);
    assert_eq!(line.ok("guest-file-read", r#"{"handle":1001}"#)["buf-b64"], "AP8=");
    let link = line.sim.guest().metadata("/srv/link").unwrap();
    let data = line.sim.guest().metadata("/srv/data").unwrap();
    assert_eq!((link.kind, data.mode), (FileKind::Link, 0o640));
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/new","mode":"w"}"#), 1002);
    let write = r#"{"handle":1002,"buf-b64":"QUJDREVG"}"#;
    assert_eq!(line.ok("guest-file-write", write)["count"], 3);
    line.ok("guest-file-seek", r#"{"handle":1002,"offset":998,"whence":"set"}"#);
    line.ok("guest-file-write", write);
    line.ok("guest-file-flush", r#"{"handle":1002}"#);
    assert!(line.refused("guest-file-close", r#"{"handle":1002}"#).ends_with("No space left on device"));
    let pid = line.ok("guest-exec", r#"{"path":"/opt/job","capture-output":true}"#)["pid"].to_string();
    let status = format!(r#"{{"pid":{pid}}}"#);
    assert_eq!(line.ok("guest-exec-status", &status), json!({"exited": false}));
    line.now += Duration::from_secs(3);
    let ended = line.ok("guest-exec-status", &status);
    assert_eq!(
        (&ended["signal"], &ended["out-data"], &ended["err-data"]),
        (&json!(15), &json!("b3V0"), &json!("ZXJy"))
    );
    line.refused("guest-suspend-ram", "{}");
    line.refused("guest-set-time", "{}");
    let time = (line.now - Duration::from_secs(60)).as_nanos() as i64;
    assert_eq!(line.ok("guest-get-time", "{}"), time);
    let ping = br#"{"execute":"guest-ping"}"#;
    assert_eq!((line.send(ping), line.send(ping)), (b"{\"return\": {}}\n".to_vec(), vec![]));
    assert_eq!(line.send(br#"{"execute":"guest-shutdown"}"#), b"");
    assert_eq!(line.sim.poll_timeout(), Some(line.now + Duration::from_millis(100)));
}

#[test]
fn what_a_file_does_not_say_is_as_it_was() {
    let [mut given, mut new] = [line(""), Line::new(Guest::new())];
    for command in ["guest-info", "guest-get-fsinfo", "guest-get-users", "guest-network-get-interfaces"] {
        assert_eq!(given.ok(command, "{}"), new.ok(command, "{}"));
    }
    assert_eq!(line("frozen = true").ok("guest-fsfreeze-status", "{}"), "frozen");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, error) in [
        ("host-name = 5", "line 1: invalid type: integer `5`, expected a string"),
        ("\nhostname = \"x\"", "line 2: unknown field `hostname`"),
        ("personality = \"qemu\"", "line 1: there is no such personality; there are qemu-2.12,"),
        ("[os]\nid = 5", "line 1: GuestOSInfo: Invalid parameter type for 'id', expected: string"),
        ("[os]\nnam = \"x\"", "line 1: GuestOSInfo: Parameter 'nam' is unexpected"),
        ("[[interfaces]]\nip-addresses = []", "line 1: GuestNetworkInterface: Parameter 'name' is missing"),
        ("os = 5", "line 1: this is a table"),
        ("faults = [\"lots\"]", "line 1: there is no fault 'lots'; there are pieces,"),
        ("boot-time = \"5\"", "line 1: '5' is no time, such as 500ms or 2s"),
        ("[files]\n\"/x\" = 5", "line 2: content is a text, or { base64 = \"...\" }"),
        ("[files]\n\"/x\" = { base64 = \"!\" }", "line 2: content is a text"),
        ("[programs.\"/x\"]\nexit-code = 256", "line 2: invalid value: integer `256`, expected u8"),
        ("faults = [\"lost@guest-pong\"]", "line 1: no agent has a command 'guest-pong'"),
        (
            "faults = [\"deep@guest-shutdown\"]",
            "the fault 'deep@guest-shutdown' can never hit: this command is silent",
        ),
        ("[modes]\n\"/x\" = \"0999\"", "line 2: '0999' is no mode, such as 0640"),
        ("disk-space = { bytes = 1, told = \"never\" }", "line 1: unknown variant `never`"),
        ("seed = ", "line 1: "),
    ] {
        let told = Sim::from_toml(text).unwrap_err().to_string();
        assert!(told.starts_with(error) && !told.contains('\n'), "{text:?}: {told}");
    }
}
