//! Replies that come late and can be had only once: `guest-exec-status` tells a program's end and forgets it.

use qga_tests::transcript::{Transcript, converse};

/// A conversation that begins with a status call that times out.
#[track_caller]
fn converse_after_a_timeout(rest: &str) {
    let begin = r#"
        call guest-exec-status {"pid":700} within 3s
        (synced with ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$late}
        +3s
        => timed out, sent All, heard
        "#;
    converse(&format!("{begin}{rest}"));
}

/// The status call times out, its reply comes between two calls; who asks again gets it, and the agent is not asked.
#[test]
fn an_end_that_came_late_is_given_to_who_asks_again() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        call guest-ping
        (pinged)
        call guest-exec-status {"pid":700}
        => {"exitcode": 3, "exited": true}
        call guest-exec-status {"pid":700}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$again}
        A: {"id": $again, "error": {"class": "GenericError", "desc": "PID ld does not exist"}}
        => refused GenericError: PID ld does not exist
        "#,
    );
}

/// It comes while the same is asked again: the agent has told it, and now says that there is no such program.
#[test]
fn an_end_that_comes_while_it_is_asked_for_again() {
    converse_after_a_timeout(
        r#"
        call guest-exec-status {"pid":700}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$again}
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        => {"exitcode": 3, "exited": true}
        A: {"id": $again, "error": {"class": "GenericError", "desc": "PID ld does not exist"}}
        call guest-ping
        (pinged)
        "#,
    );
}

/// It comes before the answer to the sync that the line's age calls for: the command need not be sent.
#[test]
fn an_end_that_comes_before_the_sync_is_answered() {
    converse_after_a_timeout(
        r#"
        +9s
        call guest-exec-status {"pid":700}
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        => {"exitcode": 3, "exited": true}
        A: <ff>{"return": $sync, "id": $echo}
        call guest-ping
        C: {"execute":"guest-ping","id":$ping}
        A: {"return": {}, "id": $ping}
        => {}
        "#,
    );
}

/// A program that still runs will be asked about again: nothing is lost.
#[test]
fn a_late_word_that_it_still_runs_is_not_kept() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exited": false}, "id": $late}
        call guest-exec-status {"pid":700}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$again}
        A: {"return": {"exitcode": 0, "exited": true}, "id": $again}
        => {"exitcode": 0, "exited": true}
        "#,
    );
}

/// Another program's end is another program's.
#[test]
fn it_is_kept_for_its_own_program_only() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        call guest-exec-status {"pid":701}
        C: {"execute":"guest-exec-status","arguments":{"pid":701},"id":$other}
        A: {"return": {"exited": false}, "id": $other}
        => {"exited": false}
        call guest-exec-status {"pid":700}
        => {"exitcode": 3, "exited": true}
        "#,
    );
}

/// A number that the guest uses again means the new program.
#[test]
fn a_new_program_with_the_same_number_has_not_ended() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        call guest-exec {"path":"/bin/sleep"}
        C: {"execute":"guest-exec","arguments":{"path":"/bin/sleep"},"id":$exec}
        A: {"return": {"pid": 700}, "id": $exec}
        => {"pid": 700}
        call guest-exec-status {"pid":700}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$new}
        A: {"return": {"exited": false}, "id": $new}
        => {"exited": false}
        "#,
    );
}

/// Whoever guesses at what is waited for must guess an id of 53 bits.
#[test]
fn an_end_without_the_right_id_is_nobodys() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exitcode": 3, "exited": true}, "id": 12}
        A: {"return": {"exitcode": 3, "exited": true}}
        call guest-exec-status {"pid":700}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$again}
        A: {"return": {"exitcode": 0, "exited": true}, "id": $again}
        => {"exitcode": 0, "exited": true}
        "#,
    );
}

/// A call that was answered, and whose answer nobody took.
#[test]
fn an_end_that_was_not_read_is_not_lost() {
    converse(
        r#"
        call guest-exec-status {"pid":700}
        (synced with ids)
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$id}
        A: {"return": {"exitcode": 3, "exited": true}, "id": $id}
        give up, sent All
        call guest-exec-status {"pid":700}
        give up, sent Nothing
        call guest-exec-status {"pid":700}
        => {"exitcode": 3, "exited": true}
        "#,
    );
}

/// Numbers of programs come again, most likely after a reboot.
#[test]
fn it_is_not_kept_for_ever() {
    converse_after_a_timeout(
        r#"
        A: {"return": {"exitcode": 3, "exited": true}, "id": $late}
        +601s
        call guest-exec-status {"pid":700}
        C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
        A: <ff>{"return": $sync, "id": $echo}
        C: {"execute":"guest-exec-status","arguments":{"pid":700},"id":$new}
        A: {"return": {"exited": false}, "id": $new}
        => {"exited": false}
        "#,
    );
}

/// All that is kept has no more bytes than one reply may have.
#[test]
fn the_bytes_that_are_kept_are_bounded() {
    let mut config = qga_proto::Config::default();
    config.max_reply = 300;
    let mut script = String::from("call guest-ping\n(synced with ids)\n(pinged)\n");
    for pid in 1..=2 {
        let data = "A".repeat(160);
        script += &format!(
            "call guest-exec-status {{\"pid\":{pid}}} within 1s
             C: {{\"execute\":\"guest-exec-status\",\"arguments\":{{\"pid\":{pid}}},\"id\":$late{pid}}}
             +1s
             => timed out, sent All, heard
             A: {{\"return\": {{\"exited\": true, \"out-data\": \"{data}\"}}, \"id\": $late{pid}}}
             call guest-ping
             (pinged)\n"
        );
    }
    script += "call guest-exec-status {\"pid\":2}
               => {\"exited\": true...
               call guest-exec-status {\"pid\":1}
               C: {\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":1},\"id\":$first}
               A: {\"return\": {\"exited\": false}, \"id\": $first}
               => {\"exited\": false}\n";
    Transcript::new(&script).config(config).run();
}

/// Eight are kept: the oldest make room.
#[test]
fn what_is_kept_is_bounded() {
    let mut script = String::from("call guest-ping\n(synced with ids)\n(pinged)\n");
    for pid in 1..=9 {
        script += &format!(
            "call guest-exec-status {{\"pid\":{pid}}} within 1s
             C: {{\"execute\":\"guest-exec-status\",\"arguments\":{{\"pid\":{pid}}},\"id\":$late{pid}}}
             +1s
             => timed out, sent All, heard
             A: {{\"return\": {{\"exitcode\": {pid}, \"exited\": true}}, \"id\": $late{pid}}}
             call guest-ping
             (pinged)\n"
        );
    }
    for pid in 2..=9 {
        script += &format!(
            "call guest-exec-status {{\"pid\":{pid}}}
             => {{\"exitcode\": {pid}, \"exited\": true}}\n"
        );
    }
    script += "call guest-exec-status {\"pid\":1}
               C: {\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":1},\"id\":$first}
               A: {\"return\": {\"exited\": false}, \"id\": $first}
               => {\"exited\": false}\n";
    Transcript::new(&script).run();
}
