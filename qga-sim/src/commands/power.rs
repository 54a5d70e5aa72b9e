//! Commands that stop the guest, and that are silent when they succeed.

use qga_proto::Empty;
use qga_proto::commands::{GuestShutdown, GuestSuspendDisk, GuestSuspendHybrid, GuestSuspendRam};

use crate::error::Refusal;
use crate::guest::{Guest, Suspend};

pub(super) fn shut_down(guest: &mut Guest, shutdown: &GuestShutdown<'_>) -> Result<Empty, Refusal> {
    let mode = shutdown.mode.map_or("powerdown".into(), String::from);
    match mode.as_str() {
        "halt" | "powerdown" => guest.shut_down(false),
        "reboot" => guest.shut_down(true),
        // The real agent's words, without the second bracket.
        _ => return Err(Refusal::new("mode is invalid (valid values are: halt|powerdown|reboot")),
    }
    Ok(Empty {})
}

pub(super) fn suspend_disk(guest: &mut Guest, _: &GuestSuspendDisk) -> Result<Empty, Refusal> {
    suspend(guest, Suspend::Disk)
}

pub(super) fn suspend_ram(guest: &mut Guest, _: &GuestSuspendRam) -> Result<Empty, Refusal> {
    suspend(guest, Suspend::Ram)
}

/// What is on the disk is of use only to a guest that loses its power.
pub(super) fn suspend_hybrid(guest: &mut Guest, _: &GuestSuspendHybrid) -> Result<Empty, Refusal> {
    suspend(guest, Suspend::Ram)
}

fn suspend(guest: &mut Guest, to: Suspend) -> Result<Empty, Refusal> {
    let refused = |_| Refusal::new("the requested suspend mode is not supported by the guest");
    guest.suspend(to).map(|()| Empty {}).map_err(refused)
}
