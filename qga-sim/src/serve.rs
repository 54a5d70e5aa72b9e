//! Serving clients on streams: in process, and on an address.

use std::borrow::BorrowMut;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::Socket;

use crate::guest::{Guest, Power};
use crate::sim::Sim;

mod buttons;
mod listen;
#[cfg(unix)]
mod pty;
mod pump;

use buttons::Buttons;
use listen::{Listener, Listening, SocketFile};
use pump::{Clock, Link, Plain, lock, pump};

/// Serves a guest to one client in process, in a thread of its own that ends when the client closes the stream or the guest
/// goes down. Nobody can wake such a guest: one that is suspended must [wake by itself](crate::Guest::sleep_time), or is gone.
///
/// # Errors
///
/// The system's.
#[cfg(unix)]
pub fn spawn(guest: impl Into<Sim>) -> io::Result<std::os::unix::net::UnixStream> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let sim = guest.into();
    let serve = move || {
        let mut client = Client { socket: ours.into(), stopped: &AtomicBool::new(false) };
        serve_by(&Clock::new(), &Mutex::new(sim), &Buttons::default(), &mut client, true);
    };
    thread::Builder::new().name("qga-sim".into()).spawn(serve)?;
    Ok(theirs)
}

/// Serves one client, until it is gone: until the stream ends or fails, or the guest goes down, or sleeps and will not wake by
/// itself. The stream must be a blocking one; as it waits for the client, what happens by itself (the guest goes down or
/// wakes, a reply comes late) is only seen when the client says something.
pub fn serve(sim: &mut Sim, stream: impl Read + Write) {
    serve_by(&Clock::new(), &Mutex::new(sim), &Buttons::default(), &mut Plain(stream), true);
}

fn serve_by(
    clock: &Clock,
    sim: &Mutex<impl BorrowMut<Sim>>,
    buttons: &Buttons,
    link: &mut impl Link,
    is_alone: bool,
) {
    // Whatever ends it is a client that is gone, never a reason to end the server.
    let _ = pump(clock, sim, buttons, link, is_alone);
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
    /// `pty:PATH` makes a pseudo terminal, and a link to it at the path; `pty:` makes no link. As on a real serial line
    /// nobody notices there that clients come and go, and the guest can shut down and boot meanwhile.
    ///
    /// # Errors
    ///
    /// What is wrong with the address ([`ErrorKind::InvalidInput`]), or the system's.
    pub fn bind(address: &str, guest: impl Into<Sim>) -> io::Result<Self> {
        let Listening { listener, address, file } = listen::bind(address)?;
        let shared = Shared {
            clock: Clock::new(),
            sim: Mutex::new(guest.into()),
            buttons: Buttons::default(),
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

    /// Serves clients until the guest is off, or sleeps and will not wake by itself, as nobody could change that; or until the
    /// listener fails.
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

    fn work(&self, is_alone: bool) -> io::Result<()> {
        let Shared { clock, sim, buttons, stopped, listener, .. } = &*self.shared;
        let listener = match listener {
            Listener::Socket(socket) => socket,
            #[cfg(unix)]
            Listener::Pty(pty) => {
                serve_by(clock, sim, buttons, &mut pty.link(stopped), is_alone);
                return Ok(());
            }
        };
        while self.shared.wait_for_guest(is_alone)
            && let Some(socket) = self.shared.accept(listener)?
        {
            serve_by(clock, sim, buttons, &mut Client { socket, stopped }, is_alone);
            self.shared.set_client(None);
        }
        Ok(())
    }
}

/// A [`Server`] that runs in a thread. Dropping it ends all.
///
/// Its buttons can be pressed at any time, also by the guest's own programs. While one of these runs nobody else can have the
/// guest itself.
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

    /// Whether the guest is there to answer. While one of its programs runs: whether it was.
    #[must_use]
    pub fn power(&self) -> Power {
        self.shared.attend();
        self.shared.buttons.power()
    }

    /// The guest as it is now: a copy, to see what clients have done to it. It waits while a program of the guest runs, so it is
    /// not for such programs.
    #[must_use]
    pub fn guest(&self) -> Guest {
        lock(&self.shared.sim).guest().clone()
    }

    /// Powers the guest on, if it is off. It boots first.
    pub fn power_on(&self) {
        self.shared.buttons.power_on();
        self.shared.attend();
    }

    /// Wakes the guest, if it sleeps.
    pub fn wake(&self) {
        self.shared.buttons.wake();
        self.shared.attend();
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
    buttons: Buttons,
    listener: Listener,
    /// The connection that is being served.
    client: Mutex<Option<Socket>>,
    stopped: AtomicBool,
}

impl Shared {
    /// Looks after the guest, unless somebody else has it, who will.
    fn attend(&self) {
        let mut sim = match self.sim.try_lock() {
            Ok(sim) => sim,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.buttons.attend(&mut sim, self.clock.now());
    }

    /// Waits until the guest is there, be it asleep. Says whether it will be: not when the server has been stopped, nor when
    /// nobody else has the guest and it is gone for good.
    fn wait_for_guest(&self, is_alone: bool) -> bool {
        while !self.stopped.load(Ordering::SeqCst) {
            {
                let mut sim = lock(&self.sim);
                self.buttons.attend(&mut sim, self.clock.now());
                match sim.power() {
                    _ if is_alone && pump::will_never_be(&sim) => return false,
                    Power::Asleep => return true,
                    // One that goes down takes no more clients.
                    Power::On if !sim.guest().is_going_down() => return true,
                    _ => {}
                }
            }
            thread::sleep(pump::LOOK_INTERVAL);
        }
        false
    }

    /// The next client. `None`: the server has been stopped.
    fn accept(&self, listener: &Socket) -> io::Result<Option<Socket>> {
        loop {
            let result = listener.accept();
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
        if let Listener::Socket(listener) = &self.listener {
            let _ = listener.shutdown(std::net::Shutdown::Both);
            listen::knock(address);
        }
    }
}

/// A client on a socket.
struct Client<'a> {
    socket: Socket,
    stopped: &'a AtomicBool,
}

impl Link for Client<'_> {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        // A guest that sleeps or is deaf does not look at the connection, which is cut off by now.
        if self.stopped.load(Ordering::SeqCst) {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        self.socket.set_read_timeout(timeout)?;
        self.socket.set_write_timeout(timeout)?;
        Ok(true)
    }
}

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
