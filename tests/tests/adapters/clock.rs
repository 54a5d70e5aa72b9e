//! The guest's clock.

use std::time::Duration;

use qga_proto::ClockReading;
use qga_std::wall_clock;

use crate::agent::Agent;
use crate::runtime::{Error, Runtime, Session};

cases! {
    a_clock_that_is_right_is_told_to_be(sim, real);
    a_clock_that_is_behind_is_set(late);
    a_clock_that_was_set_though_the_agent_refused_is_told(late_without_hardware);
    a_refusal_that_changed_nothing_is_one(frozen);
}

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;

/// How far off clocks may be on a machine that has other things to do.
const TOLERANCE: i64 = 5 * SECOND;

async fn read<R: Runtime>(session: &mut Session<R>) -> Result<ClockReading, Error> {
    let deadline = session.deadline(Duration::from_secs(20));
    session.read_clock(wall_clock(), deadline).await
}

async fn a_clock_that_is_right_is_told_to_be<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let before = wall_clock();
    let reading = read::<R>(&mut session).await.expect("a time");
    assert!((before - SECOND..=wall_clock() + SECOND).contains(&reading.guest), "{reading:?}");
    let off = Duration::from_nanos(reading.ahead.unsigned_abs());
    assert!(off <= reading.precision + Duration::from_secs(1), "{reading:?}");
    assert!(reading.precision < Duration::from_secs(20), "{reading:?}");
}

async fn a_clock_that_is_behind_is_set<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(20));
    let set = session.set_clock(wall_clock(), deadline).await.expect("it can be set");
    assert!((set.before.ahead + HOUR).abs() < TOLERANCE, "{set:?}");
    assert!(set.after.ahead.abs() < TOLERANCE, "{set:?}");
    assert_eq!(set.refusal, None);
    let reading = read::<R>(&mut session).await.expect("a time");
    assert!(reading.ahead.abs() < TOLERANCE, "{reading:?}");
}

async fn a_clock_that_was_set_though_the_agent_refused_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(20));
    let set = session.set_clock(wall_clock(), deadline).await.expect("it is set");
    assert!(set.after.ahead.abs() < TOLERANCE, "{set:?}");
    assert!(set.refusal.is_some());
    // Now it is right before and after, and nothing shows that the agent has done anything.
    let error = session.set_clock(wall_clock(), deadline).await.expect_err("it cannot be known");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}

async fn a_refusal_that_changed_nothing_is_one<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(20));
    let error = session.set_clock(wall_clock(), deadline).await.expect_err("it is frozen");
    assert!(error.refusal().is_some_and(qga_proto::Refusal::is_command_not_found), "{error:?}");
}
