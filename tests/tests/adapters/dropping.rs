//! Futures dropped after any poll, over real sockets: the next call gets its own answer.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use qga_proto::commands::{GuestFileClose, GuestFileOpen, GuestFileWrite, GuestInfo, GuestSync};

use crate::agent::Agent;
use crate::calls::ask;
use crate::runtime::Runtime;
use crate::tap::Tap;

cases! {
    a_dropped_call_costs_the_next_one_nothing(sim, real);
    a_call_dropped_midway_through_a_reply_costs_the_next_one_nothing(sim, real);
    a_call_dropped_midway_through_its_command_costs_the_next_one_nothing(sim, real);
    a_dropped_first_call_costs_the_next_one_nothing(sim, real);
    a_dropped_call_of_a_shared_session_keeps_nobody_waiting(sim, real);
}

async fn a_dropped_call_costs_the_next_one_nothing<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    ask::<R>(&mut session, 1).await;
    let (mut drops, mut number) = (0, 1000);
    while drops < 300 {
        for polls in 0.. {
            number += 2;
            let outcome = poll_up_to(polls, session.call(&GuestSync::new(number))).await;
            ask::<R>(&mut session, number + 1).await;
            if let Some(outcome) = outcome {
                assert_eq!(outcome.expect("an agent"), number);
                break;
            }
            drops += 1;
        }
    }
}

async fn a_call_dropped_midway_through_a_reply_costs_the_next_one_nothing<R: Runtime>(agent: &Agent) {
    let tap = Tap::slowly_before(agent);
    let mut session = R::connect_lazy(&tap.address());
    ask::<R>(&mut session, 1).await;
    let info = session.call(&GuestInfo::new()).await.expect("an agent");
    for polls in 0.. {
        let outcome = poll_up_to(polls, session.call(&GuestInfo::new())).await;
        ask::<R>(&mut session, 77).await;
        if let Some(outcome) = outcome {
            assert_eq!(outcome.expect("an agent"), info);
            break;
        }
    }
    assert_eq!(tap.count("guest-sync-delimited"), 1, "the line stays trusted");
}

/// More than a socket holds: the rest is never sent, and the agent is told to forget the beginning.
async fn a_call_dropped_midway_through_its_command_costs_the_next_one_nothing<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let path = agent.guest_path("new");
    let handle = session.call(&GuestFileOpen::new(&path).mode("w")).await.expect("the file opens");
    let content = vec![b'x'; 1_000_000];
    let write = GuestFileWrite::new(handle, &content);
    for polls in 0.. {
        let outcome = poll_up_to(polls, session.call(&write)).await;
        ask::<R>(&mut session, 77).await;
        if let Some(outcome) = outcome {
            assert_eq!(outcome.expect("an agent").count, 1_000_000);
            break;
        }
    }
    session.call(&GuestFileClose::new(handle)).await.expect("it is open");
}

async fn a_dropped_first_call_costs_the_next_one_nothing<R: Runtime>(agent: &Agent) {
    for polls in 0.. {
        let mut session = R::connect_lazy(&agent.address());
        let outcome = poll_up_to(polls, session.call(&GuestSync::new(77))).await;
        // Without a policy, a connection is made for the first call only.
        session.set_reconnect(qga_proto::Reconnect::BACKOFF);
        ask::<R>(&mut session, 78).await;
        if let Some(outcome) = outcome {
            assert_eq!(outcome.expect("an agent"), 77);
            break;
        }
    }
    assert!(agent.is_alive());
}

async fn a_dropped_call_of_a_shared_session_keeps_nobody_waiting<R: Runtime>(agent: &Agent) {
    let shared = R::share(R::connect_lazy(&agent.address()), 8);
    for round in 0..100 {
        for polls in 0.. {
            let number = 100 * round + 2 * i64::try_from(polls).expect("few polls");
            let outcome = poll_up_to(polls, shared.call(&GuestSync::new(number))).await;
            let answer = shared.call(&GuestSync::new(number + 1)).await;
            assert_eq!(answer.expect("an agent"), number + 1);
            if let Some(outcome) = outcome {
                assert_eq!(outcome.expect("an agent"), number);
                break;
            }
        }
    }
}

/// Polls a future so often at the most, each time when it is woken, and drops it then.
pub(crate) async fn poll_up_to<F: Future>(mut polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
