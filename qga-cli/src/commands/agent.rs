//! The agent that is asked what it has of the schema's commands, and beyond.

use std::time::Instant;

use qga_proto::commands::GuestInfo;
use qga_proto::{Capabilities, Support};

use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::guests::Guests;
use crate::signals;

/// An agent that has said what it can do.
pub(super) struct Agent {
    pub(super) address: String,
    pub(super) capabilities: Capabilities,
}

impl Agent {
    /// Asks the agent, if the command line names one.
    pub(super) fn ask(cli: &Cli) -> Result<Option<Self>, Failure> {
        let Some(guest) = Guests::of(cli)?.at_most_one("commands")? else { return Ok(None) };
        signals::guard()?;
        let timeout = cli.timeout.unwrap_or(super::TIMEOUT);
        let mut connection = Connection::new(&guest, Instant::now() + timeout);
        let capabilities = Capabilities::new(connection.call(&GuestInfo::new())?);
        Ok(Some(Self { address: guest.address, capabilities }))
    }

    /// What it does with a command, in a word.
    pub(super) fn support(&self, command: &str) -> &'static str {
        word(self.capabilities.support(command))
    }
}

/// What an agent does with a command, in a word.
pub(super) fn word(support: Support) -> &'static str {
    match support {
        Support::Enabled => "enabled",
        Support::Disabled => "disabled",
        Support::Missing => "missing",
        _ => "untold",
    }
}
