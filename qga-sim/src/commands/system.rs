//! Commands that show the system.

use qga_proto::commands::{
    GuestFstrim, GuestGetCpustats, GuestGetDevices, GuestGetDisks, GuestGetDiskstats, GuestGetFsinfo,
    GuestGetHostName, GuestGetLoad, GuestGetOsinfo, GuestGetTimezone, GuestGetUsers,
};
use qga_proto::owned;

use crate::error::Refusal;
use crate::guest::{self, Guest};

pub(super) fn host_name(guest: &mut Guest, _: &GuestGetHostName) -> Result<owned::GuestHostName, Refusal> {
    Ok(owned::GuestHostName::new(&guest.host_name))
}

pub(super) fn os(guest: &mut Guest, _: &GuestGetOsinfo) -> Result<owned::GuestOSInfo, Refusal> {
    Ok(guest.os.clone())
}

pub(super) fn timezone(guest: &mut Guest, _: &GuestGetTimezone) -> Result<owned::GuestTimezone, Refusal> {
    Ok(guest.timezone.clone())
}

pub(super) fn users(guest: &mut Guest, _: &GuestGetUsers) -> Result<Vec<owned::GuestUser>, Refusal> {
    Ok(guest.users.clone())
}

pub(super) fn cpu_stats(
    guest: &mut Guest,
    _: &GuestGetCpustats,
) -> Result<Vec<owned::GuestCpuStats>, Refusal> {
    Ok(guest.processor_stats())
}

pub(super) fn load(guest: &mut Guest, _: &GuestGetLoad) -> Result<owned::GuestLoadAverage, Refusal> {
    Ok(guest.load)
}

pub(super) fn disks(guest: &mut Guest, _: &GuestGetDisks) -> Result<Vec<owned::GuestDiskInfo>, Refusal> {
    Ok(guest.disks.clone())
}

pub(super) fn disk_stats(
    guest: &mut Guest,
    _: &GuestGetDiskstats,
) -> Result<Vec<owned::GuestDiskStatsInfo>, Refusal> {
    Ok(guest.disk_stats.clone())
}

pub(super) fn file_systems(
    guest: &mut Guest,
    _: &GuestGetFsinfo,
) -> Result<Vec<owned::GuestFilesystemInfo>, Refusal> {
    Ok(guest.file_systems.clone())
}

pub(super) fn devices(
    guest: &mut Guest,
    _: &GuestGetDevices,
) -> Result<Vec<owned::GuestDeviceInfo>, Refusal> {
    Ok(guest.devices.clone())
}

/// What cannot be trimmed is no error, and what is on no block device is not tried.
pub(super) fn trim(
    guest: &mut Guest,
    trim: &GuestFstrim,
) -> Result<owned::GuestFilesystemTrimResponse, Refusal> {
    let minimum = trim.minimum.unwrap_or_default();
    let paths = guest.file_systems.iter().filter_map(|file_system| guest::trim(file_system, minimum));
    Ok(owned::GuestFilesystemTrimResponse::new(paths.collect()))
}
