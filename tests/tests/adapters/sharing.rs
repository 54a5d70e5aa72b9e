//! One session for many threads.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as StdInstant};

use qga_proto::commands::{GuestGetHostName, GuestSync};
use qga_proto::{Sent, TimedOut};

use crate::agent::Agent;
use crate::runtime::{Error, Runtime, Shared};

cases! {
    each_of_many_threads_gets_its_own_answers(sim, real);
    who_gives_up_waiting_keeps_nobody_waiting(sim, real);
    no_more_wait_than_may(sim, real);
}

const TIMEOUT: Duration = Duration::from_secs(10);

async fn each_of_many_threads_gets_its_own_answers<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let name = session.call(&GuestGetHostName::new()).await.expect("an agent");
    let shared = R::share(session, 8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (shared, name) = (shared.clone(), &name);
            scope.spawn(move || {
                for call in 0..50 {
                    if call % 10 == thread {
                        let answer = R::run(shared.call(&GuestGetHostName::new()));
                        assert_eq!(&answer.expect("an agent"), name);
                    }
                    let number = 1000 * thread + call;
                    let answer = R::run(shared.call(&GuestSync::new(number)));
                    assert_eq!(answer.expect("an agent"), number);
                }
            });
        }
    });
}

async fn who_gives_up_waiting_keeps_nobody_waiting<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 8);
    let held = shared.lock(deadline::<R>(&shared)).await.expect("it is free");
    let impatient = ask_in_thread::<R>(&shared, 1, Duration::from_millis(100));
    let patient = ask_in_thread::<R>(&shared, 2, TIMEOUT);
    let error = impatient.join().expect("no panic").expect_err("it is held");
    assert!(matches!(error, Error::TimedOut(TimedOut { sent: Sent::Nothing, .. })), "{error:?}");
    drop(held);
    assert_eq!(patient.join().expect("no panic").expect("an agent"), 2);
    assert_eq!(shared.call(&GuestSync::new(3)).await.expect("an agent"), 3);
}

async fn no_more_wait_than_may<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 1);
    let held = shared.lock(deadline::<R>(&shared)).await.expect("it is free");
    let calls = [1, 2].map(|number| ask_in_thread::<R>(&shared, number, TIMEOUT));
    let start = StdInstant::now();
    while !calls.iter().any(JoinHandle::is_finished) {
        assert!(start.elapsed() < TIMEOUT / 2, "both wait");
        thread::sleep(Duration::from_millis(1));
    }
    drop(held);
    let results = calls.map(|call| call.join().expect("no panic"));
    match &results {
        [Err(Error::QueueFull { limit: 1 }), Ok(2)] | [Ok(1), Err(Error::QueueFull { limit: 1 })] => {}
        results => panic!("{results:?}"),
    }
}

fn deadline<R: Runtime>(shared: &Shared<R>) -> qga_proto::Instant {
    qga_proto::Clock::now(shared.clock()) + TIMEOUT
}

fn ask_in_thread<R: Runtime>(
    shared: &Shared<R>,
    number: i64,
    timeout: Duration,
) -> JoinHandle<Result<i64, Error>> {
    let shared = shared.clone();
    thread::spawn(move || R::run(shared.call_timeout(&GuestSync::new(number), timeout)))
}
