//! Commands that freeze the file systems.

use qga_proto::commands::{GuestFsfreezeFreeze, GuestFsfreezeStatus, GuestFsfreezeThaw};
use qga_proto::owned;
use serde::Deserialize;

use crate::error::Refusal;
use crate::guest::Guest;

/// `guest-fsfreeze-freeze-list`, with every mount point known to be a string before anything is frozen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeList {
    mountpoints: Option<Vec<String>>,
}

pub(super) fn status(
    guest: &mut Guest,
    _: &GuestFsfreezeStatus,
) -> Result<owned::GuestFsfreezeStatus, Refusal> {
    Ok(if guest.is_frozen() {
        owned::GuestFsfreezeStatus::Frozen
    } else {
        owned::GuestFsfreezeStatus::Thawed
    })
}

pub(super) fn freeze(guest: &mut Guest, _: &GuestFsfreezeFreeze) -> Result<i64, Refusal> {
    // Only where it is not refused for that: such an agent says of what fails that it was none.
    if guest.is_frozen() {
        return Ok(0);
    }
    Ok(guest.freeze(|_| true) as i64)
}

/// Mount points that there are not are no error.
pub(super) fn freeze_list(guest: &mut Guest, list: &FreezeList) -> Result<i64, Refusal> {
    let is_chosen = |mountpoint: &str| {
        list.mountpoints.as_ref().is_none_or(|chosen| chosen.iter().any(|chosen| chosen == mountpoint))
    };
    Ok(guest.freeze(is_chosen) as i64)
}

pub(super) fn thaw(guest: &mut Guest, _: &GuestFsfreezeThaw) -> Result<i64, Refusal> {
    let lapsed = |_| Refusal::new("couldn't hold writes: fsfreeze is limited up to 10 seconds: ");
    guest.thaw().map(|count| count as i64).map_err(lapsed)
}
