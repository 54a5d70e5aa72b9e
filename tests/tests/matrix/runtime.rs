//! The adapters, with time that is virtual.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use qga_proto::{Client, Config, Instant, Session, Transport, os};
use qga_sim::VirtualLine;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use crate::cases;
use crate::outcome::{Outcome, Outcomes, Then};
use crate::world::{Stream, VirtualClock, World};

/// An adapter, and what runs its futures.
pub(crate) trait Runtime {
    /// Runs a case.
    fn run(line: VirtualLine, case: usize) -> Outcomes;
}

/// How long each call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a reply may be.
const MAX_REPLY: usize = 4 << 20;

fn session<T: Transport>(transport: T) -> Session<T, Vec<u8>> {
    let mut config = Config::default();
    config.max_reply = MAX_REPLY;
    let mut session = Session::unconnected(transport, Client::new(config, Vec::new(), Vec::new(), 1));
    session.set_timeout(TIMEOUT);
    session
}

/// Runs a case, and asks something after it.
async fn run<T: Transport<Error = io::Error>>(mut session: Session<T, Vec<u8>>, case: usize) -> Outcomes {
    let calls = Outcome::of(cases::run(case, &mut session).await);
    // Time enough for what is late, and for a guest to boot.
    let later = session.deadline(TIMEOUT);
    session.transport_mut().sleep_until(later).await;
    for then in [Then::Works, Then::Reconnects] {
        if then == Then::Reconnects || !session.is_connected() {
            let deadline = session.deadline(TIMEOUT);
            // Who fails here fails below.
            let _ = session.connect(deadline).await;
        }
        match Outcome::of(cases::query(&mut session).await) {
            Outcome::Done => return Outcomes { calls, then },
            Outcome::Wrong => return Outcomes { calls: Outcome::Wrong, then },
            Outcome::Refused => return Outcomes { calls, then: Then::Frozen },
            _ => {}
        }
    }
    Outcomes { calls, then: Then::Lost }
}

/// Blocking streams.
pub(crate) struct Std;

impl Runtime for Std {
    fn run(line: VirtualLine, case: usize) -> Outcomes {
        let world = World::new(line);
        world.enter();
        let transport = qga_std::Connection::with_clock(move |_| world.connect(), VirtualClock);
        qga_std::block_on(run(session(transport), case))
    }
}

/// Smol's streams and executor. Its timers alone are not smol's.
pub(crate) struct Smol;

impl Runtime for Smol {
    fn run(line: VirtualLine, case: usize) -> Outcomes {
        let world = World::new(line);
        world.enter();
        let connect = move || {
            let stream = world.connect();
            async move { stream.map(qga_smol::Stream::new) }
        };
        let transport = os::Connection::with_connector(connect, VirtualClock);
        smol::block_on(run(session(transport), case))
    }
}

/// Tokio's streams, executor and timers, which go by a clock that is paused.
pub(crate) struct Tokio;

impl Runtime for Tokio {
    fn run(line: VirtualLine, case: usize) -> Outcomes {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (world, start) = (World::new(line), tokio::time::Instant::now());
            let connect = move || {
                keep_time(&world, start);
                let stream = world.connect();
                async move { stream.map(|stream| qga_tokio::Stream::new(Timed { stream, start, timer: None })) }
            };
            let clock = qga_tokio::Clock::new();
            run(session(qga_tokio::Connection::with_connector(connect, clock)), case).await
        })
    }
}

/// A stream whose time is tokio's.
struct Timed {
    stream: Stream,
    start: tokio::time::Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Tells the line what time it is.
fn keep_time(world: &World, start: tokio::time::Instant) {
    world.line().advance(Instant::from_epoch(start.elapsed()));
}

impl Timed {
    /// Waits for what happens next by itself. Pending, or time to look again.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(next) = self.stream.world().line().poll_timeout() else { return Poll::Pending };
        let timer = self.timer.insert(Box::pin(sleep_until(self.start + next.since_epoch())));
        timer.as_mut().poll(context)
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            keep_time(self.stream.world(), self.start);
            if let Some(n) = self.stream.read_now(buffer.initialize_unfilled()) {
                buffer.advance(n);
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_next(context));
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            keep_time(self.stream.world(), self.start);
            if let Some(n) = self.stream.write_now(bytes) {
                return Poll::Ready(Ok(n));
            }
            ready!(self.poll_next(context));
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
