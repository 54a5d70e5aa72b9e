//! Serving on vsock. Whether anybody comes through depends on what the kernel has for its other end; listening needs
//! `AF_VSOCK` alone.
#![cfg(target_os = "linux")]

use std::io;
use std::time::{Duration, Instant};

use qga_sim::{Guest, Server};

/// All ports of this machine.
fn bind(port: u32) -> io::Result<Server> {
    Server::bind(&format!("vsock:{}:{port}", u32::MAX), Guest::new())
}

#[test]
fn a_port_is_chosen_kept_and_free_again() {
    let server = match bind(0) {
        Ok(server) => server.spawn().expect("a thread"),
        // A kernel without vsock: then that is what is said, and nothing else can be seen here. `./test` tells of it.
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()), "{error}");
            return;
        }
    };
    let port: u32 = server.address().rsplit(':').next().expect("a port").parse().expect("a number");
    assert!(port != 0 && port != u32::MAX, "{}", server.address());
    assert!(bind(port).is_err(), "two serve one port");
    let begin = Instant::now();
    drop(server);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    bind(port).expect("the port is free again");
}
