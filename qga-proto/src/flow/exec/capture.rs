//! Which output of a program is kept.

use crate::view::{GuestExecCaptureOutput as Wire, GuestExecCaptureOutputMode as Mode};

/// Which output of a program is kept. The agent keeps at most 16 MiB of each stream and throws the rest away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capture {
    /// Nothing.
    None,
    /// The standard output. The agent is asked for both streams: its mode for one alone breaks it.
    Out,
    /// The standard error. The agent is asked for both streams: its mode for one alone breaks it.
    Err,
    /// Both, each for itself.
    #[default]
    Separated,
    /// Both in one, in the order in which they were written. Agents before QEMU 8.1, and all on Windows, cannot do that;
    /// there it is as [`Separated`](Self::Separated), and the outcome says so.
    Merged,
}

/// How many bytes of a stream agents keep: where so many come there were more, whatever the agent says (up to QEMU 10.1
/// it says that there were not).
pub(super) const MAX_KEPT: usize = 16 * 1024 * 1024;

impl Capture {
    /// What the agent is asked for. The modes `stdout` and `stderr` close a descriptor of the real agent (seen with QEMU
    /// 10.0 and 11.1), so they are never sent; `true` is what all agents know.
    pub(super) fn wire(self) -> Option<Wire<'static>> {
        match self {
            Self::None => None,
            Self::Out | Self::Err | Self::Separated => Some(Wire::Flag(true)),
            Self::Merged => Some(Wire::Mode(Mode::Merged)),
        }
    }

    /// Whether the standard output is wanted.
    pub(super) fn wants_out(self) -> bool {
        !matches!(self, Self::None | Self::Err)
    }

    /// Whether the standard error is wanted.
    pub(super) fn wants_err(self) -> bool {
        !matches!(self, Self::None | Self::Out)
    }
}

/// Whether there was more of a stream than was kept: by the agent's word, or by how much came.
pub(super) fn is_cut(said: Option<bool>, len: usize) -> bool {
    said == Some(true) || len >= MAX_KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_was_cut_where_the_agent_says_so_or_as_much_came_as_it_keeps() {
        for (said, len, is_cut_then) in [
            (None, 5, false),
            (Some(false), 5, false),
            (Some(true), 5, true),
            (None, MAX_KEPT - 1, false),
            (None, MAX_KEPT, true),
            (Some(false), MAX_KEPT, true),
        ] {
            assert_eq!(is_cut(said, len), is_cut_then, "{said:?}, {len}");
        }
    }
}
