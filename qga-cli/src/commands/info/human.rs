//! What the guest is, for humans.

use std::fmt::Write as _;
use std::net::IpAddr;

use qga_proto::Capabilities;
use qga_proto::owned::{
    GuestFilesystemInfo, GuestFsfreezeStatus, GuestIpAddress, GuestLoadAverage, GuestNetworkInterface,
    GuestOSInfo, GuestUser,
};

use super::{Answer, Info, Reason};
use crate::output::{Table, escape, paragraph, units};

/// Everything, in sections.
pub(super) fn text(info: &Info) -> String {
    let mut text = String::new();
    fact(&mut text, "Agent", &agent(&info.agent, &info.disabled()));
    answer(&mut text, "Host name", &info.host_name, |name| name.host_name.clone());
    answer(&mut text, "System", &info.system, system);
    if let Ok(system) = &info.system {
        fact(&mut text, "Kernel", system.kernel_release.as_deref().unwrap_or_default());
    }
    answer(&mut text, "Time", &info.time, |time| clock(*time, info.ahead));
    answer(&mut text, "Time zone", &info.timezone, |zone| {
        let name = zone.zone.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        format!("{}{name}", units::offset(zone.offset))
    });
    answer(&mut text, "Load", &info.load, load);
    answer(&mut text, "Users", &info.users, |users| users_text(users));
    answer(&mut text, "Frozen", &info.frozen, |status| match status {
        GuestFsfreezeStatus::Thawed => "no".to_owned(),
        GuestFsfreezeStatus::Frozen => "YES: most commands are refused until guest-fsfreeze-thaw".to_owned(),
        other => other.as_str().to_owned(),
    });
    section(&mut text, "Addresses", &info.interfaces, |interfaces| addresses(interfaces));
    section(&mut text, "File systems", &info.file_systems, |systems| file_systems(systems));
    let disabled = info.disabled();
    if !disabled.is_empty() {
        let _ = write!(text, "\nDisabled commands\n{}", paragraph(&disabled.join(", ")));
    }
    text
}

/// A line with one fact. What the guest says is shown in this line only.
fn fact(text: &mut String, name: &str, value: &str) {
    // Strings take all that is written to them.
    let _ = match value {
        "" => Ok(()),
        value => writeln!(text, "{name:<11}{}", escape::text(value)),
    };
}

/// A fact that the agent may not have told: left out where it does not have the command.
fn answer<T>(text: &mut String, name: &str, answer: &Answer<T>, make: impl FnOnce(&T) -> String) {
    match answer {
        Ok(value) => fact(text, name, &make(value)),
        Err(gap) => match &gap.reason {
            Reason::NotOffered(_) => {}
            Reason::Failed(why) => fact(text, name, why),
        },
    }
}

/// The same for what takes several lines.
fn section<T>(text: &mut String, name: &str, answer: &Answer<T>, make: impl FnOnce(&T) -> String) {
    let body = match answer {
        Ok(value) => make(value),
        Err(gap) => match &gap.reason {
            Reason::NotOffered(_) => return,
            Reason::Failed(why) => format!("  {}\n", escape::text(why)),
        },
    };
    let _ = write!(text, "\n{name}\n{body}");
}

fn agent(agent: &Capabilities, disabled: &[&str]) -> String {
    let version = agent.version();
    match (agent.info().supported_commands.len(), disabled.len()) {
        (0, _) => format!("version {version}"),
        (all, 0) => format!("version {version}, {all} commands"),
        (all, disabled) => format!("version {version}, {all} commands, {disabled} of them disabled"),
    }
}

fn system(system: &GuestOSInfo) -> String {
    let name = system.pretty_name.as_ref().or(system.name.as_ref());
    let parts = [name, system.machine.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The guest's time, and how far it is off where that is more than the line's delay.
fn clock(nanoseconds: i64, ahead: i128) -> String {
    const TOLERANCE: u64 = 2;

    let time = units::time(nanoseconds).unwrap_or_else(|| format!("{nanoseconds} ns since 1970"));
    let seconds = u64::try_from(ahead.unsigned_abs() / 1_000_000_000).unwrap_or(u64::MAX);
    match ahead.is_negative() {
        _ if seconds < TOLERANCE => time,
        true => format!("{time} ({} behind this computer)", units::duration(seconds)),
        false => format!("{time} ({} ahead of this computer)", units::duration(seconds)),
    }
}

fn load(load: &GuestLoadAverage) -> String {
    format!("{:.2} {:.2} {:.2}", load.load1m, load.load5m, load.load15m)
}

fn users_text(users: &[GuestUser]) -> String {
    let names: Vec<_> = users
        .iter()
        .map(|user| match &user.domain {
            Some(domain) => format!("{domain}\\{}", user.user),
            None => user.user.clone(),
        })
        .collect();
    match names.is_empty() {
        true => "nobody is logged in".to_owned(),
        false => names.join(", "),
    }
}

/// The addresses by which the guest can be reached.
fn addresses(interfaces: &[GuestNetworkInterface]) -> String {
    let mut table = Table::new(["interface", "hardware address", "addresses"]).indented();
    let mut is_empty = true;
    for interface in interfaces {
        let shown = reachable(interface);
        if shown.is_empty() {
            continue;
        }
        is_empty = false;
        let lines =
            shown.iter().map(|address| format!("{}/{}", escape::text(&address.ip_address), address.prefix));
        table.row([
            escape::text(&interface.name).into_owned(),
            escape::text(interface.hardware_address.as_deref().unwrap_or_default()).into_owned(),
            lines.collect::<Vec<_>>().join("\n"),
        ]);
    }
    match is_empty {
        true => "  none\n".to_owned(),
        false => table.render(),
    }
}

/// Not the loopback interface's addresses, and link-local ones only where there are no others.
pub(super) fn reachable(interface: &GuestNetworkInterface) -> Vec<&GuestIpAddress> {
    let all = interface.ip_addresses.as_deref().unwrap_or_default();
    let is = |address: &GuestIpAddress, test: fn(&IpAddr) -> bool| {
        address.ip_address.parse().is_ok_and(|address| test(&address))
    };
    let reachable = all.iter().filter(|address| !is(address, IpAddr::is_loopback));
    let (local, wide): (Vec<_>, Vec<_>) = reachable.partition(|address| is(address, is_link_local));
    if wide.is_empty() { local } else { wide }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn file_systems(systems: &[GuestFilesystemInfo]) -> String {
    let mut systems: Vec<_> = systems.iter().collect();
    systems.sort_by(|a, b| a.mountpoint.cmp(&b.mountpoint));
    let mut table =
        Table::new(["mount point", "type", "size", "used", "", "device"]).right(&[2, 3, 4]).indented();
    for system in &systems {
        let share =
            system.used_bytes.zip(system.total_bytes).map(|(used, total)| units::percent(used, total));
        table.row([
            escape::text(&system.mountpoint).into_owned(),
            escape::text(&system.type_).into_owned(),
            system.total_bytes.map(units::bytes).unwrap_or_default(),
            system.used_bytes.map(units::bytes).unwrap_or_default(),
            share.unwrap_or_default(),
            escape::text(&system.name).into_owned(),
        ]);
    }
    match systems.is_empty() {
        true => "  none\n".to_owned(),
        false => table.render(),
    }
}
