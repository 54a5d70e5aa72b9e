//! Connecting, by address.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use qga_proto::os::{self, ConnectError};
use qga_proto::{Address, Config};
#[cfg(unix)]
use serial2::SerialPort;
#[cfg(unix)]
use smol::Async;
use smol::net::TcpStream;
#[cfg(unix)]
use socket2::{Domain, SockAddr, Socket, Type};

use crate::clock::Clock;
use crate::session::{Connection, Session};
use crate::stream::{AnyStream, Stream};

/// Connects to the agent at `address`: `unix:PATH`, `tcp:HOST:PORT`, `vsock:CID:PORT` or `serial:PATH`. Takes `timeout` at
/// the most; how long calls may take is set on the session.
///
/// That a connection stands does not mean that an agent is behind it;
/// [`wait_ready`](qga_proto::Session::wait_ready) or the first call finds out. Dropping the future ends the connection,
/// if there is one already.
///
/// # Errors
///
/// What is wrong with the address, or why there is no connection.
pub async fn connect(address: &str, timeout: Duration) -> Result<Session, ConnectError> {
    let mut session = connect_lazy(address)?;
    let deadline = session.deadline(timeout);
    session.connect(deadline).await.map_err(|error| ConnectError::new(address, error))?;
    Ok(session)
}

/// A session for the agent at `address`, written as for [`connect`]. It connects at its first call, or in
/// [`wait_ready`](qga_proto::Session::wait_ready): there need not be a socket yet.
///
/// # Errors
///
/// What is wrong with the address.
pub fn connect_lazy(address: &str) -> Result<Session, ConnectError> {
    Address::parse(address).map_err(|error| ConnectError::address_error(address, error))?;
    let address = address.to_owned();
    let connection = Connection::with_connector(move || dial(address.clone()), Clock::new());
    Ok(Session::unconnected(connection, os::client(Config::default())))
}

async fn dial(address: String) -> io::Result<AnyStream> {
    let invalid = |error| io::Error::new(ErrorKind::InvalidInput, error);
    match Address::parse(&address).map_err(invalid)? {
        #[cfg(unix)]
        Address::Serial { path } => Ok(Box::new(Stream::new(open_serial(path)?))),
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Stream::socket(stream)))
        }
        #[cfg(unix)]
        Address::Unix { path } => connect_socket(Domain::UNIX, &SockAddr::unix(path)?).await,
        #[cfg(target_os = "linux")]
        Address::Vsock { cid, port } => connect_socket(Domain::VSOCK, &SockAddr::vsock(cid, port)).await,
        _ => Err(ErrorKind::Unsupported.into()),
    }
}

#[cfg(unix)]
fn open_serial(path: &str) -> io::Result<Async<File>> {
    // The speed that the real agent sets on its side. Emulated ports ignore it.
    let port = SerialPort::open(path, 38_400)?;
    Async::new(OwnedFd::from(port).into())
}

/// Smol's own way to connect to a Unix socket takes a full backlog for a connection that is under way.
#[cfg(unix)]
async fn connect_socket(domain: Domain, address: &SockAddr) -> io::Result<AnyStream> {
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    os::under_way(socket.connect(address))?;
    let stream = Async::new_nonblocking(UnixStream::from(OwnedFd::from(socket)))?;
    stream.writable().await?;
    stream.get_ref().take_error()?.map_or_else(|| Ok(Box::new(Stream::socket(stream)) as _), Err)
}
