//! The agents that the cases talk to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use qga_sim::{Guest, Server, ServerHandle};
use qga_tests::real_agent::RealAgent;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

/// An agent at the path of a Unix socket, or only the path.
#[derive(Clone)]
pub(crate) struct Agent {
    path: PathBuf,
    kind: Arc<Mutex<Kind>>,
}

enum Kind {
    Sim { guest: Box<Guest>, server: Option<ServerHandle>, _folder: TempDir },
    Real(RealAgent),
    Nobody { _folder: TempDir },
}

/// A file of the simulated guest.
const LARGE: (&str, usize) = ("/large", 4_000_000);

impl Agent {
    /// A simulated guest.
    pub(crate) fn sim() -> Self {
        Self::of(Guest::new().file(LARGE.0, vec![b'x'; LARGE.1]))
    }

    /// A simulated guest whose file systems are frozen.
    pub(crate) fn frozen() -> Self {
        Self::of(Guest::new().frozen())
    }

    /// A real `qemu-ga`.
    pub(crate) fn real() -> Self {
        let agent = RealAgent::start();
        Self { path: agent.socket(), kind: Arc::new(Mutex::new(Kind::Real(agent))) }
    }

    /// A path where there is nothing.
    pub(crate) fn nobody() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        Self { path, kind: Arc::new(Mutex::new(Kind::Nobody { _folder: folder })) }
    }

    fn of(guest: Guest) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let kind = Kind::Sim { guest: Box::new(guest), server: None, _folder: folder };
        let agent = Self { path, kind: Arc::new(Mutex::new(kind)) };
        agent.restart();
        agent
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    /// Ends the agent, and takes its socket away.
    pub(crate) fn stop(&self) {
        match &mut *self.kind() {
            Kind::Sim { server, .. } => *server = None,
            Kind::Real(agent) => {
                agent.kill();
                std::fs::remove_file(&self.path).expect("its socket");
            }
            Kind::Nobody { .. } => unreachable!("there is no agent"),
        }
    }

    /// Ends the agent, if there is one, and starts one that knows nothing of it.
    pub(crate) fn restart(&self) {
        match &mut *self.kind() {
            Kind::Sim { guest, server, .. } => {
                *server = None;
                let address = self.address();
                let bound = Server::bind(&address, Guest::clone(guest)).expect("a free path");
                *server = Some(bound.spawn().expect("a thread"));
            }
            Kind::Real(agent) => agent.restart(),
            Kind::Nobody { .. } => unreachable!("there is no agent"),
        }
    }

    /// Restarts the agent with another version, if it can be had.
    pub(crate) fn update(&self, version: &str) {
        if let Kind::Sim { guest, .. } = &mut *self.kind() {
            **guest = Guest::clone(guest).version(version);
        }
        self.restart();
    }

    /// Holds the process of a real agent until it is killed.
    pub(crate) fn pause(&self) {
        match &*self.kind() {
            Kind::Real(agent) => agent.pause(),
            _ => unreachable!("this is no process"),
        }
    }

    /// Leaves a socket at the path of which nobody knows any more.
    pub(crate) fn leave_socket(&self) {
        // One that was never listened on: a listener that is dropped may live on in a process that is just being started.
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.bind(&SockAddr::unix(&self.path).expect("a path")).expect("a free path");
    }

    /// Does something to the agent later.
    pub(crate) fn after(&self, delay: Duration, act: impl FnOnce(&Self) + Send + 'static) -> JoinHandle<()> {
        let agent = self.clone();
        thread::spawn(move || {
            thread::sleep(delay);
            act(&agent);
        })
    }

    /// The path, in the guest, of a file of 4,000,000 times `x`.
    pub(crate) fn large_file(&self) -> String {
        match &*self.kind() {
            Kind::Sim { .. } => LARGE.0.into(),
            Kind::Real(agent) => {
                let path = agent.folder().join("large");
                std::fs::write(&path, vec![b'x'; LARGE.1]).expect("room for the file");
                path.display().to_string()
            }
            Kind::Nobody { .. } => unreachable!("there is no guest"),
        }
    }

    /// A path, in the guest, for a file to write.
    pub(crate) fn new_file(&self) -> String {
        match &*self.kind() {
            Kind::Real(agent) => agent.folder().join("new").display().to_string(),
            _ => "/tmp/new".into(),
        }
    }

    /// Whether the agent still runs.
    pub(crate) fn is_alive(&self) -> bool {
        match &mut *self.kind() {
            Kind::Sim { server, .. } => server.is_some(),
            Kind::Real(agent) => agent.is_alive(),
            Kind::Nobody { .. } => false,
        }
    }

    fn kind(&self) -> MutexGuard<'_, Kind> {
        self.kind.lock().expect("nobody has panicked")
    }
}
