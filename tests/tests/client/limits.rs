//! Messages that are as long as they may be, and longer.

use qga_proto::Config;
use qga_tests::transcript::Transcript;

/// Holds a conversation where a reply may have 255 bytes: by configuration, and by what an array holds.
#[track_caller]
fn converse_in_255_bytes(script: &str) {
    let transcript = Transcript::new(script);
    transcript.run_in(|| [0; 256]);
    let mut config = Config::default();
    config.max_reply = 255;
    transcript.config(config).run_in(Vec::new);
}

/// As long as it may be.
#[test]
fn a_reply_at_the_limit() {
    converse_in_255_bytes(
        r#"
        call guest-exec-status {"pid":1}
        (synced with ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":1},"id":$id}
        A: {"return": {"out-data": "<A..255>"}, "id": $id}
        => {"out-data": "AAA...
        call guest-ping
        (pinged)
        "#,
    );
    converse_in_255_bytes(
        r#"
        call guest-exec-status {"pid":1}
        (synced without ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":1}}
        A: {"return": {"out-data": "<A..255>"}}
        => {"out-data": "AAA...
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}

/// A reply that fills the buffer has been taken: there is room again, though no call has asked for it.
#[test]
fn room_after_a_reply_at_the_limit() {
    converse_in_255_bytes(
        r#"
        call guest-exec-status {"pid":1}
        (synced with ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":1},"id":$id}
        A: {"return": {"out-data": "<A..255>"}, "id": $id}
        => {"out-data": "AAA...
        A: {"event": "STOP"}
        call guest-ping
        (pinged)
        "#,
    );
}

/// One byte more: passed over. Its `id` is at its end, so it is known whose it was, and the line stays trusted.
#[test]
fn a_reply_over_the_limit() {
    for len in [256, 257, 511, 5000] {
        converse_in_255_bytes(&format!(
            r#"
            call guest-exec-status {{"pid":1}}
            (synced with ids)
            C: {{"execute":"guest-exec-status","arguments":{{"pid":1}},"id":$id}}
            A: {{"return": {{"out-data": "<A..{len}>"}}, "id": $id}}
            => reply too long: {len} of 255
            call guest-ping
            (pinged)
            "#
        ));
    }
}

/// Without ids the next call syncs, as always.
#[test]
fn a_reply_over_the_limit_without_ids() {
    for len in [256, 257, 5000] {
        converse_in_255_bytes(&format!(
            r#"
            call guest-exec-status {{"pid":1}}
            (synced without ids)
            C: {{"execute":"guest-exec-status","arguments":{{"pid":1}}}}
            A: {{"return": {{"out-data": "<A..{len}>"}}}}
            => reply too long: {len} of 255
            call guest-ping
            (synced without ids again)
            (pinged without ids)
            "#
        ));
    }
}

/// A late reply of another call is passed over however long it is.
#[test]
fn a_late_reply_over_the_limit() {
    converse_in_255_bytes(
        r#"
        call guest-exec-status {"pid":1} within 5s
        (synced with ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":1},"id":$late}
        +5s
        => timed out, sent All, heard
        call guest-ping
        C: {"execute":"guest-ping","id":$id}
        A: {"return": {"out-data": "<A..5000>"}, "id": $late}
        +1s
        A: {"return": {}, "id": $id}
        => {}
        A: {"return": {"out-data": "<A..5000>"}, "id": $late}
        call guest-ping
        (pinged)
        "#,
    );
}

/// The `id` is at the end of the reply: not in a string there, nor in the value.
#[test]
fn an_id_that_only_looks_like_one() {
    for value in [r#"{"x": "<A..5000>, \"id\": $id}"}"#, r#"{"x": "<A..5000>", "id": $id}"#] {
        converse_in_255_bytes(&format!(
            r#"
            call guest-exec-status {{"pid":1}} within 5s
            (synced with ids)
            C: {{"execute":"guest-exec-status","arguments":{{"pid":1}},"id":$id}}
            A: {{"return": {value}, "id": 5}}
            +1ms
            A: {{"return": 1, "id": $id}}
            => 1
            "#
        ));
    }
}

/// An endless line that names nobody: it was perhaps our reply, so the call fails, and the next one syncs.
#[test]
fn a_long_line_that_is_nobodys() {
    converse_in_255_bytes(
        r#"
        call guest-ping
        (synced with ids)
        C: {"execute":"guest-ping","id":$_}
        A: <A..5000>
        => reply too long: 5000 of 255
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// Between the calls it costs the trust, as any garbage does.
#[test]
fn a_long_line_between_the_calls() {
    converse_in_255_bytes(
        r#"
        call guest-ping
        (synced with ids)
        (pinged)
        A: <A..5000>
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// A line of any length and depth is passed over without much memory, and without recursion.
#[test]
fn a_line_of_brackets() {
    for bracket in ["[", "{\"a\":"] {
        let brackets = bracket.repeat(2000);
        converse_in_255_bytes(&format!(
            r#"
            call guest-ping
            C: <ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync}},"id":$echo}}
            A: {brackets}
            A: <ff>{{"return": $sync, "id": $echo}}
            (pinged)
            "#
        ));
    }
}

/// Behind 0xFF is the answer to a sync, however long; unless it has the command's own id.
#[test]
fn a_long_line_behind_0xff() {
    converse_in_255_bytes(
        r#"
        call guest-ping
        (synced with ids)
        C: {"execute":"guest-ping","id":$id}
        A: <ff>{"return": "<A*5000>", "id": $sync}
        A: <ff>{"return": "<A*5000>"}
        +1ms
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}

/// 0xFF ends an endless line.
#[test]
fn a_long_line_that_0xff_ends() {
    converse_in_255_bytes(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"return": "<A*5000><ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// The longest reply of the real agent: accepted in a buffer that grows, refused in an array, after which the line is
/// still trusted, as it is known whose reply it was.
#[test]
fn c23_a_reply_of_67_108_925_bytes() {
    let script = |outcome| {
        format!(
            r#"
            call guest-file-read {{"handle":1000,"count":50331648}}
            (synced with ids)
            C: {{"execute":"guest-file-read","arguments":{{"handle":1000,"count":50331648}},"id":$id}}
            A: {{"return": {{"count": 50331648, "buf-b64": "<A..67108925>", "eof": false}}, "id": $id}}
            => {outcome}
            call guest-ping
            (pinged)
            "#
        )
    };
    let accepted = Transcript::new(&script(r#"{"count": 50331648, "buf-b64": "AAA..."#)).large();
    accepted.run_in(Vec::new);
    let refused = Transcript::new(&script("reply too long: 67108925 of 4095")).large();
    refused.run_in(|| [0; 4096]);
}

/// A command that is too long is not sent; the call before it was not disturbed, nor is the one behind.
#[test]
fn a_command_over_the_limit() {
    let long = "A".repeat(300);
    let transcript = Transcript::new(&format!(
        r#"
        call guest-file-write {{"buf-b64":"{long}"}}
        => command too long: 384 of 256
        call guest-ping
        (synced with ids)
        (pinged)
        call guest-file-write {{"buf-b64":"{long}"}}
        => command too long: 384 of 256
        call guest-ping
        (pinged)
        "#
    ));
    transcript.run_in(|| [0; 256]);
    let mut config = Config::default();
    config.max_command = 256;
    transcript.config(config).run_in(Vec::new);
}
