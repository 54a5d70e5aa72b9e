//! `qga net`: the guest's addresses, and which of them is the one to use.

use qga_proto::PrimaryAddress;
use qga_proto::commands::{GuestNetworkGetInterfaces, GuestNetworkGetRoute};
use qga_proto::owned::{GuestNetworkInterface, GuestNetworkRoute};
use qga_std::Error;
use serde_json::{Value, json};

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, Table, brief, escape, units};

/// Show the guest's addresses, and which of them is the one to reach it by
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The primary address is that of an interface to which a default route leads, if
the agent tells routes (QEMU 9.1, on Windows 11.0); IPv4 comes before IPv6.
Loopback and link-local addresses, and the networks of containers inside the
guest, are no primary addresses. For scripts: qga net --json")]
pub(crate) struct Args {}

pub(super) struct Question;

pub(super) struct Answer {
    primary: Option<PrimaryAddress>,
    interfaces: Vec<GuestNetworkInterface>,
    routes: Option<Vec<GuestNetworkRoute>>,
}

impl ask::Question for Question {
    type Answer = Answer;

    const COLUMNS: Columns<&'static str> = ["address", "interface", "other addresses", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Answer, Failure> {
        let primary =
            connection.flow(true, async |session, deadline| session.primary_address(deadline).await)?;
        let interfaces = connection.call(&GuestNetworkGetInterfaces::new())?;
        let routes = match connection.try_call(&GuestNetworkGetRoute::new()) {
            Ok(routes) => Some(routes),
            Err(Error::Refused(_)) => None,
            Err(error) => return Err(connection.failure(&error, true)),
        };
        Ok(Answer { primary, interfaces, routes })
    }

    fn document(answer: Answer) -> String {
        output::document(&json!({
            "primary": answer.primary.as_ref().map(primary),
            "interfaces": answer.interfaces,
            "routes": answer.routes,
        }))
    }

    fn text(answer: Answer) -> String {
        let head = match &answer.primary {
            None => "There is no address by which others could reach it.\n".to_owned(),
            Some(primary) => {
                let via =
                    gateway(&answer).map(|gateway| format!(", by way of {gateway}")).unwrap_or_default();
                let interface = escape::text(primary.interface.as_str());
                format!("Primary address: {} ({interface}{via})\n", primary.address)
            }
        };
        format!("{head}\n{}", table(&answer.interfaces))
    }

    fn cells(answer: Answer) -> Columns<String> {
        let Some(primary) = &answer.primary else { return Columns::default() };
        let address = primary.address.to_string();
        let addresses = answer.interfaces.iter().flat_map(|one| one.ip_addresses.iter().flatten());
        let others = addresses.filter(|one| one.ip_address != address && !is_local(&one.ip_address));
        let others: Vec<_> = others.take(OTHERS).map(|one| brief(&one.ip_address)).collect();
        [address, brief(primary.interface.as_str()), others.join(", "), String::new()]
    }
}

/// How many other addresses a row has.
const OTHERS: usize = 4;

fn is_local(address: &str) -> bool {
    address.starts_with("127.") || address == "::1" || address.starts_with("fe80:")
}

fn primary(primary: &PrimaryAddress) -> Value {
    json!({
        "address": primary.address.to_string(),
        "prefix": primary.prefix,
        "interface": primary.interface.as_str(),
        "is_default_route": primary.is_default_route,
    })
}

/// The router behind which is everything that no other route leads to.
fn gateway(answer: &Answer) -> Option<String> {
    let primary = answer.primary.as_ref()?;
    let is_v6 = primary.address.is_ipv6();
    let is_default = |route: &&GuestNetworkRoute| {
        let is_whole = match is_v6 {
            true => route.destination == "::" && route.desprefixlen.as_deref().is_none_or(|len| len == "0"),
            false => {
                route.destination == "0.0.0.0" && route.mask.as_deref().is_none_or(|mask| mask == "0.0.0.0")
            }
        };
        is_whole && (route.version == 6) == is_v6 && primary.interface == route.iface.as_str()
    };
    let routes = answer.routes.iter().flatten().filter(is_default);
    let route = routes.min_by_key(|route| route.metric)?;
    let router = if is_v6 { &route.nexthop } else { &route.gateway };
    router.as_deref().map(brief)
}

fn table(interfaces: &[GuestNetworkInterface]) -> String {
    let mut table =
        Table::new(["interface", "hardware address", "addresses", "received", "sent"]).right(&[3, 4]);
    for interface in interfaces {
        let addresses = interface.ip_addresses.iter().flatten();
        let addresses = addresses.map(|one| format!("{}/{}", escape::text(&one.ip_address), one.prefix));
        let count = |bytes: u64| if bytes == 0 { String::new() } else { units::bytes(bytes) };
        let statistics = interface.statistics.as_ref();
        table.row([
            escape::text(&interface.name).into_owned(),
            escape::text(interface.hardware_address.as_deref().unwrap_or_default()).into_owned(),
            addresses.collect::<Vec<_>>().join("\n"),
            statistics.map(|all| count(all.rx_bytes)).unwrap_or_default(),
            statistics.map(|all| count(all.tx_bytes)).unwrap_or_default(),
        ]);
    }
    table.render()
}
