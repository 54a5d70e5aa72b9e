//! Waiting for an agent, and what is seen until then.

use std::io;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use qga_proto::Diagnosis;
use qga_proto::commands::GuestFsfreezeThaw;

use crate::agent::Agent;
use crate::runtime::Runtime;

cases! {
    an_agent_that_starts_later_is_waited_for(sim, real);
    no_socket_is_told(nobody);
    a_socket_that_nobody_listens_on_is_told(nobody);
    a_listener_that_says_nothing_is_told(nobody);
    a_frozen_guest_is_told(frozen);
    a_frozen_guest_can_be_thawed_by_another_client_meanwhile(frozen);
}

async fn an_agent_that_starts_later_is_waited_for<R: Runtime>(agent: &Agent) {
    agent.stop();
    let start = agent.after(Duration::from_millis(300), Agent::restart);
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(10));
    let ready = session.wait_ready(deadline).await.expect("it starts");
    start.join().expect("it starts");
    assert!(!ready.capabilities.version().is_empty());
    assert!(
        (Duration::from_millis(250)..Duration::from_secs(5)).contains(&ready.waited),
        "{:?}",
        ready.waited
    );
}

async fn no_socket_is_told<R: Runtime>(agent: &Agent) {
    assert_seen::<R>(agent, Diagnosis::NoSocket).await;
}

async fn a_socket_that_nobody_listens_on_is_told<R: Runtime>(agent: &Agent) {
    agent.leave_socket();
    assert_seen::<R>(agent, Diagnosis::NotListening).await;
}

async fn a_listener_that_says_nothing_is_told<R: Runtime>(agent: &Agent) {
    let listener = UnixListener::bind(agent.path()).expect("a free path");
    thread::spawn(move || {
        for client in listener.incoming() {
            let _ = io::copy(&mut client.expect("a client"), &mut io::sink());
        }
    });
    assert_seen::<R>(agent, Diagnosis::Silent).await;
}

async fn a_frozen_guest_is_told<R: Runtime>(agent: &Agent) {
    assert_seen::<R>(agent, Diagnosis::Frozen).await;
}

/// Who waits does not keep the channel from who thaws.
async fn a_frozen_guest_can_be_thawed_by_another_client_meanwhile<R: Runtime>(agent: &Agent) {
    let thaw = agent.after(Duration::from_millis(600), |agent| {
        let mut other =
            qga_std::connect(&agent.address(), Duration::from_secs(5)).expect("there is an agent");
        other.call(&GuestFsfreezeThaw::new()).expect("it thaws");
    });
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(10));
    session.wait_ready(deadline).await.expect("it is thawed");
    thaw.join().expect("it is thawed");
}

/// Waits as long as it may, and says what it saw.
async fn assert_seen<R: Runtime>(agent: &Agent, seen: Diagnosis) {
    const TIMEOUT: Duration = Duration::from_millis(400);

    let mut session = R::connect_lazy(&agent.address());
    let error = session.wait_ready(session.deadline(TIMEOUT)).await.expect_err("nobody is ready");
    assert_eq!(error.diagnosis, seen);
    assert!((TIMEOUT..8 * TIMEOUT).contains(&error.waited), "{:?}", error.waited);
}
