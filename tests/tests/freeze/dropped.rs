//! Futures that freeze and thaw, dropped at every point where they can be: the guest is thawed by the next call, or it was
//! not frozen; and as long as it may be frozen the session says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use qga_proto::commands::GuestGetHostName;
use qga_proto::{Clock, FreezeError, Instant, Reconnect, Session, Shared};
use qga_sim::{Guest, Personality, Sim};
use qga_tests::virtual_line::{Peer, VirtualLine, complete, pending_once, poll_up_to, session};

use crate::MINUTE;

type Virtual = Session<VirtualLine, Vec<u8>>;

/// The pieces in which bytes go through.
const PIECES: [usize; 4] = [1, 7, 64, usize::MAX];

fn is_frozen(session: &Virtual) -> bool {
    session.transport().guest().is_some_and(Guest::is_frozen)
}

fn start(piece: usize, personality: Personality) -> Virtual {
    let mut session = session(VirtualLine::new(Peer::agent(Guest::with(personality)), piece));
    session.set_reconnect(Reconnect::BACKOFF);
    session
}

/// After a future was dropped.
#[track_caller]
fn is_thawed_by_the_next_call(session: &mut Virtual, what: &str) {
    assert!(
        session.may_be_frozen() || !is_frozen(session),
        "{what}: it is frozen, and the session does not know"
    );
    complete(session.call(&GuestGetHostName::new())).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!is_frozen(session) && !session.may_be_frozen(), "{what}");
}

#[test]
fn with_frozen() {
    let (mut drops, mut frozen) = (0, 0);
    for personality in [Personality::Qemu10, Personality::Qemu2, Personality::Minimal] {
        for piece in PIECES {
            for polls in 0.. {
                let mut session = start(piece, personality);
                let outcome = poll_up_to(polls, session.with_frozen(MINUTE, async || 7));
                frozen += u32::from(is_frozen(&session));
                is_thawed_by_the_next_call(
                    &mut session,
                    &format!("{personality} in {piece}s, {polls} polls"),
                );
                if let Some(outcome) = outcome {
                    assert_eq!(outcome.expect("nothing is wrong"), 7);
                    break;
                }
                drops += 1;
            }
        }
    }
    assert!(drops > 1000 && frozen > 100, "{drops} drops, {frozen} while it was frozen");
}

#[test]
fn with_frozen_through_a_shared_session() {
    let (mut drops, mut frozen) = (0, 0);
    for piece in PIECES {
        for polls in 0.. {
            let shared = Shared::new(start(piece, Personality::Qemu10), NoClock, 8);
            let outcome = poll_up_to(polls, shared.with_frozen(MINUTE, pending_once));
            complete(shared.call(&GuestGetHostName::new())).expect("the guest is thawed for that");
            let session = complete(shared.lock(MINUTE_LATER)).expect("it is free");
            assert!(!is_frozen(&session) && !session.may_be_frozen(), "in {piece}s, {polls} polls");
            frozen += u32::from(session.transport().count("guest-fsfreeze-freeze") > 0);
            if let Some(outcome) = outcome {
                outcome.expect("nothing is wrong");
                break;
            }
            drops += 1;
        }
    }
    assert!(drops > 200 && frozen > 100, "{drops} drops, {frozen} after the freeze");
}

const MINUTE_LATER: Instant = Instant::from_epoch(MINUTE);

/// A clock by which no time is over.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Instant {
        Instant::ZERO
    }

    async fn timeout<F: Future>(&self, future: F, _: Instant) -> Option<F::Output> {
        Some(future.await)
    }
}

#[test]
fn what_pays_a_debt() {
    let mut drops = 0;
    for piece in PIECES {
        for polls in 0.. {
            let mut session = start(piece, Personality::Qemu10);
            let deadline = session.deadline(MINUTE);
            drop(complete(session.freeze(deadline)).expect("it freezes"));
            let outcome = poll_up_to(polls, session.call(&GuestGetHostName::new()));
            is_thawed_by_the_next_call(&mut session, &format!("in {piece}s, {polls} polls"));
            if let Some(outcome) = outcome {
                outcome.expect("nothing is wrong");
                break;
            }
            drops += 1;
        }
    }
    assert!(drops > 200, "{drops}");
}

#[test]
fn a_thaw_by_hand_and_that_of_a_guard() {
    for piece in PIECES {
        for by_hand in [true, false] {
            for polls in 0.. {
                let mut session = start(piece, Personality::Qemu10);
                let deadline = session.deadline(MINUTE);
                let frozen = complete(session.freeze(deadline)).expect("it freezes");
                let outcome = if by_hand {
                    drop(frozen);
                    poll_up_to(polls, session.thaw(deadline))
                } else {
                    poll_up_to(polls, frozen.thaw(deadline))
                };
                is_thawed_by_the_next_call(&mut session, &format!("in {piece}s, {polls} polls"));
                if let Some(outcome) = outcome {
                    assert_eq!(outcome.expect("it thaws").count, Some(1));
                    break;
                }
            }
        }
    }
}

#[test]
fn work_that_panics_later() {
    let mut session = start(64, Personality::Qemu10);
    let work = async || {
        pending_once().await;
        panic!("a bug in the work");
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| complete(session.with_frozen(MINUTE, work)).is_ok()));
    assert_eq!(panicked.expect_err("the panic goes on").downcast_ref(), Some(&"a bug in the work"));
    assert!(!is_frozen(&session) && !session.may_be_frozen());
}

/// The commands by which a guest is frozen and thawed.
const COMMANDS: [&str; 3] = ["guest-fsfreeze-status", "guest-fsfreeze-freeze", "guest-fsfreeze-thaw"];

/// The agent dies after each byte of each command; another is there then, which finds the guest as it was left.
#[test]
fn an_agent_that_dies_at_every_byte() {
    for command in COMMANDS {
        let length = length_of(command);
        for bytes in 0..=length {
            let is_carried_out = bytes == length;
            let dies = Peer::Dies(Box::new(Sim::new(Guest::new())), bytes, command);
            let is_left_frozen = match command {
                "guest-fsfreeze-freeze" => is_carried_out,
                "guest-fsfreeze-thaw" => !is_carried_out,
                _ => false,
            };
            let guest = if is_left_frozen { Guest::new().frozen() } else { Guest::new() };
            let line = VirtualLine::new(dies, usize::MAX).then(Duration::ZERO, Peer::agent(guest));
            let mut session = session(line);
            session.set_reconnect(Reconnect::BACKOFF);
            let outcome = complete(session.with_frozen(MINUTE, async || 7));
            let what = format!("{command}, {bytes} of {length} bytes: {outcome:?}");
            assert_eq!(session.transport().connections, 2, "{what}");
            assert!(!is_frozen(&session) && !session.may_be_frozen(), "{what}");
            // A freeze that was begun is not done a second time, as nobody knows whether it was done; all else is.
            if command == "guest-fsfreeze-freeze" && bytes > 0 {
                let error = outcome.expect_err(&what).error;
                assert!(matches!(error, FreezeError::NotFrozen(_)), "{what}");
            } else {
                assert_eq!(outcome.expect(&what), 7);
            }
        }
    }
}

/// How long a command is on the line, with its newline.
fn length_of(command: &str) -> usize {
    let mut session = start(usize::MAX, Personality::Qemu10);
    complete(session.with_frozen(MINUTE, async || 7)).expect("nothing is wrong");
    let sent = &session.transport().sent;
    let line = sent.split_inclusive(|byte| *byte == b'\n').find(|line| contains(line, command));
    line.expect("it was sent").len()
}

fn contains(line: &[u8], word: &str) -> bool {
    line.windows(word.len()).any(|window| window == word.as_bytes())
}

/// The guest is as it was then.
#[test]
fn an_agent_that_is_replaced_while_the_guest_is_frozen() {
    let (first, second) = (Peer::agent(Guest::new()), Peer::agent(Guest::new().frozen()));
    let mut session = session(VirtualLine::new(first, 64).then(Duration::from_secs(1), second));
    session.set_reconnect(Reconnect::BACKOFF);
    let outcome = complete(session.with_frozen(Duration::from_secs(1), std::future::pending::<()>));
    assert!(outcome.is_err_and(|failed| !failed.error.may_be_frozen()));
    assert!(!is_frozen(&session) && !session.may_be_frozen());
}
