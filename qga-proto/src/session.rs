//! The one driver: calls over a transport, and what outlives a connection.

use core::time::Duration;

use crate::buffer::Buffer;
#[cfg(feature = "alloc")]
use crate::capabilities::Capabilities;
use crate::client::{Client, Config};
use crate::command::Command;
use crate::error::Error;
use crate::time::Instant;
use crate::timeouts::Timeouts;
use crate::transport::Transport;

mod debts;
pub(crate) use debts::Freezing;

mod drive;

mod event;
pub use event::Event;
use event::Events;

mod orphans;
use orphans::Orphans;

mod reconnect;
pub(crate) use reconnect::Pace;
pub use reconnect::Reconnect;

mod trace;

/// Calls to one agent.
///
/// Whatever happens to one call, the next gets its own answer: after a timeout, a dropped future or an error the
/// session finds out by itself what it needs to know about the line. When the connection is over, the next call makes
/// a new one if the session's [`Reconnect`] policy says so; the default is not to.
///
/// # Dropping a future
///
/// The future of every call may be dropped at any point, without harm to the session. That gives the call up; it does
/// not take it back: what has left may still be carried out. In id mode (agents since QEMU 4.0) the next call costs no
/// more than any other.
#[derive(Debug)]
pub struct Session<T, Rx, Tx = Rx> {
    pub(crate) transport: T,
    pub(crate) client: Client<Rx, Tx>,
    pub(crate) timeouts: Timeouts,
    pub(crate) reconnect: Reconnect,
    link: Link,
    pub(crate) events: Events,
    orphans: Orphans,
    /// What this session has frozen and must thaw.
    pub(crate) freezing: Freezing,
    /// How many bytes have been sent and received.
    pub(crate) traffic: trace::Traffic,
    /// What the agent said last that it can do; whether it still holds says `is_current`.
    #[cfg(feature = "alloc")]
    pub(crate) capabilities: Option<Capabilities>,
    #[cfg(feature = "alloc")]
    pub(crate) is_current: bool,
    /// Files with the input of programs that may be left in the guest.
    #[cfg(feature = "alloc")]
    pub(crate) inputs: alloc::vec::Vec<crate::exec::InputFile>,
}

/// What is known of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// There has been none yet.
    None,
    /// It stood when it was last looked at.
    Up,
    /// It is over.
    Lost,
}

/// Makes sessions, and sets what they go by.
impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// A session over a connection that stands. Nothing is sent before the first call.
    pub fn new(transport: T, client: Client<Rx, Tx>) -> Self {
        Self { link: Link::Up, ..Self::unconnected(transport, client) }
    }

    /// A session that connects at its first call, whatever its policy for the time after that.
    pub fn unconnected(transport: T, client: Client<Rx, Tx>) -> Self {
        Self {
            transport,
            client,
            timeouts: Timeouts::DEFAULT,
            reconnect: Reconnect::NEVER,
            link: Link::None,
            events: Events::default(),
            orphans: Orphans::default(),
            freezing: Freezing::default(),
            traffic: [0; 2],
            #[cfg(feature = "alloc")]
            capabilities: None,
            #[cfg(feature = "alloc")]
            is_current: false,
            #[cfg(feature = "alloc")]
            inputs: alloc::vec::Vec::new(),
        }
    }

    /// Sets how long calls may take that do not say it themselves, by kind of command.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// How long calls may take that do not say it themselves.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Sets how long a call of any command may take that does not say it itself, instead of the [`Timeouts`] of its kind.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeouts = Timeouts::all(timeout);
    }

    /// Sets limits and intervals of the protocol.
    pub fn set_config(&mut self, config: Config) {
        self.client.set_config(config);
    }

    /// Sets what happens when the connection is over.
    pub fn set_reconnect(&mut self, policy: Reconnect) {
        self.reconnect = policy;
    }
}

/// Calls.
impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Calls a command. The reply owns all it has. Takes no longer than the session's [`Timeouts`] say.
    ///
    /// Dropping the future gives the call up; see [`Session`].
    ///
    /// # Errors
    ///
    /// Every [`Error`] but [`Error::QueueFull`].
    #[cfg(feature = "alloc")]
    pub async fn call<C: crate::OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error<T::Error>> {
        let deadline = self.deadline(self.timeouts.of(command.name()));
        self.call_until(command, deadline).await
    }

    /// Calls a command that may take as long as `timeout`. As [`call`](Self::call) otherwise.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    #[cfg(feature = "alloc")]
    pub async fn call_timeout<C: crate::OwnedCommand>(
        &mut self,
        command: &C,
        timeout: Duration,
    ) -> Result<C::Owned, Error<T::Error>> {
        let deadline = self.deadline(timeout);
        self.call_until(command, deadline).await
    }

    /// Calls a command, with a deadline that covers everything: connection, sync, command. As [`call`](Self::call)
    /// otherwise.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    #[cfg(feature = "alloc")]
    pub async fn call_until<C: crate::OwnedCommand>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Owned, Error<T::Error>> {
        self.call_under(command, deadline, self.reconnect).await
    }

    /// Calls a command over the connection that there is.
    #[cfg(feature = "alloc")]
    pub(crate) async fn call_once<C: crate::OwnedCommand>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Owned, Error<T::Error>> {
        self.call_under(command, deadline, Reconnect::NEVER).await
    }

    #[cfg(feature = "alloc")]
    async fn call_under<C: crate::OwnedCommand>(
        &mut self,
        command: &C,
        deadline: Instant,
        policy: Reconnect,
    ) -> Result<C::Owned, Error<T::Error>> {
        let span = trace::Call::begin(command.name(), &self.transport, &self.traffic);
        let result = span.follow(self.perform(command, deadline, policy)).await;
        let result = result.and_then(|ticket| self.client.reply_owned(ticket).map_err(Error::widen));
        span.end(&result, &self.transport, &self.traffic);
        result
    }

    /// Calls a command. The reply borrows from the session's buffer. Takes no longer than the session's [`Timeouts`] say.
    ///
    /// Dropping the future gives the call up; see [`Session`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_view<C: Command>(&mut self, command: &C) -> Result<C::View<'_>, Error<T::Error>> {
        let deadline = self.deadline(self.timeouts.of(command.name()));
        self.call_view_until(command, deadline).await
    }

    /// Calls a command that may take as long as `timeout`. As [`call_view`](Self::call_view) otherwise.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_view_timeout<C: Command>(
        &mut self,
        command: &C,
        timeout: Duration,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        let deadline = self.deadline(timeout);
        self.call_view_until(command, deadline).await
    }

    /// Calls a command, with a deadline that covers everything. As [`call_view`](Self::call_view) otherwise.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_view_until<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        self.call_view_under(command, deadline, self.reconnect).await
    }

    /// Calls a command over the connection that there is.
    pub(crate) async fn call_view_once<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        self.call_view_under(command, deadline, Reconnect::NEVER).await
    }

    async fn call_view_under<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
        policy: Reconnect,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        let span = trace::Call::begin(command.name(), &self.transport, &self.traffic);
        let result = span.follow(self.perform(command, deadline, policy)).await;
        let result = result.and_then(|ticket| self.client.reply(ticket).map_err(Error::widen));
        span.end(&result, &self.transport, &self.traffic);
        result
    }
}

/// What can be asked of a session without a call.
impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// What has happened to the connection since it was asked last, oldest first. The 8 newest are kept.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.poll()
    }

    /// The point in time that is `timeout` from now.
    pub fn deadline(&self, timeout: Duration) -> Instant {
        self.transport.now() + timeout
    }

    /// Whether there is a connection, as far as is known: nobody learns of its end but by a call.
    pub fn is_connected(&self) -> bool {
        self.link == Link::Up && !self.client.is_closed()
    }

    /// Whether a call that finds no connection tries to make one.
    pub(crate) fn reconnects(&self) -> bool {
        self.reconnect.attempts > 0
    }

    /// Whether an agent has ever answered on this connection.
    pub fn heard(&self) -> bool {
        self.client.heard()
    }

    /// The machine inside.
    pub fn client(&self) -> &Client<Rx, Tx> {
        &self.client
    }

    /// The transport inside.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport inside. To read from it or write to it breaks the session.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }
}
