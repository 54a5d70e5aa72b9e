//! Serving clients on real streams.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, process};

use qga_sim::proto::commands::{
    GuestExec, GuestExecStatus, GuestFileOpen, GuestFileRead, GuestGetHostName, GuestGetTime, GuestInfo,
    GuestPing, GuestSetUserPassword, GuestShutdown,
};
use qga_sim::{Guest, Power, Program, Run, Server, ServerHandle, Sim};
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
    serve_sim(guest.into())
}

fn serve_sim(sim: Sim) -> (ServerHandle, PathBuf) {
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let name = format!("qga-sim-{}-{}.sock", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = env::temp_dir().join(name);
    let server = Server::bind(&format!("unix:{}", path.display()), sim).unwrap().spawn().unwrap();
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
    assert_eq!(&reply[..n], b"{\"return\": {}}\n");
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
            assert_eq!(reply, b"{\"return\": {}}\n");
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

/// Waits until a guest is off, on or asleep.
fn wait_for(server: &ServerHandle, power: Power) {
    let start = Instant::now();
    while server.power() != power {
        assert!(start.elapsed() < LONG, "{:?}", server.power());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads until there is no more.
fn read_all(client: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.set_read_timeout(Some(LONG)).unwrap();
    client.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_guest_that_reboots_comes_back() {
    let (server, path) = serve(guest().boot_time(SHORT));
    let mut session = connect(server.address(), LONG).unwrap();
    let handle = session.call(&GuestFileOpen::new("/big")).unwrap();
    session.call(&GuestShutdown::new().mode("reboot")).unwrap();
    // Who connects now waits in silence.
    let mut session = connect(server.address(), LONG).unwrap();
    assert!(session.call(&GuestFileRead::new(handle)).unwrap_err().refusal().is_some());
    assert_eq!(session.call(&GuestFileOpen::new("/big")).unwrap(), handle + 1);
    drop(session);

    // The connection ends by itself, and what is said on it later is for nobody.
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(REBOOT).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}, \"id\": 2}\n");
}

const REBOOT: &[u8] =
    b"{\"execute\":\"guest-shutdown\",\"arguments\":{\"mode\":\"reboot\"}}{\"execute\":\"guest-ping\",\"id\":2}";

#[test]
fn a_guest_that_is_off_can_be_powered_on() {
    let (server, path) = serve(guest().boot_time(SHORT));
    let mut session = connect(server.address(), LONG).unwrap();
    session.call(&GuestShutdown::new()).unwrap();
    wait_for(&server, Power::Off);
    assert!(session.call(&GuestPing::new()).is_err());
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-ping\"}\n").unwrap();
    client.set_read_timeout(Some(SHORT)).unwrap();
    assert!(client.read(&mut [0; 64]).is_err());
    server.power_on();
    client.set_read_timeout(Some(LONG)).unwrap();
    let mut reply = [0; 64];
    let n = client.read(&mut reply).unwrap();
    assert_eq!(&reply[..n], b"{\"return\": {}}\n");
    assert_eq!(server.power(), Power::On);
}

#[test]
fn a_guest_that_sleeps_answers_when_it_is_woken() {
    let (server, path) = serve(guest());
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-suspend-ram\"}{\"execute\":\"guest-ping\"}").unwrap();
    client.set_read_timeout(Some(SHORT)).unwrap();
    assert!(client.read(&mut [0; 64]).is_err());
    assert_eq!(server.power(), Power::Asleep);
    client.write_all(b"{\"execute\":\"guest-ping\",\"id\":2}").unwrap();
    server.wake();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}}\n{\"return\": {}, \"id\": 2}\n");

    // A client that does not wait for that leaves its place to the next one then.
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-suspend-ram\"}{\"execute\":\"guest-ping\"}").unwrap();
    wait_for(&server, Power::Asleep);
    drop(client);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-ping\",\"id\":3}").unwrap();
    thread::sleep(SHORT);
    server.wake();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}, \"id\": 3}\n");
}

/// Neither a guest that sleeps nor one that is off keeps a server from ending.
#[test]
fn a_server_ends_whatever_its_guest_does() {
    for (command, power) in [("guest-suspend-ram", Power::Asleep), ("guest-shutdown", Power::Off)] {
        let (server, path) = serve(guest());
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(format!("{{\"execute\":\"{command}\"}}").as_bytes()).unwrap();
        wait_for(&server, power);
        drop(server);
        assert!(!path.exists());
    }
}

#[test]
fn a_handle_shows_what_clients_have_done() {
    let (server, _) = serve(guest());
    let mut session = connect(server.address(), LONG).unwrap();
    session.call(&GuestSetUserPassword::new("alice", b"secret", false)).unwrap();
    assert!(server.guest().has_password("alice", b"secret", false));
}

#[test]
fn a_server_without_a_handle_ends_with_its_guest() {
    let path = env::temp_dir().join(format!("qga-sim-{}-run.sock", process::id()));
    let server = Server::bind(&format!("unix:{}", path.display()), guest()).unwrap();
    let thread = thread::spawn(move || server.run());
    connect(&format!("unix:{}", path.display()), LONG).unwrap().call(&GuestShutdown::new()).unwrap();
    thread.join().unwrap().unwrap();
    assert!(UnixStream::connect(&path).is_err());
}

/// What ends the guest at once ends its connection, too, though nobody says anything more.
#[test]
fn the_stream_ends_with_a_guest_that_is_gone_at_once() {
    for (guest, command) in [
        (guest(), "guest-suspend-disk"),
        (guest().shutdown_time(Duration::ZERO), "guest-shutdown"),
        (guest().shutdown_time(Duration::ZERO).boot_time(Duration::ZERO), "guest-shutdown"),
    ] {
        let mut client = qga_sim::spawn(guest).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client.write_all(format!("{{\"execute\":\"{command}\"}}").as_bytes()).unwrap();
        assert_eq!(read_all(&mut client), b"", "{command}");
    }
}

#[test]
fn in_process_the_stream_ends_with_the_guest() {
    let mut client = qga_sim::spawn(guest()).unwrap();
    client.write_all(REBOOT).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}, \"id\": 2}\n");

    // Over a stream that cannot wait for a time only it is seen when the client says something.
    let (ours, mut client) = UnixStream::pair().unwrap();
    let mut sim = Sim::new(guest().boot_time(Duration::ZERO));
    let (ended, has_ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        qga_sim::serve(&mut sim, &ours);
        ended.send(()).unwrap();
        qga_sim::serve(&mut sim, &ours);
    });
    client.write_all(REBOOT).unwrap();
    thread::sleep(2 * SHORT);
    client.write_all(b"{\"execute\":\"guest-ping\",\"id\":3}").unwrap();
    has_ended.recv().unwrap();
    client.write_all(b"{\"execute\":\"guest-ping\",\"id\":4}").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}, \"id\": 2}\n{\"return\": {}, \"id\": 4}\n");
    thread.join().unwrap();
}

#[test]
fn nobody_waits_for_a_guest_that_nobody_can_wake() {
    let mut client = qga_sim::spawn(guest()).unwrap();
    client.write_all(b"{\"execute\":\"guest-suspend-ram\"}").unwrap();
    assert_eq!(read_all(&mut client), b"");

    let path = env::temp_dir().join(format!("qga-sim-{}-sleep.sock", process::id()));
    let server = Server::bind(&format!("unix:{}", path.display()), guest()).unwrap();
    let thread = thread::spawn(move || server.run());
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-suspend-ram\"}").unwrap();
    thread.join().unwrap().unwrap();
}

#[test]
fn answers_outlive_the_half_of_a_connection() {
    // Those of a guest that sleeps,
    let (server, path) = serve(guest());
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-suspend-ram\"}{\"execute\":\"guest-ping\"}").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    wait_for(&server, Power::Asleep);
    thread::sleep(SHORT);
    server.wake();
    assert_eq!(read_all(&mut client), b"{\"return\": {}}\n");
    // and those that come later than they should.
    let (_server, path) = serve_sim(Sim::new(guest()).fault("late=300ms".parse().unwrap()));
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"{\"execute\":\"guest-ping\"}").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}}\n");
}

#[test]
fn faults_are_served_too() {
    let ping = b"{\"execute\":\"guest-ping\"}";
    // The connection ends, and the next client has one of its own.
    let (_server, path) = serve_sim(Sim::new(guest()).fault("close=5".parse().unwrap()));
    for _ in 0..3 {
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(ping).unwrap();
        assert_eq!(read_all(&mut client), b"{\"ret");
    }
    // Who is deaf reads nothing, and can be ended all the same.
    let (server, path) = serve_sim(Sim::new(guest()).fault("deaf".parse().unwrap()));
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(ping).unwrap();
    client.set_read_timeout(Some(SHORT)).unwrap();
    assert!(client.read(&mut [0; 64]).is_err());
    drop(server);
    assert!(!path.exists());
    // A delay holds up the next reply, not for ever.
    let (_server, path) = serve_sim(Sim::new(guest()).fault("delay=200ms".parse().unwrap()));
    let mut client = UnixStream::connect(&path).unwrap();
    let start = Instant::now();
    client.write_all(&[&ping[..], ping].concat()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), b"{\"return\": {}}\n{\"return\": {}}\n");
    assert!(start.elapsed() >= 2 * SHORT);
}

/// On a serial line nobody notices that clients come and go, or the guest.
#[test]
fn on_a_pseudo_terminal() {
    let link = env::temp_dir().join(format!("qga-sim-{}-pty", process::id()));
    let server = Server::bind(&format!("pty:{}", link.display()), guest().boot_time(SHORT)).unwrap();
    let server = server.spawn().unwrap();
    assert_eq!(server.address(), format!("serial:{}", link.display()));
    let open = || fs::File::options().read(true).write(true).open(&link).unwrap();
    open().write_all(b"{\"execute\":\"guest-ping\",\"i").unwrap();
    open().write_all(b"d\":\"half\"}").unwrap();
    let mut session = connect(server.address(), LONG).unwrap();
    assert_eq!(session.call(&GuestGetHostName::new()).unwrap().host_name, "sim-1");
    let handle = session.call(&GuestFileOpen::new("/big")).unwrap();
    let read = session.call(&GuestFileRead::new(handle).count(BIG as i64)).unwrap();
    assert_eq!(read.buf_b64.len(), BIG);
    session.call(&GuestShutdown::new().mode("reboot")).unwrap();
    wait_for(&server, Power::Booting);
    wait_for(&server, Power::On);
    session.call(&GuestPing::new()).unwrap();
    assert!(session.call(&GuestFileRead::new(handle)).unwrap_err().refusal().is_some());
    drop(server);
    assert!(!link.exists());

    let server = Server::bind("pty:", guest()).unwrap();
    assert!(server.address().starts_with("serial:/dev/"));
    drop(server.spawn().unwrap());
}

/// A program runs while its server has the guest.
#[test]
fn a_program_can_press_the_buttons_of_its_own_server() {
    let slot = Arc::new(OnceLock::<Weak<ServerHandle>>::new());
    let seen = slot.clone();
    let program = Program::new(move |_| {
        let handle = seen.get().and_then(Weak::upgrade).expect("the server runs");
        handle.wake();
        handle.power_on();
        Run::new().exit_code(if handle.power() == Power::On { 7 } else { 1 })
    });
    let (server, _) = serve(guest().program("/bin/press", program));
    let server = Arc::new(server);
    slot.set(Arc::downgrade(&server)).expect("it is set once");
    let mut session = connect(server.address(), LONG).unwrap();
    let pid = session.call(&GuestExec::new("press")).unwrap().pid;
    assert_eq!(session.call(&GuestExecStatus::new(pid)).unwrap().exitcode, Some(7));
}

/// What a client leaves behind in the buffers of a guest that sleeps does not keep the next one from being served.
#[test]
fn who_comes_after_a_client_that_filled_a_sleeping_guest_is_served() {
    let (server, path) = serve(guest());
    let mut first = UnixStream::connect(&path).unwrap();
    first.write_all(b"{\"execute\":\"guest-suspend-ram\"}\n").unwrap();
    wait_for(&server, Power::Asleep);
    first.set_write_timeout(Some(SHORT)).unwrap();
    let pings = b"{\"execute\":\"guest-ping\"}\n".repeat(1000);
    while first.write(&pings).is_ok() {}
    drop(first);
    let mut second = connect(server.address(), LONG).unwrap();
    server.wake();
    second.call(&GuestPing::new()).unwrap();
}
