//! Stopping a guest whose agent takes its time to say something.

use std::time::Duration;

use qga_proto::{Accepted, Error, Session, Shutdown, Suspend};
use qga_sim::{Guest, Sim, VirtualLine};
use qga_tests::virtual_line::complete;

const MINUTE: Duration = Duration::from_secs(60);

/// A session to a guest, with what goes wrong.
fn session(guest: Guest, fault: &str) -> Session<VirtualLine, Vec<u8>> {
    VirtualLine::new(Sim::new(guest).fault(fault.parse().expect("it is a fault"))).session()
}

/// The guest's program runs to its end before the agent refuses: longer than who does not wait waits.
#[test]
fn a_refusal_that_comes_late_is_one() {
    for how in [Shutdown::Powerdown, Shutdown::Halt, Shutdown::Reboot] {
        let mut session = session(Guest::new().disable("guest-shutdown"), "delay=30s@guest-shutdown");
        let deadline = session.deadline(2 * MINUTE);
        let result = complete(session.shutdown_and_wait(how, deadline));
        assert!(matches!(result, Err(Error::Refused(_))), "{how:?}: {result:?}");
    }
}

#[test]
fn a_refusal_to_sleep_that_comes_late_is_one() {
    let mut session = session(Guest::new().no_suspend(), "delay=12s@guest-suspend-ram");
    let deadline = session.deadline(2 * MINUTE);
    let result = complete(session.suspend_and_wait(Suspend::Ram, deadline));
    assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
}

/// Silence is no success as long as the agent answers in the end.
#[test]
fn an_agent_that_answers_after_a_silence_is_still_there() {
    let mut session = session(Guest::new().shutdown_time(60 * MINUTE), "delay=30s@sync#2");
    let deadline = session.deadline(2 * MINUTE);
    let result = complete(session.shutdown_and_wait(Shutdown::Reboot, deadline));
    assert_eq!(result.ok(), Some(Accepted::Going));
}

/// The next call has the patience that it had before.
#[test]
fn who_does_not_wait_is_told_of_silence_soon() {
    let mut session = session(Guest::new().disable("guest-shutdown"), "delay=30s@guest-shutdown");
    let deadline = session.deadline(2 * MINUTE);
    complete(session.shutdown_and_wait(Shutdown::Halt, deadline)).expect_err("it is refused");
    let start = session.deadline(Duration::ZERO);
    let deadline = session.deadline(2 * MINUTE);
    assert_eq!(complete(session.shutdown(Shutdown::Halt, deadline)).ok(), Some(Accepted::Gone));
    assert_eq!(session.deadline(Duration::ZERO) - start, Duration::from_secs(5));
}

/// Its answer to what was asked behind the command was lost: whether it has obeyed nobody knows.
#[test]
fn an_agent_that_is_there_after_a_long_silence_is_not_gone() {
    let mut session = session(Guest::new().shutdown_time(60 * MINUTE), "lost@sync#2");
    let deadline = session.deadline(2 * MINUTE);
    let result = complete(session.shutdown_and_wait(Shutdown::Reboot, deadline));
    assert!(result.as_ref().is_err_and(Error::is_fate_unknown), "{result:?}");
    assert!(session.is_connected());
}

#[test]
fn a_guest_that_says_nothing_for_15_s_sleeps() {
    let mut session = session(Guest::new(), "lost@guest-get-time");
    let deadline = session.deadline(2 * MINUTE);
    let result = complete(session.suspend_and_wait(Suspend::Ram, deadline));
    assert_eq!(result.ok(), Some(Accepted::Gone));
    assert_eq!(session.deadline(Duration::ZERO).since_epoch(), Duration::from_secs(15));
}
