//! What the tests of the workspace share.

pub mod fuzz;
pub mod real_agent;
pub mod transcript;
