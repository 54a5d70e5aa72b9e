#![doc = include_str!("../README.md")]

mod base64;

mod commands;

mod error;
pub use error::Errno;

mod fault;
pub use fault::{Fault, FaultError, FaultKind, UselessFault};

#[cfg(feature = "toml")]
mod file;
#[cfg(feature = "toml")]
pub use file::FileError;

mod files;
pub use files::{FileKind, Full, Metadata};

mod guest;
pub use guest::{Guest, Power};

mod line;

mod personality;
pub use personality::{Personality, UnknownPersonality};

mod plain;

mod processes;

mod program;
pub use program::{Invocation, Program, Run};

mod schema;

mod serve;
#[cfg(unix)]
pub use serve::spawn;
pub use serve::{Server, ServerHandle, serve};

mod sim;
pub use sim::Sim;

pub mod transcript;

mod value;

mod virtual_line;
pub use virtual_line::{GuestIsOff, VirtualLine};

mod wire;

pub use qga_proto as proto;
