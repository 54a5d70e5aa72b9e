//! What the core needs of the world: a stream of bytes, and a clock.

use core::future::{self, Future};

use crate::time::Instant;

/// A stream of bytes to an agent, the way to make a new one, and a clock. All that an adapter is.
///
/// Dropping a future of these must lose no bytes and send none twice: a byte that was read is in the buffer of a call
/// that has returned, and a write that has not returned has sent nothing.
pub trait Transport {
    /// Why the stream failed, or why there is none.
    type Error;

    /// What time it is.
    fn now(&self) -> Instant;

    /// Ends the connection, if there is one, and tries once to make a new one, up to the deadline.
    ///
    /// Gives whether there is a connection now; `false`, the default, means that this transport knows no way to make
    /// one. When the future is dropped there is no connection.
    ///
    /// # Errors
    ///
    /// Why there is none; [`cause`](Self::cause) sorts it.
    fn connect(&mut self, deadline: Instant) -> impl Future<Output = Result<bool, Self::Error>> {
        let _ = deadline;
        future::ready(Ok(false))
    }

    /// Ends the connection, if another can be made by [`connect`](Self::connect); else does nothing, as a line that is
    /// all there is must not be given up.
    ///
    /// Gives whether another can be made; `false` is the default.
    fn disconnect(&mut self) -> bool {
        false
    }

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

    /// Waits until the deadline.
    fn sleep_until(&mut self, deadline: Instant) -> impl Future<Output = ()>;

    /// What kind of reason an error of [`connect`](Self::connect) is.
    fn cause(error: &Self::Error) -> Cause {
        let _ = error;
        Cause::Other
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// There is nothing at the address: no socket, no device.
    NotFound,
    /// There is a socket, and nobody listens on it.
    Refused,
    /// This user may not connect.
    Denied,
    /// Somebody listens, but has no room for another client: the channel is taken.
    Busy,
    /// The deadline passed.
    TimedOut,
    /// The address is wrong, or of a kind that this system does not have. Trying again does not help.
    Invalid,
    /// Something else.
    Other,
}
