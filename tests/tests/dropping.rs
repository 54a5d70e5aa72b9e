//! Futures dropped at every point where they can be: the next call gets its own answer.

use qga_proto::commands::{GuestExec, GuestExecStatus, GuestSync};
use qga_proto::view::GuestExecCaptureOutput;
use qga_proto::{Reconnect, Session};
use qga_sim::{Guest, Run};
use qga_tests::virtual_line::{Peer, VirtualLine, complete, poll_up_to, session};

type Virtual = Session<VirtualLine, Vec<u8>>;

/// Each call asks for a number that no other asks for.
fn ask(session: &mut Virtual, number: i64) {
    assert_eq!(complete(session.call(&GuestSync::new(number))), Ok(number));
}

/// Drops a call after 0, 1, 2... polls until it is ready before, and makes another after each. Gives how often.
fn drop_everywhere(session: &mut Virtual) -> usize {
    for polls in 0.. {
        let number = 2 * i64::try_from(polls).expect("few polls") + 1_000_000;
        let outcome = poll_up_to(polls, session.call(&GuestSync::new(number)));
        ask(session, number + 1);
        if let Some(outcome) = outcome {
            assert_eq!(outcome, Ok(number));
            return polls;
        }
    }
    unreachable!("a call ends")
}

#[test]
fn dropped_at_every_byte_of_the_first_connection_and_sync() {
    let mut drops = 0;
    for piece in [1, 2, 3, 5, 7, 64] {
        for polls in 0.. {
            let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), piece));
            session.set_reconnect(Reconnect::BACKOFF);
            let outcome = poll_up_to(polls, session.call(&GuestSync::new(77)));
            ask(&mut session, 78);
            drops += 1;
            if outcome.is_some() {
                break;
            }
        }
    }
    assert!(drops > 500, "{drops}");
}

#[test]
fn dropped_at_every_byte_of_the_command_and_reply_thousands_of_times() {
    let mut drops = 0;
    for piece in [1, 2, 3, 5, 7, 64] {
        let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), piece));
        ask(&mut session, 1);
        for _ in 0..if piece == 1 { 10 } else { 30 } {
            drops += drop_everywhere(&mut session);
        }
    }
    assert!(drops > 3000, "{drops}");
}

#[test]
fn in_id_mode_a_dropped_call_costs_no_sync() {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), usize::MAX));
    ask(&mut session, 1);
    for _ in 0..1000 {
        drop_everywhere(&mut session);
    }
    assert_eq!(session.transport().count("guest-sync-delimited"), 1);
}

/// The reply in single bytes, the command at once: what is dropped at any byte of a reply needs no sync either.
#[test]
fn in_id_mode_a_call_dropped_at_any_byte_of_its_reply_costs_no_sync() {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), 1).commands_whole());
    ask(&mut session, 1);
    let drops: usize = (0..50).map(|_| drop_everywhere(&mut session)).sum();
    assert!(drops > 2000, "{drops}");
    assert_eq!(session.transport().count("guest-sync-delimited"), 1);
}

#[test]
fn in_ordered_mode_the_next_call_gets_its_own_answer_too() {
    let mut drops = 0;
    for piece in [1, 3, usize::MAX] {
        let mut session = session(VirtualLine::new(Peer::agent(Guest::new()), piece).without_ids());
        ask(&mut session, 1);
        for _ in 0..10 {
            drops += drop_everywhere(&mut session);
        }
    }
    assert!(drops > 500, "{drops}");
}

/// Waiting, connecting and asking may be dropped anywhere, too, under any policy.
#[test]
fn waiting_is_dropped_at_every_point() {
    for second in [0, 1, 12] {
        for polls in 0.. {
            let second = std::time::Duration::from_secs(second);
            let line = VirtualLine::new(Peer::Silent, 64).then(second, Peer::agent(Guest::new()));
            let mut session = session(line);
            let deadline = session.deadline(std::time::Duration::from_secs(60));
            let outcome = poll_up_to(polls, session.wait_ready(deadline));
            let later = qga_proto::Instant::from_epoch(second);
            complete(qga_proto::Transport::sleep_until(session.transport_mut(), later));
            // The end of a connection that has gone meanwhile is told once.
            if complete(session.call(&GuestSync::new(5))).is_err() {
                complete(session.connect(deadline)).expect("there is an agent");
            }
            ask(&mut session, 6);
            if outcome.is_some() {
                break;
            }
        }
    }
}

/// Whatever status call is dropped, and wherever: the program's end is told once, and not lost.
#[test]
fn a_programs_end_is_not_lost_wherever_the_call_that_asked_for_it_is_dropped() {
    let guest = Guest::new().program("/bin/seven", Run::new().stdout("out\n").exit_code(7));
    for piece in [1, 16, usize::MAX] {
        let mut session = session(VirtualLine::new(Peer::agent(guest.clone()), piece).commands_whole());
        for polls in 0.. {
            let exec = GuestExec::new("/bin/seven").capture_output(GuestExecCaptureOutput::Flag(true));
            let pid = complete(session.call(&exec)).expect("it starts").pid;
            let status = GuestExecStatus::new(pid);
            let dropped = poll_up_to(polls, session.call(&status));
            let status = match &dropped {
                Some(outcome) => outcome.clone(),
                None => complete(session.call(&status)),
            };
            let status = status.unwrap_or_else(|error| panic!("dropped after {polls} polls: {error}"));
            assert_eq!((status.exited, status.exitcode), (true, Some(7)));
            assert_eq!(status.out_data.as_deref().map(Vec::as_slice), Some(&b"out\n"[..]));
            if dropped.is_some() {
                break;
            }
        }
        assert_eq!(session.transport().count("guest-sync-delimited"), 1);
    }
}
