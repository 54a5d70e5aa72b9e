//! How long commands may take.

use core::time::Duration;

/// How long a call may take, by kind of command, where it does not say itself. The time covers all of it: making a
/// connection, the sync, the command.
///
/// ```
/// use core::time::Duration;
/// use qga_proto::Timeouts;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.freeze = Duration::from_secs(30);
/// assert_eq!(timeouts.of("guest-fsfreeze-freeze"), Duration::from_secs(30));
/// assert_eq!(timeouts.of("guest-ping"), Timeouts::DEFAULT.quick);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// What costs the agent nothing: `guest-ping`, `guest-sync`, `guest-sync-delimited`. Default: 5 s, enough for a
    /// sync that has to be repeated.
    pub quick: Duration,
    /// Whatever is not named otherwise. Default: 10 s.
    pub usual: Duration,
    /// What may move much data: `guest-file-read`, `guest-file-write`, `guest-file-flush`, `guest-file-close`,
    /// `guest-exec`, `guest-exec-status`. Default: 60 s; the largest read, 48 MiB, takes the real agent about 10.
    pub data: Duration,
    /// What runs a program or a driver in the guest to its end: `guest-set-time`, `guest-set-user-password`,
    /// `guest-set-vcpus`, `guest-set-memory-blocks`, `guest-ssh-*`, and `guest-shutdown`, `guest-suspend-*`, whose
    /// refusal comes only then. Default: 60 s.
    pub slow: Duration,
    /// `guest-fsfreeze-freeze`, `guest-fsfreeze-freeze-list`: all that is dirty is written first, and scripts run.
    /// Default: 10 min. A guest may be frozen when such a call times out.
    pub freeze: Duration,
    /// `guest-fsfreeze-thaw`. Default: 3 min.
    pub thaw: Duration,
    /// `guest-fstrim`. Default: 10 min.
    pub trim: Duration,
}

impl Timeouts {
    /// What sessions begin with.
    pub const DEFAULT: Self = Self {
        quick: Duration::from_secs(5),
        usual: Duration::from_secs(10),
        data: Duration::from_secs(60),
        slow: Duration::from_secs(60),
        freeze: Duration::from_secs(10 * 60),
        thaw: Duration::from_secs(3 * 60),
        trim: Duration::from_secs(10 * 60),
    };

    /// The same for all commands.
    #[must_use]
    pub const fn all(timeout: Duration) -> Self {
        Self {
            quick: timeout,
            usual: timeout,
            data: timeout,
            slow: timeout,
            freeze: timeout,
            thaw: timeout,
            trim: timeout,
        }
    }

    /// How long the command of this name may take.
    #[must_use]
    pub fn of(&self, command: &str) -> Duration {
        match command {
            "guest-ping" | "guest-sync" | "guest-sync-delimited" => self.quick,
            "guest-file-read" | "guest-file-write" | "guest-file-flush" | "guest-file-close"
            | "guest-exec" | "guest-exec-status" => self.data,
            "guest-set-time"
            | "guest-set-user-password"
            | "guest-set-vcpus"
            | "guest-set-memory-blocks"
            | "guest-ssh-add-authorized-keys"
            | "guest-ssh-get-authorized-keys"
            | "guest-ssh-remove-authorized-keys"
            | "guest-shutdown"
            | "guest-suspend-disk"
            | "guest-suspend-hybrid"
            | "guest-suspend-ram" => self.slow,
            "guest-fsfreeze-freeze" | "guest-fsfreeze-freeze-list" => self.freeze,
            "guest-fsfreeze-thaw" => self.thaw,
            "guest-fstrim" => self.trim,
            _ => self.usual,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that is misspelt would silently get the usual time.
    #[test]
    fn every_name_is_a_command() {
        let secs = |n| Duration::from_secs(n);
        let timeouts = Timeouts {
            quick: secs(1),
            usual: secs(2),
            data: secs(3),
            slow: secs(4),
            freeze: secs(5),
            thaw: secs(6),
            trim: secs(7),
        };
        let count =
            |n| crate::schema::COMMANDS.iter().filter(|command| timeouts.of(command.name) == secs(n)).count();
        assert_eq!([1, 3, 4, 5, 6, 7].map(count), [3, 6, 11, 2, 1, 1]);
    }
}
