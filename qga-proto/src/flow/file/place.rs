//! Where in a file one is.

/// Where in a file one is, and where the guest's handle is.
///
/// ```text
///          begin an operation           it is answered
///     At ----------------------> Lost ----------------> At, further on
///      ^                          | |
///      '------ seek there --------' '-- seeking is refused, and so was the operation: Unknown
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The guest's handle is where it should be.
    At(u64),
    /// It should be here, and may be elsewhere.
    Lost {
        at: u64,
        /// Whether the agent refused what was asked of it last, so that no reply is missing.
        is_refused: bool,
    },
    /// Nobody knows, or the file has no positions.
    Unknown,
}

impl Place {
    /// Something is under way that moves the handle, or was refused and may have moved it.
    pub(super) fn doubt(&mut self, is_refused: bool) {
        if let Self::At(at) | Self::Lost { at, .. } = *self {
            *self = Self::Lost { at, is_refused };
        }
    }

    /// So many bytes have been read or written.
    pub(super) fn advance(&mut self, n: usize) {
        if let Self::At(at) | Self::Lost { at, .. } = *self {
            *self = Self::At(at.saturating_add(n as u64));
        }
    }
}
