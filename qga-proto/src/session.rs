//! The one driver: pumps a client through a transport.

use core::future::Future;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::client::Client;
use crate::command::Command;
use crate::error::Error;
use crate::time::Instant;

/// A stream of bytes to an agent, and a clock. All that an adapter is.
///
/// Dropping a future of these must lose no bytes and send none twice: a byte that was read is in the buffer of a call
/// that has returned, and a write that has not returned has sent nothing.
pub trait Transport {
    /// Why the stream failed.
    type Error;

    /// What time it is.
    fn now(&self) -> Instant;

    /// Reads what is there, waiting for it until the deadline; a deadline that has passed means not to wait.
    ///
    /// Gives how many bytes were read, 0 at the end of the stream (a connection reset by the peer is an end too), or
    /// `None` when there was nothing in time.
    fn read(
        &mut self,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> impl Future<Output = Result<Option<usize>, Self::Error>>;

    /// Writes what can be written at once, waiting for that until the deadline.
    ///
    /// Gives how many bytes were written, 0 when the peer is gone, or `None` when nothing could be written in time.
    fn write(
        &mut self,
        bytes: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = Result<Option<usize>, Self::Error>>;

    /// Waits until the deadline. For what is built of several calls: one alone never sleeps.
    fn sleep_until(&mut self, deadline: Instant) -> impl Future<Output = ()>;
}

/// A connection to an agent, ready for calls.
///
/// Whatever happens to one call, the next gets its own answer: after a timeout, a dropped future or an error the
/// session finds out by itself what it needs to know about the line. When the connection is over, every call says so
/// ([`Error::Closed`]); make a new session then.
#[derive(Debug)]
pub struct Session<T, Rx, Tx = Rx> {
    transport: T,
    client: Client<Rx, Tx>,
    timeout: Duration,
}

/// How long a call may take if nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to try to write before looking whether the agent writes, too: two sides that only write wait for ever.
const WRITE_SLICE: Duration = Duration::from_millis(20);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// A session over a fresh connection. Nothing is sent before the first call.
    pub fn new(transport: T, client: Client<Rx, Tx>) -> Self {
        Self { transport, client, timeout: DEFAULT_TIMEOUT }
    }

    /// Sets how long a call may take, sync included, where it does not say itself. Default: 10 s.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Calls a command. The reply borrows from the session's buffer.
    ///
    /// Dropping the future gives the call up, at any point, without harm to the session; the agent may still carry the
    /// command out.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After [`Error::Closed`] and [`Error::Transport`] the session is over
    /// ([`session_goes_on`](Error::session_goes_on)); after all others the next call can follow.
    pub async fn call_view<C: Command>(&mut self, command: &C) -> Result<C::View<'_>, Error<T::Error>> {
        let deadline = self.transport.now() + self.timeout;
        self.call_view_until(command, deadline).await
    }

    /// Calls a command, with a deadline that covers everything. As [`call_view`](Self::call_view) otherwise.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After [`Error::Closed`] and [`Error::Transport`] the session is over
    /// ([`session_goes_on`](Error::session_goes_on)); after all others the next call can follow.
    pub async fn call_view_until<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::View<'_>, Error<T::Error>> {
        let now = self.transport.now();
        let ticket = self.client.submit(command, now, deadline).map_err(Error::widen)?;
        self.drive(now).await?;
        self.client.reply(ticket).map_err(Error::widen)
    }

    /// Calls a command. The reply owns all it has.
    ///
    /// Dropping the future gives the call up, at any point, without harm to the session; the agent may still carry the
    /// command out.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After [`Error::Closed`] and [`Error::Transport`] the session is over
    /// ([`session_goes_on`](Error::session_goes_on)); after all others the next call can follow.
    #[cfg(feature = "alloc")]
    pub async fn call<C: crate::OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error<T::Error>> {
        let deadline = self.transport.now() + self.timeout;
        self.call_until(command, deadline).await
    }

    /// Calls a command, with a deadline that covers everything. As [`call`](Self::call) otherwise.
    ///
    /// # Errors
    ///
    /// Every [`Error`]. After [`Error::Closed`] and [`Error::Transport`] the session is over
    /// ([`session_goes_on`](Error::session_goes_on)); after all others the next call can follow.
    #[cfg(feature = "alloc")]
    pub async fn call_until<C: crate::OwnedCommand>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Owned, Error<T::Error>> {
        let now = self.transport.now();
        let ticket = self.client.submit(command, now, deadline).map_err(Error::widen)?;
        self.drive(now).await?;
        self.client.reply_owned(ticket).map_err(Error::widen)
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

    /// Pumps until the call is settled.
    async fn drive(&mut self, mut now: Instant) -> Result<(), Error<T::Error>> {
        loop {
            self.client.handle_timeout(now);
            if self.client.is_settled() {
                return Ok(());
            }
            let timeout = self.client.poll_timeout().unwrap_or(now);
            let Some(bytes) = self.client.poll_transmit() else {
                now = self.receive(timeout).await?.0;
                continue;
            };
            let written = self.transport.write(bytes, timeout.min(now + WRITE_SLICE)).await;
            now = self.transport.now();
            match written {
                Ok(Some(n @ 1..)) => self.client.handle_transmitted(n, now),
                // Nothing can be written now, or ever again: first hear what the agent has to say.
                Ok(gone) => {
                    now = self.receive_what_is_there(now, timeout).await?;
                    if gone.is_some() && !self.client.is_settled() {
                        self.client.handle_eof(now);
                    }
                }
                Err(error) => self.fail(error, now)?,
            }
        }
    }

    /// Reads without waiting, until there is nothing more, the call is settled or its time is over.
    async fn receive_what_is_there(
        &mut self,
        mut now: Instant,
        timeout: Instant,
    ) -> Result<Instant, Error<T::Error>> {
        while now < timeout && !self.client.is_settled() {
            let (then, something) = self.receive(now).await?;
            now = then;
            if !something {
                break;
            }
        }
        Ok(now)
    }

    /// Reads once; gives the time after that, and whether anything came.
    async fn receive(&mut self, until: Instant) -> Result<(Instant, bool), Error<T::Error>> {
        let received = self.transport.read(self.client.receive_buffer(), until).await;
        let now = self.transport.now();
        match received {
            Ok(Some(0)) => self.client.handle_eof(now),
            Ok(Some(n)) => self.client.handle_received(n, now),
            Ok(None) => return Ok((now, false)),
            Err(error) => self.fail(error, now)?,
        }
        Ok((now, true))
    }

    /// The transport has failed: what follows on this connection is [`Error::Closed`]. A command that is silent when it
    /// succeeds may have succeeded by that.
    fn fail(&mut self, error: T::Error, now: Instant) -> Result<(), Error<T::Error>> {
        self.client.handle_eof(now);
        if self.client.is_accepted() {
            return Ok(());
        }
        self.client.give_up();
        Err(Error::Transport(error))
    }
}
