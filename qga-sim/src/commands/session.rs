//! Commands about the agent itself.

use qga_proto::commands::{GuestInfo, GuestPing};
use qga_proto::owned::{GuestAgentCommandInfo, GuestAgentInfo};
use qga_proto::{Empty, metadata};

use super::names;
use crate::error::Refusal;
use crate::guest::Guest;

pub(super) fn ping(_: &mut Guest, _: &GuestPing) -> Result<Empty, Refusal> {
    Ok(Empty {})
}

pub(super) fn info(guest: &mut Guest, _: &GuestInfo) -> Result<GuestAgentInfo, Refusal> {
    // The real agent lists them from the last to the first, too.
    let commands = names().rev().map(|name| {
        let mut command = GuestAgentCommandInfo::new(name, guest.allows(name));
        command.success_response = metadata::command(name).map(|info| info.success_response);
        command
    });
    Ok(GuestAgentInfo::new(&guest.version, commands.collect()))
}
