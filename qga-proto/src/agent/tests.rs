//! The agent's answers, and when it gives none.

use super::*;
use crate::commands::{GuestFileOpen, GuestPing};

fn agent<const N: usize>(bytes: &[u8]) -> Agent<[u8; N]> {
    let mut agent = Agent::new([0; N], [0; N]);
    agent.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
    agent.handle_received(bytes.len());
    agent
}

/// Takes what is to be sent.
fn sent<const N: usize>(agent: &mut Agent<[u8; N]>) -> heapless::Vec<u8, N> {
    let bytes = heapless::Vec::from_slice(agent.poll_transmit().unwrap_or_default()).unwrap();
    agent.handle_transmitted(bytes.len());
    bytes
}

#[test]
fn a_reply_is_sent_before_the_next_request_comes_out() {
    let mut agent = agent::<128>(b"{\"execute\":\"a\",\"id\":1}{\"execute\":\"b\",\"id\":2}");
    assert!(agent.poll_request().is_some_and(|request| request.name() == "a"));
    agent.respond(&7).unwrap();
    assert!(agent.poll_request().is_none());
    agent.handle_transmitted(3);
    assert!(agent.poll_request().is_none());
    assert_eq!(sent(&mut agent), b"eturn\":7,\"id\":1}\n");
    assert!(agent.poll_request().is_some_and(|request| request.name() == "b"));
    agent.accept();
    assert_eq!(agent.poll_transmit(), None);
    assert!(agent.poll_request().is_none());
}

#[test]
fn syncs_and_faults_are_answered_inside() {
    let mut agent = agent::<128>(
        b"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":5},\"id\":null}{\"id\":[1]}",
    );
    assert!(agent.poll_request().is_none());
    assert_eq!(sent(&mut agent), b"\xFF{\"return\":5,\"id\":null}\n");
    assert!(agent.poll_request().is_none());
    assert!(sent(&mut agent).ends_with(b"\"QMP input lacks member 'execute'\"},\"id\":[1]}\n"));
}

#[test]
fn arguments_are_what_the_command_takes() {
    let mut agent = agent::<128>(b"{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/\\u00e9\"}}");
    let request = agent.poll_request().unwrap();
    assert_eq!(request.arguments::<GuestFileOpen<'_>>(), Ok(GuestFileOpen::new("/\u{E9}")));
    assert!(request.arguments::<GuestPing>().is_err());
}

#[test]
fn what_does_not_fit_costs_only_itself() {
    let mut agent = agent::<32>(b"{\"execute\":\"guest-ping\"}");
    assert!(agent.poll_request().is_some());
    assert_eq!(
        agent.respond("a value that is too long for the buffer"),
        Err(ReplyError::TooLong { len: 53, limit: 32 })
    );
    assert_eq!(agent.poll_transmit(), None);
    agent.respond("short").unwrap();
    assert_eq!(sent(&mut agent), b"{\"return\":\"short\"}\n");
    let long = b"{\"execute\":\"guest-ping\",\"id\":\"longer than the buffer\"}{\"execute\":\"guest-ping\"}";
    for &byte in long {
        assert!(agent.poll_request().is_none());
        agent.receive_buffer()[0] = byte;
        agent.handle_received(1);
    }
    assert!(agent.poll_request().is_some());
}

/// A message that ends with an `id` which fits a buffer of 128 bytes as it comes, and not as it goes back, in ASCII.
fn with_long_id(begin: &str) -> Agent<[u8; 128]> {
    let mut text = heapless::String::<128>::new();
    for part in [begin, "\"id\":\""].into_iter().chain(["\u{E9}"; 20]).chain(["\"}"]) {
        text.push_str(part).unwrap();
    }
    agent(text.as_bytes())
}

#[test]
fn an_error_leaves_out_an_id_that_does_not_fit() {
    let mut agent = with_long_id("{\"execute\":\"guest-ping\",");
    assert!(agent.poll_request().is_some());
    assert!(matches!(agent.respond(&7), Err(ReplyError::TooLong { limit: 128, .. })));
    agent.refuse(ErrorClass::GenericError, "no").unwrap();
    assert_eq!(sent(&mut agent), b"{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\n");
    assert_eq!(agent.refuse(ErrorClass::GenericError, "no"), Err(ReplyError::NoRequest));

    // What is answered inside: syncs, and what is no request.
    for (begin, desc) in [
        ("{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1},", "does not fit"),
        ("{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1},", "does not fit"),
        ("{\"execute\":\"guest-sync\",", "missing field `id`"),
        ("{", "lacks member 'execute'"),
        ("{\"execute\":1,", "'execute'"),
    ] {
        let mut agent = with_long_id(begin);
        assert!(agent.poll_request().is_none());
        let said = sent(&mut agent);
        let said = core::str::from_utf8(&said).unwrap();
        assert!(said.starts_with("{\"error\":{\"class\":\"GenericError\""), "{begin}: {said}");
        assert!(said.contains(desc) && said.ends_with("\"}}\n"), "{begin}: {said}");
    }
}

#[test]
fn an_error_that_does_not_fit_without_an_id_leaves_the_request_open() {
    let mut agent = agent::<64>(b"{\"execute\":\"guest-ping\",\"id\":1}");
    assert!(agent.poll_request().is_some());
    let desc = "a text that is longer than there is room for";
    assert!(matches!(agent.refuse(ErrorClass::GenericError, desc), Err(ReplyError::TooLong { .. })));
    assert_eq!(agent.poll_transmit(), None);
    agent.refuse(ErrorClass::GenericError, "no").unwrap();
    assert!(sent(&mut agent).ends_with(b",\"id\":1}\n"));
}

#[test]
fn nothing_is_answered_twice_or_unasked() {
    let mut agent = agent::<128>(b"{\"execute\":\"a\"}{\"execute\":\"b\"}");
    assert_eq!(agent.respond(&1), Err(ReplyError::NoRequest));
    assert!(agent.poll_request().is_some());
    agent.respond(&7).unwrap();
    agent.handle_transmitted(3);
    assert_eq!(agent.respond(&8), Err(ReplyError::NoRequest));
    assert_eq!(agent.refuse(ErrorClass::GenericError, "no"), Err(ReplyError::NoRequest));
    agent.accept();
    assert_eq!(sent(&mut agent), b"eturn\":7}\n");
    assert_eq!(agent.refuse(ErrorClass::GenericError, "no"), Err(ReplyError::NoRequest));
    assert!(agent.poll_request().is_some());
    agent.handle_eof();
    assert_eq!(agent.respond(&9), Err(ReplyError::NoRequest));
    assert_eq!(agent.poll_transmit(), None);
}

#[test]
fn elements_of_lists_are_checked_against_the_schema() {
    let mut agent = agent::<128>(
        b"{\"execute\":\"guest-set-vcpus\",\"arguments\":{\"vcpus\":[{\"logical-id\":0,\"online\":true,\"x\":1}]}}",
    );
    let request = agent.poll_request().unwrap();
    assert!(request.typed_arguments::<crate::commands::GuestSetVcpus<'_>>().is_ok());
    let error = request.arguments::<crate::commands::GuestSetVcpus<'_>>().unwrap_err();
    assert_eq!(<crate::Text>::new(error), "Parameter 'vcpus[0].x' is unexpected");
}

#[test]
fn a_name_that_an_object_has_twice_costs_the_message() {
    for (message, key) in [
        (r#"{"execute":"guest-ping","id":{"a":1,"a":2}}"#, "a"),
        (r#"{"execute":"guest-ping","id":[[{"b":1,"a":[{}],"\u0061":{}}]]}"#, "a"),
        (r#"{"execute":"x","arguments":{"vcpus":[{"logical-id":0,"logical-id":1}]}}"#, "logical-id"),
        (r#"{"execute":"x","arguments":{"path":1,"mode":"{\"path\"","path":2}}"#, "path"),
        (r#"{"execute":"x","x":1,"x":2}"#, "x"),
    ] {
        let mut agent = agent::<128>(message.as_bytes());
        assert!(agent.poll_request().is_none(), "{message}");
        let said = sent(&mut agent);
        let said = core::str::from_utf8(&said).unwrap();
        let end = "'\"}}\n";
        let (begin, found) = said.strip_suffix(end).and_then(|said| said.rsplit_once('\'')).unwrap();
        assert!(begin.ends_with("duplicate key ") && found == key, "{message}: {said}");
    }
    let mut agent = agent::<128>(
        br#"{"execute":"x","id":{"a":{"a":"{\"a\":"},"b":[{"a":1},{"a":2}]},"arguments":{"a":3}}"#,
    );
    assert!(agent.poll_request().is_some());
}
