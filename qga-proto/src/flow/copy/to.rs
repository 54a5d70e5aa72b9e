//! What to copy to a guest, and how.

/// What to copy to a guest, and how.
#[derive(Clone, Copy, Debug)]
pub struct CopyTo<'a> {
    pub(super) path: &'a str,
    pub(super) mode: u32,
    pub(super) len: Option<u64>,
    pub(super) is_verified: bool,
    pub(super) is_resumed: bool,
}

/// The mode of a file that was not there before, if no other is asked for.
const NEW_MODE: u32 = 0o644;

impl<'a> CopyTo<'a> {
    /// To the file at `path`.
    #[must_use]
    pub const fn new(path: &'a str) -> Self {
        Self { path, mode: NEW_MODE, len: None, is_verified: false, is_resumed: false }
    }

    /// Goes on where an earlier copy to the same path has broken off, if there is one; and if this one breaks off, leaves
    /// its part for another. The source is read from its start all the same, and the copy verified as a whole.
    #[must_use]
    pub const fn resume(mut self) -> Self {
        self.is_resumed = true;
        self
    }

    /// Makes sure that the copy in the guest is the same, by its SHA-256; before it gets its name, where it is renamed.
    #[must_use]
    pub const fn verify(mut self) -> Self {
        self.is_verified = true;
        self
    }

    /// The mode of the file, if there is none of its name yet; 0644 if this is not called. Where the guest runs no programs
    /// it has the mode that the agent gives: 0666, on POSIX.
    #[must_use]
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o7777;
        self
    }

    /// How many bytes there will be, if that is known: only for the progress that is told.
    #[must_use]
    pub const fn len(mut self, len: u64) -> Self {
        self.len = Some(len);
        self
    }

    pub(super) const fn verifies(&self) -> bool {
        self.is_verified || self.is_resumed
    }
}
