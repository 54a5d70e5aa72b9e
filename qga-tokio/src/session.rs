//! Sessions over tokio's streams.

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

/// Why a guest was not frozen as it should be.
pub type FreezeError = qga_proto::FreezeError<io::Error>;

/// Work that was to be done on a frozen guest, and was not, or not as it should be.
pub type FreezeFailed<R> = qga_proto::FreezeFailed<R, io::Error>;

/// A guest that is frozen: see [`qga_proto::Frozen`].
pub type Frozen<'s, S = AnyStream> = qga_proto::Frozen<'s, Connection<S>, Vec<u8>>;

/// Why there was no agent ready.
pub type NotReady = qga_proto::NotReady<io::Error>;

/// A session over a stream that is connected already. Nothing is sent before the first call.
pub fn session<S: PollStream>(stream: S) -> Session<S> {
    Session::new(Connection::new(stream, Clock::new()), os::client(Config::default()))
}
