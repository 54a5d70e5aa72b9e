//! Replies as agents of other versions write them, read as the types of this one.

use qga_proto::owned::{GuestDiskBusType, GuestFileRead};
use qga_proto::{Error, commands};
use qga_tests::transcript::{ask, converse};

/// An error with `id` before `error` and behind it, and with members that are not known.
#[test]
fn c20_an_error_in_any_order() {
    for error in [
        r#"{"id": $id, "error": {"class": "GenericError", "desc": "no"}}"#,
        r#"{"error": {"class": "GenericError", "desc": "no"}, "id": $id}"#,
        r#"{"error": {"desc": "no", "data": {"class": [1]}, "class": "GenericError"}, "time": 1.5e3, "id": $id}"#,
    ] {
        converse(&format!(
            r#"
            call guest-get-time
            (synced with ids)
            C: {{"execute":"guest-get-time","id":$id}}
            A: {error}
            => refused GenericError: no
            call guest-ping
            (pinged)
            "#
        ));
    }
}

/// An error class that is not known is kept as it is.
#[test]
fn c21_an_unknown_error_class() {
    let reply = r#"{"error": {"class": "CommandDisabled", "desc": "no"}, "id": $id}"#;
    let error = ask(&commands::GuestGetTime::new(), reply).unwrap_err();
    let refusal = error.refusal().expect("a refusal");
    assert_eq!(refusal.class.as_str(), "CommandDisabled");
    assert_eq!(refusal.command.as_str(), "guest-get-time");
    assert!(!refusal.is_command_not_found());
}

/// A description with escapes, and 1 kB long, is kept whole.
#[test]
fn c22_an_odd_description() {
    let long = "x".repeat(1000);
    let reply = format!(
        r#"{{"error": {{"class": "GenericError", "desc": "a\nb \u201Cc\u201D \uFFFD \uD83D\uDE00 {long}"}}, "id": $id}}"#
    );
    let error = ask(&commands::GuestGetTime::new(), &reply).unwrap_err();
    let refusal = error.refusal().expect("a refusal");
    assert_eq!(refusal.desc.as_str(), format!("a\nb \u{201C}c\u{201D} \u{FFFD} \u{1F600} {long}"));
}

/// Of an error that is not the agent's, the call is told too.
#[test]
fn an_error_without_a_class() {
    for error in ["{}", "5", r#""text""#, "null", r#"{"desc": "no"}"#, r#"{"class": 5}"#] {
        let reply = format!(r#"{{"error": {error}, "id": $id}}"#);
        let error = ask(&commands::GuestGetTime::new(), &reply).unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    }
    let reply = r#"{"error": {"class": "GenericError"}, "id": $id}"#;
    assert!(ask(&commands::GuestGetTime::new(), reply).unwrap_err().refusal().is_some());
}

/// A reply that is not of the command's type is an error, after which the line is still trusted.
#[test]
fn a_reply_of_another_type() {
    for value in [r#""1""#, "{}", "[]", "null", "1.5", "18446744073709551616"] {
        let error = ask(&commands::GuestGetTime::new(), &format!(r#"{{"return": {value}, "id": $id}}"#));
        assert!(matches!(error, Err(Error::Protocol(_))), "{value}: {error:?}");
    }
}

/// `out-truncated` is absent, or false, or true; which says it depends on the agent, so it is kept apart.
#[test]
fn c31_out_truncated() {
    for (member, expected) in
        [("", None), (r#", "out-truncated": false"#, Some(false)), (r#", "out-truncated": true"#, Some(true))]
    {
        let reply = format!(
            r#"{{"return": {{"exitcode": 0, "out-data": "aGk="{member}, "exited": true}}, "id": $id}}"#
        );
        let status = ask(&commands::GuestExecStatus::new(4711), &reply).unwrap();
        assert_eq!(status.out_truncated, expected);
        assert_eq!(status.out_data.as_deref().map(Vec::as_slice), Some(&b"hi"[..]));
        assert_eq!((status.exited, status.exitcode, status.signal), (true, Some(0), None));
        assert_eq!((status.err_data, status.err_truncated), (None, None));
    }
}

/// Exactly 16 MiB, where the agent stops to keep: nothing of it is lost.
#[test]
fn c31_output_of_16_mib() {
    let data = "A".repeat(22_369_620);
    let reply =
        format!(r#"{{"return": {{"exitcode": 0, "out-data": "{data}AA==", "exited": true}}, "id": $id}}"#);
    let status = ask(&commands::GuestExecStatus::new(4711), &reply).unwrap();
    assert_eq!(status.out_data.map(|data| data.len()), Some(16 * 1024 * 1024));
    assert_eq!(status.out_truncated, None);
}

/// `eof` false with nothing read, `eof` true with data: both are read as they are.
#[test]
fn c32_the_end_of_a_file() {
    let read = |value: &str| {
        ask(&commands::GuestFileRead::new(1000), &format!(r#"{{"return": {value}, "id": $id}}"#)).unwrap()
    };
    let nothing = read(r#"{"count": 0, "buf-b64": "", "eof": false}"#);
    assert_eq!(nothing, GuestFileRead::new(0, &b""[..], false));
    let last = read(r#"{"count": 2, "buf-b64": "aGk=", "eof": true}"#);
    assert_eq!(last, GuestFileRead::new(2, &b"hi"[..], true));
}

/// Members that are optional, or came later, are missing everywhere.
#[test]
fn c33_missing_members() {
    let reply = |value: &str| format!(r#"{{"return": {value}, "id": $id}}"#);
    let interfaces = ask(&commands::GuestNetworkGetInterfaces::new(), &reply(r#"[{"name": "lo"}]"#)).unwrap();
    assert_eq!(interfaces[0].name, "lo");
    assert_eq!((&interfaces[0].ip_addresses, &interfaces[0].statistics), (&None, &None));
    let info = ask(&commands::GuestInfo::new(), &reply(r#"{"version": "0.15"}"#)).unwrap();
    assert_eq!((info.version.as_str(), info.supported_commands.len()), ("0.15", 0));
    let info = ask(
        &commands::GuestInfo::new(),
        &reply(r#"{"version": "1.0", "supported_commands": [{"name": "x"}]}"#),
    );
    assert!(info.unwrap().supported_commands[0].enabled, "a command that does not say so is enabled");
    let system = ask(&commands::GuestGetOsinfo::new(), &reply("{}")).unwrap();
    assert_eq!((system.id, system.name), (None, None));
    let disks = ask(&commands::GuestGetDisks::new(), &reply(r#"[{"name": "/dev/vda", "partition": false}]"#))
        .unwrap();
    assert_eq!((&disks[0].address, &disks[0].dependencies), (&None, &None));
    assert_eq!(ask(&commands::GuestGetUsers::new(), &reply("[]")).unwrap(), []);
}

/// An enum has a value, and a struct a member, that this version does not know: kept, and passed over.
#[test]
fn c34_unknown_values_and_members() {
    let reply = r#"{"return": [{"name": "/dev/vda", "partition": false, "address": {"bus-type": "newbus", "bus": 0,
        "unit": 3, "target": 0, "colour": [{"deep": {}}], "pci-controller": {"bus": 1, "slot": 2, "domain": 0,
        "function": 0}}, "weight": 1.5}], "id": $id}"#;
    let disks = ask(&commands::GuestGetDisks::new(), &reply.replace('\n', " ")).unwrap();
    let address = disks[0].address.as_ref().expect("an address");
    assert_eq!(address.bus_type, GuestDiskBusType::Other("newbus".into()));
    assert_eq!((address.unit, address.pci_controller.slot), (3, 2));
}

/// Integers up to 2^64 - 1; a time that is a whole number where others have a fraction.
#[test]
fn c35_big_integers_and_whole_numbers() {
    let reply = r#"{"return": [{"name": "eth0", "statistics": {"rx-bytes": 18446744073709551615, "tx-bytes": 0,
        "rx-packets": 1, "rx-errs": 0, "rx-dropped": 0, "tx-packets": 0, "tx-errs": 0, "tx-dropped": 0}}], "id": $id}"#;
    let interfaces = ask(&commands::GuestNetworkGetInterfaces::new(), &reply.replace('\n', " ")).unwrap();
    assert_eq!(interfaces[0].statistics.as_ref().map(|statistics| statistics.rx_bytes), Some(u64::MAX));
    for (time, expected) in [("1700000000", 1.7e9), ("1700000000.5", 1_700_000_000.5), ("1.7e9", 1.7e9)] {
        let reply = format!(r#"{{"return": [{{"user": "root", "login-time": {time}}}], "id": $id}}"#);
        let users = ask(&commands::GuestGetUsers::new(), &reply).unwrap();
        assert_eq!(users[0].login_time, expected);
    }
}
