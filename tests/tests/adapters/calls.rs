//! Calls, and what they cost the calls after them.

use std::time::Duration;

use qga_proto::commands::{
    GuestFileClose, GuestFileOpen, GuestFileRead, GuestGetDevices, GuestGetOsinfo, GuestInfo, GuestPing,
    GuestSync,
};
use qga_proto::{Diagnosis, Instant, RawCommand, Sent, TimedOut};

use crate::agent::Agent;
use crate::runtime::{Error, Runtime, Session};
use crate::tap::Tap;

cases! {
    typed_and_raw_commands_are_answered(sim, real);
    a_refusal_keeps_its_class_and_is_explained(sim, real);
    a_large_reply_comes_whole(sim, real);
    a_call_that_times_out_costs_the_next_one_nothing(sim, real);
    deadlines_may_be_far_away_or_past(sim, real);
    capabilities_are_asked_for_once(sim, real);
    a_session_dropped_midway_through_a_reply_leaves_the_agent_alive(real);
}

async fn typed_and_raw_commands_are_answered<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    session.call(&GuestPing::new()).await.expect("ping");
    let os = session.call(&GuestGetOsinfo::new()).await.expect("osinfo");
    assert!(os.kernel_release.is_some());
    let raw = session.call(&RawCommand::new("guest-get-osinfo")).await.expect("osinfo, raw");
    assert_eq!(raw.as_raw().decode(), Ok(os));
    let info = session.call_view(&GuestInfo::new()).await.expect("info");
    assert!(!info.version.is_empty());
}

async fn a_refusal_keeps_its_class_and_is_explained<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let error = session.call(&RawCommand::new("no-such-command")).await.expect_err("there is none");
    let refusal = error.refusal().expect("a refusal");
    assert_eq!((refusal.command.as_str(), refusal.class.as_str()), ("no-such-command", "CommandNotFound"));
    let deadline = session.deadline(Duration::from_secs(5));
    let diagnosis = session.diagnose(&error, deadline).await;
    let Diagnosis::Unknown { version, since: None } = diagnosis else { panic!("{diagnosis:?}") };
    assert_eq!(version, session.capabilities().await.expect("info").version());
}

async fn a_large_reply_comes_whole<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let handle = open_large_file::<R>(agent, &mut session).await;
    let read = session.call(&GuestFileRead::new(handle).count(3_000_000)).await.expect("a read");
    assert_eq!((read.count, read.eof), (3_000_000, false));
    assert!(*read.buf_b64 == [b'x'; 3_000_000]);
    session.call(&GuestFileClose::new(handle)).await.expect("a close");
}

async fn a_call_that_times_out_costs_the_next_one_nothing<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let handle = open_large_file::<R>(agent, &mut session).await;
    let read = GuestFileRead::new(handle).count(4_000_000);
    let error = session.call_timeout(&read, Duration::from_millis(5)).await.expect_err("4 MB take longer");
    assert!(matches!(error, Error::TimedOut(TimedOut { heard: true, .. })), "{error:?}");
    ask::<R>(&mut session, 77).await;
    session.call(&GuestFileClose::new(handle)).await.expect("it is open");
}

async fn deadlines_may_be_far_away_or_past<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    session.call_until(&GuestPing::new(), Instant::FAR_FUTURE).await.expect("ping");
    session.call_timeout(&GuestPing::new(), Duration::MAX).await.expect("ping");
    let error = session.call_until(&GuestPing::new(), Instant::ZERO).await.expect_err("that was long ago");
    assert!(matches!(error, Error::TimedOut(TimedOut { sent: Sent::Nothing, .. })), "{error:?}");
    let shared = R::share(session, 8);
    shared.call_timeout(&GuestPing::new(), Duration::MAX).await.expect("ping");
    drop(shared.lock(Instant::FAR_FUTURE).await.expect("nobody has it"));
}

async fn capabilities_are_asked_for_once<R: Runtime>(agent: &Agent) {
    let tap = Tap::before(agent);
    let mut session = R::connect_lazy(&tap.address());
    for _ in 0..3 {
        assert!(session.supports::<GuestPing>().await.expect("info"));
        assert!(!session.supports::<GuestGetDevices>().await.expect("info"), "only Windows has it");
    }
    assert_eq!(tap.count("guest-info"), 1);
}

async fn a_session_dropped_midway_through_a_reply_leaves_the_agent_alive<R: Runtime>(agent: &Agent) {
    for wait in [1, 5, 20, 50] {
        let mut session = R::connect_lazy(&agent.address());
        let handle = open_large_file::<R>(agent, &mut session).await;
        let read = GuestFileRead::new(handle).count(4_000_000);
        // Some have timed out before, some have been answered.
        let _ = session.call_timeout(&read, Duration::from_millis(wait)).await;
        drop(session);
        let mut session = R::connect_lazy(&agent.address());
        ask::<R>(&mut session, 77).await;
        session.call(&GuestFileClose::new(handle)).await.expect("it is open");
    }
    assert!(agent.is_alive());
}

async fn open_large_file<R: Runtime>(agent: &Agent, session: &mut Session<R>) -> i64 {
    session.call(&GuestFileOpen::new(&agent.large_file())).await.expect("the file opens")
}

/// Calls what has an answer of its own.
pub(crate) async fn ask<R: Runtime>(session: &mut Session<R>, number: i64) {
    let answer = session.call(&GuestSync::new(number)).await;
    assert_eq!(answer.expect("an answer"), number);
}
