//! Connecting, by address.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use qga_proto::Address;
use qga_proto::os::ConnectError;
use serial2::SerialPort;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::session::Session;
use crate::transport::{Stream, end};

/// Connects to the agent at `address`: `unix:PATH`, `tcp:HOST:PORT`, `vsock:CID:PORT` or `serial:PATH`. Takes `timeout` at
/// the most; how long calls may take is set on the session.
///
/// That a connection stands does not mean that an agent is behind it; [`Session::wait_ready`] or the first call finds out.
///
/// # Errors
///
/// What is wrong with the address, or why there is no connection.
pub fn connect(address: &str, timeout: Duration) -> Result<Session, ConnectError> {
    let mut session = connect_lazy(address)?;
    session.connect(timeout).map_err(|error| ConnectError::new(address, error))?;
    Ok(session)
}

/// A session for the agent at `address`, written as for [`connect`]. It connects at its first call, or in
/// [`Session::wait_ready`]: there need not be a socket yet.
///
/// # Errors
///
/// What is wrong with the address.
pub fn connect_lazy(address: &str) -> Result<Session, ConnectError> {
    Address::parse(address).map_err(|error| ConnectError::address_error(address, error))?;
    let address = address.to_owned();
    Ok(Session::with_connector(move |deadline| dial(&address, deadline)))
}

/// Connects to `address` once, and gives the bare stream. Put it into a [`Session`] or a
/// [`Connection`](crate::Connection), or [`end`](AnyStream::end) it: just dropped, it may leave a reply unread, at which
/// a real agent on a Unix socket exits.
///
/// # Errors
///
/// Why there is no connection; [`ErrorKind::InvalidInput`] when the address is wrong, and [`ErrorKind::WouldBlock`] when
/// as many wait at a Unix socket as may.
pub fn dial(address: &str, deadline: Instant) -> io::Result<AnyStream> {
    let invalid = |error| io::Error::new(ErrorKind::InvalidInput, error);
    match Address::parse(address).map_err(invalid)? {
        Address::Serial { path } => open_serial(path).map(AnyStream::Serial),
        Address::Tcp { host, port } => connect_tcp(host, port, deadline).map(AnyStream::Socket),
        Address::Unix { path } => connect_unix(path).map(AnyStream::Socket),
        Address::Vsock { cid, port } => connect_vsock(cid, port, deadline).map(AnyStream::Socket),
        _ => Err(ErrorKind::Unsupported.into()),
    }
}

/// The stream behind any address.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyStream {
    /// A serial device or pseudo terminal, in raw mode.
    Serial(SerialPort),
    /// A Unix, TCP or vsock socket.
    Socket(Socket),
}

impl AnyStream {
    /// A second handle on the same stream, with which a signal handler can end the connection; see
    /// [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Serial(port) => Self::Serial(port.try_clone()?),
            Self::Socket(socket) => Self::Socket(socket.try_clone()?),
        })
    }

    /// Ends the connection at once, for all its handles, and leaves no reply unread in it: for a process that is about
    /// to end without dropping its session.
    pub fn end(mut self) {
        end(&mut self);
    }
}

fn open_serial(path: &str) -> io::Result<SerialPort> {
    // The speed that the real agent sets on its side. Emulated ports ignore it.
    SerialPort::open(path, 38_400)
}

fn connect_tcp(host: &str, port: u16, deadline: Instant) -> io::Result<Socket> {
    let mut result = Err(io::Error::new(ErrorKind::NotFound, "the host has no address"));
    let addresses = resolve(host, port, deadline)?;
    for (at, address) in addresses.iter().enumerate() {
        let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
        socket.set_tcp_nodelay(true)?;
        // Each gets its share of the time: one that is a black hole leaves some to the others.
        let share = left(deadline)? / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match socket.connect_timeout(&(*address).into(), share) {
            Ok(()) => return Ok(socket),
            Err(error) => result = Err(error),
        }
    }
    result
}

/// The addresses of a host. A name is looked up in a thread: the system's resolver knows no deadline.
fn resolve(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    thread::Builder::new().spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        // Nobody waits any more when the deadline has passed.
        let _ = sender.send(addresses);
    })?;
    receiver.recv_timeout(left(deadline)?).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// Does not wait: there is a connection at once, or none.
fn connect_unix(path: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(false)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn connect_vsock(cid: u32, port: u32, deadline: Instant) -> io::Result<Socket> {
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.connect_timeout(&SockAddr::vsock(cid, port), left(deadline)?)?;
    Ok(socket)
}

#[cfg(not(target_os = "linux"))]
fn connect_vsock(_: u32, _: u32, _: Instant) -> io::Result<Socket> {
    Err(ErrorKind::Unsupported.into())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

impl Read for AnyStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Serial(port) => Read::read(port, buffer),
            Self::Socket(socket) => socket.read(buffer),
        }
    }
}

impl Write for AnyStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Serial(port) => Write::write(port, bytes),
            Self::Socket(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for AnyStream {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Serial(port) => Stream::set_read_timeout(port, timeout),
            Self::Socket(socket) => Stream::set_read_timeout(socket, timeout),
        }
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Serial(port) => Stream::set_write_timeout(port, timeout),
            Self::Socket(socket) => Stream::set_write_timeout(socket, timeout),
        }
    }

    fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Serial(port) => port.shutdown(),
            Self::Socket(socket) => Stream::shutdown(socket),
        }
    }
}
