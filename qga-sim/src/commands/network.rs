//! Commands about the network.

use qga_proto::commands::GuestNetworkGetInterfaces;
use qga_proto::owned::GuestNetworkInterface;

use crate::error::Refusal;
use crate::guest::Guest;

pub(super) fn interfaces(
    guest: &mut Guest,
    _: &GuestNetworkGetInterfaces,
) -> Result<Vec<GuestNetworkInterface>, Refusal> {
    Ok(guest.interfaces.clone())
}
