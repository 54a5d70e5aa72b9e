//! `qga mem`: the guest's memory in blocks, and taking them into use and out of it.

use qga_proto::commands::{GuestGetMemoryBlockInfo, GuestGetMemoryBlocks};
use qga_proto::owned::GuestMemoryBlock;
use qga_proto::view;
use qga_proto::view::GuestMemoryBlockResponseType as Response;
use qga_std::Error;
use serde_json::{Value, json};

use super::Done;
use super::ask::{self, Columns};
use super::hotplug::{Unit, Wanted, groups, numbers, range, yes_or_no};
use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, Table, units};
use crate::work::{self, Work};

/// Show the guest's memory in blocks, or take some into use or out of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: Wanted,
}

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    if args.wanted.is_nothing() {
        return ask::run(cli, guests, &Question);
    }
    let guest = guests.exactly_one("mem --online|--offline")?;
    let (changed, refused) = work::with_guest(cli, &guest, super::TIMEOUT, |work| set(work, &args.wanted))?;
    let text = match cli.json {
        true => output::document(&json!({ "changed": changed, "refused": refused })),
        false => format!("changed: {}\n", numbers(changed.iter().copied())),
    };
    let failure = (!refused.is_empty()).then(|| failure(&changed, &refused).at(&guest.address));
    Ok(Done { text, failure })
}

/// A block that stays as it was.
#[derive(serde::Serialize)]
struct Refused {
    block: u64,
    reason: &'static str,
    error_code: Option<i64>,
}

/// Gives which were changed, and which were not.
fn set(work: &mut Work, wanted: &Wanted) -> Result<(Vec<u64>, Vec<Refused>), Failure> {
    let there = work.call(&GuestGetMemoryBlocks::new())?;
    let changes = wanted.changes(&units_of(&there), "block")?;
    let list: Vec<_> = changes.iter().map(|&(index, online)| GuestMemoryBlock::new(index, online)).collect();
    let (mut changed, mut refused) = (Vec::new(), Vec::new());
    let set = work.run(async |session, deadline| {
        let tell = |response: view::GuestMemoryBlockResponse<'_>| {
            let reason = match response.response {
                Response::Success => return changed.push(response.phys_index),
                Response::NotFound => "there is none",
                Response::OperationNotSupported => "it cannot be changed",
                Response::OperationFailed => "the guest's kernel refuses",
                _ => "for an unknown reason",
            };
            refused.push(Refused { block: response.phys_index, reason, error_code: response.error_code });
        };
        session.set_memory_blocks(&list, tell, deadline).await
    })?;
    match set {
        Ok(_) => Ok((changed, refused)),
        Err(not_all) => {
            let done = numbers(changed.into_iter());
            Err(work.explain(&not_all.error, false).note(&format!("changed before: {done}")))
        }
    }
}

fn failure(changed: &[u64], refused: &[Refused]) -> Failure {
    let reason = refused.first().map_or("", |refused| refused.reason);
    let ids = numbers(refused.iter().map(|refused| refused.block));
    let all = changed.len() + refused.len();
    let message = format!("{} of {all} blocks stay as they were: {ids}: {reason}", refused.len());
    Failure::new(Kind::Refused, message).advise("blocks that the guest's kernel uses itself stay in use")
}

struct Question;

/// The blocks, and how many bytes each has, if the agent tells.
struct Memory {
    blocks: Vec<GuestMemoryBlock>,
    size: Option<u64>,
}

impl ask::Question for Question {
    type Answer = Memory;

    const COLUMNS: Columns<&'static str> = ["blocks", "of", "in use", "not in use"];

    fn ask(&self, connection: &mut Connection) -> Result<Memory, Failure> {
        let blocks = connection.call(&GuestGetMemoryBlocks::new())?;
        let size = match connection.try_call(&GuestGetMemoryBlockInfo::new()) {
            Ok(info) => Some(info.size),
            Err(Error::Refused(_)) => None,
            Err(error) => return Err(connection.failure(&error, true)),
        };
        Ok(Memory { blocks, size })
    }

    fn document(memory: Memory) -> String {
        output::document(&document(&memory))
    }

    fn text(memory: Memory) -> String {
        let mut table = Table::new(["blocks", "size", "in use", "can be taken out"]).right(&[1]);
        for (ids, unit) in groups(&units_of(&memory.blocks)) {
            let count = (ids.end() - ids.start()).saturating_add(1);
            let can = unit.can_offline.map(yes_or_no).unwrap_or_default();
            table.row([
                range(&ids),
                memory.bytes(count),
                yes_or_no(unit.is_online).to_owned(),
                can.to_owned(),
            ]);
        }
        table.render()
    }

    fn cells(memory: Memory) -> Columns<String> {
        let (all, online) = memory.counts();
        let size = memory.size.map(units::bytes).unwrap_or_default();
        [all.to_string(), size, memory.bytes(online), memory.bytes(all - online)]
    }
}

impl Memory {
    /// How much so many blocks are, in bytes if that is known.
    fn bytes(&self, count: u64) -> String {
        match self.size {
            Some(size) => units::bytes(size.saturating_mul(count)),
            None => format!("{count} blocks"),
        }
    }

    /// How many blocks there are, and how many are in use.
    fn counts(&self) -> (u64, u64) {
        let online = self.blocks.iter().filter(|block| block.online).count();
        (self.blocks.len() as u64, online as u64)
    }
}

fn document(memory: &Memory) -> Value {
    json!({ "block_bytes": memory.size, "blocks": memory.blocks })
}

fn units_of(blocks: &[GuestMemoryBlock]) -> Vec<Unit> {
    let unit = |block: &GuestMemoryBlock| Unit {
        id: block.phys_index,
        is_online: block.online,
        can_offline: block.can_offline,
    };
    blocks.iter().map(unit).collect()
}
