//! What came of it all.

use std::fmt;

use crate::check::{Check, Client};

/// What an agent does of what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) ending: Ending,
    pub(crate) has_met: bool,
    pub(crate) version: Option<String>,
    pub(crate) left: Option<String>,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What was checked.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen, or why nothing was, in a short sentence; empty when the check passes. It may hold words of the
    /// agent, as printable ASCII.
    pub seen: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The agent does what is expected.
    Pass,
    /// It does not.
    Fail,
    /// It does not, and need not: it is an old one, its administrator or its guest's system does not let it.
    NotSupported,
    /// Nobody knows: it was not asked for, something that it needs is missing, or the checks ended before.
    NotRun,
}

/// How the checks ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// All were made.
    Complete,
    /// Nobody has ever answered: what was heard instead, if anything.
    NoAgent(Option<String>),
    /// The agent has answered, and then it did not any more, or never stopped talking.
    Silent(&'static str),
    /// The connection was over: why.
    Lost(String),
    /// The time was over.
    TimedOut,
    /// The flag of [`Options::stop`](crate::Options::stop) was set.
    Stopped,
}

/// Whether a client in the field is content with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contentment {
    /// The agent does all that it needs.
    Yes,
    /// It does not.
    No,
    /// It could, but something is disabled: by the guest's administrator, or while the guest is frozen.
    NotAsConfigured,
    /// Not all of it was checked.
    Unknown,
}

impl Report {
    /// What came of each check, group by group.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The checks that the agent fails.
    pub fn failed(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail)
    }

    /// How many checks ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count()
    }

    /// Whether the agent was asked everything, and fails nothing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.ending == Ending::Complete && self.failed().next().is_none()
    }

    /// How the checks ended.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Whether an agent has answered at all.
    #[must_use]
    pub fn has_met(&self) -> bool {
        self.has_met
    }

    /// The version that the agent says it has, as it says it: it is not trusted.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The path of a file that is left in the guest, because there was no way to remove it.
    #[must_use]
    pub fn left(&self) -> Option<&str> {
        self.left.as_deref()
    }

    /// Whether a client is content with the agent.
    #[must_use]
    pub fn contentment(&self, client: Client) -> Contentment {
        let needs = self.outcomes.iter().filter(|outcome| client.needs(&outcome.check));
        match needs.map(|outcome| outcome.verdict).max_by_key(|verdict| verdict.weight()) {
            Some(Verdict::Pass) => Contentment::Yes,
            Some(Verdict::Fail) => Contentment::No,
            Some(Verdict::NotSupported) => Contentment::NotAsConfigured,
            Some(Verdict::NotRun) | None => Contentment::Unknown,
        }
    }
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::NotSupported, Self::NotRun];

    /// The name, in one word or two.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotSupported => "not supported",
            Self::NotRun => "not run",
        }
    }

    /// What of several outweighs the others.
    const fn weight(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::NotSupported => 1,
            Self::NotRun => 2,
            Self::Fail => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Contentment {
    /// The name, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "content",
            Self::No => "not content",
            Self::NotAsConfigured => "not content as it is configured",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Contentment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
