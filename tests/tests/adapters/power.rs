//! Stopping the guest and putting it to sleep.

use std::time::Duration;

use qga_proto::commands::GuestGetHostName;
use qga_proto::{Accepted, Diagnosis, Error, Misuse, Shutdown, Suspend};

use crate::agent::Agent;
use crate::runtime::Runtime;

cases! {
    a_guest_shuts_down(sim);
    a_guest_starts_anew(sim);
    a_guest_falls_asleep(sim);
    a_guest_that_this_session_holds_frozen_is_not_stopped(sim);
    a_guest_that_another_client_has_frozen_is_not_stopped(frozen);
    what_is_not_allowed_is_told(real);
}

const MINUTE: Duration = Duration::from_secs(60);

async fn a_guest_shuts_down<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    session.call(&GuestGetHostName::new()).await.expect("it is there");
    let accepted = session.shutdown_and_wait(Shutdown::Powerdown, deadline).await.expect("it obeys");
    assert_eq!(accepted, Accepted::Gone);
    assert!(!session.is_connected());
    let error = session.call(&GuestGetHostName::new()).await.expect_err("it is gone");
    assert!(error.is_connection_lost(), "{error}");
}

async fn a_guest_starts_anew<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let accepted = session.shutdown(Shutdown::Reboot, deadline).await.expect("it obeys");
    assert_eq!(accepted, Accepted::Going);
    session.wait_ready(deadline).await.expect("it is still there, or again");
    session.shutdown_and_wait(Shutdown::Reboot, deadline).await.expect("it obeys");
    session.wait_ready(deadline).await.expect("it is there again");
    session.call(&GuestGetHostName::new()).await.expect("it is there");
}

async fn a_guest_falls_asleep<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let accepted = session.suspend_and_wait(Suspend::Ram, deadline).await.expect("it obeys");
    assert_eq!(accepted, Accepted::Gone);
    let second = Duration::from_secs(1);
    let error = session.call_timeout(&GuestGetHostName::new(), second).await.expect_err("it sleeps");
    assert!(error.is_timeout(), "{error}");
}

async fn a_guest_that_this_session_holds_frozen_is_not_stopped<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let mut frozen = session.freeze(deadline).await.expect("it freezes");
    let error = frozen.session().shutdown(Shutdown::Powerdown, deadline).await.expect_err("it is frozen");
    assert!(matches!(error, Error::Misuse(Misuse::Frozen)), "{error}");
    frozen.thaw(deadline).await.expect("it thaws");
    session.shutdown(Shutdown::Halt, deadline).await.expect("it obeys");
}

async fn a_guest_that_another_client_has_frozen_is_not_stopped<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let error = session.shutdown_and_wait(Shutdown::Powerdown, deadline).await.expect_err("it is frozen");
    assert_eq!(session.diagnose(&error, deadline).await, Diagnosis::Frozen, "{error}");
}

async fn what_is_not_allowed_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(MINUTE);
    let mut errors = Vec::new();
    for how in [Shutdown::Powerdown, Shutdown::Halt, Shutdown::Reboot] {
        errors.push(session.shutdown(how, deadline).await.expect_err("it is blocked"));
    }
    for how in [Suspend::Disk, Suspend::Ram, Suspend::Hybrid] {
        errors.push(session.suspend_and_wait(how, deadline).await.expect_err("it is blocked"));
    }
    for error in errors {
        assert_eq!(session.diagnose(&error, deadline).await, Diagnosis::Disabled, "{error}");
    }
    assert!(agent.is_alive());
}
