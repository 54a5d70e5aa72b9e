//! Futures that move from thread to thread.

use std::time::Duration;

use qga_proto::commands::{GuestPing, GuestSync};

use crate::agent::Agent;
use crate::runtime::{Runtime, Smol, Tokio};

/// What a runtime spawns must be `Send`, which only a concrete type shows.
macro_rules! tasks {
    ($($test:ident: $runtime:ident, $adapter:ident, $spawn:path;)+) => {$(
        #[test]
        fn $test() {
            let agent = Agent::sim();
            let address = agent.address();
            $runtime::run(async {
                let session = $spawn(async move {
                    let timeout = Duration::from_secs(10);
                    let mut session = $adapter::connect(&address, timeout).await.expect("an agent");
                    let deadline = session.deadline(timeout);
                    session.wait_ready(deadline).await.expect("an agent");
                    session.call(&GuestPing::new()).await.expect("an agent");
                    session.call_view(&GuestPing::new()).await.expect("an agent");
                    session.capabilities().await.expect("an agent");
                    let held = session.with_frozen(timeout, async || std::future::ready(7).await).await;
                    assert_eq!(held.expect("it freezes"), 7);
                    session
                });
                // Eight tasks, and the keeper.
                let shared = session.await.share(16);
                let keeper = $spawn(shared.clone().keep_thawed());
                let holder = shared.clone();
                let held = $spawn(async move { holder.with_frozen(Duration::from_secs(10), async || 8).await });
                assert_eq!(held.await.expect("it freezes"), 8);
                let tasks = [0, 1, 2, 3, 4, 5, 6, 7].map(|task| {
                    let shared = shared.clone();
                    $spawn(async move {
                        for number in 50 * task..50 * task + 50 {
                            let answer = shared.call(&GuestSync::new(number)).await;
                            assert_eq!(answer.expect("an agent"), number);
                        }
                        let deadline = qga_proto::Clock::now(shared.clock()) + Duration::from_secs(10);
                        let mut held = shared.lock(deadline).await.expect("a turn");
                        held.call(&GuestPing::new()).await.expect("an agent");
                    })
                });
                for task in tasks {
                    task.await;
                }
                drop(shared);
                keeper.await;
            });
        }
    )+};
}

tasks! {
    on_the_threads_of_tokio: Tokio, qga_tokio, spawn_tokio;
    on_the_threads_of_smol: Smol, qga_smol, smol::spawn;
}

fn spawn_tokio<F>(future: F) -> impl Future<Output = F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = tokio::spawn(future);
    async { task.await.expect("no panic") }
}
