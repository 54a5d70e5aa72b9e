//! Connecting, by address.

use std::io::{self, ErrorKind};
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::time::Duration;

use qga_proto::os::{self, ConnectError};
use qga_proto::{Address, Config};
use serial2_tokio::SerialPort;
#[cfg(target_os = "linux")]
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

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
        // The speed that the real agent sets on its side. Emulated ports ignore it.
        Address::Serial { path } => Ok(Box::new(Stream::new(SerialPort::open(path, 38_400)?))),
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Stream::socket(stream)))
        }
        #[cfg(unix)]
        Address::Unix { path } => Ok(Box::new(Stream::socket(UnixStream::connect(path).await?))),
        #[cfg(target_os = "linux")]
        Address::Vsock { cid, port } => Ok(Box::new(Stream::socket(connect_vsock(cid, port).await?))),
        _ => Err(ErrorKind::Unsupported.into()),
    }
}

#[cfg(target_os = "linux")]
async fn connect_vsock(cid: u32, port: u32) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    os::under_way(socket.connect(&SockAddr::vsock(cid, port)))?;
    // It is not one, but reads and writes as one.
    let stream = UnixStream::from_std(OwnedFd::from(socket).into())?;
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(stream), Err)
}
