//! Freezing the guest, and thawing it whatever happens.

use std::future::pending;
use std::thread;
use std::time::Duration;

use qga_proto::commands::{GuestFsfreezeStatus, GuestGetHostName, GuestGetOsinfo, GuestPing};
use qga_proto::{Diagnosis, Error, Event, FreezeError, Misuse, Reconnect, owned};

use crate::agent::Agent;
use crate::connections::events;
use crate::dropping::poll_up_to;
use crate::runtime::{Runtime, Session};

cases! {
    work_is_done_on_a_frozen_guest(sim);
    a_guest_is_frozen_while_there_is_a_guard(sim);
    a_freeze_that_is_not_allowed_is_told(real);
    a_guest_that_is_frozen_already_stays_so(frozen);
    work_that_takes_too_long_is_dropped(sim);
    a_future_that_is_dropped_leaves_a_debt(sim);
    a_debt_is_paid_over_another_connection(sim);
    others_who_share_the_session_are_told_at_once(sim);
    a_shared_future_that_is_dropped_leaves_a_debt(sim);
    what_nobody_thaws_is_thawed_by_a_task(sim);
}

const MINUTE: Duration = Duration::from_secs(60);

async fn is_frozen<R: Runtime>(session: &mut Session<R>) -> bool {
    let deadline = session.deadline(MINUTE);
    session.is_frozen(deadline).await.expect("an agent") == Some(true)
}

async fn work_is_done_on_a_frozen_guest<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    assert_eq!(session.with_frozen(MINUTE, async || 7).await.expect("it freezes"), 7);
    assert_eq!(session.with_some_frozen(&["/"], MINUTE, async || 8).await.expect("it freezes"), 8);
    let failed =
        session.with_some_frozen(&["/nowhere"], MINUTE, async || 9).await.expect_err("there is none");
    assert!(matches!(failed.error, FreezeError::NothingToFreeze), "{failed}");
    assert_eq!(failed.output, None);
    assert!(!is_frozen::<R>(&mut session).await && !session.may_be_frozen());
}

async fn a_guest_is_frozen_while_there_is_a_guard<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let mut frozen = session.freeze(deadline).await.expect("it freezes");
    assert!(is_frozen::<R>(frozen.session()).await);
    let error = frozen.session().call(&GuestGetOsinfo::new()).await.expect_err("not while it is frozen");
    assert!(matches!(error, Error::Misuse(Misuse::Frozen)), "{error}");
    let thawed = frozen.thaw(deadline).await.expect("it thaws");
    assert_eq!((thawed.count, thawed.is_early), (Some(1), false));
    assert!(!is_frozen::<R>(&mut session).await);
    session.call(&GuestGetOsinfo::new()).await.expect("it is allowed again");
}

async fn a_freeze_that_is_not_allowed_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let outcomes = [
        session.freeze(deadline).await.map(|_| ()),
        session.freeze_some(&["/"], deadline).await.map(|_| ()),
        session.with_frozen(MINUTE, async || ()).await.map_err(|failed| failed.error),
    ];
    for outcome in outcomes {
        let Err(FreezeError::NotFrozen(error)) = outcome else { panic!("it is blocked: {outcome:?}") };
        assert_eq!(session.diagnose(&error, deadline).await, Diagnosis::Disabled, "{error}");
    }
    assert!(!session.may_be_frozen() && agent.is_alive());
}

async fn a_guest_that_is_frozen_already_stays_so<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let failed = session.with_frozen(MINUTE, async || ()).await.expect_err("somebody has frozen it");
    assert!(matches!(failed.error, FreezeError::AlreadyFrozen), "{failed}");
    assert!(is_frozen::<R>(&mut session).await);
    let deadline = session.deadline(MINUTE);
    assert_eq!(session.thaw(deadline).await.expect("it thaws").count, Some(1));
    assert!(!is_frozen::<R>(&mut session).await);
}

async fn work_that_takes_too_long_is_dropped<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let limit = Duration::from_millis(200);
    let failed = session.with_frozen(limit, async || pending::<()>().await).await.expect_err("it never ends");
    assert!(matches!(failed.error, FreezeError::TimeOver), "{failed}");
    assert!(!is_frozen::<R>(&mut session).await && !session.may_be_frozen());
}

async fn a_future_that_is_dropped_leaves_a_debt<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    for polls in 0.. {
        let outcome = poll_up_to(polls, session.with_frozen(MINUTE, async || ())).await;
        session.set_reconnect(Reconnect::BACKOFF);
        let os = session.call(&GuestGetHostName::new()).await.expect("the guest is thawed for that");
        assert_eq!(os.host_name, "guest");
        assert!(!session.may_be_frozen());
        if let Some(outcome) = outcome {
            outcome.expect("nothing is wrong");
            break;
        }
    }
    assert!(!is_frozen::<R>(&mut session).await);
}

async fn a_debt_is_paid_over_another_connection<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    drop(session.freeze(deadline).await.expect("it freezes"));
    assert!(session.may_be_frozen());
    session.connect(deadline).await.expect("another connection");
    assert!(session.may_be_frozen());
    session.call(&GuestGetHostName::new()).await.expect("the guest is thawed for that");
    assert!(!session.may_be_frozen() && !is_frozen::<R>(&mut session).await);
    let events = events::<R>(&mut session);
    assert!(events.contains(&Event::MayBeFrozen) && events.contains(&Event::Thawed), "{events:?}");
}

async fn others_who_share_the_session_are_told_at_once<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 8);
    let other = shared.clone();
    let work = async || {
        other.call(&GuestPing::new()).await.expect("a ping is for a frozen guest");
        let status = other.call(&GuestFsfreezeStatus::new()).await.expect("so is that");
        assert_eq!(status, owned::GuestFsfreezeStatus::Frozen);
        let failed = other.with_frozen(MINUTE, async || ()).await.expect_err("it is frozen already");
        assert!(matches!(failed.error, FreezeError::AlreadyFrozen), "{failed}");
        other.call(&GuestGetHostName::new()).await
    };
    let error =
        shared.with_frozen(MINUTE, work).await.expect("it freezes").expect_err("not while it is frozen");
    assert!(matches!(error, Error::Misuse(Misuse::Frozen)), "{error}");
    other.call(&GuestGetHostName::new()).await.expect("it is thawed");
}

async fn a_shared_future_that_is_dropped_leaves_a_debt<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 8);
    for polls in 0.. {
        let outcome = poll_up_to(polls, shared.with_frozen(MINUTE, async || ())).await;
        shared.call(&GuestGetHostName::new()).await.expect("the guest is thawed for that");
        if let Some(outcome) = outcome {
            outcome.expect("nothing is wrong");
            break;
        }
    }
    assert!(!shared.lock(shared.deadline(MINUTE)).await.expect("it is free").may_be_frozen());
}

async fn what_nobody_thaws_is_thawed_by_a_task<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 8);
    let deadline = shared.deadline(MINUTE);
    let mut session = shared.lock(deadline).await.expect("it is free");
    drop(session.freeze(deadline).await.expect("it freezes"));
    assert!(session.may_be_frozen());
    drop(session);
    let keeper = shared.clone();
    let keeper = thread::spawn(move || R::run(keeper.keep_thawed()));
    // No call, which would pay.
    while shared.lock(deadline).await.expect("it is free in between").may_be_frozen() {
        thread::sleep(Duration::from_millis(20));
    }
    drop(shared);
    keeper.join().expect("it ends with the last handle");
    assert!(!is_frozen::<R>(&mut R::connect_lazy(&agent.address())).await);
}

/// What only calls that block have: a guard that thaws when it is dropped, and a thread that thaws while the work goes on.
mod blocking {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_guard_that_is_dropped_thaws() {
        let agent = Agent::sim();
        let mut session = qga_std::connect(&agent.address(), MINUTE).expect("an agent");
        let frozen = session.freeze(MINUTE).expect("it freezes");
        assert!(agent.guest().is_frozen());
        drop(frozen);
        assert!(!agent.guest().is_frozen() && !session.may_be_frozen());
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _frozen = session.freeze(MINUTE).expect("it freezes");
            panic!("the snapshot went wrong");
        }));
        assert!(unwound.is_err() && !agent.guest().is_frozen());
        session.call(&GuestGetHostName::new()).expect("all is as it was");
    }

    #[test]
    fn work_that_panics_leaves_a_guest_that_is_thawed() {
        let agent = Agent::sim();
        let mut session = qga_std::connect(&agent.address(), MINUTE).expect("an agent");
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            session.with_frozen(MINUTE, || {
                assert!(agent.guest().is_frozen());
                panic!("the snapshot went wrong");
            })
        }));
        let panic = unwound.expect_err("it panics");
        assert_eq!(panic.downcast_ref(), Some(&"the snapshot went wrong"));
        assert!(!agent.guest().is_frozen() && !session.may_be_frozen());
    }

    /// The guest does not wait for what hangs.
    #[test]
    fn a_guest_is_thawed_while_its_work_takes_too_long() {
        let agent = Agent::sim();
        let mut session = qga_std::connect(&agent.address(), MINUTE).expect("an agent");
        let (is_thawed, wait) = mpsc::channel();
        let watch = agent.clone();
        let failed = session.with_frozen(Duration::from_millis(200), || {
            assert!(agent.guest().is_frozen());
            let watcher = thread::spawn(move || {
                while watch.guest().is_frozen() {
                    thread::sleep(Duration::from_millis(5));
                }
                is_thawed.send(()).expect("somebody waits");
            });
            let outcome = wait.recv_timeout(MINUTE);
            watcher.join().expect("it watches");
            outcome
        });
        let failed = failed.expect_err("its time was over");
        assert!(matches!(failed.error, FreezeError::TimeOver), "{failed}");
        assert_eq!(failed.output, Some(Ok(())), "it was thawed while the work went on");
        session.call(&GuestGetHostName::new()).expect("all is as it was");
    }
}
