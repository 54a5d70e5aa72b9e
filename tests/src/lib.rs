//! What the tests of the workspace share.

pub mod bytes;
pub mod example;
pub mod fuzz;
pub mod needs;
pub mod real_agent;
pub mod scripted;
pub mod shell;
pub mod transcript;
pub mod virtual_line;
pub mod vm;

/// The program in the README of the workspace.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
