//! What comes of freezing, of work on a frozen guest, and of thawing.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use qga_proto::commands::{GuestFsfreezeFreeze, GuestFsfreezeThaw, GuestGetHostName, GuestPing};
use qga_proto::{Error, Event, FreezeError, FreezeFailed, Misuse, Reconnect, Transport};
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};
use qga_std::block_on;
use qga_tests::scripted;

use crate::{HOUR, MINUTE, Outcome, Virtual, is_frozen, is_honest, session, sleep};

fn events(session: &mut Virtual) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

#[test]
fn work_is_done_on_a_frozen_guest_which_is_thawed_then() {
    let mut session = session(Guest::new());
    let deadline = session.deadline(MINUTE);
    let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
    assert_eq!(frozen.count(), 1);
    assert!(is_frozen(frozen.session()));
    let thawed = block_on(frozen.thaw(deadline)).expect("it thaws");
    assert_eq!((thawed.count, thawed.is_early, thawed.complaint), (Some(1), false, None));
    assert!(!is_frozen(&session));
    assert_eq!(block_on(session.with_frozen(MINUTE, async || 7)), Ok(7));
    assert!(!is_frozen(&session) && !session.may_be_frozen());
    block_on(session.call(&GuestGetHostName::new())).expect("all is as it was");
}

#[test]
fn what_is_named_is_frozen() {
    let mut session = session(Guest::new());
    assert_eq!(block_on(session.with_some_frozen(&["/"], MINUTE, async || 7)), Ok(7));
    let nothing = block_on(session.with_some_frozen(&["/nowhere"], MINUTE, async || panic!("not frozen")));
    let nothing: Outcome = nothing;
    assert_eq!(nothing, Err(FreezeError::NothingToFreeze.into()));
    assert!(!session.may_be_frozen());
}

#[test]
fn every_agent_freezes_or_says_that_it_does_not() {
    for personality in Personality::ALL {
        let mut session = session(Guest::with(personality));
        let outcome = block_on(session.with_frozen(MINUTE, async || ()));
        is_honest(&session, &outcome, personality.name());
        match personality {
            Personality::Apple => assert!(
                matches!(
                    &outcome,
                    Err(FreezeFailed { error: FreezeError::NotFrozen(Error::Refused(_)), .. })
                ),
                "{outcome:?}"
            ),
            _ => assert_eq!(outcome, Ok(()), "{personality}"),
        }
    }
}

/// The same again and again: the reply never comes.
#[test]
fn a_guest_whose_thaw_nobody_answers_is_said_to_be_frozen_maybe() {
    let sim = Sim::new(Guest::new())
        .fault(Fault::new(FaultKind::Lost).of("guest-fsfreeze-thaw"))
        .fault(Fault::new(FaultKind::WrongType).of("guest-fsfreeze-status"));
    let mut session = session(sim);
    let deadline = session.deadline(HOUR);
    let error = block_on(session.thaw(deadline)).expect_err("nobody knows");
    assert!(error.may_be_frozen(), "{error}");
    assert!(error.to_string().contains("MAY BE FROZEN"), "{error}");
}

/// Numbers without end are no thaw, and no harm.
#[test]
fn a_guest_that_thaws_more_than_there_can_be_is_not_believed() {
    let answers = [r#"9223372036854775807"#, r#""frozen""#].repeat(100);
    let mut session = scripted::session(&answers);
    let deadline = session.deadline(MINUTE);
    let error = block_on(session.thaw(deadline)).expect_err("it says that it is frozen");
    assert!(error.may_be_frozen(), "{error}");
}

#[test]
fn a_thaw_that_is_not_allowed_is_told_aloud_and_not_tried_for_ever() {
    let mut session = session(Guest::with(Personality::Qemu7).disable("guest-fsfreeze-thaw"));
    let start = session.deadline(Duration::ZERO);
    let failed = block_on(session.with_frozen(MINUTE, async || 7)).expect_err("it cannot be thawed");
    assert_eq!(failed.output, Some(7));
    assert!(matches!(failed.error, FreezeError::MayBeFrozen(Error::Refused(_))), "{failed}");
    assert!(session.deadline(Duration::ZERO) - start < Duration::from_secs(5));
    assert!(is_frozen(&session) && session.may_be_frozen());
    // It is said again, and by every call.
    assert_eq!(block_on(session.call(&GuestGetHostName::new())), Err(Error::MayBeFrozen));
    block_on(session.call(&GuestPing::new())).expect("that is for a frozen guest, too");
    assert!(session.may_be_frozen());
    assert_eq!(events(&mut session), [Event::MayBeFrozen]);
}

#[test]
fn what_is_not_for_a_frozen_guest_is_not_sent() {
    let mut session = session(Guest::new());
    let deadline = session.deadline(MINUTE);
    let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
    let session = frozen.session();
    let before = session.transport().sim().power();
    assert_eq!(block_on(session.call(&GuestGetHostName::new())), Err(Error::Misuse(Misuse::Frozen)));
    assert_eq!(block_on(session.call(&GuestFsfreezeFreeze::new())), Err(Error::Misuse(Misuse::Frozen)));
    let shutdown = block_on(session.shutdown(qga_proto::Shutdown::Powerdown, deadline));
    assert_eq!(shutdown, Err(Error::Misuse(Misuse::Frozen)));
    block_on(session.call(&GuestPing::new())).expect("a ping is for a frozen guest");
    assert_eq!(block_on(session.is_frozen(deadline)), Ok(Some(true)));
    assert!(matches!(block_on(session.freeze(deadline)), Err(FreezeError::AlreadyFrozen)));
    assert_eq!(session.transport().sim().power(), before);
    assert_eq!(block_on(frozen.thaw(deadline)).expect("it thaws").count, Some(1));
}

#[test]
fn what_another_client_has_frozen_stays_frozen_until_somebody_thaws_it() {
    for personality in [Personality::Qemu2, Personality::Qemu10, Personality::Minimal] {
        let mut session = session(Guest::with(personality).frozen());
        let outcome = block_on(session.with_frozen(MINUTE, async || ()));
        assert_eq!(outcome, Err(FreezeError::AlreadyFrozen.into()), "{personality}");
        assert!(is_frozen(&session) && !session.may_be_frozen());
        let deadline = session.deadline(MINUTE);
        assert_eq!(block_on(session.thaw(deadline)).expect("it thaws").held, None);
        assert!(!is_frozen(&session));
    }
}

#[test]
fn windows_thaws_by_itself_and_that_is_told() {
    for (held, is_early) in [(8, false), (12, true)] {
        let mut session = session(Guest::with(Personality::Windows));
        let deadline = session.deadline(MINUTE);
        let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
        sleep(frozen.session(), Duration::from_secs(held));
        let thawed = block_on(frozen.thaw(deadline)).expect("it is thawed");
        assert_eq!((thawed.is_early, thawed.held), (is_early, Some(Duration::from_secs(held))));
    }
}

/// Somebody else has thawed it.
#[test]
fn a_guest_that_was_thawed_before_it_was_thawed_is_told() {
    let mut session = session(Guest::new());
    let deadline = session.deadline(MINUTE);
    let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
    block_on(frozen.session().call(&GuestFsfreezeThaw::new())).expect("a thaw by hand");
    assert!(block_on(frozen.thaw(deadline)).expect("it is thawed").is_early);
    assert!(!session.may_be_frozen());
}

#[test]
fn work_that_takes_too_long_is_dropped_and_the_guest_thawed() {
    let mut session = session(Guest::new());
    let start = session.deadline(Duration::ZERO);
    let outcome: Outcome = block_on(session.with_frozen(MINUTE, async || pending().await));
    assert_eq!(outcome, Err(FreezeError::TimeOver.into()));
    assert_eq!(session.deadline(Duration::ZERO) - start, MINUTE);
    is_honest(&session, &outcome, "too long");
}

#[test]
fn work_that_panics_leaves_a_guest_that_is_thawed() {
    let mut session = session(Guest::new());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let outcome: Outcome = block_on(session.with_frozen(HOUR, async || panic!("a bug in the work")));
        outcome
    }));
    let panic = panicked.expect_err("the panic goes on");
    assert_eq!(panic.downcast_ref(), Some(&"a bug in the work"));
    assert!(!is_frozen(&session) && !session.may_be_frozen());
}

#[test]
fn a_guard_that_is_dropped_is_paid_for_beside_the_next_call() {
    let mut session = session(Guest::new());
    let deadline = session.deadline(MINUTE);
    drop(block_on(session.freeze(deadline)).expect("it freezes"));
    assert!(is_frozen(&session) && session.may_be_frozen());
    block_on(session.call(&GuestGetHostName::new())).expect("the guest has been thawed for that");
    assert!(!is_frozen(&session) && !session.may_be_frozen());
    assert_eq!(events(&mut session), [Event::MayBeFrozen, Event::Thawed]);
}

/// Under any policy: no guest stays frozen because nobody asked for a connection.
#[test]
fn a_debt_outlives_connections() {
    for policy in [Reconnect::NEVER, Reconnect::BACKOFF] {
        let mut session = session(Guest::new());
        session.set_reconnect(policy);
        let deadline = session.deadline(MINUTE);
        let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
        frozen.session().transport_mut().disconnect();
        drop(frozen);
        assert_eq!(block_on(session.call(&GuestGetHostName::new())).expect("an answer").host_name, "guest");
        assert!(!is_frozen(&session) && !session.may_be_frozen());

        let mut frozen = block_on(session.freeze(deadline)).expect("it freezes");
        frozen.session().transport_mut().disconnect();
        let thawed = block_on(frozen.thaw(deadline)).expect("it thaws over another connection");
        assert!(!thawed.is_early, "{thawed:?}");
        assert!(!is_frozen(&session) && !session.may_be_frozen());
    }
}

#[test]
fn a_debt_that_cannot_be_paid_now_is_paid_later() {
    let mut session = session(Guest::new());
    let deadline = session.deadline(HOUR);
    drop(block_on(session.freeze(deadline)).expect("it freezes"));
    assert_eq!(
        block_on(session.call_timeout(&GuestGetHostName::new(), Duration::ZERO)),
        Err(Error::MayBeFrozen),
        "there is no time"
    );
    assert!(session.may_be_frozen());
    // A freeze does not make the debt be forgotten either.
    let now = session.deadline(Duration::ZERO);
    assert!(matches!(block_on(session.freeze(now)), Err(FreezeError::MayBeFrozen(_))));
    assert!(session.may_be_frozen() && is_frozen(&session));
    block_on(session.call(&GuestGetHostName::new())).expect("now there is");
    assert!(!session.may_be_frozen() && !is_frozen(&session));
}

#[test]
fn freezing_has_a_deadline_and_thawing_its_own_time() {
    let sim = Sim::new(Guest::new()).fault(Fault::new(FaultKind::Lost).of("guest-fsfreeze-freeze"));
    let mut session = session(sim);
    let deadline = session.deadline(MINUTE);
    let error = block_on(session.freeze(deadline)).expect_err("nobody says that it froze");
    assert!(matches!(error, FreezeError::NotFrozen(Error::TimedOut(_))), "{error}");
    let now = session.deadline(Duration::ZERO);
    assert!(now >= deadline && now - deadline <= session.timeouts().thaw);
    assert!(!is_frozen(&session) && !session.may_be_frozen());
}
