//! Puts the simulated guest into the place of the agent in a virtual machine.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

/// Listens at `path`, where a virtual machine's agent channel leads to, and in a thread of its own passes clients on to the
/// agent at `agent`.
///
/// QEMU connects to the path first, for the port in its guest, which is open, with nobody behind it who says anything. It
/// is left alone. libvirt comes second. That its connection has no agent any more it does not see, as on a virtual port.
pub(crate) fn relay(path: &Path, agent: PathBuf) {
    let listener = UnixListener::bind(path).expect("a free path");
    thread::spawn(move || {
        let mut clients = listener.incoming().map_while(Result::ok);
        let _qemu = clients.next();
        for client in clients {
            let agent = UnixStream::connect(&agent).expect("the simulated guest listens");
            let [client_too, agent_too] =
                [&client, &agent].map(|stream| stream.try_clone().expect("a second handle"));
            thread::spawn(move || {
                copy(&client, &agent);
                let _ = agent.shutdown(Shutdown::Both);
            });
            thread::spawn(move || copy(&agent_too, &client_too));
        }
    });
}

fn copy(mut from: &UnixStream, mut to: &UnixStream) {
    // That a stream is over and that it fails is the same here.
    let _ = io::copy(&mut from, &mut to);
}
