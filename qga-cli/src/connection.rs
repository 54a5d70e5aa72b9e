//! From an address to calls, under one deadline.

use std::time::{Duration, Instant};

use qga_proto::OwnedCommand;
use qga_std::{AnyStream, Session, connect_until};

use crate::cli::Cli;
use crate::error::{Failure, Kind, call_failed, reason};
use crate::{diagnosis, signals};

/// The address of the simulated guest inside this program.
const SIMULATION: &str = "sim:";

/// A connection to an agent. Everything over it ends at one deadline.
pub(crate) struct Connection {
    // Dropped in this order: the session ends before the guard against signals.
    session: Session,
    _guard: signals::Guard,
    address: String,
    deadline: Instant,
}

impl Connection {
    /// Connects to the agent that the command line names. The deadline counts from here.
    pub(crate) fn open(cli: &Cli) -> Result<Self, Failure> {
        let Some(address) = cli.address() else {
            return Err(Failure::usage("no agent's address is given")
                .advise("say -c unix:PATH (or set QGA_CONNECT), or -c sim: for a simulated guest"));
        };
        let deadline = Instant::now() + cli.timeout;
        let stream = match address {
            SIMULATION => simulate().map_err(|failure| failure.at(address))?,
            address => connect_until(address, deadline)?,
        };
        let guard = signals::Guard::new(&stream).map_err(|failure| failure.at(address))?;
        Ok(Self { session: Session::new(stream), _guard: guard, address: address.to_owned(), deadline })
    }

    /// Calls a command. That the agent says it has none such is explained.
    pub(crate) fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Failure> {
        self.try_call(command).map_err(|failure| diagnosis::explain(self, command.name(), failure))
    }

    /// Calls a command that may well be refused.
    pub(crate) fn try_call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Failure> {
        let left = self.left();
        self.session.call_timeout(command, left).map_err(|error| call_failed(error).at(&self.address))
    }

    /// Brings the deadline forward, if it is later than this from now.
    pub(crate) fn hurry(&mut self, left: Duration) {
        self.deadline = self.deadline.min(Instant::now() + left);
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Starts the simulated guest, in threads of this process.
fn simulate() -> Result<AnyStream, Failure> {
    match qga_sim::spawn(qga_sim::Guest::new()) {
        Ok(stream) => Ok(AnyStream::Socket(stream.into())),
        Err(error) => {
            Err(Failure::new(Kind::Connection, format!("cannot simulate a guest: {}", reason(&error))))
        }
    }
}
