//! What users do in several calls, each written once for all runtimes.

mod clock;
pub use clock::{ClockReading, ClockSet};

#[cfg(feature = "alloc")]
mod ready;
#[cfg(feature = "alloc")]
pub use ready::{NotReady, Ready};
