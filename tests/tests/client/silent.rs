//! Commands that say nothing when they succeed. A sync follows them at once: its answer says that they did.

use std::time::Duration;

use qga_proto::Config;
use qga_tests::transcript::{Transcript, converse};

/// The command and the sync that follows it, without 0xFF: an error line can only be the command's.
const SHUTDOWN: &str = r#"
    call guest-shutdown {"mode":"powerdown"} silent
    (synced with ids)
    C: {"execute":"guest-shutdown","arguments":{"mode":"powerdown"},"id":$id}
    C: {"execute":"guest-sync-delimited","arguments":{"id":$confirm},"id":$confirm_echo}
"#;

const SHUTDOWN_WITHOUT_IDS: &str = r#"
    call guest-shutdown {"mode":"powerdown"} silent
    (synced without ids)
    C: {"execute":"guest-shutdown","arguments":{"mode":"powerdown"}}
    C: {"execute":"guest-sync-delimited","arguments":{"id":$confirm}}
"#;

/// No bytes: no error.
#[test]
fn c17_silence_is_success() {
    for command in [SHUTDOWN, SHUTDOWN_WITHOUT_IDS] {
        converse(&format!(
            "{command}
            +4999ms
            +1ms
            => {{}}"
        ));
    }
}

/// The end of the connection: the guest is off.
#[test]
fn the_end_of_the_connection_is_success() {
    for command in [SHUTDOWN, SHUTDOWN_WITHOUT_IDS] {
        converse(&format!(
            "{command}
            +60ms
            EOF
            => {{}}
            call guest-ping
            => closed, sent Nothing"
        ));
    }
}

/// The end of the connection in the middle of a line, too.
#[test]
fn the_end_of_the_connection_in_a_line_is_success() {
    for line in ["<ff>", r#"<ff>{"ret"#, r#"{"id": 1"#] {
        for command in [SHUTDOWN, SHUTDOWN_WITHOUT_IDS] {
            converse(&format!(
                "{command}
                A: {line}<cut>
                EOF
                => {{}}"
            ));
        }
    }
}

/// The agent goes on to answer: the command has been carried out, though perhaps nothing will come of it.
#[test]
fn the_answer_to_the_sync_is_success() {
    converse(&format!(
        r#"{SHUTDOWN}
        A: <ff>{{"return": $confirm, "id": $confirm_echo}}
        => {{}}
        # The guest may be about to go.
        call guest-ping
        (synced with ids)
        (pinged)"#
    ));
    converse(&format!(
        r#"{SHUTDOWN_WITHOUT_IDS}
        A: <ff>{{"return": $confirm}}
        => {{}}
        call guest-ping
        (synced without ids again)
        (pinged without ids)"#
    ));
}

/// An error after 3 s is the shutdown's, and not the next request's.
#[test]
fn c18_a_late_refusal_is_the_commands() {
    converse(&format!(
        r#"{SHUTDOWN}
        +3s
        A: {{"id": $id, "error": {{"class": "GenericError", "desc": "child process has failed to shutdown"}}}}
        => refused GenericError: child process has failed to shutdown
        A: <ff>{{"return": $confirm, "id": $confirm_echo}}
        call guest-ping
        (synced with ids)
        (pinged)"#
    ));
    converse(&format!(
        r#"{SHUTDOWN_WITHOUT_IDS}
        +3s
        A: {{"error": {{"class": "GenericError", "desc": "child process has failed to shutdown"}}}}
        => refused GenericError: child process has failed to shutdown
        call guest-ping
        C: <ff>{{"execute":"guest-sync-delimited","arguments":{{"id":$sync}}}}
        A: <ff>{{"return": $confirm}}
        A: <stray>
        A: <ff>{{"return": $sync}}
        (pinged without ids)"#
    ));
}

/// The refusal and the answer to the sync come together.
#[test]
fn a_refusal_in_one_read_with_the_answer_to_the_sync() {
    converse(&format!(
        r#"{SHUTDOWN}
        A: {{"id": $id, "error": {{"class": "GenericError", "desc": "mode is invalid"}}}}
        A: <ff>{{"return": $confirm, "id": $confirm_echo}}
        => refused GenericError: mode is invalid
        call guest-ping
        (synced with ids)
        (pinged)"#
    ));
}

/// The guest sleeps, which is success. A ping is answered after it has been woken; what comes before is not for it.
#[test]
fn c19_answers_after_the_wake_up() {
    converse(
        r#"
        call guest-suspend-ram silent
        (synced with ids)
        C: {"execute":"guest-suspend-ram","id":$_}
        C: {"execute":"guest-sync-delimited","arguments":{"id":$confirm},"id":$confirm_echo}
        +5s
        => {}
        call guest-ping within 10min
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync1},"id":$echo1}
        +500ms
        # In another form; what the agent answers late still shows that it repeats ids.
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync2}}
        +900ms
        A: <ff>{"return": $confirm, "id": $confirm_echo}
        A: <stray>
        A: <ff>{"return": $sync1, "id": $echo1}
        A: <stray>
        A: <ff>{"return": $sync2}
        (pinged)
        "#,
    );
}

/// The deadline is shorter than the quiet time: what became of the command is not known.
#[test]
fn a_deadline_before_the_quiet_time() {
    converse(
        r#"
        call guest-shutdown silent within 2s
        (synced with ids)
        C: {"execute":"guest-shutdown","id":$id}
        C: {"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
        +2s
        => timed out, sent All, heard
        A: {"id": $id, "error": {"class": "GenericError", "desc": "late"}}
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
}

/// The connection ends before all of the command has left: that is no success.
#[test]
fn the_end_of_the_connection_in_a_command() {
    converse(
        r#"
        call guest-shutdown silent
        (synced with ids)
        C: {"execute":"guest-shut<cut>
        EOF
        => closed, sent Part
        "#,
    );
}

/// The sync that follows cannot leave, for the guest sleeps; that is no reason to wait. The next sync makes it void.
#[test]
fn a_sync_that_cannot_follow() {
    converse(
        r#"
        call guest-suspend-ram silent
        (synced with ids)
        C: {"execute":"guest-suspend-ram","id":$_}
        C: {"execute":"guest-syn<cut>
        +5s
        => {}
        call guest-ping
        (synced with ids)
        (pinged)
        "#,
    );
    // `guest-sync` could not: another form comes first.
    converse(
        r#"
        call guest-suspend-ram silent
        (synced by guest-sync)
        C: {"execute":"guest-suspend-ram"}
        C: {"execute":"guest-syn<cut>
        +5s
        => {}
        call guest-ping
        (synced by guest-sync)
        (pinged without ids)
        "#,
    );
}

/// Agents up to QEMU 1.0 do reply, and some still do.
#[test]
fn a_reply_to_a_silent_command() {
    converse(&format!(
        r#"{SHUTDOWN}
        A: {{"return": {{}}, "id": $id}}
        => {{}}"#
    ));
    converse(&format!(
        r#"{SHUTDOWN_WITHOUT_IDS}
        A: {{"return": {{}}}}
        => {{}}"#
    ));
}

/// A call that is dropped while its success is not certain.
#[test]
fn a_silent_command_that_is_dropped() {
    converse(&format!(
        r#"{SHUTDOWN}
        give up, sent All
        A: {{"id": $id, "error": {{"class": "GenericError", "desc": "late"}}}}
        call guest-ping
        (synced with ids)
        (pinged)"#
    ));
}

/// The quiet time can be set.
#[test]
fn another_quiet_time() {
    let mut config = Config::default();
    config.quiet_time = Duration::from_secs(30);
    Transcript::new(&format!("{SHUTDOWN}\n+29s\n+1s\n=> {{}}")).config(config).run();
}
