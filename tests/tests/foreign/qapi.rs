//! The crate `qapi`, blocking and with Tokio. It never sends an `id`, nor 0xFF.

use std::fmt::Debug;
use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use qapi::futures::{QapiService, QgaStreamTokio};
use qapi::qga::{self, QgaCommand};
use qapi::{ErrorClass, ExecuteError, ExecuteResult, Qga, Stream};
use qga_sim::{Guest, Personality, Run};
use tokio::io::WriteHalf;
use tokio::runtime::Runtime;

use crate::guest::{RELEASES, Served};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(20);

trait Client {
    fn connect(guest: &Served) -> Self;

    fn sync(&mut self, id: i32) -> Result<(), ExecuteError>;

    fn execute<C: QgaCommand>(&mut self, command: C) -> ExecuteResult<C>;
}

#[test]
fn blocking() {
    in_each_release::<Blocking>();
}

#[test]
fn with_tokio() {
    in_each_release::<Tokio>();
}

fn in_each_release<C: Client>() {
    for personality in RELEASES {
        println!("{personality}");
        let guest = Guest::with(personality)
            .host_name("build-7")
            .program("/usr/bin/make", Run::new().stderr("make: no makefile\n").exit_code(2));
        let guest = Served::new(guest);
        let mut client = C::connect(&guest);
        client.sync(77).expect("a sync");
        client.execute(qga::guest_ping {}).expect("a ping");
        tells_what_it_is(&mut client);
        has_a_network(&mut client);
        has_files(&mut client);
        runs_programs(&mut client);
        refuses(&mut client, personality);
        // The guest is free for the next one when it has gone.
        drop(client);
        C::connect(&guest).sync(-1).expect("another sync");
    }
}

fn tells_what_it_is(client: &mut impl Client) {
    let info = client.execute(qga::guest_info {}).expect("what it can do");
    let shutdown = info.supported_commands.iter().find(|command| command.name == "guest-shutdown");
    assert_eq!(shutdown.map(|command| (command.enabled, command.success_response)), Some((true, false)));
    assert_eq!(client.execute(qga::guest_get_host_name {}).expect("a name").host_name, "build-7");
    let os = client.execute(qga::guest_get_osinfo {}).expect("a system");
    assert_eq!((os.id.as_deref(), os.version_id.as_deref()), (Some("debian"), Some("13")));
}

fn has_a_network(client: &mut impl Client) {
    let interfaces = client.execute(qga::guest_network_get_interfaces {}).expect("interfaces");
    let names: Vec<_> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
    assert_eq!(names, ["lo", "eth0"]);
    let addresses = interfaces[1].ip_addresses.as_deref().expect("addresses");
    let address = &addresses[0];
    assert_eq!(
        (address.ip_address.as_str(), address.ip_address_type, address.prefix),
        ("192.0.2.15", qga::GuestIpAddressType::ipv4, 24)
    );
    let statistics = interfaces[1].statistics.as_ref().expect("statistics");
    assert!(statistics.rx_bytes > 0);
}

fn has_files(client: &mut impl Client) {
    let content = b"not only text: \0\x80\xFF\n".to_vec();
    let mut open = |mode: &str| {
        let open = qga::guest_file_open { path: "/tmp/new".into(), mode: Some(mode.into()) };
        client.execute(open).expect("an open file")
    };
    let (writer, reader) = (open("w"), open("r"));
    let write = qga::guest_file_write { handle: writer, buf_b64: content.clone(), count: None };
    let written = client.execute(write).expect("a write");
    assert_eq!((written.count, written.eof), (content.len() as i64, false));
    client.execute(qga::guest_file_close { handle: writer }).expect("a close");
    let read = client.execute(qga::guest_file_read { handle: reader, count: None }).expect("a read");
    assert_eq!((read.buf_b64, read.eof), (content, true));
    client.execute(qga::guest_file_close { handle: reader }).expect("a close");
}

fn runs_programs(client: &mut impl Client) {
    let make = qga::guest_exec {
        path: "make".into(),
        arg: Some(vec!["all".into()]),
        env: None,
        input_data: None,
        capture_output: Some(qga::GuestExecCaptureOutput::flag(true)),
    };
    let pid = client.execute(make).expect("a program").pid;
    let status = client.execute(qga::guest_exec_status { pid }).expect("its end");
    assert_eq!((status.exited, status.exitcode, status.signal), (true, Some(2), None));
    assert_eq!((status.out_data, status.err_data), (None, Some(b"make: no makefile\n".to_vec())));
    let error = client.execute(qga::guest_exec_status { pid }).expect_err("it is told once");
    assert_class(&error, &ErrorClass::GenericError);
}

fn refuses(client: &mut impl Client, personality: Personality) {
    let error = client.execute(qga::guest_file_close { handle: 5 }).expect_err("there is no such file");
    assert_class(&error, &ErrorClass::GenericError);
    client.execute(qga::guest_fsfreeze_freeze {}).expect("a freeze");
    let error = client.execute(qga::guest_get_time {}).expect_err("it is frozen");
    // Before QEMU 4.2 that was an error like any other.
    let is_first = personality == Personality::Qemu2;
    assert_class(&error, if is_first { &ErrorClass::GenericError } else { &ErrorClass::CommandNotFound });
    assert_eq!(client.execute(qga::guest_fsfreeze_thaw {}).expect("a thaw"), 1);
    client.execute(qga::guest_get_time {}).expect("a time");
}

#[track_caller]
fn assert_class(error: &ExecuteError, class: &ErrorClass) {
    match error {
        ExecuteError::Qapi(error) => assert_eq!(&error.class, class, "{error}"),
        ExecuteError::Io(error) => panic!("{error}"),
    }
}

struct Blocking(Qga<Stream<BufReader<UnixStream>, UnixStream>>);

impl Client for Blocking {
    fn connect(guest: &Served) -> Self {
        let stream = UnixStream::connect(guest.socket()).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let reader = BufReader::new(stream.try_clone().expect("a second handle"));
        Self(Qga::new(Stream::new(reader, stream)))
    }

    fn sync(&mut self, id: i32) -> Result<(), ExecuteError> {
        self.0.guest_sync(id)
    }

    fn execute<C: QgaCommand>(&mut self, command: C) -> ExecuteResult<C> {
        self.0.execute(&command)
    }
}

struct Tokio {
    runtime: Runtime,
    service: QapiService<QgaStreamTokio<WriteHalf<tokio::net::UnixStream>>>,
}

impl Client for Tokio {
    fn connect(guest: &Served) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let service = runtime.block_on(async {
            let stream = QgaStreamTokio::open_uds(guest.socket()).await.expect("it listens");
            stream.spawn_tokio().0
        });
        Self { runtime, service }
    }

    fn sync(&mut self, id: i32) -> Result<(), ExecuteError> {
        let sync = self.service.guest_sync(id);
        self.runtime.block_on(async { in_time(tokio::time::timeout(LIMIT, sync).await) })
    }

    fn execute<C: QgaCommand>(&mut self, command: C) -> ExecuteResult<C> {
        let answer = self.service.execute(command);
        self.runtime.block_on(async { in_time(tokio::time::timeout(LIMIT, answer).await) })
    }
}

fn in_time<T>(result: Result<Result<T, ExecuteError>, impl Debug>) -> Result<T, ExecuteError> {
    result.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
