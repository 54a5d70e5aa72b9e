//! Pumping: between the client and the transport, until a call is settled.

use core::time::Duration;

use super::Session;
use crate::buffer::Buffer;
use crate::error::Error;
use crate::time::Instant;
use crate::transport::Transport;

/// How long to try to write before looking whether the agent writes, too: two sides that only write wait for ever.
const WRITE_SLICE: Duration = Duration::from_millis(20);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Pumps until the call is settled.
    pub(super) async fn drive(&mut self, mut now: Instant) -> Result<(), Error<T::Error>> {
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
                Ok(Some(n @ 1..)) => {
                    self.traffic[0] += n as u64;
                    self.client.handle_transmitted(n, now);
                }
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
            Ok(Some(n)) => {
                self.traffic[1] += n as u64;
                self.client.handle_received(n, now);
            }
            Ok(None) => return Ok((now, false)),
            Err(error) => self.fail(error, now)?,
        }
        Ok((now, true))
    }

    /// The transport has failed: what follows on this connection is [`Error::Closed`]. A last line without its newline may
    /// have settled the call all the same, and a command that is silent when it succeeds may have succeeded by that.
    fn fail(&mut self, error: T::Error, now: Instant) -> Result<(), Error<T::Error>> {
        self.client.handle_eof(now);
        if self.client.settled_lost().is_none() && self.client.is_settled() {
            return Ok(());
        }
        let sent = self.client.give_up();
        Err(Error::Transport { error, sent })
    }
}
