//! Which address is the address.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use qga_proto::PrimaryAddress;

use crate::agent::Agent;
use crate::runtime::Runtime;

cases! {
    the_address_behind_the_cheapest_default_route_is_found(crowded);
    without_routes_it_is_the_first_of_version_4_on_a_real_interface(crowded_without_routes);
    the_address_of_this_machine_is_found(real);
    a_frozen_guest_is_told(frozen);
}

async fn find<R: Runtime>(agent: &Agent) -> Option<PrimaryAddress> {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(20));
    session.primary_address(deadline).await.expect("an answer")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

async fn the_address_behind_the_cheapest_default_route_is_found<R: Runtime>(agent: &Agent) {
    let found = find::<R>(agent).await.expect("there is one");
    assert_eq!((found.address, found.prefix), (address("198.51.100.7"), 24));
    assert_eq!((found.interface.as_str(), found.is_default_route), ("eth1", Some(true)));
}

async fn without_routes_it_is_the_first_of_version_4_on_a_real_interface<R: Runtime>(agent: &Agent) {
    let found = find::<R>(agent).await.expect("there is one");
    assert_eq!((found.address, found.prefix), (address("192.0.2.15"), 24));
    assert_eq!((found.interface.as_str(), found.is_default_route), ("eth0", None));
}

/// It may have none; but what is found must be an address of this machine.
async fn the_address_of_this_machine_is_found<R: Runtime>(agent: &Agent) {
    if let Some(found) = find::<R>(agent).await {
        assert!(!found.address.is_loopback());
        UdpSocket::bind((found.address, 0)).expect("nobody can bind to the address of another machine");
    }
}

async fn a_frozen_guest_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(Duration::from_secs(20));
    let error = session.primary_address(deadline).await.expect_err("it is frozen");
    assert!(error.refusal().is_some_and(|refusal| refusal.command == "guest-network-get-interfaces"));
}
