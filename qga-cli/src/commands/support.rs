//! What an agent has of the schema's commands, and beyond.

use qga_proto::commands::GuestInfo;
use qga_proto::owned::GuestAgentInfo;

use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;

/// What an agent does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    /// It has it, and refuses it: by configuration, or while the guest is frozen.
    Disabled,
    Missing,
    /// It does not say (before QEMU 1.1).
    Untold,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Missing => "missing",
            Self::Untold => "untold",
        }
    }
}

/// What an agent says that it can do.
pub(super) struct Support {
    pub(super) address: String,
    pub(super) agent: GuestAgentInfo,
}

impl Support {
    /// Asks the agent, if the command line names one.
    pub(super) fn ask(cli: &Cli) -> Result<Option<Self>, Failure> {
        if cli.address().is_none() {
            return Ok(None);
        }
        let mut connection = Connection::open(cli)?;
        let agent = connection.call(&GuestInfo::new())?;
        Ok(Some(Self { address: connection.address().to_owned(), agent }))
    }

    pub(super) fn state(&self, command: &str) -> State {
        state(&self.agent, command)
    }
}

/// What this agent does with a command.
pub(super) fn state(agent: &GuestAgentInfo, command: &str) -> State {
    match agent.supported_commands.iter().find(|known| known.name == command) {
        _ if agent.supported_commands.is_empty() => State::Untold,
        Some(known) if known.enabled => State::Enabled,
        Some(_) => State::Disabled,
        None => State::Missing,
    }
}
