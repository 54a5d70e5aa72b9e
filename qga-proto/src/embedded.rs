//! Transports over the streams of embedded systems: a UART, or whatever has the traits of `embedded-io`.
//!
//! `Blocking` (feature `embedded-io`) is for programs without an executor: a read asks the stream again and again whether
//! something has come, up to the deadline, as the traits know no time limit. `Async` (feature `embedded-io-async`) races
//! the stream against a timer. Neither can connect: a UART is all there is, so a session over one ends with the line.
//!
//! [`FileStream`] is the other way round: a file in the guest that has the traits.
//!
//! What time it is the caller says, from any point on. Deadlines are as fine as that clock.

#[cfg(feature = "embedded-io-async")]
mod asynchronous;
#[cfg(feature = "embedded-io-async")]
pub use asynchronous::{Async, Timer};

#[cfg(feature = "embedded-io")]
mod blocking;
#[cfg(feature = "embedded-io")]
pub use blocking::{Blocking, block_on};

mod file;
pub use file::FileStream;
