#![doc = include_str!("../README.md")]

pub use qga_proto as proto;
pub use qga_proto::os::ConnectError;

mod clock;
pub use clock::Clock;

mod connect;
pub use connect::{connect, connect_lazy};

mod file;
pub use file::{GuestFile, Reader, Writer};

mod session;
pub use session::{Connection, Error, FreezeError, FreezeFailed, Frozen, NotReady, Session, Shared, session};

mod stream;
pub use stream::{AnyStream, Stream};
