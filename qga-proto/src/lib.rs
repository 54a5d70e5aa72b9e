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

// Each module with what it gives, so that the surface of the crate is read here.
mod address;
pub use address::{Address, AddressError};

mod agent;
pub use agent::{Agent, ErrorClass, ReplyError, Request, RequestError};

mod buffer;
pub use buffer::Buffer;

mod client;
pub use client::{Client, Config, DEFAULT_MAX_MESSAGE, Ticket};

mod command;
#[cfg(feature = "alloc")]
pub use command::OwnedCommand;
pub use command::{Command, Empty, RawCommand};

mod error;
pub use error::{Error, Misuse, Refusal, Sent, TimedOut, Violation};

mod frame;
pub use frame::{Frame, Framer, Framing};

pub mod json;

mod message;

pub mod metadata;

mod secret;
pub use secret::Secret;

mod session;
pub use session::{DEFAULT_TIMEOUT, Session, Transport};

mod text;
pub use text::{INLINE_TEXT, Text};

mod time;
pub use time::Instant;

mod generated;
#[cfg(feature = "alloc")]
pub use generated::owned;
pub use generated::{commands, schema, view};
