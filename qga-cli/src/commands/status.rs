//! `qga status`: whether the guest is frozen.

use std::time::Duration;

use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, escape};

pub(super) struct Question;

/// What an agent says of itself and of its guest.
pub(super) struct Status {
    /// `None`: it has no command that tells.
    is_frozen: Option<bool>,
    /// Its version, how many commands it has, and how many of them are disabled; if it tells.
    agent: Option<(String, usize, usize)>,
}

/// How long to wait for what the agent says of itself: some have no command for that, and never answer it.
const PATIENCE: Duration = Duration::from_secs(2);

impl ask::Question for Question {
    type Answer = Status;

    const COLUMNS: Columns<&'static str> = ["state", "agent", "", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Status, Failure> {
        connection.flow(true, async |session, deadline| {
            let is_frozen = session.is_frozen(deadline).await?;
            let until = deadline.min(session.deadline(PATIENCE));
            let agent = session.capabilities_until(until).await.ok().map(|capabilities| {
                let commands = &capabilities.info().supported_commands;
                let disabled = commands.iter().filter(|command| !command.enabled).count();
                (capabilities.version().to_owned(), commands.len(), disabled)
            });
            Ok(Status { is_frozen, agent })
        })
    }

    fn document(status: Status) -> String {
        let (version, commands, disabled) = match status.agent {
            Some((version, commands, disabled)) => (Some(version), Some(commands), Some(disabled)),
            None => (None, None, None),
        };
        output::document(&json!({
            "frozen": status.is_frozen,
            "version": version,
            "commands": commands,
            "disabled": disabled,
        }))
    }

    fn text(status: Status) -> String {
        let more = match status.is_frozen {
            Some(true) => "; nearly all commands are refused until it is thawed ('qga thaw')",
            Some(false) => "",
            None => ": the agent has no command that tells",
        };
        format!("{}{more}\n{}\n", state(&status), agent(&status))
    }

    fn cells(status: Status) -> Columns<String> {
        [state(&status).to_owned(), agent(&status), String::new(), String::new()]
    }
}

fn state(status: &Status) -> &'static str {
    match status.is_frozen {
        Some(true) => "frozen",
        Some(false) => "not frozen",
        None => "unknown",
    }
}

fn agent(status: &Status) -> String {
    match &status.agent {
        Some((version, commands, disabled)) => {
            format!("agent {}, {commands} commands, {disabled} disabled", escape::text(version))
        }
        None => "the agent does not say what it is".to_owned(),
    }
}
