//! `qga fs`: the guest's file systems.

use qga_proto::commands::GuestGetFsinfo;
use qga_proto::owned::GuestFilesystemInfo;
use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, Table, brief, escape, units};

pub(super) struct Question;

impl ask::Question for Question {
    type Answer = Vec<GuestFilesystemInfo>;

    const COLUMNS: Columns<&'static str> = ["file systems", "size", "used", "fullest"];

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure> {
        connection.call(&GuestGetFsinfo::new())
    }

    fn document(systems: Self::Answer) -> String {
        output::document(&json!(systems))
    }

    fn text(systems: Self::Answer) -> String {
        table(systems)
    }

    fn cells(systems: Self::Answer) -> Columns<String> {
        let sum = |part: fn(&GuestFilesystemInfo) -> Option<u64>| {
            systems.iter().filter_map(part).fold(0, u64::saturating_add)
        };
        let (used, total) = (sum(|one| one.used_bytes), sum(|one| one.total_bytes));
        let is_known = total > 0;
        [
            systems.len().to_string(),
            if is_known { units::bytes(total) } else { String::new() },
            if is_known { units::bytes(used) } else { String::new() },
            fullest(&systems).unwrap_or_default(),
        ]
    }
}

/// The file system with the least room, in proportion.
fn fullest(systems: &[GuestFilesystemInfo]) -> Option<String> {
    let shares = systems.iter().filter_map(|one| {
        let (used, total) = one.used_bytes.zip(one.total_bytes.filter(|total| *total > 0))?;
        Some((one, used, total))
    });
    let share = |used: u64, total: u64| u128::from(used) * 1_000_000 / u128::from(total);
    let (one, used, total) = shares.max_by_key(|(_, used, total)| share(*used, *total))?;
    Some(format!("{} {}", units::percent(used, total), brief(&one.mountpoint)))
}

fn table(mut systems: Vec<GuestFilesystemInfo>) -> String {
    systems.sort_by(|a, b| a.mountpoint.cmp(&b.mountpoint));
    let heads = ["mount point", "type", "size", "used", "", "free", "device", "disks"];
    let mut table = Table::new(heads).right(&[2, 3, 4, 5]);
    for system in &systems {
        let sizes = system.used_bytes.zip(system.total_bytes);
        let disks = system.disk.iter().filter_map(|disk| disk.dev.as_deref());
        table.row([
            escape::text(&system.mountpoint).into_owned(),
            escape::text(&system.type_).into_owned(),
            system.total_bytes.map(units::bytes).unwrap_or_default(),
            system.used_bytes.map(units::bytes).unwrap_or_default(),
            sizes.map(|(used, total)| units::percent(used, total)).unwrap_or_default(),
            sizes.map(|(used, total)| units::bytes(total.saturating_sub(used))).unwrap_or_default(),
            escape::text(&system.name).into_owned(),
            disks.map(|disk| escape::text(disk).into_owned()).collect::<Vec<_>>().join("\n"),
        ]);
    }
    table.render()
}
