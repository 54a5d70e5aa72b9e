#![doc = include_str!("../README.md")]

mod base64;

mod commands;

mod error;

mod files;

mod guest;
pub use guest::{Guest, Power};

mod processes;

mod program;
pub use program::{Invocation, Program, Run};

mod serve;
#[cfg(unix)]
pub use serve::spawn;
pub use serve::{Server, ServerHandle, serve};

mod sim;
pub use sim::Sim;

pub use qga_proto as proto;
