//! How files are opened, and where one goes in them.

/// How a file is opened: the modes of C's `fopen`, as agents take them. There is none that only makes new files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// `r`: to read. It must exist.
    #[default]
    Read,
    /// `r+`: to read and write. It must exist.
    ReadWrite,
    /// `w`: to write. It is made, or emptied.
    Create,
    /// `w+`: to read and write. It is made, or emptied.
    CreateRead,
    /// `a`: to write at its end, wherever that is at each write. It is made, if need be.
    Append,
    /// `a+`: to read from its start on, and to write at its end. It is made, if need be.
    AppendRead,
}

impl Mode {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::ReadWrite => "r+",
            Self::Create => "w",
            Self::CreateRead => "w+",
            Self::Append => "a",
            Self::AppendRead => "a+",
        }
    }

    pub(super) const fn appends(self) -> bool {
        matches!(self, Self::Append | Self::AppendRead)
    }
}

/// Where to go in a file: bytes from its start, from where one is, or from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// From the start. Agents take up to 2^63 - 1; more is taken for that.
    Start(u64),
    /// From the current position.
    Current(i64),
    /// From the end.
    End(i64),
}

impl Seek {
    /// As it is sent: the offset, and from where. Numbers for that are known to all agents, names since QEMU 2.6.
    pub(super) fn on_the_wire(self) -> (i64, i64) {
        match self {
            Self::Start(position) => (i64::try_from(position).unwrap_or(i64::MAX), 0),
            Self::Current(offset) => (offset, 1),
            Self::End(offset) => (offset, 2),
        }
    }
}

#[cfg(feature = "std")]
impl From<std::io::SeekFrom> for Seek {
    fn from(from: std::io::SeekFrom) -> Self {
        match from {
            std::io::SeekFrom::Start(position) => Self::Start(position),
            std::io::SeekFrom::Current(offset) => Self::Current(offset),
            std::io::SeekFrom::End(offset) => Self::End(offset),
        }
    }
}
