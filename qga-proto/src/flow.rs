//! What users do in several calls, each written once for all runtimes.

mod accounts;

mod clock;
pub use clock::{ClockReading, ClockSet};

mod copy;
pub use copy::{
    Check, Copied, CopyError, CopyFrom, CopyTo, Digest, InPlace, Placing, Progress, Sink, Source,
};

pub mod exec;

pub(crate) mod file;
pub use file::{FileError, GuestFile, Mode, Seek};

mod freeze;
pub use freeze::{FreezeError, FreezeFailed, Frozen, Thawed};

mod hotplug;
pub use hotplug::NotAll;

mod network;
#[cfg(feature = "alloc")]
pub use network::Network;
pub use network::PrimaryAddress;

mod power;
pub use power::{Accepted, Shutdown, Suspend};

mod ready;
pub use ready::{NotReady, Ready};
