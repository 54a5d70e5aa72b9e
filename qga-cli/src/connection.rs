//! From an address to calls, under one deadline.

use std::io;
use std::time::{Duration, Instant};

use qga_proto::{Config, Diagnosis, OwnedCommand, Ready, Transport};
use qga_sim::Personality;
use qga_std::{AnyStream, Error, Session, block_on, dial};

use crate::diagnosis;
use crate::error::Failure;
use crate::guests::{self, Guest};
use crate::signals::Guarded;

/// How long it may take to find out why the agent refused: the refusal itself is already there to be told.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The longest reply that is taken of a guest of many, whose row shows little of it. One may have 64 MiB, and hundreds of
/// guests may be asked at the same time, each with a buffer of its own. Real replies of this kind are far shorter: a disk
/// has some 200 bytes, a processor 40.
pub(crate) const MOST_OF_MANY: usize = 4 * 1024 * 1024;

/// Calls to one guest's agent. Everything ends at one deadline.
pub(crate) struct Connection {
    session: Session<Guarded>,
    address: String,
    deadline: Instant,
}

/// The session in which flows run.
pub(crate) type Inner = qga_proto::Session<qga_std::Connection<Guarded>, Vec<u8>>;

impl Connection {
    /// For calls to a guest, the first of which connects.
    pub(crate) fn new(guest: &Guest, deadline: Instant) -> Self {
        let session = Session::with_connector(connector(guest));
        Self { session, address: guest.address.clone(), deadline }
    }

    /// Sets how many bytes a reply may have.
    pub(crate) fn limit_replies(&mut self, max_reply: usize) {
        let mut config = Config::default();
        config.max_reply = max_reply;
        self.session.as_inner().set_config(config);
    }

    /// Calls a command. Why the agent refuses is found out.
    pub(crate) fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Failure> {
        self.try_call(command).map_err(|error| self.explain(&error, command.is_query()))
    }

    /// Calls a command that may well be refused.
    pub(crate) fn try_call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error> {
        self.try_call_for(command, Duration::MAX)
    }

    /// The same, for no longer than a part of the time that there is.
    pub(crate) fn try_call_for<C: OwnedCommand>(
        &mut self,
        command: &C,
        limit: Duration,
    ) -> Result<C::Owned, Error> {
        let left = self.left();
        self.session.call_timeout(command, limit.min(left))
    }

    /// Runs a flow, which gets the session and the deadline. Why the agent refuses is found out.
    pub(crate) fn flow<R>(
        &mut self,
        is_query: bool,
        flow: impl AsyncFnOnce(&mut Inner, qga_proto::Instant) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        let left = self.left();
        let session = self.session.as_inner();
        let deadline = session.deadline(left);
        block_on(flow(session, deadline)).map_err(|error| self.explain(&error, is_query))
    }

    /// What an error of a call or flow is, as the user is told. Asks the agent why it has refused, if it has.
    fn explain(&mut self, error: &Error, is_query: bool) -> Failure {
        let diagnosis = self.session.diagnose(error, PATIENCE.min(self.left()));
        diagnosis::of_call(error, &diagnosis, is_query, &self.address)
    }

    /// What an error of [`try_call`](Self::try_call) is, by itself.
    pub(crate) fn failure(&self, error: &Error, is_query: bool) -> Failure {
        let diagnosis = Diagnosis::of::<qga_std::Connection<Guarded>>(error);
        diagnosis::of_call(error, &diagnosis, is_query, &self.address)
    }

    /// Waits until the agent answers and the guest is not frozen.
    pub(crate) fn wait_ready(&mut self) -> Result<Ready, Failure> {
        let left = self.left();
        self.session.wait_ready(left).map_err(|not_ready| diagnosis::of_wait(&not_ready, &self.address))
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How much time there is to the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Connects to a guest; gives the bare line, over which nothing was sent yet.
pub(crate) fn open(guest: &Guest, deadline: Instant) -> Result<qga_std::Connection<Guarded>, Failure> {
    let mut line = qga_std::Connection::with_connector(connector(guest));
    let deadline = line.now() + deadline.saturating_duration_since(Instant::now());
    match block_on(line.connect(deadline)) {
        Ok(_) => Ok(line),
        Err(error) => {
            let error = Error::Connect(error);
            let diagnosis = Diagnosis::of::<qga_std::Connection<Guarded>>(&error);
            Err(diagnosis::of_call(&error, &diagnosis, true, &guest.address))
        }
    }
}

/// Makes connections to a guest that signals end in order.
pub(crate) fn connector(guest: &Guest) -> impl FnMut(Instant) -> io::Result<Guarded> + Send + 'static {
    let address = guest.address.clone();
    move |deadline| {
        Guarded::new(match guests::simulation(&address) {
            Some(personality) => simulate(personality?)?,
            None => dial(&address, deadline)?,
        })
    }
}

/// Starts the simulated guest, in threads of this process.
fn simulate(personality: Personality) -> io::Result<AnyStream> {
    let stream = qga_sim::spawn(qga_sim::Guest::with(personality))?;
    Ok(AnyStream::Socket(stream.into()))
}
