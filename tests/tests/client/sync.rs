//! Synchronisation: how the client finds out that the agent is there, and what it passes over till then.

use qga_tests::transcript::{Transcript, converse};

/// The error line of our 0xFF comes before the sync's answer. It is not taken for a command's reply.
#[test]
fn c01_the_error_for_0xff_is_not_a_reply() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error, stray '\uFFFD'"}}
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"guest-ping","id":$id}
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}

/// The sync's answer comes without an error line before it (QEMU 11.1).
#[test]
fn c02_no_error_for_0xff() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// The tail of a stale reply, an error line, the sync's answer.
#[test]
fn c03_the_tail_of_a_stale_reply() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: AAAA", "eof": false}}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// As before with 16 MB of tail without a newline: synced, in bounded memory, even in 4 kB.
#[test]
fn c04_a_tail_of_16_mb() {
    let transcript = Transcript::new(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <A*16M>", "eof": false}}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
    transcript.large().run();
}

/// Whole stale replies before the sync's answer.
#[test]
fn c05_whole_stale_replies() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"return": {}}
        A: {"return": {"pid": 4711}}
        A: {"return": {"exited": true, "exitcode": 0}, "id": 12}
        A: {"return": 5, "id": "__qmp#00001"}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// Two errors could say that the agent does not take `id`, so the client asks again without. The answer to the first
/// sync does not count any more, but it shows that the agent repeats ids after all.
#[test]
fn stale_errors_do_not_cost_the_ids() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"error": {"class": "GenericError", "desc": "Invalid parameter 'pid'"}}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
        A: <stray>
        A: <ff>{"return": $sync}
        (pinged)
        "#,
    );
}

/// Two syncs have timed out; then all three answers come. Synced at the newest only.
#[test]
fn c06_synced_at_the_newest_answer_only() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync77},"id":$echo77}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync78}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync79}}
        A: <stray>
        A: <ff>{"return": $sync77, "id": $echo77}
        A: <stray>
        A: <ff>{"return": $sync78}
        +1ms
        A: {"return": $sync79}
        (pinged)
        "#,
    );
}

/// As before, but the newest answer never comes: the client stays unsynced, and tries again.
#[test]
fn c07_old_answers_do_not_count() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync77},"id":$echo77}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync78}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync79}}
        A: <stray>
        A: <ff>{"return": $sync77, "id": $echo77}
        A: <stray>
        A: <ff>{"return": $sync78}
        +2s
        (synced with ids)
        (pinged)
        "#,
    );
}

/// The answer to another client's sync is ignored.
#[test]
fn c08_the_answer_to_another_clients_sync() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"return": 123}
        A: <ff>{"return": 18446744073709551615, "id": 4}
        A: <ff>{"return": -1}
        +1ms
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// 0xFF comes apart from its line, and that in pieces.
#[test]
fn c09_0xff_apart_from_its_line() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff><cut>
        +50ms
        A: {"ret<cut>
        +50ms
        A: urn": $sync, "id": $echo}<cut>
        +50ms
        A:
        (pinged)
        "#,
    );
}

/// The agent is restarted while it answers: the second 0xFF drops the fragment.
#[test]
fn c10_a_fragment_before_the_answer() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"ret<cut>
        +100ms
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// The agent does not know `guest-sync-delimited`: the client falls back to `guest-sync` without waiting.
#[test]
fn c11_an_agent_without_guest_sync_delimited() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"error": {"class": "CommandNotFound", "desc": "The command guest-sync-delimited has not been found"}}
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        # Once found, the form is kept.
        call guest-ping
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: {"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// The same, of an agent that repeats ids: `guest-sync` then has one too.
#[test]
fn an_agent_without_guest_sync_delimited_but_with_ids() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <stray>
        A: {"id": $echo, "error": {"class": "CommandNotFound", "desc": "Command guest-sync-delimited has been disabled"}}
        C: {"execute":"guest-sync","arguments":{"id":$sync},"id":$echo}
        A: {"return": $sync, "id": $echo}
        (pinged)
        call guest-ping
        (pinged)
        "#,
    );
}

/// `guest-sync` is answered behind garbage and another number.
#[test]
fn c12_guest_sync_behind_garbage() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        A: {"error": {"class": "CommandNotFound", "desc": "unknown command"}}
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        A: ttyS0: not a reply, "}}
        A: {"return": 5}
        A: {"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// Nothing for minutes, then the answers to all syncs at once: the agent came up. Synced at the newest.
#[test]
fn c13_an_agent_that_comes_up_late() {
    let mut script = String::from("call guest-ping within 10min\n");
    let mut answers = String::new();
    let intervals = ["500ms", "1s", "2s", "4s"].into_iter().chain(std::iter::repeat("5s"));
    for (n, interval) in (0..35).zip(intervals) {
        let (command, answer) = match n % 3 {
            0 => (
                format!(
                    r#"<ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync{n}}},"id":$echo{n}}}"#
                ),
                format!("<stray>\nA: <ff>{{\"return\": $sync{n}, \"id\": $echo{n}}}"),
            ),
            1 => (
                format!(r#"<ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync{n}}}}}"#),
                format!("<stray>\nA: <ff>{{\"return\": $sync{n}}}"),
            ),
            _ => (
                format!(r#"{{"execute":"guest-sync","arguments":{{"id":$sync{n}}}}}"#),
                format!(r#"{{"return": $sync{n}}}"#),
            ),
        };
        script += &format!("C: {command}\n+{interval}\n");
        answers += &format!("A: {answer}\n");
    }
    // Just before the next.
    let script = script.trim_end().trim_end_matches("+5s").to_owned() + "+4999ms\n" + &answers + "(pinged)";
    converse(&script);
}

/// Nothing, ever, to the first sync: the firmware ate it. The answer to the second is accepted.
#[test]
fn c14_a_sync_that_the_firmware_ate() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
        A: <stray>
        A: <ff>{"return": $sync}
        # This sync had no `id`, so nothing is known of the agent's.
        (pinged without ids)
        "#,
    );
}

/// Nobody is there: the command never leaves, so nobody finds it later.
#[test]
fn nobody_is_there() {
    converse(
        r#"
        call guest-shutdown {"mode":"halt"} silent within 3s
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +500ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_}}
        +1s
        C: {"execute":"guest-sync","arguments":{"id":$sync}}
        +1499ms
        +1ms
        => timed out, sent Nothing, not heard
        # Somebody comes. The answer may be older than the next call, but is no less true.
        +10min
        A: {"return": $sync}
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// Who comes back after a long time to a sync that has not been answered does not wait for it, but sends another.
#[test]
fn an_overdue_sync_is_repeated_at_once() {
    converse(
        r#"
        call guest-ping within 100ms
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +100ms
        => timed out, sent Nothing, not heard
        +1min
        call guest-ping
        +0s
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
        A: <ff>{"return": $sync}
        (pinged without ids)
        "#,
    );
}

/// A deadline that has passed already.
#[test]
fn no_time_at_all() {
    converse(
        r#"
        call guest-ping within 0s
        (blocked)
        +0s
        => timed out, sent Nothing, not heard
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}
