//! Agents are checked over every adapter alike.

use std::time::Duration;

use qga_conform::{Options, Verdict, check};
use qga_proto::commands::GuestPing;

use crate::agent::Agent;
use crate::runtime::Runtime;

cases! {
    all_checks_pass(sim, real);
    a_run_whose_time_is_over_costs_nothing(sim, real);
}

async fn all_checks_pass<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(10));
    session.connect(deadline).await.expect("it listens");
    for writes in [false, true] {
        let report = check(session.transport_mut(), &Options::new().writes(writes)).await;
        assert!(report.is_clean(), "{:?}", report.failed().collect::<Vec<_>>());
        assert_eq!(report.count(Verdict::NotRun) == 0, writes);
    }
    // Nothing of it is left on the line.
    session.call(&GuestPing::new()).await.expect("an answer");
    drop(session);
    assert!(agent.is_alive());
}

/// Whatever was under way, the next call is answered.
async fn a_run_whose_time_is_over_costs_nothing<R: Runtime>(agent: &Agent) {
    for milliseconds in [1, 3, 7, 15] {
        let mut session = R::connect_lazy(&agent.address());
        let deadline = session.deadline(Duration::from_secs(10));
        session.connect(deadline).await.expect("it listens");
        let options = Options::new().timeout(Duration::from_millis(milliseconds));
        let report = check(session.transport_mut(), &options).await;
        assert_eq!(report.failed().count(), 0, "{:?}", report.failed().collect::<Vec<_>>());
        session.call(&GuestPing::new()).await.expect("an answer");
    }
    assert!(agent.is_alive());
}
