//! Memory, in blocks that can be taken out of use.

use qga_proto::owned::GuestMemoryBlock;

use crate::error::Errno;
use crate::guest::Guest;

/// The guest's memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) blocks: Vec<GuestMemoryBlock>,
    /// In bytes.
    pub(crate) block_size: u64,
}

/// What Linux has on a small machine with x86 processors.
const BLOCK_SIZE: u64 = 128 << 20;

impl Memory {
    /// 2 GiB, of which the lower half holds the kernel and stays in use.
    pub(crate) fn new() -> Self {
        let block = |index| GuestMemoryBlock::new(index, true).can_offline(index >= 8);
        Self { blocks: (0..16).map(block).collect(), block_size: BLOCK_SIZE }
    }
}

impl Guest {
    /// Sets the blocks of memory that it has, and how many bytes each of them has. Where it is not said whether one can be
    /// taken out of use, it can. Without blocks it is a guest whose Linux does not show them.
    #[must_use]
    pub fn memory_blocks(mut self, block_size: u64, mut blocks: Vec<GuestMemoryBlock>) -> Self {
        for block in &mut blocks {
            // The real agent always says.
            block.can_offline.get_or_insert(true);
        }
        self.memory = Memory { blocks, block_size };
        self
    }

    /// Takes a block of memory into use, or out of it.
    pub(crate) fn set_memory_block(&mut self, index: u64, online: bool) -> Result<(), Errno> {
        let block = self.memory.blocks.iter_mut().find(|block| block.phys_index == index);
        let block = block.ok_or(Errno::NoEntry)?;
        if block.online && !online && block.can_offline == Some(false) {
            return Err(Errno::Busy);
        }
        block.online = online;
        Ok(())
    }
}
