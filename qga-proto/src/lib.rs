#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(
    not(feature = "alloc"),
    allow(
        clippy::large_enum_variant,
        clippy::result_large_err,
        reason = "without an allocator an error carries its texts inside"
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// Each module with what it gives, so that the surface of the crate is read here.
mod address;
pub use address::{Address, AddressError};

mod agent;
pub use agent::{Agent, ErrorClass, ReplyError, Request, RequestError};

mod buffer;
pub use buffer::Buffer;

#[cfg(feature = "alloc")]
mod capabilities;
#[cfg(feature = "alloc")]
pub use capabilities::{Capabilities, Support};

mod client;
pub use client::{Client, Config, DEFAULT_MAX_MESSAGE, Ticket};

mod command;
#[cfg(feature = "alloc")]
pub use command::OwnedCommand;
pub use command::{Command, Empty, NamedCommand, RawCommand};

mod diagnosis;
pub use diagnosis::Diagnosis;

#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
pub mod embedded;

mod error;
pub use error::{Error, Misuse, Refusal, Sent, TimedOut, Violation};

mod flow;
#[cfg(feature = "alloc")]
pub use flow::Network;
pub use flow::exec;
pub use flow::{Accepted, FreezeError, FreezeFailed, Frozen, Shutdown, Suspend, Thawed};
pub use flow::{
    Check, Copied, CopyError, CopyFrom, CopyTo, Digest, InPlace, Placing, Progress, Sink, Source,
};
pub use flow::{ClockReading, ClockSet, NotAll, PrimaryAddress};
pub use flow::{FileError, GuestFile, Mode, Seek};
pub use flow::{NotReady, Ready};

mod frame;
pub use frame::{Frame, Framer, Framing};

pub mod json;

mod message;

pub mod metadata;

#[cfg(feature = "std")]
pub mod os;

mod secret;
pub use secret::Secret;

mod session;
pub use session::{Event, Reconnect, Session};

#[cfg(feature = "std")]
mod shared;
#[cfg(feature = "std")]
pub use shared::{Clock, Shared, SharedGuard};

mod text;
pub use text::{INLINE_NAME, INLINE_TEXT, Text};

#[cfg(feature = "defmt")]
mod printed;

mod time;
pub use time::Instant;

mod timeouts;
pub use timeouts::Timeouts;

mod transport;
pub use transport::{Cause, Transport};

mod generated;
#[cfg(feature = "alloc")]
pub use generated::owned;
pub use generated::{commands, schema, view};
