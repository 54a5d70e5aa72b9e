//! What an agent can do, as it says itself.

use alloc::string::String;
use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::command::NamedCommand;
use crate::commands::GuestInfo;
use crate::error::Error;
use crate::owned::GuestAgentInfo;
use crate::session::{Event, Session};
use crate::time::Instant;
use crate::transport::Transport;

/// What an agent can do, as it says itself (`guest-info`).
///
/// While its file systems are frozen an agent says that nearly all commands are disabled.
#[derive(Clone, Debug, PartialEq)]
pub struct Capabilities(GuestAgentInfo);

/// What an agent does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// It carries it out.
    Enabled,
    /// It has it, and refuses it: by configuration, because the guest's system cannot do it, or while frozen.
    Disabled,
    /// It does not have it.
    Missing,
    /// It does not say what it has (before QEMU 1.1).
    Untold,
}

impl Capabilities {
    /// Of an agent that said this.
    #[must_use]
    pub fn new(info: GuestAgentInfo) -> Self {
        Self(info)
    }

    /// Of an agent that has no `guest-info`.
    pub(crate) fn untold() -> Self {
        Self(GuestAgentInfo::new(String::new(), Vec::new()))
    }

    /// The agent's version; empty when it does not say. QEMU's are like `7.2.22`, but `108.0.2` and
    /// `1.4-AppleVirtIO-230.100.3~3768` exist, too.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// All that the agent said.
    #[must_use]
    pub fn info(&self) -> &GuestAgentInfo {
        &self.0
    }

    /// Whether the agent carries a command out, or does not say.
    #[must_use]
    pub fn supports<C: NamedCommand>(&self) -> bool {
        matches!(self.support(C::NAME), Support::Enabled | Support::Untold)
    }

    /// What the agent does with the command of this name.
    #[must_use]
    pub fn support(&self, command: &str) -> Support {
        match self.0.supported_commands.iter().find(|known| known.name == command) {
            _ if self.0.supported_commands.is_empty() => Support::Untold,
            Some(known) if known.enabled => Support::Enabled,
            Some(_) => Support::Disabled,
            None => Support::Missing,
        }
    }

    /// Whether a guest whose agent says this may be frozen: then it has commands that are disabled, or does not say.
    pub(crate) fn may_be_frozen(&self) -> bool {
        let commands = &self.0.supported_commands;
        commands.is_empty() || commands.iter().any(|command| !command.enabled)
    }

    /// Whether these are of the same agent: freezing changes what is enabled, but not what there is.
    fn is_same_agent(&self, other: &Self) -> bool {
        let names = |capabilities: &'_ Self| capabilities.0.supported_commands.len();
        let pairs = || self.0.supported_commands.iter().zip(&other.0.supported_commands);
        self.version() == other.version()
            && names(self) == names(other)
            && pairs().all(|(a, b)| a.name == b.name)
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// What the agent can do. Asked once for each connection, and again when the line was in doubt or the guest has
    /// been frozen or thawed by this session. An agent that is replaced between two calls on a channel that does not
    /// show it (a virtual serial port), or frozen by another client, is not noticed.
    ///
    /// Dropping the future gives the call up; see [`Session`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error<T::Error>> {
        let deadline = self.deadline(self.timeouts.of(GuestInfo::NAME));
        self.capabilities_until(deadline).await
    }

    /// What the agent can do, with a deadline. As [`capabilities`](Self::capabilities) otherwise.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn capabilities_until(&mut self, deadline: Instant) -> Result<&Capabilities, Error<T::Error>> {
        if !self.knows_capabilities() {
            let info = self.call_until(&GuestInfo::new(), deadline).await?;
            self.learn(Capabilities::new(info));
        }
        Ok(self.capabilities.get_or_insert_with(Capabilities::untold))
    }

    /// Whether the agent carries a command out, or does not say. Costs a call only when its
    /// [`capabilities`](Self::capabilities) are not known.
    ///
    /// Dropping the future gives the call up; see [`Session`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn supports<C: NamedCommand>(&mut self) -> Result<bool, Error<T::Error>> {
        Ok(self.capabilities().await?.supports::<C>())
    }

    fn knows_capabilities(&self) -> bool {
        self.is_current && self.capabilities.is_some() && self.is_connected()
    }

    pub(crate) fn learn(&mut self, capabilities: Capabilities) {
        if self.capabilities.as_ref().is_some_and(|old| !old.is_same_agent(&capabilities)) {
            self.events.push(Event::AgentChanged);
        }
        self.capabilities = Some(capabilities);
        self.is_current = true;
    }
}
