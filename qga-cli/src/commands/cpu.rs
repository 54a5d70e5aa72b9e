//! `qga cpu`: the guest's processors, and taking them into use and out of it.

use qga_proto::commands::GuestGetVcpus;
use qga_proto::owned::GuestLogicalProcessor;
use serde_json::json;

use super::Done;
use super::ask::{self, Columns};
use super::hotplug::{Unit, Wanted, groups, numbers, range, yes_or_no};
use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::guests::Guests;
use crate::output::{self, Table};
use crate::work::{self, Work};

/// Show the guest's processors, or take some into use or out of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: Wanted,
}

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    if args.wanted.is_nothing() {
        return ask::run(cli, guests, &Question);
    }
    let guest = guests.exactly_one("cpu --online|--offline")?;
    let set = work::with_guest(cli, &guest, super::TIMEOUT, |work| set(work, &args.wanted))?;
    let (changed, processors) = set;
    Ok(Done::from(match cli.json {
        true => output::document(&json!({ "changed": changed, "processors": processors })),
        false => format!("changed: {}\n{}", numbers(changed.into_iter()), text(&processors)),
    }))
}

/// Gives which were changed, and all as they are then.
fn set(work: &mut Work, wanted: &Wanted) -> Result<(Vec<u64>, Vec<GuestLogicalProcessor>), Failure> {
    let there = work.call(&GuestGetVcpus::new())?;
    let changes = wanted.changes(&units(&there), "processor")?;
    // Each has come as a number of this type.
    let processor = |&(id, online): &(u64, bool)| {
        GuestLogicalProcessor::new(i64::try_from(id).unwrap_or(i64::MAX), online)
    };
    let list: Vec<_> = changes.iter().map(processor).collect();
    let set = work.run(async |session, deadline| session.set_vcpus(&list, deadline).await)?;
    if let Err(not_all) = set {
        let done = numbers(changes.iter().take(not_all.done).map(|(id, _)| *id));
        let failure = work.explain(&not_all.error, false).note(&format!("changed before: {done}"));
        return Err(failure.detail("done", not_all.done));
    }
    let processors = work.call(&GuestGetVcpus::new())?;
    Ok((changes.into_iter().map(|(id, _)| id).collect(), processors))
}

struct Question;

impl ask::Question for Question {
    type Answer = Vec<GuestLogicalProcessor>;

    const COLUMNS: Columns<&'static str> = ["in use", "numbers", "not in use", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure> {
        connection.call(&GuestGetVcpus::new())
    }

    fn document(processors: Self::Answer) -> String {
        output::document(&json!(processors))
    }

    fn text(processors: Self::Answer) -> String {
        text(&processors)
    }

    fn cells(processors: Self::Answer) -> Columns<String> {
        let units = units(&processors);
        let some = |online| units.iter().filter(move |unit| unit.is_online == online).map(|unit| unit.id);
        [some(true).count().to_string(), numbers(some(true)), numbers(some(false)), String::new()]
    }
}

fn units(processors: &[GuestLogicalProcessor]) -> Vec<Unit> {
    let unit = |one: &GuestLogicalProcessor| {
        let id = u64::try_from(one.logical_id).ok()?;
        Some(Unit { id, is_online: one.online, can_offline: one.can_offline })
    };
    processors.iter().filter_map(unit).collect()
}

fn text(processors: &[GuestLogicalProcessor]) -> String {
    let mut table = Table::new(["processors", "in use", "can be taken out"]);
    for (ids, unit) in groups(&units(processors)) {
        let can = unit.can_offline.map(yes_or_no).unwrap_or_default();
        table.row([range(&ids), yes_or_no(unit.is_online).to_owned(), can.to_owned()]);
    }
    table.render()
}
