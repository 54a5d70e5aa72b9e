//! What users do in several calls, blocking.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qga_proto::json::Str;
use qga_proto::view::{GuestLogicalProcessor, GuestMemoryBlock, GuestMemoryBlockResponse};
use qga_proto::{ClockReading, ClockSet, Network, PrimaryAddress};

use crate::session::{Error, Session, block_on};
use crate::transport::Stream;

/// Why not everything was set.
pub type NotAll = qga_proto::NotAll<io::Error>;

/// What this computer's clock shows, as agents tell theirs: in nanoseconds since 1970-01-01 00:00 UTC.
#[must_use]
pub fn wall_clock() -> i64 {
    let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

/// The guest's clock.
impl<S: Stream> Session<S> {
    /// Reads the guest's clock and compares it with this computer's; see [`qga_proto::Session::read_clock`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn read_clock(&mut self, timeout: Duration) -> Result<ClockReading, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.read_clock(wall_clock(), deadline))
    }

    /// Sets the guest's clock to this computer's; see [`qga_proto::Session::set_clock`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). Where the fate is unknown the clock may have been set.
    pub fn set_clock(&mut self, timeout: Duration) -> Result<ClockSet, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.set_clock(wall_clock(), deadline))
    }
}

/// Processors and memory.
impl<S: Stream> Session<S> {
    /// Takes processors into use or out of it; see [`qga_proto::Session::set_vcpus`].
    ///
    /// # Errors
    ///
    /// [`NotAll`] says how many were set, and why it went no further.
    pub fn set_vcpus(&mut self, wanted: &[GuestLogicalProcessor], timeout: Duration) -> Result<(), NotAll> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.set_vcpus(wanted, deadline))
    }

    /// Takes blocks of memory into use or out of it; see [`qga_proto::Session::set_memory_blocks`].
    ///
    /// # Errors
    ///
    /// [`NotAll`] says how many have been told of, and why it went no further.
    pub fn set_memory_blocks(
        &mut self,
        wanted: &[GuestMemoryBlock],
        told: impl FnMut(GuestMemoryBlockResponse<'_>),
        timeout: Duration,
    ) -> Result<usize, NotAll> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.set_memory_blocks(wanted, told, deadline))
    }
}

/// Network and accounts.
impl<S: Stream> Session<S> {
    /// Finds the address at which the guest is most likely to be reached; see [`qga_proto::Session::primary_address`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// let stream = qga_sim::spawn(qga_sim::Guest::new())?;
    /// let mut session = qga_std::Session::new(stream);
    /// let address = session.primary_address(Duration::from_secs(10))?.expect("it has one");
    /// assert_eq!((address.to_string().as_str(), address.interface.as_str()), ("192.0.2.15", "eth0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn primary_address(&mut self, timeout: Duration) -> Result<Option<PrimaryAddress>, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.primary_address(deadline))
    }

    /// Asks for all interfaces and routes, and finds the primary address among them; see
    /// [`qga_proto::Session::network`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn network(&mut self, timeout: Duration) -> Result<Network, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.network(deadline))
    }

    /// Removes SSH keys, and counts what is left of them; see [`qga_proto::Session::remove_authorized_keys`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn remove_authorized_keys(
        &mut self,
        user: &str,
        keys: &[Str<'_>],
        timeout: Duration,
    ) -> Result<usize, Error> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.remove_authorized_keys(user, keys, deadline))
    }
}
