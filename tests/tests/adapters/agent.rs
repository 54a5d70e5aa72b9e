//! The agents that the cases talk to.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use qga_proto::owned::{
    GuestIpAddress, GuestIpAddressType, GuestLogicalProcessor, GuestMemoryBlock, GuestNetworkInterface,
    GuestNetworkRoute,
};
use qga_sim::{Full, Guest, Server, ServerHandle};
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

    /// A simulated guest with the programs of [`exec`](crate::exec).
    pub(crate) fn runner() -> Self {
        Self::of(crate::exec::guest())
    }

    /// A simulated guest that runs no programs.
    pub(crate) fn sim_without_programs() -> Self {
        Self::of(Guest::new().disable("guest-exec"))
    }

    /// A simulated guest whose disk is nearly full, which shows when a file is closed, and that takes few bytes at a time.
    pub(crate) fn sim_full() -> Self {
        Self::full(Full::AtClose)
    }

    /// The same, but it shows when a file is flushed.
    pub(crate) fn sim_full_at_flush() -> Self {
        Self::full(Full::AtFlush)
    }

    /// The same, but it shows at once.
    pub(crate) fn sim_full_at_write() -> Self {
        Self::full(Full::AtWrite)
    }

    fn full(when: Full) -> Self {
        Self::of(Guest::new().disk_space(100_000, when).short_writes(999))
    }

    /// A simulated guest whose file systems are frozen.
    pub(crate) fn frozen() -> Self {
        Self::of(Guest::new().frozen())
    }

    /// A simulated guest whose clock is an hour behind.
    pub(crate) fn late() -> Self {
        Self::of(Guest::new().clock_behind(Duration::from_secs(3600)))
    }

    /// A simulated guest whose clock is an hour behind, and that has no hardware clock.
    pub(crate) fn late_without_hardware() -> Self {
        Self::of(Guest::new().clock_behind(Duration::from_secs(3600)).no_hardware_clock())
    }

    /// A simulated guest with 200 processors, of which the first and that of number 150 stay in use.
    pub(crate) fn large() -> Self {
        let fixed = [0, 150];
        let processor = |id| GuestLogicalProcessor::new(id, true).can_offline(!fixed.contains(&id));
        let block = |index| GuestMemoryBlock::new(index, true).can_offline(index >= 8);
        let guest = Guest::new().processors((0..200).map(processor).collect());
        Self::of(guest.memory_blocks(128 << 20, (0..200).map(block).collect()))
    }

    /// A simulated guest with many interfaces, on which containers run, and whose default route leads to `eth1`.
    pub(crate) fn crowded() -> Self {
        Self::of(crowded(Guest::new()))
    }

    /// The same, with an agent that does not tell routes.
    pub(crate) fn crowded_without_routes() -> Self {
        Self::of(crowded(Guest::new().disable("guest-network-get-route")))
    }

    /// A simulated guest whose user alice has two SSH keys, one of them with a space behind it.
    pub(crate) fn with_keys() -> Self {
        Self::of(Guest::new().authorized_keys("alice", &["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two "]))
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

    /// A path, in the guest, in a folder that is free for the test.
    pub(crate) fn guest_path(&self, name: &str) -> String {
        match &*self.kind() {
            Kind::Real(agent) => agent.folder().join(name).display().to_string(),
            _ => format!("/tmp/{name}"),
        }
    }

    /// What a file of the guest holds, if there is one.
    pub(crate) fn content(&self, path: &str) -> Option<Vec<u8>> {
        match &*self.kind() {
            Kind::Sim { server, .. } => {
                let guest = server.as_ref().expect("an agent").guest();
                guest.files().find(|(at, _)| *at == path).map(|(_, content)| content.to_vec())
            }
            _ => std::fs::read(path).ok(),
        }
    }

    /// The mode of a file of the guest.
    pub(crate) fn mode(&self, path: &str) -> Option<u32> {
        match &*self.kind() {
            Kind::Sim { server, .. } => {
                server.as_ref().expect("an agent").guest().metadata(path).map(|metadata| metadata.mode)
            }
            _ => std::fs::symlink_metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777),
        }
    }

    /// How many files the agent has open for its clients.
    pub(crate) fn open_files(&self) -> usize {
        match &*self.kind() {
            Kind::Sim { server, .. } => server.as_ref().expect("an agent").guest().open_files(),
            Kind::Real(agent) => agent.open_files(),
            Kind::Nobody { .. } => 0,
        }
    }

    /// Lets a case do what it does with the agent: no file is to be open after it.
    pub(crate) fn is_left_tidy(&self, case: impl FnOnce(&Self)) {
        case(self);
        if self.is_alive() {
            assert_eq!(self.open_files(), 0, "files that are open in the guest");
        }
    }

    /// Whether there is no real agent, and no real guest.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(&*self.kind(), Kind::Sim { .. })
    }

    /// Whether the agent still runs.
    pub(crate) fn is_alive(&self) -> bool {
        match &mut *self.kind() {
            Kind::Sim { server, .. } => server.is_some(),
            Kind::Real(agent) => agent.is_alive(),
            Kind::Nobody { .. } => false,
        }
    }

    /// The simulated guest as it is now.
    pub(crate) fn guest(&self) -> Guest {
        match &*self.kind() {
            Kind::Sim { server: Some(server), .. } => server.guest(),
            _ => unreachable!("no simulated guest runs"),
        }
    }

    fn kind(&self) -> MutexGuard<'_, Kind> {
        self.kind.lock().expect("nobody has panicked")
    }
}

/// Gives a guest networks: the first interfaces that it names are not the ones by which it is reached.
fn crowded(guest: Guest) -> Guest {
    let interface = |name: &str, addresses: &[(&str, i64)]| {
        let mut interface = GuestNetworkInterface::new(name);
        let address = |&(address, prefix): &(&str, i64)| {
            let is_v6 = str::contains(address, ':');
            let kind = if is_v6 { GuestIpAddressType::Ipv6 } else { GuestIpAddressType::Ipv4 };
            GuestIpAddress::new(address, kind, prefix)
        };
        interface.ip_addresses = Some(addresses.iter().map(address).collect());
        interface
    };
    let mut route = GuestNetworkRoute::new("eth1", "0.0.0.0", 100, 4);
    (route.mask, route.gateway) = (Some("0.0.0.0".into()), Some("198.51.100.1".into()));
    let mut dearer = GuestNetworkRoute::new("eth0", "0.0.0.0", 200, 4);
    (dearer.mask, dearer.gateway) = (Some("0.0.0.0".into()), Some("192.0.2.1".into()));
    guest
        .interface(interface("docker0", &[("172.17.0.1", 16)]))
        .interface(interface("tun0", &[("10.8.0.2", 24)]))
        .interface(interface("eth0", &[("fe80::1", 64), ("2001:db8::15", 64), ("192.0.2.15", 24)]))
        .interface(interface("eth1", &[("2001:db8:1::7", 64), ("198.51.100.7", 24)]))
        .routes(vec![dearer, route])
}
