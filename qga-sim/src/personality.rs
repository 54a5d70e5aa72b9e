//! Which agent it is: what those in the field do differently, as data.

use std::fmt;
use std::str::FromStr;

use qga_proto::metadata::{self, CommandInfo, Platform};

use crate::schema::Build;
use crate::wire::{Framing, Ids};

/// Which agent a guest has. Each answers as that one does: its commands, its words, and what it gets wrong.
///
/// The agents of QEMU are of the releases that they are named after, at which something changed that a client can see. What is
/// known of the others comes from their sources and from what their users report; where that says nothing they do as
/// QEMU's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Personality {
    /// QEMU 2.12 on Linux, of 2018: takes the member `id` for a fault.
    Qemu2,
    /// QEMU 5.2 on Linux, of 2020.
    Qemu5,
    /// QEMU 7.2 on Linux, of 2022: lists commands that are not for its platform, captures output or does not, and keeps a
    /// blocked thaw blocked.
    Qemu7,
    /// QEMU 10.0 on Linux, of 2025: the one that a new guest has.
    Qemu10,
    /// QEMU 11.1 on Linux, of 2026: tells faults of a message at once, and says nothing of the rest.
    Qemu11,
    /// QEMU 8.0 on Windows, in the packages of virtio-win: their own version numbers, and a freeze that ends by itself.
    Windows,
    /// Apple's agent in macOS: needs a newline after each command, and has a version that is no version number.
    Apple,
    /// A minimal agent, such as gokrazy's: no `guest-sync`, no `guest-info`, no `id`, and no answer to what it does not
    /// know. A freeze that fails is one of no file system.
    Minimal,
    /// An agent that lists its commands as strings, such as GuestKit's, and answers where QEMU's is silent.
    Strings,
}

/// What is known of a personality.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) version: &'static str,
    pub(crate) build: Build,
    pub(crate) framing: Framing,
    pub(crate) ids: Ids,
    /// Its commands, in the order in which it has them. `None`: those of the schema that its build has.
    pub(crate) commands: Option<&'static [&'static str]>,
    /// Whether it answers what it does not know.
    pub(crate) answers_unknown: bool,
    /// Whether `guest-info` tells of commands by their names only.
    pub(crate) lists_names: bool,
    /// Whether commands that QEMU's agent does not answer when they succeed are answered.
    pub(crate) answers_silent: bool,
    /// Whether it refuses nearly everything while file systems are frozen.
    pub(crate) keeps_still: bool,
}

/// Whether there is a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    Unknown,
    /// It is told of, but is not for this platform.
    Unsupported,
    Available,
}

const QEMU: Traits = Traits {
    version: "10.0.2",
    build: Build { release: (10, 0), platform: Platform::Linux },
    framing: Framing::Qemu,
    ids: Ids::Echo,
    commands: None,
    answers_unknown: true,
    lists_names: false,
    answers_silent: false,
    keeps_still: true,
};

const fn linux(version: &'static str, major: u32, minor: u32) -> Traits {
    Traits { version, build: Build { release: (major, minor), platform: Platform::Linux }, ..QEMU }
}

/// Another agent: one that reads lines.
const OTHER: Traits = Traits { framing: Framing::Lines, ..QEMU };

const APPLE: &[&str] = &[
    "guest-sync-delimited",
    "guest-sync",
    "guest-ping",
    "guest-get-time",
    "guest-set-time",
    "guest-info",
    "guest-shutdown",
    "guest-file-open",
    "guest-file-close",
    "guest-file-read",
    "guest-file-write",
    "guest-file-seek",
    "guest-file-flush",
    "guest-network-get-interfaces",
    "guest-exec-status",
    "guest-exec",
    "apple-guest-signal-pid",
    "apple-guest-set-remote-login",
];

const MINIMAL: &[&str] = &[
    "guest-sync-delimited",
    "guest-ping",
    "guest-shutdown",
    "guest-fsfreeze-status",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-thaw",
    "guest-network-get-interfaces",
    "guest-get-host-name",
    "guest-get-osinfo",
];

const STRINGS: &[&str] = &[
    "guest-sync-delimited",
    "guest-sync",
    "guest-ping",
    "guest-get-time",
    "guest-info",
    "guest-shutdown",
    "guest-reboot",
    "guest-file-open",
    "guest-file-close",
    "guest-file-read",
    "guest-file-write",
    "guest-fsfreeze-status",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-thaw",
    "guest-suspend-ram",
    "guest-network-get-interfaces",
    "guest-get-vcpus",
    "guest-get-fsinfo",
    "guest-exec-status",
    "guest-exec",
    "guest-get-host-name",
    "guest-get-users",
    "guest-get-timezone",
    "guest-get-osinfo",
];

impl Personality {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Qemu2,
        Self::Qemu5,
        Self::Qemu7,
        Self::Qemu10,
        Self::Qemu11,
        Self::Windows,
        Self::Apple,
        Self::Minimal,
        Self::Strings,
    ];

    /// The name by which it can be asked for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qemu2 => "qemu-2.12",
            Self::Qemu5 => "qemu-5.2",
            Self::Qemu7 => "qemu-7.2",
            Self::Qemu10 => "qemu-10.0",
            Self::Qemu11 => "qemu-11.1",
            Self::Windows => "windows",
            Self::Apple => "apple",
            Self::Minimal => "minimal",
            Self::Strings => "strings",
        }
    }

    /// Whether it is QEMU's own agent, of whatever release and platform.
    #[must_use]
    pub const fn is_qemu(self) -> bool {
        self.traits().commands.is_none()
    }

    pub(crate) const fn traits(self) -> Traits {
        match self {
            Self::Qemu2 => Traits { framing: Framing::QemuFirst, ids: Ids::Reject, ..linux("2.12.0", 2, 12) },
            Self::Qemu5 => linux("5.2.0", 5, 2),
            Self::Qemu7 => linux("7.2.22", 7, 2),
            Self::Qemu10 => QEMU,
            Self::Qemu11 => Traits { framing: Framing::QemuPushing, ..linux("11.1.3", 11, 1) },
            Self::Windows => Traits {
                version: "108.0.2",
                build: Build { release: (8, 0), platform: Platform::Windows },
                ..QEMU
            },
            Self::Apple => {
                Traits { version: "1.4-AppleVirtIO-230.100.3~3768", commands: Some(APPLE), ..OTHER }
            }
            Self::Minimal => Traits {
                version: "0",
                framing: Framing::SilentLines,
                ids: Ids::Ignore,
                commands: Some(MINIMAL),
                answers_unknown: false,
                keeps_still: false,
                ..OTHER
            },
            Self::Strings => Traits {
                version: "0.3.1",
                commands: Some(STRINGS),
                lists_names: true,
                answers_silent: true,
                ..OTHER
            },
        }
    }
}

impl Traits {
    /// Whether there is a command of this name.
    pub(crate) fn availability(&self, name: &str) -> Availability {
        if let Some(commands) = self.commands {
            return if commands.contains(&name) { Availability::Available } else { Availability::Unknown };
        }
        match metadata::command(name) {
            Some(command) if self.build.knows(command.since) => {
                if self.is_for_platform(command) {
                    Availability::Available
                } else if self.build.is_since(9, 1) {
                    Availability::Unknown
                } else {
                    Availability::Unsupported
                }
            }
            _ => Availability::Unknown,
        }
    }

    fn is_for_platform(&self, command: &CommandInfo) -> bool {
        let since = match (self.build.platform, command.name) {
            (Platform::Windows, "guest-get-load") => (10, 1),
            (Platform::Windows, "guest-network-get-route") => (11, 0),
            (Platform::Windows, name) if name.starts_with("guest-ssh-") => (9, 1),
            _ => (0, 0),
        };
        command.condition.on(self.build.platform) && self.build.release >= since
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no such personality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPersonality;

impl fmt::Display for UnknownPersonality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Personality::ALL.into_iter().map(Personality::name).collect();
        write!(f, "there is no such personality; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownPersonality {}

impl FromStr for Personality {
    type Err = UnknownPersonality;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|personality| personality.name() == name).ok_or(UnknownPersonality)
    }
}
