#![doc = include_str!("../README.md")]

pub use qga_proto as proto;
pub use qga_proto::os::ConnectError;

mod clock;
pub use clock::Clock;

mod connect;
pub use connect::{AnyStream, connect, connect_lazy, dial};

mod exec;
pub use exec::ExecError;

mod file;
pub use file::{CopyError, FileError, GuestFile, Reader, Writer};

mod flows;
pub use flows::{NotAll, wall_clock};

mod freeze;
pub use freeze::{FreezeError, FreezeFailed, Frozen};

mod power;

mod session;
pub use session::{Error, NotReady, Session, block_on};

mod shared;
pub use shared::Shared;

mod transport;
pub use transport::{Connection, Stream};
