//! Freezing the file systems, and thawing them.

use std::time::Duration;

use crate::guest::Guest;

/// What is frozen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Freeze {
    /// How many file systems.
    count: usize,
    /// When it ends by itself, if it does.
    ends_at: Option<Duration>,
    /// Whether the last one has ended so, of which nobody was told yet.
    has_lapsed: bool,
}

/// A freeze that has ended by itself cannot be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lapsed;

/// The kinds of file systems that Linux can freeze, all of them on block devices, and those of Windows. The real agent skips
/// others without a word.
const KINDS: [&str; 13] = [
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "gfs2", "jfs", "nilfs2", "reiserfs", "xfs", "NTFS",
    "ReFS",
];

/// How long Windows lets writes be held back.
const LONGEST_ON_WINDOWS: Duration = Duration::from_secs(10);

impl Freeze {
    pub(super) fn ends_at(&self) -> Option<Duration> {
        self.ends_at
    }
}

impl Guest {
    /// Freezes the file systems whose mount points are chosen and which can be; gives how many.
    pub(crate) fn freeze(&mut self, is_chosen: impl Fn(&str) -> bool) -> usize {
        let frozen = self.file_systems.iter().filter(|file_system| {
            KINDS.contains(&file_system.type_.as_str()) && is_chosen(&file_system.mountpoint)
        });
        let count = frozen.count();
        let ends_at = (self.is_windows() && count > 0).then(|| self.now.saturating_add(LONGEST_ON_WINDOWS));
        self.freeze = Freeze { count, ends_at, has_lapsed: false };
        count
    }

    /// Thaws what is frozen; gives how many.
    pub(crate) fn thaw(&mut self) -> Result<usize, Lapsed> {
        let Freeze { count, has_lapsed, .. } = std::mem::take(&mut self.freeze);
        if has_lapsed { Err(Lapsed) } else { Ok(count) }
    }

    /// Whether file systems are frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.freeze.count > 0
    }

    /// Ends a freeze that ends by itself.
    pub(super) fn advance_freeze(&mut self, now: Duration) {
        if self.freeze.ends_at.is_some_and(|at| at <= now) {
            self.freeze = Freeze { has_lapsed: true, ..Freeze::default() };
        }
    }
}
