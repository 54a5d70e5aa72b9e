//! Stopping a guest and putting it to sleep, with calls that block.

use std::time::Duration;

use qga_proto::{Accepted, Shutdown, Suspend};

use crate::session::{Error, Session, block_on};
use crate::transport::Stream;

impl<S: Stream> Session<S> {
    /// Stops the guest, or lets it start anew; see [`qga_proto::Session::shutdown`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use qga_sim::{Guest, Server};
    /// use qga_std::proto::{Accepted, Shutdown};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A simulated guest; a real one is mostly at something like `unix:/run/vm/guest-agent.sock`.
    /// let guest = Server::bind("tcp:127.0.0.1:0", Guest::new())?.spawn()?;
    /// let mut session = qga_std::connect(guest.address(), Duration::from_secs(10))?;
    ///
    /// let accepted = session.shutdown_and_wait(Shutdown::Powerdown, Duration::from_secs(60))?;
    /// assert_eq!(accepted, Accepted::Gone);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Refused`: it will not. Where [`is_fate_unknown`](Error::is_fate_unknown) says so nobody knows whether it will.
    pub fn shutdown(&mut self, how: Shutdown, timeout: Duration) -> Result<Accepted, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.shutdown(how, deadline))
    }

    /// Stops the guest and waits until its agent is gone; see [`qga_proto::Session::shutdown_and_wait`].
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_and_wait(&mut self, how: Shutdown, timeout: Duration) -> Result<Accepted, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.shutdown_and_wait(how, deadline))
    }

    /// Puts the guest to sleep; see [`qga_proto::Session::suspend`].
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn suspend(&mut self, how: Suspend, timeout: Duration) -> Result<Accepted, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.suspend(how, deadline))
    }

    /// Puts the guest to sleep and waits until its agent is gone or silent; see
    /// [`qga_proto::Session::suspend_and_wait`].
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn suspend_and_wait(&mut self, how: Suspend, timeout: Duration) -> Result<Accepted, Error> {
        let deadline = self.deadline(timeout);
        block_on(self.0.suspend_and_wait(how, deadline))
    }
}
