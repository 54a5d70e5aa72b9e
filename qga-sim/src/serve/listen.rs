//! Listening, by address.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use qga_proto::{Address, AddressError};
use socket2::{Domain, SockAddr, Socket, Type};

#[cfg(unix)]
use super::pty::Pty;

/// A place where clients come.
pub(super) struct Listening {
    pub(super) listener: Listener,
    /// Where, as an address.
    pub(super) address: String,
    pub(super) file: Option<SocketFile>,
}

#[derive(Debug)]
pub(super) enum Listener {
    Socket(Socket),
    #[cfg(unix)]
    Pty(Pty),
}

/// The file of a Unix socket, or the link to a pseudo terminal, which goes with the server.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have tidied up before.
        let _ = fs::remove_file(&self.0);
    }
}

/// How many clients may wait.
const BACKLOG: i32 = 16;

pub(super) fn bind(address: &str) -> io::Result<Listening> {
    const SCHEMES: &str = "one can listen at unix:PATH, tcp:HOST:PORT, vsock:CID:PORT or pty:PATH";

    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("pty:") {
        return bind_pty(path);
    }
    let parsed = Address::parse(address).map_err(|error| match error {
        AddressError::Scheme => io::Error::new(ErrorKind::InvalidInput, SCHEMES),
        error => io::Error::new(ErrorKind::InvalidInput, error),
    })?;
    match parsed {
        Address::Tcp { host, port } => bind_tcp(host, port),
        Address::Unix { path } => bind_unix(path),
        Address::Vsock { cid, port } => bind_vsock(cid, port),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, SCHEMES)),
    }
}

/// Makes a pseudo terminal, and if a path is given a link to it, which may take the place of one that leads nowhere.
#[cfg(unix)]
fn bind_pty(path: &str) -> io::Result<Listening> {
    let (pty, device) = Pty::open()?;
    if path.is_empty() {
        let address = Address::Serial { path: &device }.to_string();
        return Ok(Listening { listener: Listener::Pty(pty), address, file: None });
    }
    let is_stale =
        fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) && fs::metadata(path).is_err();
    if is_stale {
        fs::remove_file(path)?;
    }
    std::os::unix::fs::symlink(device, path)?;
    let address = Address::Serial { path }.to_string();
    Ok(Listening { listener: Listener::Pty(pty), address, file: Some(SocketFile(path.into())) })
}

/// Connects to an address and leaves at once, so that who waits there for a client has one.
pub(super) fn knock(address: &str) {
    let knock = || -> io::Result<()> {
        let (domain, address) = match Address::parse(address).map_err(io::Error::other)? {
            Address::Tcp { host, port } => {
                let address = resolve(host, port)?;
                (Domain::for_address(address), address.into())
            }
            Address::Unix { path } => (Domain::UNIX, SockAddr::unix(path)?),
            _ => return Ok(()),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        // A full backlog needs no other client, and would keep this one waiting.
        socket.set_nonblocking(true)?;
        socket.connect(&address)
    };
    // Nobody there is as good.
    let _ = knock();
}

fn bind_tcp(host: &str, port: u16) -> io::Result<Listening> {
    let address = resolve(host, port)?;
    let listener = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // The port of a server that has just ended can be had again.
    #[cfg(unix)]
    listener.set_reuse_address(true)?;
    // Its connections inherit it.
    listener.set_tcp_nodelay(true)?;
    listener.bind(&address.into())?;
    listener.listen(BACKLOG)?;
    let port = listener.local_addr()?.as_socket().map_or(port, |address| address.port());
    let listener = Listener::Socket(listener);
    Ok(Listening { listener, address: Address::Tcp { host, port }.to_string(), file: None })
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    let none = || io::Error::new(ErrorKind::NotFound, "the host has no address");
    (host, port).to_socket_addrs()?.next().ok_or_else(none)
}

fn bind_unix(path: &str) -> io::Result<Listening> {
    let address = SockAddr::unix(path)?;
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match listener.bind(&address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(path, &address)? => {
            fs::remove_file(path)?;
            listener.bind(&address)?;
        }
        result => result?,
    }
    let file = SocketFile(path.into());
    listener.listen(BACKLOG)?;
    let listener = Listener::Socket(listener);
    Ok(Listening { listener, address: Address::Unix { path }.to_string(), file: Some(file) })
}

/// Whether a path is a socket that nobody listens on: its server did not end cleanly.
fn is_stale(path: &str, address: &SockAddr) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        if !fs::symlink_metadata(path)?.file_type().is_socket() {
            return Ok(false);
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let refused = socket.connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    Ok(refused)
}

#[cfg(target_os = "linux")]
fn bind_vsock(cid: u32, port: u32) -> io::Result<Listening> {
    // The port number of sockets that leaves the choice to the system.
    const ANY_PORT: u32 = u32::MAX;
    /// How often the server looks whether it shall end.
    const WAKE_INTERVAL: std::time::Duration = std::time::Duration::from_millis(200);

    let listener = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    // Neither a shutdown nor a client of our own can be counted on to wake who waits here.
    listener.set_read_timeout(Some(WAKE_INTERVAL))?;
    listener.bind(&SockAddr::vsock(cid, if port == 0 { ANY_PORT } else { port }))?;
    listener.listen(BACKLOG)?;
    let port = listener.local_addr()?.as_vsock_address().map_or(port, |(_, port)| port);
    let listener = Listener::Socket(listener);
    Ok(Listening { listener, address: Address::Vsock { cid, port }.to_string(), file: None })
}

#[cfg(not(target_os = "linux"))]
fn bind_vsock(_: u32, _: u32) -> io::Result<Listening> {
    Err(ErrorKind::Unsupported.into())
}
