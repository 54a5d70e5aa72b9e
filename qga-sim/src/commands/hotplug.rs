//! Commands that take processors and memory into use, and out of it.

use qga_proto::commands::{GuestGetMemoryBlockInfo, GuestGetMemoryBlocks, GuestGetVcpus};
use qga_proto::owned;
use qga_proto::owned::GuestMemoryBlockResponseType as ResponseType;
use serde::Deserialize;

use crate::error::{Errno, Refusal};
use crate::guest::{Guest, ProcessorError};

/// `guest-set-vcpus`, with every element known to be right before anything is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetVcpus {
    vcpus: Vec<Vcpu>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Vcpu {
    logical_id: i64,
    online: bool,
    /// Of no effect, but it must be a boolean.
    #[serde(default, rename = "can-offline")]
    _can_offline: bool,
}

/// `guest-set-memory-blocks`, likewise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SetMemoryBlocks {
    mem_blks: Vec<MemoryBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MemoryBlock {
    phys_index: u64,
    online: bool,
    #[serde(default, rename = "can-offline")]
    _can_offline: bool,
}

pub(super) fn processors(
    guest: &mut Guest,
    _: &GuestGetVcpus,
) -> Result<Vec<owned::GuestLogicalProcessor>, Refusal> {
    Ok(guest.processors.clone())
}

/// Tells how many were done before the first that failed, and of a failure only when it is the first.
pub(super) fn set_processors(guest: &mut Guest, set: &SetVcpus) -> Result<i64, Refusal> {
    for (done, vcpu) in set.vcpus.iter().enumerate() {
        match guest.set_processor(vcpu.logical_id, vcpu.online) {
            Ok(()) => {}
            Err(error) if done == 0 => return Err(refuse_processor(vcpu.logical_id, error)),
            Err(_) => return Ok(done as i64),
        }
    }
    Ok(set.vcpus.len() as i64)
}

fn refuse_processor(id: i64, error: ProcessorError) -> Refusal {
    let directory = format!("/sys/devices/system/cpu/cpu{id}/");
    Refusal::new(match error {
        ProcessorError::Unknown => format!("open(\"{directory}\"): {}", Errno::NoEntry),
        ProcessorError::NoSwitch => format!("logical processor #{id} can't be offlined"),
        ProcessorError::Refused(error) => format!("pwrite(\"{directory}online\"): {error}"),
    })
}

pub(super) fn memory_blocks(
    guest: &mut Guest,
    _: &GuestGetMemoryBlocks,
) -> Result<Vec<owned::GuestMemoryBlock>, Refusal> {
    Ok(guest.memory.blocks.clone())
}

pub(super) fn memory_block_info(
    guest: &mut Guest,
    _: &GuestGetMemoryBlockInfo,
) -> Result<owned::GuestMemoryBlockInfo, Refusal> {
    if guest.memory.blocks.is_empty() {
        let error = Errno::NoEntry;
        return Err(Refusal::new(format!("open(\"/sys/devices/system/memory/block_size_bytes\"): {error}")));
    }
    Ok(owned::GuestMemoryBlockInfo::new(guest.memory.block_size))
}

/// Does them all, and tells of each: a failure is no error here.
pub(super) fn set_memory_blocks(
    guest: &mut Guest,
    set: &SetMemoryBlocks,
) -> Result<Vec<owned::GuestMemoryBlockResponse>, Refusal> {
    let respond = |block: &MemoryBlock| {
        let error = guest.set_memory_block(block.phys_index, block.online).err();
        let response = match error {
            None => ResponseType::Success,
            Some(Errno::NoEntry) => ResponseType::NotFound,
            Some(_) => ResponseType::OperationFailed,
        };
        let mut response = owned::GuestMemoryBlockResponse::new(block.phys_index, response);
        response.error_code = error.map(Errno::code);
        response
    };
    Ok(set.mem_blks.iter().map(respond).collect())
}
