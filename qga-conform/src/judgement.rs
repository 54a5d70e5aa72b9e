//! How a check ends.

/// What a check comes to: it passes, or does not.
pub(crate) type Judged<T = ()> = Result<T, Miss>;

/// Why a check does not pass, with what was seen in a short sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Fail(String),
    NotSupported(String),
    NotRun(String),
    /// Nothing more can be checked.
    Halt(Halt),
}

impl Miss {
    /// Says of what it is that something was seen.
    pub(crate) fn about(self, what: &str) -> Self {
        match self {
            Self::Fail(seen) => Self::Fail(format!("{what}: {seen}")),
            Self::NotSupported(seen) => Self::NotSupported(format!("{what}: {seen}")),
            miss => miss,
        }
    }
}

/// Why nothing more can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// There is a connection, and no use in it: why.
    Silent(&'static str),
    /// There is a connection, and nobody has answered on it; but this was heard.
    Foreign(String),
    /// There is no connection any more: why.
    Lost(String),
    /// The time is over.
    TimedOut,
    /// Somebody asked for it.
    Stopped,
}

impl From<Halt> for Miss {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// The agent does not do what is expected.
pub(crate) fn fail<T>(seen: impl Into<String>) -> Judged<T> {
    Err(Miss::Fail(seen.into()))
}

/// The agent need not do what is expected, and does not.
pub(crate) fn not_supported<T>(seen: impl Into<String>) -> Judged<T> {
    Err(Miss::NotSupported(seen.into()))
}

/// Fails unless something holds.
pub(crate) fn expect(holds: bool, seen: impl FnOnce() -> String) -> Judged {
    if holds { Ok(()) } else { fail(seen()) }
}
