#![doc = include_str!("../README.md")]

pub use qga_proto as proto;

mod connect;
pub use connect::{AnyStream, ConnectError, connect, connect_until};

mod session;
pub use session::{Error, Session, block_on};

mod transport;
pub use transport::{Connection, Stream};
