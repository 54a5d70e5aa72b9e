//! Commands about the network.

use qga_proto::commands::{GuestNetworkGetInterfaces, GuestNetworkGetRoute};
use qga_proto::owned::{GuestNetworkInterface, GuestNetworkRoute};

use crate::error::Refusal;
use crate::guest::Guest;

pub(super) fn interfaces(
    guest: &mut Guest,
    _: &GuestNetworkGetInterfaces,
) -> Result<Vec<GuestNetworkInterface>, Refusal> {
    Ok(guest.interfaces.clone())
}

pub(super) fn routes(guest: &mut Guest, _: &GuestNetworkGetRoute) -> Result<Vec<GuestNetworkRoute>, Refusal> {
    Ok(guest.routes.clone())
}
