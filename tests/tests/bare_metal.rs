//! The example without an operating system: a guest that is nothing but the agent, booted and talked to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qga_conform::{Client, Contentment, Options, check};
use qga_proto::commands::{
    GuestFileOpen, GuestGetHostName, GuestGetOsinfo, GuestGetTime, GuestNetworkGetInterfaces, GuestPing,
    GuestShutdown,
};
use qga_proto::{Error, OwnedCommand};
use qga_std::{Session, block_on};
use qga_tests::{example, needs};

/// What the network card of each board is given.
const ADDRESS: &str = "52:54:00:71:67:61";

/// How long anything here may take. Most takes milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_pc_is_its_agent() {
    tells_its_story(pc("pc"), "x86_64");
}

/// What a host does with every guest, and in the time of one that does nothing else.
#[test]
fn a_pc_is_asked_and_powered_off_within_a_minute() {
    let (program, qga) = (build(&[], &[], "release"), build_qga());
    let begin = Instant::now();
    let mut machine = start_pc("minute", &program);
    machine.call(&qga, &["wait"]);
    let info = machine.call(&qga, &["info"]);
    assert!(info.contains("bare metal") && info.contains("bare-metal"), "{info}");
    machine.call(&qga, &["shutdown"]);
    assert!(machine.ended().success());
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

/// The program is content with it, too, with what it takes for a deadline and for patience by itself.
#[test]
fn a_pc_conforms() {
    let (machine, qga) = (pc("conforms"), build_qga());
    machine.call(&qga, &["wait"]);
    let told = machine.call(&qga, &["conform", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&told).expect("a report");
    assert!(report["complete"] == true && report["counts"]["fail"] == 0, "{told}");
}

fn pc(name: &str) -> Machine {
    start_pc(name, &build(&[], &[], "release"))
}

fn start_pc(name: &str, program: &Path) -> Machine {
    let card = format!("virtio-net-pci,netdev=net,mac={ADDRESS}");
    let qemu: &[_] = &[
        "qemu-system-x86_64",
        "-accel",
        "tcg",
        "-cpu",
        "qemu64",
        "-machine",
        "pc",
        "-m",
        "4",
        "-netdev",
        "hubport,id=net,hubid=0",
        "-device",
        &card,
    ];
    Machine::start(name, "qemu-system-x86", qemu, program)
}

/// The variable that says where the source of the standard library is.
const CORE_SOURCE: &str = "QGA_CORE_SOURCE";

/// Another processor, and another file for the board; all else is the same.
#[test]
#[ignore = "needs the source of core: ./test runs it where that can be had, and says where not"]
fn a_microcontroller_is_its_agent() {
    let source = std::env::var(CORE_SOURCE).expect("tests/core-source says what to set it to");
    let program = build(
        &["--target", "thumbv7em-none-eabihf", "-Zbuild-std=core"],
        // The compiler in use builds its own `core`: what cargo's own tests do, and what a nightly one needs no leave for.
        &[("RUSTC_BOOTSTRAP", "1"), ("__CARGO_TESTS_ONLY_SRC_ROOT", &source)],
        "thumbv7em-none-eabihf/release",
    );
    let card = format!("hubport,hubid=0,model=lan9118,mac={ADDRESS}");
    let qemu: &[_] = &[
        "qemu-system-arm",
        "-machine",
        "mps2-an386",
        "-nic",
        &card,
        "-semihosting-config",
        "enable=on,target=native",
    ];
    tells_its_story(Machine::start("mps2", "qemu-system-arm", qemu, &program), "armv7em");
}

/// A machine may end in three ways: powered off is one, of which the host's process ends.
#[test]
fn a_pc_is_reset() {
    let program = build(&[], &[], "release");
    let qemu: &[_] =
        &["qemu-system-x86_64", "-accel", "tcg", "-cpu", "qemu64", "-machine", "q35", "-m", "16"];
    let mut machine = Machine::start("reset", "qemu-system-x86", qemu, &program);
    let mut session = machine.session();
    assert_eq!(call(&mut session, &GuestNetworkGetInterfaces::new()), []);
    let wrong = session.call_timeout(&GuestShutdown::new().mode("sideways"), LIMIT);
    assert!(matches!(wrong, Err(Error::Refused(_))), "{wrong:?}");
    // It is told that no reset shall be, so that this ends it, too.
    call(&mut session, &GuestShutdown::new().mode("reboot"));
    assert!(machine.ended().success());
}

fn tells_its_story(mut machine: Machine, name: &str) {
    let mut session = machine.session();
    assert_eq!(call(&mut session, &GuestGetHostName::new()).host_name, "bare-metal");
    assert_eq!(call(&mut session, &GuestGetOsinfo::new()).machine.as_deref(), Some(name));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let clock = Duration::from_nanos(call(&mut session, &GuestGetTime::new()).try_into().expect("one, too"));
    assert!(clock.abs_diff(now) < LIMIT, "its clock shows {clock:?}, not {now:?}");
    let [interface] = &call(&mut session, &GuestNetworkGetInterfaces::new())[..] else {
        panic!("one network card")
    };
    assert_eq!(interface.hardware_address.as_deref(), Some(ADDRESS));
    drop(session);

    // An agent as others: clients are content with it.
    let mut line = machine.connect();
    let options = Options::new().timeout(5 * LIMIT);
    let report = block_on(check(&mut line, &options));
    assert!(report.is_clean(), "{:?}", report.failed().collect::<Vec<_>>());
    for client in [Client::Libvirt, Client::ProxmoxVe, Client::KubeVirt] {
        assert_eq!(report.contentment(client), Contentment::Yes, "{client:?}");
    }
    drop(line);

    let mut session = machine.session();
    call(&mut session, &GuestShutdown::new());
    assert!(machine.ended().success());
    let said = machine.said();
    assert!(said.contains("the agent ends"), "{said:?}");
    println!("{name}: {said}");
}

#[track_caller]
fn call<C: OwnedCommand>(session: &mut Session, command: &C) -> C::Owned {
    session.call_timeout(command, LIMIT).unwrap_or_else(|error| panic!("{}: {error}", command.name()))
}

/// Builds the example; gives the program.
fn build(arguments: &[&str], variables: &[(&str, &str)], folder: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bare-metal");
    example::build("bare-metal", &target, arguments, variables);
    target.join(folder).join("agent")
}

/// Builds the program `qga`, with what is built for the tests already; gives its path.
fn build_qga() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "-p", "qga-cli", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory"))
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the program does not build");
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("debug").join("qga")
}

/// A running machine.
struct Machine {
    process: Child,
    folder: PathBuf,
}

impl Machine {
    /// Powers on a machine of which nobody else has the name: the processor and devices are given, the program is its all.
    fn start(name: &str, package: &str, qemu: &[&str], program: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("qga-bare-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the machine");
        let socket = format!("socket,id=agent,path={},server=on,wait=off", folder.join("agent").display());
        let process = Command::new(needs::program(qemu[0], package))
            .args(&qemu[1..])
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
            .args(["-serial", &format!("file:{}", folder.join("console").display())])
            .args(["-chardev", &socket, "-serial", "chardev:agent", "-kernel"])
            .arg(program)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("QEMU starts");
        Self { process, folder }
    }

    /// A session with the agent, once it is up.
    fn session(&self) -> Session {
        let mut session = qga_std::connect_lazy(&self.address()).expect("an address");
        let ready = session.wait_ready(LIMIT).unwrap_or_else(|error| panic!("{error}\n{}", self.said()));
        assert!(
            ready.capabilities.supports::<GuestPing>() && !ready.capabilities.supports::<GuestFileOpen>()
        );
        session
    }

    /// What the program says of the machine.
    #[track_caller]
    fn call(&self, qga: &Path, arguments: &[&str]) -> String {
        let called =
            Command::new(qga).args(["-c", &self.address()]).args(arguments).output().expect("it starts");
        let said = String::from_utf8_lossy(&called.stdout).into_owned();
        assert!(called.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&called.stderr));
        said
    }

    fn address(&self) -> String {
        format!("unix:{}", self.folder.join("agent").display())
    }

    /// A bare connection.
    fn connect(&self) -> qga_std::Connection<std::os::unix::net::UnixStream> {
        let stream = std::os::unix::net::UnixStream::connect(self.folder.join("agent"));
        qga_std::Connection::new(stream.expect("QEMU listens"))
    }

    /// Waits until it is powered off.
    fn ended(&mut self) -> ExitStatus {
        let limit = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.process.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < limit, "the machine is not powered off");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What stands on its console.
    fn said(&self) -> String {
        fs::read_to_string(self.folder.join("console")).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // All fail only when there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
