//! Freezing the file systems, and thawing them.

use crate::guest::Guest;

/// The kinds of file systems that Linux can freeze, all of them on block devices. The real agent skips others without a
/// word.
const KINDS: [&str; 11] =
    ["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "gfs2", "jfs", "nilfs2", "reiserfs", "xfs"];

impl Guest {
    /// Freezes the file systems whose mount points are chosen and which can be; gives how many.
    pub(crate) fn freeze(&mut self, is_chosen: impl Fn(&str) -> bool) -> usize {
        let frozen = self.file_systems.iter().filter(|file_system| {
            KINDS.contains(&file_system.type_.as_str()) && is_chosen(&file_system.mountpoint)
        });
        self.frozen = frozen.count();
        self.frozen
    }

    /// Thaws what is frozen; gives how many.
    pub(crate) fn thaw(&mut self) -> usize {
        std::mem::take(&mut self.frozen)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen > 0
    }
}
