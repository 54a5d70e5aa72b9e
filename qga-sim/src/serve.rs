//! Serving clients on streams: in process, and on an address.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use socket2::Socket;

use crate::guest::Guest;
use crate::sim::Sim;

mod listen;

/// Serves a guest to one client in process, in a thread of its own that ends when the client closes the stream.
///
/// # Errors
///
/// The system's.
#[cfg(unix)]
pub fn spawn(guest: Guest) -> io::Result<std::os::unix::net::UnixStream> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    thread::Builder::new().name("qga-sim".into()).spawn(move || serve(&mut Sim::new(guest), ours))?;
    Ok(theirs)
}

/// Serves one client, until it is gone: until the stream ends or fails. The stream must be a blocking one.
pub fn serve(sim: &mut Sim, stream: impl Read + Write) {
    serve_by(&Clock::new(), sim, stream);
}

fn serve_by(clock: &Clock, sim: &mut Sim, stream: impl Read + Write) {
    // Whatever ends it is a client that is gone, never a reason to end the server.
    let _ = pump(clock, sim, stream);
    sim.handle_eof(clock.now());
}

/// Never reads while there is something to write: a client that does not take its answers gets no more of them.
fn pump(clock: &Clock, sim: &mut Sim, mut stream: impl Read + Write) -> io::Result<()> {
    loop {
        while let Some(bytes) = sim.poll_transmit() {
            match retry(|| stream.write(bytes))? {
                0 => return Ok(()),
                n => sim.handle_transmitted(n, clock.now()),
            }
        }
        match retry(|| stream.read(sim.receive_buffer()))? {
            0 => return Ok(()),
            n => sim.handle_received(n, clock.now()),
        }
    }
}

fn retry(mut transfer: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match transfer() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A guest at an address, where clients are served one after the other: as with the real agent, who connects while
/// another is being served waits in silence.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    sim: Sim,
    address: String,
    _file: Option<SocketFile>,
}

impl Server {
    /// Listens at `address`: `unix:PATH`, `tcp:HOST:PORT` or `vsock:CID:PORT`. Port 0 means any that is free. A socket file
    /// at the path that nobody listens on any more is replaced.
    ///
    /// # Errors
    ///
    /// What is wrong with the address ([`ErrorKind::InvalidInput`]), or the system's.
    pub fn bind(address: &str, guest: Guest) -> io::Result<Self> {
        let listen::Listening { listener, address, file } = listen::bind(address)?;
        let shared = Shared { listener, client: Mutex::new(None), stopped: AtomicBool::new(false) };
        Ok(Self { shared: Arc::new(shared), sim: Sim::new(guest), address, _file: file })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Serves clients until the listener fails.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn run(mut self) -> io::Result<()> {
        let clock = Clock::new();
        while let Some(client) = self.shared.accept()? {
            serve_by(&clock, &mut self.sim, &client);
            self.shared.set_client(None);
        }
        Ok(())
    }

    /// Serves clients in a thread of its own.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn spawn(self) -> io::Result<ServerHandle> {
        let (shared, address) = (self.shared.clone(), self.address.clone());
        let thread = thread::Builder::new().name("qga-sim".into()).spawn(move || self.run())?;
        Ok(ServerHandle { shared, address, thread: Some(thread) })
    }
}

/// A [`Server`] that runs in a thread. Dropping it ends all.
#[derive(Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
    address: String,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl ServerHandle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.stop(&self.address);
        if let Some(thread) = self.thread.take() {
            // What it says is of no interest any more.
            let _ = thread.join();
        }
    }
}

/// What a server's thread and its handle share.
#[derive(Debug)]
struct Shared {
    listener: Socket,
    /// The connection that is being served.
    client: Mutex<Option<Socket>>,
    stopped: AtomicBool,
}

impl Shared {
    /// The next client. `None`: the server has been stopped.
    fn accept(&self) -> io::Result<Option<Socket>> {
        loop {
            let result = self.listener.accept();
            if self.stopped.load(Ordering::SeqCst) {
                return Ok(None);
            }
            let client = match result {
                Ok((client, _)) => client,
                // A client that gave up while it waited, or none in time.
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted | ErrorKind::WouldBlock => continue,
                    _ => return Err(error),
                },
            };
            // It may have the listener's.
            client.set_read_timeout(None)?;
            self.set_client(Some(client.try_clone()?));
            // Stopped before the client was there to be cut off.
            return Ok((!self.stopped.load(Ordering::SeqCst)).then_some(client));
        }
    }

    fn set_client(&self, client: Option<Socket>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    fn stop(&self, address: &str) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(client) = &*self.client.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
        // On Linux this wakes who waits for a client; elsewhere only a client does.
        let _ = self.listener.shutdown(std::net::Shutdown::Both);
        listen::knock(address);
    }
}

/// The file of a Unix socket, which goes with the server.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have tidied up before.
        let _ = fs::remove_file(&self.0);
    }
}

/// The time since 1970, which does not go backwards when the host's clock does.
struct Clock {
    origin: Duration,
    start: Instant,
}

impl Clock {
    fn new() -> Self {
        let origin = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { origin, start: Instant::now() }
    }

    fn now(&self) -> Duration {
        self.origin + self.start.elapsed()
    }
}
