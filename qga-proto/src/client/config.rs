//! What can be set on a client.

use core::time::Duration;

/// How long a message may be by default: 64 MiB, at which the real agent stops reading a request, and some room for the
/// envelope. The longest real reply, a `guest-file-read` of 48 MiB, has 67,108,925 bytes.
pub const DEFAULT_MAX_MESSAGE: usize = 64 * 1024 * 1024 + 4096;

/// What can be set on a [`Client`](super::Client).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How many bytes a reply may have, if the buffer can hold them. A buffer that has grown does not shrink. Default:
    /// [`DEFAULT_MAX_MESSAGE`].
    pub max_reply: usize,
    /// How many bytes a command may have, if the buffer can hold them. Default: [`DEFAULT_MAX_MESSAGE`].
    pub max_command: usize,
    /// When a sync that is not answered is sent again for the first time; the interval then doubles each time. Default:
    /// 500 ms.
    pub sync_interval: Duration,
    /// Up to where the interval between syncs grows. Default: 5 s, as long as libvirt waits for a sync.
    pub max_sync_interval: Duration,
    /// How long after the last believed reply a command may be sent without a new sync. On some channels nobody learns
    /// that the agent has gone, and what is sent then waits for the next one. Default: 5 s.
    pub trust_time: Duration,
    /// How long an agent that says nothing may take to refuse a command that is silent when it succeeds. Default: 5 s.
    /// An agent that lives says sooner, by answering the sync that follows the command.
    pub quiet_time: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_reply: DEFAULT_MAX_MESSAGE,
            max_command: DEFAULT_MAX_MESSAGE,
            sync_interval: Duration::from_millis(500),
            max_sync_interval: Duration::from_secs(5),
            trust_time: Duration::from_secs(5),
            quiet_time: Duration::from_secs(5),
        }
    }
}
