//! Lines that are no replies, and the ends of connections.

use qga_tests::transcript::converse;

/// CRLF, blank lines, white space (agents of third parties).
#[test]
fn c25_crlf_and_blank_lines() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <0d>
        A: <stray><0d>
        A: <ff>{"return":$sync,"id":$echo}<0d>
        A: <0d>
        C: {"execute":"guest-ping","id":$id}
        A: <0d>
        A:
        A: <09> { "return" : {} , "id" : $id } <0d>
        => {}
        A: <0d>
        A:
        call guest-ping
        (pinged)
        "#,
    );
}

/// The monitor's greeting and events (the wrong socket, or old proxies) are ignored.
#[test]
fn c26_the_monitors_greeting_and_events() {
    converse(
        r#"
        A: {"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 8}}, "capabilities": []}}
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"guest-ping","id":$id}
        A: {"QMP": {}}
        A: {"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP", "data": {"id": $id}}
        A: {"return": {}, "id": $id}
        => {}
        A: {"event": "SHUTDOWN"}
        call guest-ping
        (pinged)
        "#,
    );
}

/// `inf` is no JSON. The line is refused, and the line's trust is lost.
#[test]
fn c27_an_id_that_is_infinite() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"return": {}, "id": inf}
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"guest-ping","id":$_}
        A: {"return": {}, "id": inf}
        => protocol: not a reply
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

const NO_REPLIES: [&str; 10] = [
    "{}",
    "[]",
    "5",
    "null",
    r#""return""#,
    "not JSON",
    r#"{"return": {}"#,
    r#"{"return": {}, "id": $id}}"#,
    r#"{"id": $id}"#,
    r#"{'return': {}, 'id': $id}"#,
];

/// A line that is no reply while one is waited for: an error of the protocol, and the trust is lost.
#[test]
fn c28_no_reply_where_one_is_expected() {
    for line in NO_REPLIES {
        converse(&format!(
            r#"
            call guest-ping
            (synced with ids)
            C: {{"execute":"guest-ping","id":$id}}
            A: {line}
            => protocol: not a reply
            # The reply may still come.
            A: {{"return": {{}}, "id": $id}}
            call guest-ping
            (synced with ids)
            (pinged)
            "#
        ));
    }
}

/// The same without ids.
#[test]
fn c28_no_reply_where_one_is_expected_without_ids() {
    for line in NO_REPLIES.iter().filter(|line| !line.contains("$id")) {
        converse(&format!(
            r#"
            call guest-ping
            (synced without ids)
            C: {{"execute":"guest-ping"}}
            A: {line}
            => protocol: not a reply
            call guest-ping
            (synced without ids again)
            (pinged without ids)
            "#
        ));
    }
}

/// Between the calls it costs nothing but the trust; while syncing, not even that.
#[test]
fn c28_no_reply_where_none_is_expected() {
    for line in NO_REPLIES.iter().filter(|line| !line.contains("$id")) {
        converse(&format!(
            r#"
            call guest-ping
            (synced with ids)
            (pinged)
            A: {line}
            call guest-ping
            C: <ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync}},"id":$echo}}
            A: {line}
            A: <stray>
            A: {line}
            A: <ff>{{"return": $sync, "id": $echo}}
            (pinged)
            "#
        ));
    }
}

/// A line that begins and ends as our reply does, but is none: an error of the protocol, which costs the trust.
#[test]
fn c28_our_reply_but_for_the_json() {
    for line in [
        r#"{"return": {}, "error": {"class": "GenericError", "desc": ""}, "id": $id}"#,
        r#"{"return": {}, "id": $id} {"return": {}, "id": $id}"#,
        r#"{"return": "<09>", "id": $id}"#,
        r#"{"return": "\ud800", "id": $id}"#,
        r#"{"return": {"a": 1, "id": $id}"#,
        r#"{"return":, "id": $id}"#,
    ] {
        converse(&format!(
            r#"
            call guest-get-host-name
            (synced with ids)
            C: {{"execute":"guest-get-host-name","id":$id}}
            A: {line}
            => protocol: not a reply
            call guest-ping
            (synced with ids)
            (pinged)
            "#
        ));
    }
}

/// A reply that is one, and ours, but for a string that is no text: it fails alone.
#[test]
fn c28_our_reply_but_for_the_encoding() {
    converse(
        r#"
        call guest-get-host-name
        (synced with ids)
        C: {"execute":"guest-get-host-name","id":$id}
        A: {"return": "<80>", "id": $id}
        => protocol: undecodable
        call guest-ping
        (pinged)
        "#,
    );
}

/// Members that are not known, in any place, make a reply no less ours.
#[test]
fn our_reply_with_more_members() {
    for line in [
        r#"{"return": 1, "time": {"id": 2}, "id": $id}"#,
        r#"{"id": $id, "return": 1}"#,
        r#"{"time": 5, "return": 1, "id": $id}"#,
        r#" { "return" : 1 , "id" : $id , "time" : "}" } "#,
        r#"{"return": 1, "id": 7, "id": $id}"#,
    ] {
        converse(&format!(
            r#"
            call guest-get-time
            (synced with ids)
            C: {{"execute":"guest-get-time","id":$id}}
            A: {line}
            => 1
            "#
        ));
    }
}

/// EOF in the middle of a line: an error to the waiting request, whose outcome is unknown.
#[test]
fn c29_eof_in_the_middle_of_a_line() {
    for n in 0.."{\"return\": {}, \"id\": 1".len() {
        converse(&format!(
            r#"
            call guest-ping
            (synced with ids)
            C: {{"execute":"guest-ping","id":$id}}
            A: <first {n}>{{"return": {{}}, "id": $id}}
            EOF
            => closed, sent All
            call guest-ping
            => closed, sent Nothing
            "#
        ));
    }
}

/// EOF right after a line: the line is delivered first. If only its newline is missing, it is whole enough.
#[test]
fn c30_eof_right_after_a_line() {
    for end in ["", "<cut>"] {
        converse(&format!(
            r#"
            call guest-ping
            (synced with ids)
            C: {{"execute":"guest-ping","id":$id}}
            A: {{"return": {{}}, "id": $id}}{end}
            EOF
            => {{}}
            call guest-ping
            => closed, sent Nothing
            "#
        ));
        converse(&format!(
            r#"
            call guest-ping
            (synced without ids)
            C: {{"execute":"guest-ping"}}
            A: {{"return": {{}}}}{end}
            EOF
            => {{}}
            "#
        ));
    }
}

/// EOF before anything, while syncing, in the middle of a command, twice.
#[test]
fn eof_at_any_time() {
    converse(
        r#"
        EOF
        EOF
        call guest-ping
        => closed, sent Nothing
        "#,
    );
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        EOF
        => closed, sent Nothing
        +1min
        A: {"return": {}}
        EOF
        call guest-ping
        => closed, sent Nothing
        "#,
    );
    converse(
        r#"
        call guest-ping
        (synced with ids)
        C: {"execute":"gu<cut>
        EOF
        => closed, sent Part
        "#,
    );
}

/// The answer to the sync is the last that is heard: the command can not be sent any more.
#[test]
fn eof_right_after_the_sync() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"return": $sync, "id": $echo}<cut>
        EOF
        => closed, sent Nothing
        "#,
    );
}

/// The serial line has its echo on: what has `execute` is no reply.
#[test]
fn c37_the_echo_of_the_request() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}<0d>
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"guest-ping","id":$id}
        A: {"execute":"guest-ping","id":$id}<0d>
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}

/// Bytes 0x80 to 0xFE outside any line are skipped while syncing.
#[test]
fn c38_bytes_outside_ascii() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <80><9f><c3><28><f8><fe>
        A: <fe><stray>
        A: <80><fe><fe><ff><ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// The kernel's or the login's text on a serial channel, then the answer.
#[test]
fn c39_text_on_a_serial_channel() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: [    2.104923] virtio_net virtio0 ens3: renamed from eth0<0d>
        A: <0d>
        A: Debian GNU/Linux 12 guest ttyS0<0d>
        A: guest login: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// An early client on isa-serial: the head of the first sync is lost, the terminal echoes the rest, and the agent
/// takes the second apart from its middle; among the errors is the sync's own number, as if it were an `id`.
#[test]
fn an_early_client_on_a_serial_port() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync1},"id":$_}
        A: execute":"guest-sync-delimited","arguments":{"id":$sync1},"id":1}<0d>
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync2}}
        A: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync2}}<0d>
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, stray 'execute'"}}
        A: {"error": {"class": "GenericError", "desc": "QMP input must be a JSON object"}}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}
        A: {"id": $sync2, "error": {"class": "GenericError", "desc": "QMP input lacks member 'execute'"}}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// A former client left a part of a command: our 0xFF ends it, at the price of one error.
#[test]
fn a_former_clients_command_in_part() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, stray '\"guest-ge\uFFFD'"}}
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}
