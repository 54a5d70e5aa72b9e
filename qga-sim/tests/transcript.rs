//! Sessions that are written down and played again.

use std::time::Duration;

use qga_sim::proto::commands::{
    GuestExec, GuestExecStatus, GuestGetHostName, GuestPing, GuestSetUserPassword, GuestShutdown,
    GuestSshAddAuthorizedKeys, GuestSshGetAuthorizedKeys,
};
use qga_sim::proto::{Client, Config, Error, Session, Transport};
use qga_sim::transcript::Recorder;
use qga_sim::{Guest, Personality, Sim, VirtualLine};
use qga_std::block_on;

type Recorded = Session<Recorder<Vec<u8>, VirtualLine>, Vec<u8>>;

/// A session that is written down.
fn recorded(sim: impl Into<Sim>) -> Recorded {
    let recorder = Recorder::over(VirtualLine::new(sim), Vec::new());
    Session::new(recorder, Client::new(Config::default(), Vec::new(), Vec::new(), 7))
}

/// What was written down.
fn transcript(session: &mut Recorded) -> String {
    let line = VirtualLine::new(Guest::new());
    let recorder = std::mem::replace(session.transport_mut(), Recorder::over(line, Vec::new()));
    String::from_utf8(recorder.finish().unwrap()).unwrap()
}

/// A session with what was written down, of a client with other numbers.
fn played(transcript: &str) -> Session<VirtualLine, Vec<u8>> {
    let line = VirtualLine::new(Sim::replay(transcript).unwrap());
    Session::new(line, Client::new(Config::default(), Vec::new(), Vec::new(), 8))
}

#[test]
fn a_session_is_text() {
    let mut session = recorded(Guest::new().host_name("a<b>$1 \u{e9}"));
    block_on(session.call(&GuestGetHostName::new())).unwrap();
    let later = session.deadline(Duration::from_millis(2500));
    block_on(session.transport_mut().sleep_until(later));
    block_on(session.call(&GuestPing::new())).unwrap();
    assert_eq!(
        transcript(&mut session),
        r#"C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$1},"id":$2}
A: {"error": {"class": "GenericError", "desc": "JSON parse error, stray '\uFFFD'"}}
A: <ff>{"return": $1, "id": $2}
C: {"execute":"guest-get-host-name","id":$3}
A: {"return": {"host-name": "a<3c>b><24>1 \u00E9"}, "id": $3}
+2500ms
C: {"execute":"guest-ping","id":$4}
A: {"return": {}, "id": $4}
"#
    );
}

#[test]
fn what_was_written_down_is_answered_again() {
    for personality in [Personality::Qemu2, Personality::Qemu10, Personality::Minimal, Personality::Strings] {
        let mut session = recorded(Guest::with(personality).host_name("build-7"));
        block_on(session.call(&GuestGetHostName::new())).unwrap();
        let refused =
            block_on(session.call_timeout(&GuestExec::new("no"), Duration::from_secs(2))).unwrap_err();
        let text = transcript(&mut session);
        let mut session = played(&text);
        for _ in 0..3 {
            let name = block_on(session.call(&GuestGetHostName::new())).unwrap().host_name;
            assert_eq!(name, "build-7", "{personality}");
        }
        let again =
            block_on(session.call_timeout(&GuestExec::new("no"), Duration::from_secs(2))).unwrap_err();
        assert_eq!(again.to_string(), refused.to_string(), "{personality}");
        // What may change something is not answered twice, nor what nobody has asked.
        for command in ["no", "never"] {
            let error = block_on(session.call_timeout(&GuestExec::new(command), Duration::from_secs(2)));
            assert_eq!(error.unwrap_err().refusal().unwrap().class, "NotInTranscript", "{personality}");
        }
    }
}

#[test]
fn secrets_are_left_out() {
    let mut session = recorded(Guest::new());
    let secrets = ["PASSWORD=hunter2".into()];
    let run = GuestExec::new("cat").env(&secrets).input_data(b"hunter2");
    let pid = block_on(session.call(&run)).unwrap().pid;
    block_on(session.call(&GuestExecStatus::new(pid))).unwrap();
    block_on(session.call(&GuestSetUserPassword::new("alice", b"hunter2", false))).unwrap();
    let keys = ["ssh-ed25519 hunter2".into()];
    block_on(session.call(&GuestSshAddAuthorizedKeys::new("alice", &keys))).unwrap();
    block_on(session.call(&GuestSshGetAuthorizedKeys::new("alice"))).unwrap();
    let text = transcript(&mut session);
    // In base64, too.
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    assert!(text.contains(r#""env":["(secret)"],"input-data":"(secret)"},"id":$3}"#), "{text}");
    assert!(text.contains(r#""username":"alice","password":"(secret)","crypted":false"#), "{text}");
    assert!(text.contains(r#"A: {"return":{"keys":["(secret)"]},"id":"#), "{text}");

    // One that is played takes any for it.
    let mut session = played(&text);
    let pid = block_on(session.call(&GuestExec::new("cat").env(&keys).input_data(b"x"))).unwrap().pid;
    assert_eq!(block_on(session.call(&GuestExecStatus::new(pid))).unwrap().exitcode, Some(0));
    block_on(session.call(&GuestSetUserPassword::new("alice", b"x", false))).unwrap();
    assert!(block_on(session.call(&GuestSetUserPassword::new("bob", b"x", false))).is_err());
}

#[test]
fn secrets_that_cannot_be_told_apart_are_left_out_whole() {
    let mut recorder = Recorder::new(Vec::new());
    let now = Duration::ZERO;
    recorder
        .sent(b"{\"execute\":\"guest-ssh-get-authorized-keys\",\"arguments\":{\"username\":\"a\"}}\n", now);
    recorder.received(b"{\"return\": {\"keys\": [\"hunter2\n", now);
    recorder.received(b"{\"return\": {\"keys\": [\"hunter2", now);
    recorder.sent(b"{\"execute\":\"guest-set-user-password\",\"arguments\":{\"password\":\"hunter2", now);
    recorder.ended(now);
    let text = String::from_utf8(recorder.finish().unwrap()).unwrap();
    assert_eq!(
        text,
        r#"C: {"execute":"guest-ssh-get-authorized-keys","arguments":{"username":"a"}}
# 29 bytes that may be secret
# 29 bytes that may be secret
# 69 bytes of a command that did not leave whole
EOF
"#
    );
}

#[test]
fn the_end_of_a_connection_comes_again() {
    let mut session = recorded(Guest::new().shutdown_time(Duration::ZERO));
    block_on(session.call(&GuestShutdown::new())).unwrap();
    let text = transcript(&mut session);
    assert!(text.ends_with("EOF\n"), "{text}");
    let mut session = played(&text);
    block_on(session.call(&GuestShutdown::new())).unwrap();
    assert!(matches!(block_on(session.call(&GuestPing::new())), Err(Error::Closed(_))));
}

#[test]
fn lines_are_played_as_they_came() {
    let text = "A: QUFB<22>}<cut>\nA: \nC: {\"execute\":\"guest-ping\",\"id\":$1}\n+5ms\n# nothing\nA: <00><ff>{\"return\": {}, \"id\": $1, \"x\": $9}\nA: half<cut>\nEOF\n";
    let mut sim = Sim::replay(text).unwrap();
    let take = |sim: &mut Sim| {
        let mut said = Vec::new();
        while let Some(bytes) = sim.poll_transmit() {
            said.extend_from_slice(bytes);
            let n = bytes.len();
            sim.handle_transmitted(n, Duration::ZERO);
        }
        said
    };
    let request = b"{\"id\":77, \"execute\":\"guest-ping\"}";
    assert_eq!(take(&mut sim), b"QUFB\"}\n");
    let ends = sim.ends();
    sim.receive_buffer()[..request.len()].copy_from_slice(request);
    sim.handle_received(request.len(), Duration::ZERO);
    // The next connection begins as the first one did.
    let said = take(&mut sim);
    assert_eq!(said, b"\0\xFF{\"return\": {}, \"id\": 77, \"x\": 0}\nhalfQUFB\"}\n");
    assert_eq!(sim.ends(), ends + 1);
}

#[test]
fn what_is_no_transcript_is_told_with_its_line() {
    for (text, error) in [
        ("hello\n", "line 1: a line begins with C:, A:, +, # or is EOF"),
        ("# x\nC: <z>\n", "line 2: there are bytes that cannot be"),
        ("C: {\"execute\":\"a\"}\nA: <zz>\n", "line 2: there are bytes that cannot be"),
    ] {
        assert_eq!(Sim::replay(text).unwrap_err().to_string(), error);
    }
}

/// It is the `id` that says whose a reply is, not the command that was sent last.
#[test]
fn secrets_in_late_replies_are_left_out() {
    let keys = "{\"execute\":\"guest-ssh-get-authorized-keys\",\"arguments\":{\"username\":\"a\"}ID}\n";
    let ping = "{\"execute\":\"guest-ping\"ID}\n";
    let reply = "{\"return\": {\"keys\": [\"hunter2\"]}ID}\n";
    for ids in
        [["", "", ""], [",\"id\":7", ",\"id\":8", ",\"id\":7"], [",\"id\":7", ",\"id\":8", ",\"id\":9"]]
    {
        let mut recorder = Recorder::new(Vec::new());
        for (text, id) in [keys, ping].into_iter().zip(ids) {
            recorder.sent(text.replace("ID", id).as_bytes(), Duration::ZERO);
        }
        recorder.received(reply.replace("ID", ids[2]).as_bytes(), Duration::ZERO);
        let text = String::from_utf8(recorder.finish().unwrap()).unwrap();
        assert!(
            text.contains("A: {\"return\":{\"keys\":[\"(secret)\"]}") && !text.contains("hunter2"),
            "{text}"
        );
    }
    // What is surely another command's is not.
    let mut recorder = Recorder::new(Vec::new());
    for (text, id) in [(keys, ",\"id\":7"), (ping, ",\"id\":8")] {
        recorder.sent(text.replace("ID", id).as_bytes(), Duration::ZERO);
    }
    recorder.received(reply.replace("ID", ",\"id\":8").as_bytes(), Duration::ZERO);
    assert!(String::from_utf8(recorder.finish().unwrap()).unwrap().contains("hunter2"));
}

#[test]
fn secrets_in_what_is_no_request_are_left_out() {
    let mut recorder = Recorder::new(Vec::new());
    recorder.sent(
        b"{\"execute\":\"guest-set-user-password\",\"arguments\":{\"password\":\"hunter2\"}\n",
        Duration::ZERO,
    );
    recorder.sent(b"{]\n", Duration::ZERO);
    let text = String::from_utf8(recorder.finish().unwrap()).unwrap();
    assert_eq!(text, "# 71 bytes that may be secret\nC: {]\n");
}

#[test]
fn bytes_that_are_no_request_are_answered_again() {
    let text = "C: {]\nA: {\"error\": {}}\nC: {\"execute\":\"guest-ping\"}\nA: {\"return\": {}}\n";
    let mut sim = Sim::replay(text).unwrap();
    let mut say = |bytes: &[u8]| {
        sim.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
        sim.handle_received(bytes.len(), Duration::ZERO);
        let said = sim.poll_transmit().unwrap_or_default().to_vec();
        sim.handle_transmitted(said.len(), Duration::ZERO);
        String::from_utf8(said).unwrap()
    };
    assert_eq!(say(b"[}\n"), "{\"error\": {}}\n");
    assert_eq!(say(b"[}\n"), "");
    assert_eq!(say(b"{\"execute\":\"guest-ping\"}\n"), "{\"return\": {}}\n");
}

/// In a transcript a character for private use is nothing but that.
#[test]
fn a_character_for_private_use_is_no_number() {
    let text = "C: {\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"\\uE0001\"},\"id\":$1}\nA: {\"return\": 1, \"id\": $1}\n";
    let mut sim = Sim::replay(text).unwrap();
    let mut say = |path: &str| {
        let request =
            format!("{{\"execute\":\"guest-file-open\",\"arguments\":{{\"path\":\"{path}\"}},\"id\":9}}\n");
        sim.receive_buffer()[..request.len()].copy_from_slice(request.as_bytes());
        sim.handle_received(request.len(), Duration::ZERO);
        let said = sim.poll_transmit().unwrap_or_default().to_vec();
        sim.handle_transmitted(said.len(), Duration::ZERO);
        String::from_utf8(said).unwrap()
    };
    assert!(say("/etc/motd").contains("NotInTranscript"));
    assert_eq!(say("\u{E000}1"), "{\"return\": 1, \"id\": 9}\n");
}

#[test]
fn what_is_remembered_has_limits() {
    let mut recorder = Recorder::new(Vec::new());
    for number in 0..2_000_u64 {
        let id = (1 << 40) + number;
        recorder.sent(format!("{{\"execute\":\"guest-ping\",\"id\":{id}}}\n").as_bytes(), Duration::ZERO);
    }
    let text = String::from_utf8(recorder.finish().unwrap()).unwrap();
    assert!(text.ends_with("\"id\":$2000}\n"), "{}", &text[text.len() - 50..]);
}
