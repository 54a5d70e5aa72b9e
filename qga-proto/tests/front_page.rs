//! The example of the front page is carried out: with an agent, with one that is silent, and with none.

use std::cell::{Cell, RefCell};

use qga_proto::json::Raw;
use qga_proto::{Agent, Sent, TimedOut};

include!("front_page/read_file.rs");

#[test]
fn it_is_what_stands_there() {
    let page = include_str!("../README.md");
    assert!(page.contains(include_str!("front_page/read_file.rs")), "the README's example is another");
}

/// Over a line on which time passes only where somebody waits; gives how much of it did, too.
fn read_file_of(peer: Peer) -> (Result<usize, Box<dyn Error>>, Duration) {
    let now = Cell::new(Instant::ZERO);
    let agent = RefCell::new(Agent::new([0; 1024], [0; 1024]));
    let write = |bytes: &[u8]| {
        let mut agent = agent.borrow_mut();
        // A piece at a time, as lines do.
        let n = bytes.len().min(7);
        agent.receive_buffer()[..n].copy_from_slice(&bytes[..n]);
        agent.handle_received(n);
        Ok(n)
    };
    let read = |buffer: &mut [u8], until| {
        let mut agent = agent.borrow_mut();
        while agent.poll_request().is_some() {
            let reply = Raw::new(r#"{"count":5,"buf-b64":"aGVsbG8=","eof":true}"#).expect("JSON");
            agent.respond(&reply).map_err(io::Error::other)?;
        }
        match (peer, agent.poll_transmit()) {
            (Peer::Gone, _) => Ok(Some(0)),
            (Peer::Agent, Some(bytes)) => {
                let n = bytes.len().min(buffer.len()).min(7);
                buffer[..n].copy_from_slice(&bytes[..n]);
                agent.handle_transmitted(n);
                Ok(Some(n))
            }
            _ => {
                now.set(until);
                Ok(None)
            }
        }
    };
    let read = read_file(|| now.get(), write, read);
    (read, now.get().since_epoch())
}

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq)]
enum Peer {
    Agent,
    Silent,
    Gone,
}

#[track_caller]
fn error_of(peer: Peer) -> (qga_proto::Error, Duration) {
    let (read, took) = read_file_of(peer);
    let error = read.expect_err("there is no agent");
    (*error.downcast().expect("an error of the protocol's"), took)
}

#[test]
fn it_reads() {
    assert_eq!(read_file_of(Peer::Agent).0.expect("it reads"), 5);
}

#[test]
fn its_deadline_passes_where_nobody_answers() {
    let (error, took) = error_of(Peer::Silent);
    assert!(
        matches!(error, qga_proto::Error::TimedOut(TimedOut { sent: Sent::Nothing, heard: false, .. })),
        "{error:?}"
    );
    assert_eq!(took, Duration::from_secs(5));
}

#[test]
fn it_ends_with_its_line() {
    let (error, _) = error_of(Peer::Gone);
    assert_eq!(error, qga_proto::Error::Closed(Sent::Nothing));
}
