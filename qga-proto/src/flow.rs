//! What users do in several calls, each written once for all runtimes.

mod ready;
pub use ready::{NotReady, Ready};
