//! Running programs: to the end, past the deadline, and waited for by others.

use std::time::Duration;

use qga_proto::exec::{Capture, End, Exec};

use crate::agent::Agent;
use crate::runtime::Runtime;

cases! {
    a_program_is_run_to_its_end(sim, real);
}

const SECOND: Duration = Duration::from_secs(1);

async fn a_program_is_run_to_its_end<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(20 * SECOND);
    let exec = Exec::new("cat").arg("-").input(&b"a\xffb"[..]);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!((outcome.end, &*outcome.stdout, &*outcome.stderr), (End::Exit(0), &b"a\xffb"[..], &b""[..]));
    assert!(!outcome.is_truncated());
    let exec = Exec::new("cat").arg("/no/such/file").capture(Capture::Err);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!(outcome.end, End::Exit(1));
    assert!(outcome.stdout.is_empty() && outcome.stderr.starts_with(b"cat: /no/such/file"));
}
