//! Serving clients on real streams.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};
use std::{env, fs, process};

use qga_sim::proto::commands::{
    GuestExec, GuestExecStatus, GuestFileOpen, GuestFileRead, GuestGetHostName, GuestGetTime, GuestInfo,
    GuestPing,
};
use qga_sim::{Guest, Run, Server, ServerHandle};
use qga_std::{Session, connect};

const LONG: Duration = Duration::from_secs(20);
/// More than a socket holds.
const BIG: usize = 1024 * 1024;
const SHORT: Duration = Duration::from_millis(200);

fn guest() -> Guest {
    Guest::new().host_name("sim-1").file("/big", vec![b'x'; BIG])
}

/// A server on a socket file that no other test has.
fn serve(guest: Guest) -> (ServerHandle, PathBuf) {
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let name = format!("qga-sim-{}-{}.sock", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = env::temp_dir().join(name);
    let server = Server::bind(&format!("unix:{}", path.display()), guest).unwrap().spawn().unwrap();
    (server, path)
}

#[test]
fn in_process() {
    let mut session = Session::new(qga_sim::spawn(guest()).unwrap());
    assert_eq!(session.call(&GuestGetHostName::new()).unwrap().host_name, "sim-1");
    let time = Duration::from_nanos(session.call(&GuestGetTime::new()).unwrap() as u64);
    let here = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(here - time < LONG, "{time:?} {here:?}");
}

#[test]
fn on_a_socket_file_that_goes_with_the_server() {
    let (server, path) = serve(guest());
    let mut session = connect(server.address(), LONG).unwrap();
    let handle = session.call(&GuestFileOpen::new("/big")).unwrap();
    let read = session.call(&GuestFileRead::new(handle).count(BIG as i64)).unwrap();
    assert_eq!(read.buf_b64.len(), BIG);
    drop(session);
    // The file stays open for the next client.
    let mut session = connect(server.address(), LONG).unwrap();
    assert!(session.call(&GuestFileRead::new(handle)).unwrap().eof);
    drop(server);
    assert!(session.call(&GuestPing::new()).is_err());
    assert!(!path.exists());
}

#[test]
fn on_a_port_of_its_choice() {
    let server = Server::bind("tcp:127.0.0.1:0", guest()).unwrap().spawn().unwrap();
    assert!(!server.address().ends_with(":0"));
    let mut session = connect(server.address(), LONG).unwrap();
    session.call(&GuestPing::new()).unwrap();
}

#[test]
fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let (server, path) = serve(guest());
    assert!(Server::bind(server.address(), guest()).is_err());
    let address = server.address().to_owned();
    drop(server);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = Server::bind(&address, guest()).unwrap();
    assert!(path.exists());
    drop(server);
    fs::write(&path, "not a socket").unwrap();
    assert!(Server::bind(&address, guest()).is_err());
    fs::remove_file(&path).unwrap();
}

#[test]
fn addresses_that_cannot_be_listened_at() {
    for address in ["", "unix:", "udp:x:1", "tcp:127.0.0.1", "unix:/no/such/directory/x", "serial:/dev/null"]
    {
        assert!(Server::bind(address, guest()).is_err(), "{address}");
    }
}

/// A second client is not refused, but not served either until the first has gone.
#[test]
fn clients_wait_for_each_other() {
    let (server, path) = serve(guest());
    let mut first = connect(server.address(), LONG).unwrap();
    first.call(&GuestPing::new()).unwrap();
    let mut second = UnixStream::connect(&path).unwrap();
    second.write_all(b"{\"execute\":\"guest-ping\"}\n").unwrap();
    second.set_read_timeout(Some(SHORT)).unwrap();
    assert!(second.read(&mut [0; 64]).is_err());
    drop(first);
    second.set_read_timeout(Some(LONG)).unwrap();
    let mut reply = [0; 64];
    let n = second.read(&mut reply).unwrap();
    assert_eq!(&reply[..n], b"{\"return\":{}}\n");
}

/// Clients that go at the wrong time: the next is served as if nothing had been.
#[test]
fn a_client_may_vanish_at_any_time() {
    let (server, path) = serve(guest().program("/bin/long", Run::new().time(LONG)));
    let read = b"{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":1000,\"count\":1048576}}\n";
    let scenes: [&dyn Fn(&mut UnixStream); 5] = [
        &|_| {},
        // In the middle of a request.
        &|client| client.write_all(b"{\"execute\":\"guest-sy").unwrap(),
        // With a reply unread, of which the system tells the server by an error.
        &|client| {
            client.write_all(b"{\"execute\":\"guest-ping\"}\n").unwrap();
            thread::sleep(SHORT);
        },
        // With a reply that is stuck half way.
        &|client| {
            client
                .write_all(b"{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/big\"}}\n")
                .unwrap();
            client.write_all(read).unwrap();
            client.read_exact(&mut [0; 1000]).unwrap();
        },
        // Having said all it wants to say: it gets all of the answer.
        &|client| {
            client.write_all(b"{\"execute\":\"guest-ping\"}").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut reply = Vec::new();
            client.read_to_end(&mut reply).unwrap();
            assert_eq!(reply, b"{\"return\":{}}\n");
        },
    ];
    for scene in scenes {
        let mut client = UnixStream::connect(&path).unwrap();
        scene(&mut client);
        drop(client);
        let mut session = connect(server.address(), LONG).unwrap();
        assert!(session.call(&GuestInfo::new()).unwrap().supported_commands.len() > 20);
    }
    // What a client started goes on without it.
    let pid = connect(server.address(), LONG).unwrap().call(&GuestExec::new("/bin/long")).unwrap().pid;
    let status = connect(server.address(), LONG).unwrap().call(&GuestExecStatus::new(pid)).unwrap();
    assert!(!status.exited);
}

/// Neither a client that is silent nor one that does not take its answers keeps a server from ending.
#[test]
fn a_server_ends_whatever_its_client_does() {
    let (server, path) = serve(guest());
    let client = UnixStream::connect(&path).unwrap();
    thread::sleep(SHORT);
    drop(server);
    drop(client);

    let (server, path) = serve(guest());
    let mut client = UnixStream::connect(&path).unwrap();
    client.set_nonblocking(true).unwrap();
    // Writes until the server, stuck with its answers, reads no more.
    let pings = b"{\"execute\":\"guest-ping\"}\n".repeat(1000);
    let mut stuck = 0;
    while stuck < 10 {
        // What of them is sent does not matter.
        if client.write(&pings).is_ok_and(|sent| sent > 0) {
            stuck = 0;
        } else {
            stuck += 1;
            thread::sleep(Duration::from_millis(10));
        }
    }
    drop(server);
    assert!(!path.exists());
}
