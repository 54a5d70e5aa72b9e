//! Commands about the agent itself.

use qga_proto::commands::{GuestInfo, GuestPing};
use qga_proto::owned::{GuestAgentCommandInfo, GuestAgentInfo};
use qga_proto::{Empty, metadata};

use crate::error::Refusal;
use crate::guest::Guest;
use crate::value::Value;

pub(super) fn ping(_: &mut Guest, _: &GuestPing) -> Result<Empty, Refusal> {
    Ok(Empty {})
}

pub(super) fn info(guest: &mut Guest, _: &GuestInfo) -> Result<GuestAgentInfo, Refusal> {
    // The real agent lists them from the last to the first, too.
    let commands = guest.names().into_iter().rev().map(|name| {
        let mut command = GuestAgentCommandInfo::new(name, guest.is_enabled(name));
        command.success_response = Some(
            metadata::command(name).is_none_or(|info| info.success_response || guest.traits().answers_silent),
        );
        command
    });
    Ok(GuestAgentInfo::new(&guest.version, commands.collect()))
}

/// Leaves of what is told of commands their names only.
pub(super) fn name_only(info: &mut Value) {
    let Value::Dict(info) = info else { return };
    for (_, commands) in info.0.iter_mut().filter(|(key, _)| key == "supported_commands") {
        let Value::List(commands) = commands else { return };
        for command in commands {
            if let Value::Dict(members) = command
                && let Some(name) = members.take("name")
            {
                *command = name;
            }
        }
    }
}
