//! `qga net`: the guest's addresses, and which of them is the one to use.

use qga_proto::owned::GuestNetworkInterface;
use qga_proto::{Network, PrimaryAddress};
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

impl ask::Question for Question {
    type Answer = Network;

    const COLUMNS: Columns<&'static str> = ["address", "interface", "other addresses", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Network, Failure> {
        connection.flow(true, async |session, deadline| session.network(deadline).await)
    }

    fn document(answer: Network) -> String {
        output::document(&json!({
            "primary": answer.primary.as_ref().map(primary),
            "interfaces": answer.interfaces,
            "routes": answer.routes,
        }))
    }

    fn text(answer: Network) -> String {
        let head = match &answer.primary {
            None => "There is no address by which others could reach it.\n".to_owned(),
            Some(primary) => {
                let via = primary.gateway.map(|gateway| format!(", by way of {gateway}")).unwrap_or_default();
                let interface = escape::text(primary.interface.as_str());
                format!("Primary address: {} ({interface}{via})\n", primary.address)
            }
        };
        format!("{head}\n{}", table(&answer.interfaces))
    }

    fn cells(answer: Network) -> Columns<String> {
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
