//! Somebody between the program and the guest, who hears what is asked, and may spoil it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use super::common::Simulation;

/// Passes on what goes to a simulated guest and what comes from it.
pub(crate) struct Proxy {
    path: PathBuf,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self::spoiling(simulation, "", 0)
    }

    /// Makes the first so many commands of this name ones that no agent knows.
    pub(crate) fn spoiling(simulation: &Simulation, name: &'static str, mut times: usize) -> Self {
        let guest = simulation.folder.socket();
        let path = simulation.folder.path().join("proxy");
        let listener = UnixListener::bind(&path).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(mut client), Ok(mut guest)) = (client, UnixStream::connect(&guest)) else { return };
                let (mut to_client, mut from_guest) =
                    (client.try_clone().unwrap(), guest.try_clone().unwrap());
                thread::spawn(move || {
                    // What fails here has ended there.
                    let _ = std::io::copy(&mut from_guest, &mut to_client);
                    let _ = to_client.shutdown(Shutdown::Both);
                });
                let mut buffer = [0; 64 * 1024];
                while let Ok(n @ 1..) = client.read(&mut buffer) {
                    let bytes = &mut buffer[..n];
                    all.lock().unwrap().extend_from_slice(bytes);
                    while times > 0 && spoil(bytes, name) {
                        times -= 1;
                    }
                    if guest.write_all(bytes).is_err() {
                        break;
                    }
                }
                let _ = guest.shutdown(Shutdown::Both);
            }
        });
        Self { path, heard }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    /// Whether the program has sent this.
    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.heard.lock().unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// Spoils a name, where it is there. A short request comes in one piece.
fn spoil(bytes: &mut [u8], name: &str) -> bool {
    let Some(at) = bytes.windows(name.len()).position(|window| window == name.as_bytes()) else {
        return false;
    };
    bytes[at + name.len() - 1] = b'?';
    true
}
