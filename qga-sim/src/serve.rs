//! Serving clients on streams: in process, and on an address.

use std::borrow::BorrowMut;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::Socket;

use crate::guest::{Guest, Power};
use crate::sim::Sim;

mod listen;
mod pump;

use pump::{Clock, lock, pump};

/// Serves a guest to one client in process, in a thread of its own that ends when the client closes the stream or the guest
/// goes down.
///
/// # Errors
///
/// The system's.
#[cfg(unix)]
pub fn spawn(guest: Guest) -> io::Result<std::os::unix::net::UnixStream> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let ours = Socket::from(ours);
    let serve = move || {
        let set_timeout = |timeout| pump::set_timeout(&ours, timeout);
        serve_by(&Clock::new(), &Mutex::new(Sim::new(guest)), &ours, &set_timeout);
    };
    thread::Builder::new().name("qga-sim".into()).spawn(serve)?;
    Ok(theirs)
}

/// Serves one client, until it is gone: until the stream ends or fails, or the guest goes down. The stream must be a
/// blocking one; as it waits for the client, what the guest does by itself (go down, wake) is only seen when the client
/// says something.
pub fn serve(sim: &mut Sim, stream: impl Read + Write) {
    serve_by(&Clock::new(), &Mutex::new(sim), stream, &|_| Ok(false));
}

fn serve_by(
    clock: &Clock,
    sim: &Mutex<impl BorrowMut<Sim>>,
    stream: impl Read + Write,
    set_timeout: &dyn Fn(Option<Duration>) -> io::Result<bool>,
) {
    // Whatever ends it is a client that is gone, never a reason to end the server.
    let _ = pump(clock, sim, stream, set_timeout);
    (*lock(sim)).borrow_mut().handle_eof(clock.now());
}

/// A guest at an address, where clients are served one after the other: as with the real agent, who connects while
/// another is being served waits in silence. So does who connects while the guest is off, or boots.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
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
        let shared = Shared {
            clock: Clock::new(),
            sim: Mutex::new(Sim::new(guest)),
            listener,
            client: Mutex::new(None),
            stopped: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared), address, _file: file })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Serves clients until the guest is off, as nobody could power it on again, or the listener fails.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn run(self) -> io::Result<()> {
        self.work(true)
    }

    /// Serves clients in a thread of its own, which waits while the guest is off.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn spawn(self) -> io::Result<ServerHandle> {
        let (shared, address) = (self.shared.clone(), self.address.clone());
        let thread = thread::Builder::new().name("qga-sim".into()).spawn(move || self.work(false))?;
        Ok(ServerHandle { shared, address, thread: Some(thread) })
    }

    fn work(&self, ends_when_off: bool) -> io::Result<()> {
        let Shared { clock, sim, stopped, .. } = &*self.shared;
        while self.shared.wait_for_guest(ends_when_off)
            && let Some(client) = self.shared.accept()?
        {
            serve_by(clock, sim, &client, &|timeout| match stopped.load(Ordering::SeqCst) {
                // A guest that sleeps may not look at the connection, which is cut off by now.
                true => Err(ErrorKind::ConnectionAborted.into()),
                false => pump::set_timeout(&client, timeout),
            });
            self.shared.set_client(None);
        }
        Ok(())
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

    /// Whether the guest is there to answer.
    #[must_use]
    pub fn power(&self) -> Power {
        let mut sim = lock(&self.shared.sim);
        sim.handle_timeout(self.shared.clock.now());
        sim.power()
    }

    /// Powers the guest on, if it is off. It boots first.
    pub fn power_on(&self) {
        lock(&self.shared.sim).power_on(self.shared.clock.now());
    }

    /// Wakes the guest, if it sleeps.
    pub fn wake(&self) {
        lock(&self.shared.sim).wake(self.shared.clock.now());
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
    clock: Clock,
    sim: Mutex<Sim>,
    listener: Socket,
    /// The connection that is being served.
    client: Mutex<Option<Socket>>,
    stopped: AtomicBool,
}

impl Shared {
    /// Waits until the guest is there, be it asleep. Says whether it will be: not when the server has been stopped, nor,
    /// if that ends it, when the guest is off.
    fn wait_for_guest(&self, ends_when_off: bool) -> bool {
        while !self.stopped.load(Ordering::SeqCst) {
            {
                let mut sim = lock(&self.sim);
                sim.handle_timeout(self.clock.now());
                match sim.power() {
                    Power::Asleep => return true,
                    // One that goes down takes no more clients.
                    Power::On if sim.poll_timeout().is_none() => return true,
                    Power::Off if ends_when_off => return false,
                    _ => {}
                }
            }
            thread::sleep(pump::LOOK_INTERVAL);
        }
        false
    }

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
        *lock(&self.client) = client;
    }

    fn stop(&self, address: &str) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(client) = &*lock(&self.client) {
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
