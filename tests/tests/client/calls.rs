//! The application's half: calls at the wrong time are safe, and say so.

use std::time::Duration;

use qga_proto::json::Raw;
use qga_proto::{Client, Config, Error, Instant, Misuse, RawCommand, Sent};
use qga_tests::transcript::converse;

const PING: RawCommand<'static> = RawCommand::new("guest-ping");

fn client() -> Client<Vec<u8>> {
    Client::new(Config::default(), Vec::new(), Vec::new(), 1)
}

/// Before there is a call, nothing happens.
#[test]
fn a_client_at_rest() {
    let mut client = client();
    let now = Instant::ZERO + Duration::from_secs(60);
    client.handle_timeout(now);
    client.handle_transmitted(7, now);
    client.handle_received(0, now);
    assert_eq!(client.poll_transmit(), None);
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(client.give_up(), Sent::Nothing);
    assert!(!client.is_settled() && !client.heard());
}

/// A reply that is taken too early gives the call up.
#[test]
fn a_reply_before_there_is_one() {
    let mut client = client();
    let ticket = client.submit(&PING, Instant::ZERO, Instant::FAR_FUTURE).unwrap();
    assert_eq!(client.reply(ticket), Err(Error::Misuse(Misuse::NotSettled)));
    assert_eq!(client.poll_timeout(), None);
}

/// The ticket of an earlier call does not take the reply of a later one.
#[test]
fn the_ticket_of_an_earlier_call() {
    let mut client = client();
    let stale = client.submit(&PING, Instant::ZERO, Instant::FAR_FUTURE).unwrap();
    let ticket = client.submit(&PING, Instant::ZERO, Instant::ZERO).unwrap();
    client.handle_timeout(Instant::ZERO);
    assert_eq!(client.reply(stale), Err(Error::Misuse(Misuse::StaleTicket)));
    assert!(client.is_settled());
    assert!(client.reply(ticket).is_err_and(|error| error.is_timeout()));
}

/// Arguments are an object; others are not sent.
#[test]
fn arguments_that_are_no_object() {
    let mut client = client();
    for arguments in ["[1]", "5", "null", r#""text""#] {
        let command = PING.arguments(Raw::new(arguments).unwrap());
        let result = client.submit(&command, Instant::ZERO, Instant::FAR_FUTURE);
        assert_eq!(result.unwrap_err(), Error::Misuse(Misuse::Arguments), "{arguments}");
        assert_eq!(client.poll_transmit(), None);
    }
}

/// Arguments are sent without white space and in ASCII; without any, the member is left out.
#[test]
fn arguments_on_the_wire() {
    converse(
        r#"
        call guest-exec { "path" : "/bin/é" , "arg" : [ "\u0041\n" , "\"" ] , "capture-output" : true }
        (synced with ids)
        C: {"execute":"guest-exec","arguments":{"path":"/bin/\u00E9","arg":["A\n","\""],"capture-output":true},"id":$id}
        A: {"return": {"pid": 18446744073709551615}, "id": $id}
        => {"pid": 18446744073709551615}
        call guest-get-time {}
        C: {"execute":"guest-get-time","id":$id}
        A: {"return": 1, "id": $id}
        => 1
        "#,
    );
}

/// A new call gives up the one in flight.
#[test]
fn a_call_in_the_place_of_another() {
    converse(
        r#"
        call guest-get-time
        (synced with ids)
        C: {"execute":"guest-get-time","id":$late}
        call guest-ping
        C: {"execute":"guest-ping","id":$id}
        A: {"return": 1, "id": $late}
        A: {"return": {}, "id": $id}
        => {}
        "#,
    );
}
