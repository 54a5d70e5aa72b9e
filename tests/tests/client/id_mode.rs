//! Agents that repeat ids (QEMU 4.0 and later): the line stays trusted, whatever comes late.

use qga_tests::transcript::converse;

/// Request 3 times out; its reply arrives while the client waits for request 4. It is not given to that.
#[test]
fn c15_a_late_reply_is_not_the_next_calls() {
    converse(
        r#"
        call guest-get-time within 3s
        (synced with ids)
        C: {"execute":"guest-get-time","id":$three}
        +3s
        => timed out, sent All, heard
        call guest-get-load
        C: {"execute":"guest-get-load","id":$four}
        A: {"return": 3, "id": $three}
        +1s
        A: {"return": 4, "id": $four}
        => 4
        "#,
    );
}

/// The late reply comes between the calls, or twice, or is a refusal.
#[test]
fn late_and_repeated_replies_are_nobodys() {
    converse(
        r#"
        call guest-get-time within 3s
        (synced with ids)
        C: {"execute":"guest-get-time","id":$late}
        +3s
        => timed out, sent All, heard
        A: {"return": 1, "id": $late}
        A: {"return": 1, "id": $late}
        +1s
        A: {"id": $late, "error": {"class": "GenericError", "desc": "late"}}
        call guest-get-time
        C: {"execute":"guest-get-time","id":$id}
        A: {"return": 1, "id": $late}
        A: {"return": 2, "id": $id}
        A: {"return": 3, "id": $id}
        A: {"id": $id, "error": {"class": "GenericError", "desc": "again"}}
        => 2
        call guest-ping
        (pinged)
        "#,
    );
}

/// A call is dropped at every byte of its reply. The next gets its own, without a sync.
#[test]
fn a_call_dropped_in_the_middle_of_its_reply() {
    for n in 0..60 {
        converse(&format!(
            r#"
            call guest-get-time
            (synced with ids)
            C: {{"execute":"guest-get-time","id":$late}}
            A: <first {n}>{{"return": 1700000000, "id": $late}}
            give up, sent All
            call guest-ping
            C: {{"execute":"guest-ping","id":$id}}
            A: <after {n}>{{"return": 1700000000, "id": $late}}
            A: {{"return": {{}}, "id": $id}}
            => {{}}
            "#
        ));
    }
}

/// A call is dropped at every byte of its command. What has left in part is made void by the 0xFF of a sync.
#[test]
fn a_call_dropped_in_the_middle_of_its_command() {
    let command = r#"{"execute":"guest-shutdown","arguments":{"mode":"halt"},"id":"#;
    for n in 1..=command.len() {
        let part = &command[..n];
        converse(&format!(
            r#"
            call guest-shutdown {{"mode":"halt"}} silent
            (synced with ids)
            C: {part}<cut>
            give up, sent Part
            call guest-ping
            (synced with ids)
            (pinged)
            "#
        ));
    }
    converse(
        r#"
        call guest-shutdown {"mode":"halt"} silent
        (synced with ids)
        (blocked)
        give up, sent Nothing
        call guest-ping
        (pinged)
        "#,
    );
}

/// The same at a deadline.
#[test]
fn a_deadline_in_the_middle_of_a_command() {
    converse(
        r#"
        call guest-file-write {"handle":1000,"buf-b64":"AAAA"} within 2s
        (synced with ids)
        C: {"execute":"guest-file-write","arguments":{"handle":1000,"buf-b64":"AA<cut>
        +2s
        => timed out, sent Part, heard
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// A call is dropped in the middle of a sync: that goes on, and serves the next.
#[test]
fn a_call_dropped_in_the_middle_of_a_sync() {
    converse(
        r#"
        call guest-get-time
        C: <ff>{"execute":"guest-sync-delimited","argum<cut>
        give up, sent Nothing
        call guest-ping
        C: ents":{"id":$sync},"id":$echo}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        (pinged)
        "#,
    );
}

/// The sync of a dropped call is answered between the calls.
#[test]
fn a_sync_that_is_answered_between_the_calls() {
    converse(
        r#"
        call guest-get-time
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        give up, sent Nothing
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        call guest-ping
        (pinged)
        # Late, or repeated, it does no harm.
        A: <ff>{"return": $sync, "id": $echo}
        call guest-ping
        C: {"execute":"guest-ping","id":$id}
        A: <ff>{"return": $sync, "id": $echo}
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}

/// An agent that is hostile, or confused, has no other id believed: not another number, type or place.
#[test]
fn foreign_ids_are_not_believed() {
    converse(
        r#"
        call guest-get-time within 5s
        (synced with ids)
        C: {"execute":"guest-get-time","id":$id}
        A: {"return": 1}
        A: {"return": 2, "id": 0}
        A: {"return": 3, "id": -1}
        A: {"return": 4, "id": $sync}
        A: {"return": 5, "id": $echo}
        A: {"return": 6, "id": "$id"}
        A: {"return": 7, "id": [$id]}
        A: {"return": 8, "id": null}
        A: {"return": 9, "id": {"id": $id}}
        A: {"return": {"id": $id}}
        A: {"return": "\"id\": $id"}
        A: {"return": 10, "id": $id.5}
        A: {"return": 11, "id": $id<0>}
        A: {"return": 12, "id": 18446744073709551616}
        A: {"id": 4, "error": {"class": "GenericError", "desc": "not yours"}}
        A: <ff>{"return": 13}
        +1s
        A: {"return": 14, "id": $id}
        => 14
        call guest-ping
        (pinged)
        "#,
    );
}

/// A stray 0xFF right before our own reply does not make it somebody else's: nobody else knows the id.
#[test]
fn our_own_id_behind_0xff() {
    converse(
        r#"
        call guest-get-time
        (synced with ids)
        C: {"execute":"guest-get-time","id":$id}
        A: <ff>
        A: <ff>{"return": 1, "id": $id}
        => 1
        call guest-ping
        (pinged)
        "#,
    );
}

/// Replies that come before the command has left cannot be its.
#[test]
fn replies_before_the_command_has_left() {
    converse(
        r#"
        call guest-get-time
        (synced with ids)
        (blocked)
        A: {"return": 1, "id": 2}
        A: {"return": 1}
        C: {"execute":"guest-get-time","id":$id}
        A: {"return": 2, "id": $id}
        => 2
        "#,
    );
}

/// An error without `id`: the agent could not read what it got, and all that it can have got is our command. The next
/// call syncs.
#[test]
fn an_error_that_names_no_request() {
    converse(
        r#"
        call guest-get-time
        (synced with ids)
        C: {"execute":"guest-get-time","id":$_}
        A: {"error": {"class": "GenericError", "desc": "JSON parse error"}}
        => protocol: unattributed GenericError
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// `CommandNotFound` while the guest is frozen says nothing about the command as such: it is sent again.
#[test]
fn c36_command_not_found_while_frozen_is_not_remembered() {
    converse(
        r#"
        call guest-get-time
        (synced with ids)
        C: {"execute":"guest-get-time","id":$id}
        A: {"id": $id, "error": {"class": "CommandNotFound", "desc": "Command guest-get-time has been disabled: frozen"}}
        => refused CommandNotFound: Command guest-get-time has been disabled: frozen
        call guest-fsfreeze-thaw
        C: {"execute":"guest-fsfreeze-thaw","id":$id}
        A: {"return": 1, "id": $id}
        => 1
        call guest-get-time
        C: {"execute":"guest-get-time","id":$id}
        A: {"return": 1700000000000000000, "id": $id}
        => 1700000000000000000
        "#,
    );
}

/// The guest is reset in the middle of a big reply, and the new agent's answers come on the same line.
#[test]
fn a_reply_that_a_reset_cuts() {
    converse(
        r#"
        call guest-file-read {"handle":1000} within 5s
        (synced with ids)
        C: {"execute":"guest-file-read","arguments":{"handle":1000},"id":$_}
        A: {"return": {"count": 1048576, "buf-b64": "<A*2000><cut>
        +5s
        => timed out, sent All, heard
        # Nothing says that the other half will not come. The answer to the next command is lost behind the first half,
        # and the call is told so at once; that was all.
        call guest-ping
        C: {"execute":"guest-ping","id":$id}
        A: {"return": {}, "id": $id}
        => protocol: not a reply
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// The agent is restarted and forgets the command: only the deadline helps. After so long the next call syncs first.
#[test]
fn an_agent_that_forgets() {
    converse(
        r#"
        call guest-fstrim within 2min
        (synced with ids)
        C: {"execute":"guest-fstrim","id":$_}
        +2min
        => timed out, sent All, heard
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// The write is accepted only in part, or blocks: the rest is sent later, never from the beginning.
#[test]
fn c40_a_write_that_is_accepted_in_part() {
    converse(
        r#"
        call guest-ping
        C: <ff>{"execute":"guest-sync-deli<cut>
        # The sync is due again, but this one has not left yet.
        +10s
        C: mited","arguments":{"id":$sync},"id":$echo}
        A: <stray>
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"gu<cut>
        +10s
        C: est-ping","id":$id}
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}

/// Replies in single bytes, or two in one read: the same result. (As is every conversation here.)
#[test]
fn c24_two_replies_in_one_read() {
    converse(
        r#"
        call guest-get-time within 1s
        (synced with ids)
        C: {"execute":"guest-get-time","id":$one}
        +1s
        => timed out, sent All, heard
        call guest-get-load
        C: {"execute":"guest-get-load","id":$two}
        A: {"return": 1, "id": $one}
        A: {"return": 2, "id": $two}
        => 2
        "#,
    );
}

/// An agent whose parser somebody else has left in the middle of a request answers nothing: after two such calls the
/// line is not trusted any more, and 0xFF gets the agent out of it.
#[test]
fn two_calls_without_a_word_cost_the_trust() {
    converse(
        r#"
        call guest-ping
        (synced with ids)
        (pinged)
        call guest-get-time within 1s
        C: {"execute":"guest-get-time","id":$_}
        +1s
        => timed out, sent All, heard
        call guest-get-time within 1s
        C: {"execute":"guest-get-time","id":$_}
        +1s
        => timed out, sent All, heard
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// Trust does not last: the agent may have gone unnoticed, and a command sent now would wait for the next one.
#[test]
fn trust_ages() {
    converse(
        r#"
        call guest-ping
        (synced with ids)
        (pinged)
        +5s
        call guest-ping
        (pinged)
        +6s
        call guest-shutdown silent
        (synced with ids)
        C: {"execute":"guest-shutdown","id":$_}
        C: {"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        EOF
        => {}
        "#,
    );
}

/// Another agent has taken the place of the first, and does not repeat ids.
#[test]
fn an_agent_that_has_changed_is_noticed() {
    converse(
        r#"
        call guest-ping
        (synced with ids)
        (pinged)
        call guest-get-time within 1s
        C: {"execute":"guest-get-time","id":$_}
        A: {"return": 1}
        +1s
        => timed out, sent All, heard
        call guest-get-time within 1s
        C: {"execute":"guest-get-time","id":$_}
        A: {"return": 2}
        +1s
        => timed out, sent All, heard
        call guest-ping
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$_}
        A: <stray>
        A: <ff>{"return": $sync}
        (pinged without ids)
        "#,
    );
}
