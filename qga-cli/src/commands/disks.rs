//! `qga disks`: the guest's disks and partitions.

use qga_proto::commands::GuestGetDisks;
use qga_proto::owned::GuestDiskInfo;
use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, Table, brief, escape};

pub(super) struct Question;

impl ask::Question for Question {
    type Answer = Vec<GuestDiskInfo>;

    const COLUMNS: Columns<&'static str> = ["disks", "partitions", "names", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure> {
        connection.call(&GuestGetDisks::new())
    }

    fn document(disks: Self::Answer) -> String {
        output::document(&json!(disks))
    }

    fn text(disks: Self::Answer) -> String {
        table(disks)
    }

    fn cells(disks: Self::Answer) -> Columns<String> {
        let (partitions, disks): (Vec<_>, Vec<_>) = disks.iter().partition(|disk| disk.partition);
        let names: Vec<_> = disks.iter().take(NAMES).map(|disk| brief(&disk.name)).collect();
        [disks.len().to_string(), partitions.len().to_string(), names.join(", "), String::new()]
    }
}

/// How many names a row has.
const NAMES: usize = 8;

fn table(mut disks: Vec<GuestDiskInfo>) -> String {
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    let mut table = Table::new(["disk", "kind", "alias", "bus", "serial number", "on"]);
    for disk in &disks {
        let address = disk.address.as_ref();
        let on = disk.dependencies.iter().flatten();
        table.row([
            escape::text(&disk.name).into_owned(),
            if disk.partition { "partition" } else { "disk" }.to_owned(),
            escape::text(disk.alias.as_deref().unwrap_or_default()).into_owned(),
            address.map(|address| escape::text(address.bus_type.as_str()).into_owned()).unwrap_or_default(),
            address.and_then(|address| address.serial.as_deref()).map(brief).unwrap_or_default(),
            on.map(|name| escape::text(name).into_owned()).collect::<Vec<_>>().join("\n"),
        ]);
    }
    table.render()
}
