//! The simulated guest that the clients talk to.

use std::path::PathBuf;

use qga_sim::{Personality, Server, ServerHandle, Sim};
use tempfile::TempDir;

/// The releases of QEMU whose agent a client is tried with.
pub(crate) const RELEASES: [Personality; 5] =
    [Personality::Qemu2, Personality::Qemu5, Personality::Qemu7, Personality::Qemu10, Personality::Qemu11];

/// A guest at the path of a Unix socket.
pub(crate) struct Served {
    pub(crate) handle: ServerHandle,
    folder: TempDir,
}

impl Served {
    pub(crate) fn new(guest: impl Into<Sim>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("unix:{}", folder.path().join("guest").display());
        let handle = Server::bind(&address, guest).expect("a free path").spawn().expect("a thread");
        Self { handle, folder }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("guest")
    }
}
