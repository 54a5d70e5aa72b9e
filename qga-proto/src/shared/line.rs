//! A queue before something that one at a time can hold.

use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Hands one thing out, to one after the other, in the order in which they came.
pub(super) struct Line<S>(Arc<Mutex<State<S>>>);

struct State<S> {
    /// The thing, while nobody holds it.
    free: Option<S>,
    waiting: VecDeque<Waiter>,
    /// How many may wait.
    limit: usize,
    tickets: u64,
}

struct Waiter {
    ticket: u64,
    waker: Waker,
}

/// As many wait as may.
#[derive(Debug)]
pub(super) struct Full {
    pub(super) limit: usize,
}

impl<S> Line<S> {
    pub(super) fn new(thing: S, limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: Some(thing), waiting: VecDeque::new(), limit, tickets: 0 })))
    }

    /// Waits for the thing. Dropping the future leaves the queue.
    pub(super) fn take(&self) -> Turn<S> {
        Turn { line: self.clone(), ticket: None }
    }

    /// Whether nobody else can take the thing.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        // Nothing panics while it is locked; and what it holds is consistent at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever is first, if the thing is free.
    fn wake(&self, state: MutexGuard<'_, State<S>>) {
        let waker = state.waiting.front().filter(|_| state.free.is_some()).map(|first| first.waker.clone());
        // Whatever a waker does, or its drop, it does not do it under the lock.
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<S> Clone for Line<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Waits for its turn.
pub(super) struct Turn<S> {
    line: Line<S>,
    /// There while it is in the queue.
    ticket: Option<u64>,
}

impl<S> Future for Turn<S> {
    type Output = Result<Held<S>, Full>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let turn = &mut *self;
        let mut guard = turn.line.state();
        let state = &mut *guard;
        let is_first = state.waiting.front().map(|first| first.ticket) == turn.ticket;
        if is_first && let Some(thing) = state.free.take() {
            let waiter = turn.ticket.take().and_then(|_| state.waiting.pop_front());
            drop(guard);
            drop(waiter);
            return Poll::Ready(Ok(Held { thing: Some(thing), line: turn.line.clone() }));
        }
        if let Some(waiter) = state.waiting.iter_mut().find(|waiter| Some(waiter.ticket) == turn.ticket) {
            let old = mem::replace(&mut waiter.waker, context.waker().clone());
            drop(guard);
            drop(old);
            return Poll::Pending;
        }
        if state.waiting.len() >= state.limit {
            return Poll::Ready(Err(Full { limit: state.limit }));
        }
        state.tickets += 1;
        turn.ticket = Some(state.tickets);
        state.waiting.push_back(Waiter { ticket: state.tickets, waker: context.waker().clone() });
        Poll::Pending
    }
}

impl<S> Drop for Turn<S> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = self.line.state();
        let at = state.waiting.iter().position(|waiter| waiter.ticket == ticket);
        let waiter = at.and_then(|at| state.waiting.remove(at));
        // It may have been woken, and is not there to take its turn.
        self.line.wake(state);
        drop(waiter);
    }
}

/// The thing, until this is dropped.
pub(super) struct Held<S> {
    thing: Option<S>,
    line: Line<S>,
}

impl<S> Held<S> {
    pub(super) fn get(&self) -> &S {
        self.thing.as_ref().expect("it is there until the drop")
    }

    pub(super) fn get_mut(&mut self) -> &mut S {
        self.thing.as_mut().expect("it is there until the drop")
    }
}

impl<S> Drop for Held<S> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        state.free = self.thing.take();
        self.line.wake(state);
    }
}

#[cfg(test)]
mod tests {
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Poll};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll<S>(turn: &mut Turn<S>, count: &Arc<Count>) -> Poll<Result<Held<S>, Full>> {
        pin!(turn).poll(&mut Context::from_waker(&Waker::from(count.clone())))
    }

    #[test]
    fn first_come_first_served() {
        let line = Line::new((), 8);
        let count = Arc::new(Count::default());
        let Poll::Ready(Ok(held)) = poll(&mut line.take(), &count) else { panic!("it is free") };
        let mut turns = [line.take(), line.take(), line.take()];
        assert!(turns.iter_mut().all(|turn| poll(turn, &count).is_pending()));
        drop(held);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        // Whoever comes now does not get before those who wait, though it is free.
        let mut late = line.take();
        assert!(poll(&mut late, &count).is_pending());
        assert!(poll(&mut turns[1], &count).is_pending());
        for turn in turns.iter_mut().chain([&mut late]) {
            assert!(poll(turn, &count).is_ready());
        }
    }

    #[test]
    fn one_who_is_woken_and_leaves_wakes_the_next() {
        let line = Line::new((), 8);
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let held = poll(&mut line.take(), &first);
        let (mut a, mut b) = (line.take(), line.take());
        assert!(poll(&mut a, &first).is_pending() && poll(&mut b, &second).is_pending());
        drop(held);
        assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (1, 0));
        drop(a);
        assert_eq!(second.0.load(Ordering::SeqCst), 1);
        assert!(poll(&mut b, &second).is_ready());
    }

    #[test]
    fn no_more_wait_than_may() {
        let line = Line::new((), 1);
        let count = Arc::new(Count::default());
        let _held = poll(&mut line.take(), &count);
        let mut first = line.take();
        assert!(poll(&mut first, &count).is_pending());
        assert!(matches!(poll(&mut line.take(), &count), Poll::Ready(Err(Full { limit: 1 }))));
        drop(first);
        assert!(poll(&mut line.take(), &count).is_pending());
    }
}
