//! What the guest is, in a row among others.

use qga_proto::owned::{GuestFsfreezeStatus, GuestNetworkInterface};

use super::super::ask::Columns;
use super::human::reachable;
use super::{Answer, Info};
use crate::output::brief;

pub(super) const COLUMNS: Columns<&'static str> = ["version", "host name", "system", "addresses"];

/// What is not known is left out: one guest alone is told more of.
pub(super) fn cells(info: &Info) -> Columns<String> {
    [
        brief(info.agent.version()),
        known(&info.host_name, |name| brief(&name.host_name)),
        system(info),
        known(&info.interfaces, |interfaces| addresses(interfaces)),
    ]
}

/// That it is frozen matters more, and its agent does not tell what it is then.
fn system(info: &Info) -> String {
    match info.frozen {
        Ok(GuestFsfreezeStatus::Frozen) => "FROZEN".to_owned(),
        _ => known(&info.system, |system| {
            let name = system.pretty_name.as_ref().or(system.name.as_ref());
            name.map_or_else(String::new, |name| brief(name))
        }),
    }
}

fn known<T>(answer: &Answer<T>, make: impl FnOnce(&T) -> String) -> String {
    answer.as_ref().map(make).unwrap_or_default()
}

/// How many addresses of a guest are shown.
const SOME: usize = 3;

fn addresses(interfaces: &[GuestNetworkInterface]) -> String {
    let all: Vec<_> = interfaces.iter().flat_map(reachable).collect();
    let mut shown: Vec<_> = all.iter().take(SOME).map(|address| brief(&address.ip_address)).collect();
    if all.len() > SOME {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
