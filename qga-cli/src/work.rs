//! Work at guests that takes several calls, and that a signal stops in order.
//!
//! A signal makes the flow that runs stop where it waits, at most 50 ms later: its future is dropped, which no flow
//! minds. What it has begun in the guest can then be put in order, until the grace is over; then the process ends.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant as StdInstant};

use qga_proto::{Config, Instant, OwnedCommand, Transport, os};
use qga_std::{Error, block_on};

use crate::cli::Cli;
use crate::connection::PATIENCE;
use crate::diagnosis;
use crate::error::{Failure, Kind};
use crate::guests::Guest;
use crate::signals::{self, Stoppable};

mod line;
use line::{Line, Stop};

/// A session whose futures stop on a signal. Flows run in it by [`Work::run`].
pub(crate) type Session = qga_proto::Session<Line, Vec<u8>>;

/// Does work at one guest, up to the deadline that the command line gives, or this one. The connections have ended when
/// this returns. After a signal it does not: what went wrong besides is reported, and the process ends.
pub(crate) fn with_guest<R>(
    cli: &Cli,
    guest: &Guest,
    timeout: Duration,
    work: impl FnOnce(&mut Work) -> Result<R, Failure>,
) -> Result<R, Failure> {
    with_guest_since(StdInstant::now(), cli, guest, timeout, work)
}

/// The same after something of here that began at this time. The deadline that the command line gives covers it, the other
/// does not.
pub(crate) fn with_guest_since<R>(
    begin: StdInstant,
    cli: &Cli,
    guest: &Guest,
    timeout: Duration,
    work: impl FnOnce(&mut Work) -> Result<R, Failure>,
) -> Result<R, Failure> {
    guest.check()?;
    signals::guard()?;
    let deadline = cli.timeout.map_or_else(|| StdInstant::now() + timeout, |timeout| begin + timeout);
    let stoppable = Stoppable::begin();
    let result = work(&mut Work::new(guest, deadline, stoppable.flag()));
    end(cli, stoppable, result.as_ref().err());
    result
}

/// The work is over. What failed for another reason than the signal would be told by nobody else.
fn end(cli: &Cli, stoppable: Stoppable, failure: Option<&Failure>) {
    if let Some(failure) = failure.filter(|_| stoppable.is_stopped()) {
        signals::settle(|| {
            if failure.kind() != Kind::Stopped {
                failure.report(cli.json);
            }
        });
    }
    stoppable.end();
}

/// Work at one guest.
pub(crate) struct Work {
    session: Session,
    deadline: Instant,
    address: String,
    stop: Stop,
}

/// A signal has come: put the guest in order, and return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

impl From<Stopped> for Failure {
    /// Nobody is told of it: the process ends with the signal's number.
    fn from(_: Stopped) -> Self {
        Self::new(Kind::Stopped, "a signal has stopped it")
    }
}

impl Work {
    fn new(guest: &Guest, deadline: StdInstant, flag: Arc<AtomicBool>) -> Self {
        let stop = Stop::new(flag);
        let line = Line::new(guest.clone(), stop.clone());
        let session = Session::unconnected(line, os::client(Config::default()));
        let deadline = session.deadline(deadline.saturating_duration_since(StdInstant::now()));
        Self { session, deadline, address: guest.address.clone(), stop }
    }

    /// Runs a flow, which gets the session and the deadline, to its end or to a signal:
    /// `work.run(async |session, deadline| session.call_until(&command, deadline).await)??`.
    pub(crate) fn run<R>(
        &mut self,
        flow: impl AsyncFnOnce(&mut Session, Instant) -> R,
    ) -> Result<R, Stopped> {
        poll(flow(&mut self.session, self.deadline))
    }

    /// Runs a flow that a signal stops only so much later: what it asks for must be known. It has time of its own.
    pub(crate) fn finish<R>(
        &mut self,
        grace: Duration,
        time: Duration,
        flow: impl AsyncFnOnce(&mut Session, Instant) -> R,
    ) -> Result<R, Stopped> {
        self.stop.set_grace(grace);
        let deadline = self.session.deadline(time);
        let result = poll(flow(&mut self.session, deadline));
        self.stop.set_grace(Duration::ZERO);
        result
    }

    /// Runs a flow that puts the guest in order: no signal stops it but the second one, and it has time of its own,
    /// also after the deadline.
    pub(crate) fn tidy<R>(
        &mut self,
        time: Duration,
        flow: impl AsyncFnOnce(&mut Session, Instant) -> R,
    ) -> R {
        self.stop.set_grace(Duration::MAX);
        let deadline = self.session.deadline(time);
        let result = block_on(flow(&mut self.session, deadline));
        self.stop.set_grace(Duration::ZERO);
        result
    }

    /// Calls a command. Why the agent refuses is found out.
    pub(crate) fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Failure> {
        self.flow(command.is_query(), async |session, deadline| session.call_until(command, deadline).await)
    }

    /// Runs a flow, as [`run`](Self::run) does. Why the agent refuses is found out.
    pub(crate) fn flow<R>(
        &mut self,
        is_query: bool,
        flow: impl AsyncFnOnce(&mut Session, Instant) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        self.run(flow)?.map_err(|error| self.explain(&error, is_query))
    }

    /// What an error of a call or flow is, as the user is told. Asks the agent why it has refused, if it has.
    pub(crate) fn explain(&mut self, error: &Error, is_query: bool) -> Failure {
        let diagnosis = self.run(async |session, deadline| {
            let until = deadline.min(session.deadline(PATIENCE));
            session.diagnose(error, until).await
        });
        match diagnosis {
            Ok(diagnosis) => diagnosis::of_call(error, &diagnosis, is_query, &self.address),
            Err(stopped) => stopped.into(),
        }
    }

    /// Sets how long a signal waits for the guest to be put in order; 4 s if not set.
    pub(crate) fn set_grace(&self, grace: Duration) {
        signals::set_grace(grace);
    }

    /// Becomes true when a signal comes.
    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(self.stop.flag())
    }

    /// Whether a signal has come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.flag().load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How much time there is to the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.deadline - self.session.transport().now()
    }

    /// The session, for what needs no waiting, such as its events.
    pub(crate) fn session(&mut self) -> &mut Session {
        &mut self.session
    }
}

/// Runs a future to its end, or to a signal.
fn poll<R>(future: impl Future<Output = R>) -> Result<R, Stopped> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result),
        // Only a line that has been stopped keeps anybody waiting.
        Poll::Pending => Err(Stopped),
    }
}

#[cfg(test)]
mod tests {
    use qga_proto::commands::GuestPing;

    use super::*;
    use crate::guests;

    fn work(address: &str, flag: &Arc<AtomicBool>) -> Work {
        let guest = guests::guest(address.to_owned());
        Work::new(&guest, StdInstant::now() + Duration::from_secs(60), Arc::clone(flag))
    }

    #[test]
    fn a_signal_stops_what_runs_but_not_what_tidies() {
        let flag = Arc::new(AtomicBool::new(false));
        let mut work = work("sim:", &flag);
        work.call(&GuestPing::new()).unwrap();
        flag.store(true, Ordering::Relaxed);
        assert_eq!(work.call(&GuestPing::new()).unwrap_err().kind(), Kind::Stopped);
        let ping =
            async |session: &mut Session, deadline| session.call_until(&GuestPing::new(), deadline).await;
        assert!(work.tidy(Duration::from_secs(20), ping).is_ok());
        assert!(matches!(work.run(ping), Err(Stopped)));
    }

    #[test]
    fn a_signal_stops_a_pause() {
        let flag = Arc::new(AtomicBool::new(false));
        let mut work = work("sim:", &flag);
        let stop = Arc::clone(&flag);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            stop.store(true, Ordering::Relaxed);
        });
        let pause =
            async |session: &mut Session, deadline| session.transport_mut().sleep_until(deadline).await;
        let start = StdInstant::now();
        assert_eq!(work.run(pause), Err(Stopped));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        thread.join().unwrap();
    }
}
