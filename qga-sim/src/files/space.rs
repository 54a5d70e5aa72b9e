//! How much fits into the guest's files, and who is told when no more does.

/// When a client is told that no more fits; see [`Guest::disk_space`](crate::Guest::disk_space).
///
/// The agent buffers what is written on Linux, so all three happen in the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Full {
    /// By `guest-file-write`.
    #[default]
    AtWrite,
    /// By the next `guest-file-flush`, or `guest-file-close`. What did not fit is lost.
    AtFlush,
    /// By `guest-file-close` only. What did not fit is lost.
    AtClose,
}

/// Bytes that are there, and that there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    /// How many bytes all files have together.
    pub(super) used: u64,
    pub(super) capacity: u64,
    pub(super) full: Full,
    /// How many bytes are taken by one `guest-file-write`.
    pub(super) longest_write: usize,
}

/// How many bytes all files together may have. A client can write at any position, and should not be able to take the
/// memory of the host.
pub(super) const CAPACITY: u64 = 1 << 30;

impl Space {
    pub(super) fn new() -> Self {
        Self { used: 0, capacity: CAPACITY, full: Full::AtWrite, longest_write: usize::MAX }
    }

    pub(super) fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }
}
