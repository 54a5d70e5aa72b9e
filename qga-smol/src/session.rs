//! Sessions over smol's streams.

use std::io;

use qga_proto::Config;
use qga_proto::os::{self, PollStream};

use crate::clock::Clock;
use crate::stream::AnyStream;

/// The transport over a stream: see [`qga_proto::os::Connection`].
pub type Connection<S = AnyStream> = os::Connection<S, Clock>;

/// Calls to one agent: see [`qga_proto::Session`].
pub type Session<S = AnyStream> = qga_proto::Session<Connection<S>, Vec<u8>>;

/// A handle on one [`Session`], for many tasks: see [`qga_proto::Shared`].
pub type Shared<S = AnyStream> = qga_proto::Shared<Connection<S>, Clock>;

/// Why a call failed.
pub type Error = qga_proto::Error<io::Error>;

/// Why there was no agent ready.
pub type NotReady = qga_proto::NotReady<io::Error>;

/// A session over a stream that is connected already. Nothing is sent before the first call.
pub fn session<S: PollStream>(stream: S) -> Session<S> {
    Session::new(Connection::new(stream, Clock::new()), os::client(Config::default()))
}
