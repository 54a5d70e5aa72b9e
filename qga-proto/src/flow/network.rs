//! Which of a guest's many addresses is *the* address.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::commands::{GuestNetworkGetInterfaces, GuestNetworkGetRoute};
use crate::error::Error;
use crate::json::{self, Str};
#[cfg(feature = "alloc")]
use crate::owned;
use crate::session::Session;
use crate::text::Text;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view::{GuestIpAddress, GuestNetworkRoute};

/// The address at which a guest is most likely to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrimaryAddress {
    /// The address.
    pub address: IpAddr,
    /// How many bits of it say which network it is in: up to 32 or 128.
    pub prefix: u8,
    /// The interface that has it.
    pub interface: Text,
    /// Whether the guest sends by this interface what it knows no other way for. `None`: the agent does not tell; it can
    /// since QEMU 9.1, on Windows since 11.0.
    pub is_default_route: Option<bool>,
    /// The router behind which is what the guest knows no other way for, if a default route by this interface tells it.
    pub gateway: Option<IpAddr>,
}

/// What an agent tells of its guest's network.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Network {
    /// The address at which the guest is most likely to be reached; see [`Session::primary_address`].
    pub primary: Option<PrimaryAddress>,
    /// All interfaces.
    pub interfaces: Vec<owned::GuestNetworkInterface>,
    /// All routes. `None`: the agent does not tell.
    pub routes: Option<Vec<owned::GuestNetworkRoute>>,
}

/// How many default routes are looked at; nearly all guests have two at most.
const ROUTES: usize = 8;

/// How long to wait for routes at the most.
const PATIENCE: Duration = Duration::from_secs(3);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Finds the address at which the guest is most likely to be reached. `None`: it has none.
    ///
    /// Left out are addresses that nobody else can reach: those of loopback, link-local ones, and those of the networks
    /// that container and virtualization software makes inside the guest (told by the interface's name: `docker0`,
    /// `virbr0`, `veth...` and their like), unless the guest's default route leads there. Of the others that is chosen
    ///
    /// 1. to whose interface a default route of its own IP version leads, if the agent tells, the one with the lowest metric
    ///    before others;
    /// 2. of version 4 before 6, and of version 6 a global one before a unique local one (`fc00::/7`);
    /// 3. of an interface that is no tunnel or virtual switch, by its name (`tun0`, `wg0`, `vEthernet ...`);
    /// 4. that the agent names first.
    ///
    /// An agent that says nothing when it is asked for routes, as some do that lack the command, costs a quarter of the
    /// time, and no more than 3 s.
    ///
    /// Dropping the future leaves the session as any other dropped call does.
    ///
    /// # Errors
    ///
    /// As [`call_view_until`](Self::call_view_until) of `guest-network-get-interfaces`. That the agent does not tell routes
    /// is no error.
    pub async fn primary_address(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<PrimaryAddress>, Error<T::Error>> {
        let until = self.routes_until(deadline);
        let routes = match self.call_view_until(&GuestNetworkGetRoute::new(), until).await {
            Ok(routes) => Routes::read(routes.iter().map_while(Result::ok)),
            Err(error) if tells_nothing(&error) => None,
            Err(error) => return Err(error),
        };
        let interfaces = self.call_view_until(&GuestNetworkGetInterfaces::new(), deadline).await?;
        let mut search = Search { routes: routes.as_ref(), best: None };
        for interface in interfaces.iter() {
            let interface = interface.map_err(Error::undecodable)?;
            for address in interface.ip_addresses.iter().flat_map(json::List::iter) {
                search.look_at(interface.name, &address.map_err(Error::undecodable)?);
            }
        }
        Ok(search.found())
    }

    /// Asks for interfaces and routes, once each, and finds among them the address of
    /// [`primary_address`](Self::primary_address). Takes as long for routes as that does.
    ///
    /// Dropping the future leaves the session as any other dropped call does.
    ///
    /// # Errors
    ///
    /// As [`call_until`](Self::call_until) of `guest-network-get-interfaces`. That the agent does not tell routes is no
    /// error.
    #[cfg(feature = "alloc")]
    pub async fn network(&mut self, deadline: Instant) -> Result<Network, Error<T::Error>> {
        let until = self.routes_until(deadline);
        let routes = match self.call_until(&GuestNetworkGetRoute::new(), until).await {
            Ok(routes) => Some(routes),
            Err(error) if tells_nothing(&error) => None,
            Err(error) => return Err(error),
        };
        let interfaces = self.call_until(&GuestNetworkGetInterfaces::new(), deadline).await?;
        let defaults = routes.as_ref().and_then(|routes| Routes::read(routes.iter().map(view_of_route)));
        let mut search = Search { routes: defaults.as_ref(), best: None };
        for interface in &interfaces {
            for address in interface.ip_addresses.iter().flatten() {
                search.look_at(Str::new(&interface.name), &view_of_address(address));
            }
        }
        Ok(Network { primary: search.found(), interfaces, routes })
    }

    /// Up to when to wait for routes: some agents do not answer what they do not know.
    fn routes_until(&self, deadline: Instant) -> Instant {
        self.deadline(PATIENCE.min((deadline - self.transport.now()) / 4))
    }
}

/// Whether this says no more than that the agent does not tell.
fn tells_nothing<E>(error: &Error<E>) -> bool {
    matches!(error, Error::Refused(_) | Error::Protocol(_) | Error::ReplyTooLong { .. } | Error::TimedOut(_))
}

/// What counts of a route, as it would stand in a reply.
#[cfg(feature = "alloc")]
fn view_of_route(route: &owned::GuestNetworkRoute) -> GuestNetworkRoute<'_> {
    let mut view = GuestNetworkRoute::new(&*route.iface, &*route.destination, route.metric, route.version);
    view.gateway = route.gateway.as_deref().map(Str::new);
    view.mask = route.mask.as_deref().map(Str::new);
    view.flags = route.flags;
    view.desprefixlen = route.desprefixlen.as_deref().map(Str::new);
    view.nexthop = route.nexthop.as_deref().map(Str::new);
    view
}

#[cfg(feature = "alloc")]
fn view_of_address(address: &owned::GuestIpAddress) -> GuestIpAddress<'_> {
    // Of which version it is the address itself says.
    GuestIpAddress::new(&*address.ip_address, crate::view::GuestIpAddressType::Ipv4, address.prefix)
}

/// Keeps the best of the addresses that it looks at.
struct Search<'r> {
    routes: Option<&'r Routes>,
    best: Option<(Rank, PrimaryAddress)>,
}

impl Search<'_> {
    fn look_at(&mut self, interface: Str<'_>, address: &GuestIpAddress<'_>) {
        let Some(found) = judge(interface, address, self.routes) else { return };
        // Of equals the first.
        if self.best.as_ref().is_none_or(|(rank, _)| found.0 < *rank) {
            self.best = Some(found);
        }
    }

    fn found(self) -> Option<PrimaryAddress> {
        self.best.map(|(_, address)| address)
    }
}

/// How likely an address is not the one: by metric of its default route, family, kind of interface.
type Rank = (u64, u8, bool);

/// What an address is worth, if it is worth anything.
fn judge(
    name: Str<'_>,
    address: &GuestIpAddress<'_>,
    routes: Option<&Routes>,
) -> Option<(Rank, PrimaryAddress)> {
    let prefix = address.prefix;
    let address = parse(address.ip_address)?;
    let route = routes.and_then(|routes| routes.best(name, address.is_ipv6()));
    if !is_reachable(&address)
        || begins_with(name, &INNER) && route.is_none()
        || is_docker_bridge(name) && route.is_none()
    {
        return None;
    }
    let is_tunnel = begins_with(name, &TUNNELS);
    let rank = (route.map_or(u64::MAX, |route| route.metric.into()), family(&address), is_tunnel);
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let found = PrimaryAddress {
        address,
        prefix: u8::try_from(prefix).map_or(bits, |prefix| prefix.min(bits)),
        interface: Text::of(name),
        is_default_route: routes.map(|_| route.is_some()),
        gateway: route.and_then(|route| route.gateway),
    };
    Some((rank, found))
}

/// Version 4 first, then version 6's global addresses.
fn family(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 0,
        IpAddr::V6(address) if !address.is_unique_local() => 1,
        IpAddr::V6(_) => 2,
    }
}

fn is_reachable(address: &IpAddr) -> bool {
    let is_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(is_local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// How the names of interfaces begin that lead to nowhere but inside the guest.
const INNER: [&str; 14] = [
    "docker", "podman", "cni", "flannel", "cali", "cilium", "kube-", "weave", "nerdctl", "lxcbr", "lxdbr",
    "veth", "virbr", "Loopback",
];

/// How the names of tunnels and of Windows' virtual switches begin: somebody else may be reached there only.
const TUNNELS: [&str; 9] = ["tun", "tap", "wg", "tailscale", "zt", "ppp", "utun", "ipsec", "vEthernet"];

fn begins_with(name: Str<'_>, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| {
        let mut chars = name.chars();
        beginning.chars().all(|c| chars.next() == Some(c))
    })
}

/// Docker calls the bridges of its networks `br-` and 12 digits; `br0` and `br-lan` are real ones.
fn is_docker_bridge(name: Str<'_>) -> bool {
    begins_with(name, &["br-"])
        && name.chars().count() == 15
        && name.chars().skip(3).all(|c| c.is_ascii_hexdigit())
}

/// The longest text of an address: that of version 6 with a part of version 4 has 45 characters.
const ADDRESS: usize = 64;

/// An address, without the interface that may be named behind a `%`.
fn parse(text: Str<'_>) -> Option<IpAddr> {
    let mut buffer = [0; ADDRESS];
    text.copy_to(&mut buffer)?.split('%').next()?.parse().ok()
}

/// The guest's default routes.
struct Routes(heapless::Vec<DefaultRoute, ROUTES>);

struct DefaultRoute {
    interface: Text,
    is_v6: bool,
    metric: u32,
    gateway: Option<IpAddr>,
}

impl Routes {
    /// Reads what the agent tells, as far as it can be read. `None`: it tells nothing at all, as agents do that have the
    /// command and no way to know.
    fn read<'a>(routes: impl Iterator<Item = GuestNetworkRoute<'a>>) -> Option<Self> {
        let mut all = heapless::Vec::new();
        let mut is_empty = true;
        for route in routes {
            is_empty = false;
            if let Some(route) = DefaultRoute::of(&route) {
                // More than there is room for are not needed.
                let _ = all.push(route);
            }
        }
        (!is_empty).then_some(Self(all))
    }

    /// The best default route of an IP version that leads to an interface.
    fn best(&self, name: Str<'_>, is_v6: bool) -> Option<&DefaultRoute> {
        let routes = self.0.iter().filter(|route| route.is_v6 == is_v6 && name == *route.interface.as_str());
        routes.min_by_key(|route| route.metric)
    }
}

impl DefaultRoute {
    /// A route, if it is for everything that no other is for.
    fn of(route: &GuestNetworkRoute<'_>) -> Option<Self> {
        /// Linux's mark on routes that refuse what takes them: RTF_REJECT.
        const REJECT: u64 = 0x200;

        let is_v6 = route.version == 6;
        let is_whole =
            |text: Option<Str<'_>>| text.is_none_or(|text| text.chars().all(|c| c == '0' || c == '.'));
        let destination = parse(route.destination)?;
        let is_default = destination.is_unspecified()
            && destination.is_ipv6() == is_v6
            && is_whole(route.mask)
            && is_whole(route.desprefixlen);
        if !is_default || route.flags.is_some_and(|flags| flags & REJECT != 0) {
            return None;
        }
        let metric = u32::try_from(route.metric).unwrap_or(u32::MAX);
        let gateway = if is_v6 { route.nexthop } else { route.gateway };
        // Unspecified: what is sent goes to where it is for, without a router.
        let gateway = gateway.and_then(parse).filter(|gateway| !gateway.is_unspecified());
        Some(Self { interface: Text::of(route.iface), is_v6, metric, gateway })
    }
}

impl fmt::Display for PrimaryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::GuestIpAddressType::Ipv4;

    fn route<'a>(iface: &'a str, destination: &'a str, version: i64) -> GuestNetworkRoute<'a> {
        GuestNetworkRoute::new(iface, destination, 100, version)
    }

    #[test]
    fn default_routes() {
        let is_default = |route: GuestNetworkRoute<'_>| DefaultRoute::of(&route).is_some();
        assert!(is_default(route("eth0", "0.0.0.0", 4).mask("0.0.0.0")));
        assert!(is_default(route("eth0", "::", 6).desprefixlen("0")));
        assert!(is_default(route("eth0", "::", 6).desprefixlen("00")));
        assert!(!is_default(route("eth0", "0.0.0.0", 4).mask("128.0.0.0")), "half of all");
        assert!(!is_default(route("eth0", "::", 6).desprefixlen("3")));
        assert!(!is_default(route("eth0", "192.0.2.0", 4)));
        assert!(!is_default(route("eth0", "::", 4)));
        assert!(!is_default(route("lo", "::", 6).flags(0xFFFF_FFFF_8020_0200)), "it refuses");
        assert!(!is_default(route("eth0", "everywhere", 4)));
    }

    #[test]
    fn gateways() {
        let gateway = |route: GuestNetworkRoute<'_>| DefaultRoute::of(&route).unwrap().gateway;
        let address = |text: &str| text.parse().ok();
        assert_eq!(gateway(route("eth0", "0.0.0.0", 4).gateway("192.0.2.1")), address("192.0.2.1"));
        assert_eq!(gateway(route("eth0", "::", 6).nexthop("fe80::1")), address("fe80::1"));
        assert_eq!(gateway(route("tun0", "0.0.0.0", 4).gateway("0.0.0.0")), None);
        assert_eq!(gateway(route("eth0", "0.0.0.0", 4).gateway("somewhere")), None);
        assert_eq!(gateway(route("eth0", "0.0.0.0", 4)), None);
    }

    #[test]
    fn names_of_inner_networks() {
        let worth = |name: &str| {
            let address = GuestIpAddress::new("192.0.2.1", Ipv4, 24);
            judge(Str::new(name), &address, None).is_some()
        };
        for name in ["docker0", "br-0123456789ab", "veth12ab", "virbr0", "cni0"] {
            assert!(!worth(name), "{name}");
        }
        for name in ["eth0", "br0", "br-lan", "br-management01", "Ethernet", "wg0", "enp1s0", ""] {
            assert!(worth(name), "{name}");
        }
    }

    #[test]
    fn addresses_that_nobody_reaches() {
        for text in ["127.0.0.1", "::1", "169.254.3.4", "fe80::1%eth0", "0.0.0.0", "224.0.0.1", "ff02::1"] {
            assert!(!is_reachable(&parse(Str::new(text)).unwrap()), "{text}");
        }
        for text in ["10.0.0.1", "2001:db8::1", "fd00::1"] {
            assert!(is_reachable(&parse(Str::new(text)).unwrap()), "{text}");
        }
        assert_eq!(parse(Str::new("localhost")), None);
    }

    #[test]
    fn prefixes_that_cannot_be() {
        let prefix = |prefix| {
            let address = GuestIpAddress::new("192.0.2.1", Ipv4, prefix);
            judge(Str::new("eth0"), &address, None).unwrap().1.prefix
        };
        assert_eq!([24, 0, 33, -1, i64::MAX].map(prefix), [24, 0, 32, 32, 32]);
    }

    #[test]
    fn private_version_6_comes_last() {
        let address = |text: &str| text.parse().unwrap();
        let ranks = ["192.0.2.1", "2001:db8::1", "fd00::1"].map(|text| family(&address(text)));
        assert_eq!(ranks, [0, 1, 2]);
    }
}
