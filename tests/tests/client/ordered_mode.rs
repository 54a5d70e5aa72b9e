//! Agents that do not repeat ids: a line is trusted for one command, so every command syncs first.

use qga_proto::{Client, Config, Instant, RawCommand};
use qga_tests::transcript::converse;

/// Before QEMU 4.0 `id` is an error. It comes at once, so nothing waits for the interval; and is not asked for again.
#[test]
fn an_agent_before_qemu_4_0() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        A: {"error": {"class": "GenericError", "desc": "Invalid JSON syntax"}}
        A: {"error": {"class": "GenericError", "desc": "QMP input member 'id' is unexpected"}}
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
        A: {"error": {"class": "GenericError", "desc": "Invalid JSON syntax"}}
        A: <ff>{"return": $sync}
        (pinged without ids)
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}

/// The agent acts at the closing brace: its answer may come before the newline has left.
#[test]
fn an_answer_before_the_newline_has_left() {
    converse(
        r#"
        call guest-get-time
        (synced without ids)
        C: {"execute":"guest-get-time"}<cut>
        A: {"return": 5}
        => 5
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}

/// An agent that looks past `id` takes the first form, without its ever being asked in another.
#[test]
fn an_agent_that_looks_past_ids() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$_}
        A: <ff>{"return": $sync}
        (pinged without ids)
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$_}
        A: <ff>{"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// An agent that says nothing to what it does not understand: only the interval helps. The best form may have got lost
/// where no agent was up yet, so it is tried once more, and then never again.
#[test]
fn an_agent_that_ignores_what_it_does_not_know() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +500ms
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        call guest-ping
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// An agent that comes up while the form that all know is sent is asked for ids once it is there.
#[test]
fn an_agent_that_comes_up_late_is_asked_for_ids() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        call guest-ping
        (synced with ids)
        (pinged)
        call guest-ping
        (pinged)
        "#,
    );
}

/// An agent that keeps numbers as doubles cannot repeat ours: when no form is answered, they get smaller.
#[test]
fn an_agent_that_rounds_numbers() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        A: <ff>{"return": 1.8446744073709552e+18, "id": 1.8446744073709552e+18}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_}}
        A: <ff>{"return": 3.6893488147419103e+18}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$_}}
        A: {"return": 4.6893488147419103e+18}
        +2s
        (synced with ids)
        (pinged)
        "#,
    );
    for seed in 0..100 {
        let mut client = Client::new(Config::default(), Vec::new(), Vec::new(), seed);
        let _ticket = client.submit(&RawCommand::new("guest-ping"), Instant::ZERO, Instant::FAR_FUTURE);
        for n in 0..10 {
            let line = client.poll_transmit().expect("a sync").to_vec();
            client.handle_transmitted(line.len(), Instant::ZERO);
            client.handle_timeout(client.poll_timeout().expect("it is repeated"));
            let digits = line.split(|byte| !byte.is_ascii_digit()).filter(|digits| !digits.is_empty());
            let numbers = digits.map(|digits| str::from_utf8(digits).unwrap().parse::<u64>().unwrap());
            assert!(numbers.clone().count() > 0 && numbers.clone().all(|number| number < 1 << 63));
            assert!(n < 3 || numbers.clone().all(|number| number < 1 << 53), "{}", line.escape_ascii());
        }
    }
}

/// Request 3 times out, in a mode without ids; the client syncs before request 4, so the late reply is passed over.
#[test]
fn c16_a_late_reply_without_ids() {
    converse(
        r#"
        call guest-get-time within 3s
        (synced without ids)
        C: {"execute":"guest-get-time"}
        +3s
        => timed out, sent All, heard
        call guest-get-load
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
        A: {"return": 3}
        A: <stray>
        A: <ff>{"return": $sync}
        C: {"execute":"guest-get-load"}
        A: {"return": 4}
        => 4
        "#,
    );
}

/// The late reply comes between the calls; a reply is repeated; a reply comes before the command has left.
#[test]
fn replies_that_nobody_asked_for() {
    converse(
        r#"
        call guest-get-time within 3s
        (synced without ids)
        C: {"execute":"guest-get-time"}
        +3s
        => timed out, sent All, heard
        A: {"return": 1}
        call guest-get-time
        (synced without ids again)
        A: {"return": 2}
        C: {"execute":"guest-get-time"}
        A: {"return": 3}
        A: {"return": 3}
        => 3
        A: {"return": 3}
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}

/// A call is dropped at every byte of its reply. The next syncs, and gets its own.
#[test]
fn a_call_dropped_in_the_middle_of_its_reply() {
    for n in 0.."{\"return\": 1700000000}\n".len() {
        converse(&format!(
            r#"
            call guest-get-time
            (synced without ids)
            C: {{"execute":"guest-get-time"}}
            A: <first {n}>{{"return": 1700000000}}
            give up, sent All
            call guest-ping
            C: <ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync}}}}
            A: <after {n}>{{"return": 1700000000}}
            A: <stray>
            A: <ff>{{"return": $sync}}
            (pinged without ids)
            "#
        ));
    }
}

/// A call is dropped at every byte of its command. What has left in part is made void by 0xFF.
#[test]
fn a_call_dropped_in_the_middle_of_its_command() {
    let command = r#"{"execute":"guest-shutdown","arguments":{"mode":"halt"}}"#;
    for n in 1..command.len() {
        let part = &command[..n];
        converse(&format!(
            r#"
            call guest-shutdown {{"mode":"halt"}} silent
            (synced without ids)
            C: {part}<cut>
            give up, sent Part
            call guest-ping
            (synced without ids again)
            (pinged without ids)
            "#
        ));
    }
}

/// `guest-sync` has no 0xFF, so behind a command that has left in part another form must come first.
#[test]
fn a_call_dropped_in_the_middle_of_its_command_with_guest_sync() {
    converse(
        r#"
        call guest-shutdown {"mode":"halt"} silent
        (synced by guest-sync)
        C: {"execute":"guest-shutdown","arguments":{"mo<cut>
        give up, sent Part
        call guest-ping
        (synced by guest-sync)
        (pinged without ids)
        "#,
    );
}

/// The same at a deadline.
#[test]
fn a_deadline_in_the_middle_of_a_command_with_guest_sync() {
    converse(
        r#"
        call guest-shutdown {"mode":"halt"} silent within 1s
        (synced by guest-sync)
        C: {"execute":"guest-shutdown","arguments":{"mo<cut>
        +1s
        => timed out, sent Part, heard
        call guest-ping
        (synced by guest-sync)
        (pinged without ids)
        "#,
    );
}

/// The guest is reset in the middle of a big reply: the 0xFF of the next sync's answer drops the half.
#[test]
fn a_reply_that_a_reset_cuts() {
    converse(
        r#"
        call guest-file-read {"handle":1000} within 5s
        (synced without ids)
        C: {"execute":"guest-file-read","arguments":{"handle":1000}}
        A: {"return": {"count": 1048576, "buf-b64": "<A*2000><cut>
        +5s
        => timed out, sent All, heard
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}

/// A refusal, and a reply that has an `id` all of a sudden.
#[test]
fn a_refusal_without_ids() {
    converse(
        r#"
        call guest-get-time
        (synced without ids)
        C: {"execute":"guest-get-time"}
        A: {"return": 1, "id": 5}
        A: {"error": {"class": "CommandNotFound", "desc": "The command guest-get-time has not been found"}}
        => refused CommandNotFound: The command guest-get-time has not been found
        call guest-ping
        (synced without ids again)
        (pinged without ids)
        "#,
    );
}
