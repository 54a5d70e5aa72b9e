//! Sessions with the agents of a virtual machine: what may not be tried on the machine of the test itself, and what only a
//! guest behind a virtual channel does.
//!
//! A machine takes seconds to boot, so each is for a whole story.

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use qga_proto::commands::{
    GuestExec, GuestExecStatus, GuestFileClose, GuestFileOpen, GuestFileRead, GuestFsfreezeFreeze,
    GuestFsfreezeFreezeList, GuestFsfreezeStatus, GuestFsfreezeThaw, GuestFstrim, GuestGetHostName,
    GuestGetOsinfo, GuestGetTime, GuestInfo, GuestPing, GuestSetTime, GuestSetUserPassword,
};
use qga_proto::exec::{End, Exec, Fate};
use qga_proto::json::{List, Str};
use qga_proto::{
    Accepted, Check, CopyFrom, CopyTo, Error, FreezeError, OwnedCommand, Placing, Progress, Refusal,
    Shutdown, Suspend, owned,
};
use qga_std::{CopyError, Session};
use qga_tests::bytes::bytes;
use qga_tests::vm::Vm;

/// How long the machine may take to boot, and to do other things that take it a while.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_guest_on_a_virtio_port() {
    let mut vm = Vm::start();
    let mut session = ready(&vm.virtio());
    let mut other = ready(&vm.serial());
    runs_programs(&mut session);
    let mut session = copies_files(&vm, session);
    freezes(&mut session);
    is_held_frozen(&mut session, &mut other);
    is_frozen_for_all(&mut session, &mut other);
    sets_its_clock(&mut session);
    sets_passwords(&mut session);
    gets_another_agent(&mut session, &mut other);
    sleeps(&mut vm, &mut session);
    is_reset(&mut vm, &mut session);
    shuts_down(&mut vm, &mut session);
}

#[test]
fn a_guest_on_a_serial_line() {
    let mut vm = Vm::start();
    let mut session = ready(&vm.serial());
    has_its_files(&mut session);
    reboots(&mut vm, &mut session);
    has_its_files(&mut session);
    shuts_down(&mut vm, &mut session);
}

/// A session with an agent that need not have started yet.
#[track_caller]
fn ready(address: &str) -> Session {
    let mut session = qga_std::connect_lazy(address).expect("an address");
    is_ready(&mut session);
    session
}

#[track_caller]
fn is_ready(session: &mut Session) {
    let ready = session.wait_ready(LIMIT).expect("the guest boots");
    assert!(ready.capabilities.supports::<GuestPing>());
    assert_eq!(session.call(&GuestGetHostName::new()).expect("a name").host_name, "qga-guest");
}

/// What is in a file.
#[track_caller]
fn read(session: &mut Session, path: &str) -> String {
    let handle = session.call(&GuestFileOpen::new(path)).expect(path);
    let mut content = Vec::new();
    loop {
        let read = session.call(&GuestFileRead::new(handle).count(1000)).expect("a read");
        content.extend_from_slice(&read.buf_b64);
        if read.eof {
            break;
        }
    }
    session.call(&GuestFileClose::new(handle)).expect("a close");
    String::from_utf8(content).expect("text")
}

/// Runs a line of the shell.
#[track_caller]
fn run(session: &mut Session, line: &str) {
    let arguments = ["-c", line].map(Str::new);
    let pid = session.call(&GuestExec::new("sh").arg(List::from(&arguments))).expect("a program").pid;
    let limit = Instant::now() + LIMIT;
    let status = loop {
        let status = session.call(&GuestExecStatus::new(pid)).expect("a status");
        if status.exited {
            break status;
        }
        assert!(Instant::now() < limit, "{line}: it does not end");
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.exitcode, Some(0), "{line}");
}

#[track_caller]
fn assert_disabled(session: &mut Session, command: &impl OwnedCommand) {
    let error = session.call(command).err().expect("it is disabled");
    assert!(error.refusal().is_some_and(Refusal::is_command_not_found), "{error:?}");
}

#[track_caller]
fn assert_frozen(session: &mut Session, is_frozen: bool) {
    let status = session.call(&GuestFsfreezeStatus::new()).expect("a status");
    assert_eq!(status == owned::GuestFsfreezeStatus::Frozen, is_frozen, "{status:?}");
}

fn runs_programs(session: &mut Session) {
    let outcome = session.run(&Exec::new("sh").args(["-c", "cat; echo no >&2; exit 7"]).input("yes"), LIMIT);
    let outcome = outcome.expect("it runs");
    assert_eq!((outcome.end, &*outcome.stdout, &*outcome.stderr), (End::Exit(7), &b"yes"[..], &b"no\n"[..]));
    let sleep = Exec::new("sleep").arg("1000").kill_at_deadline();
    let error = session.run(&sleep, Duration::from_secs(3)).expect_err("it takes longer");
    assert_eq!((error.is_timeout(), error.fate), (true, Fate::Killed), "{error}");
}

/// A client that is gone midway costs this agent nothing, and the next client goes on where it was.
fn copies_files(vm: &Vm, mut session: Session) -> Session {
    let content = bytes(8_000_000);
    let copy = CopyTo::new("/root/copy").len(content.len() as u64).resume();
    let mut done = 0;
    let progress = |progress: Progress| done = progress.done;
    let broken = session.copy_to(&copy, Breaks(&content[..3_000_000]), progress, LIMIT);
    assert!(matches!(broken, Err(CopyError::Host(_))), "{broken:?}");
    assert_eq!(done, 3_000_000);
    drop(session);
    let mut session = ready(&vm.virtio());
    let copied = session.copy_to(&copy, &content[..], |_| {}, LIMIT).expect("it goes on");
    assert_eq!((copied.len, copied.resumed), (8_000_000, 3_000_000));
    assert_eq!(
        (copied.placing, copied.check),
        (Placing::Renamed { replaced: false }, Check::Tool("sha256sum"))
    );
    let mut back = Vec::new();
    let copied = session.copy_from(&CopyFrom::new("/root/copy").verify(), &mut back, |_| {}, LIMIT);
    assert_eq!(copied.expect("it is there").missing, 0);
    assert!(back == content);
    session
}

/// What ends before its end.
struct Breaks<'a>(&'a [u8]);

impl Read for Breaks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("broken")),
            n => Ok(n),
        }
    }
}

fn freezes(session: &mut Session) {
    assert_frozen(session, false);
    assert_eq!(session.call(&GuestFsfreezeFreeze::new()).expect("a freeze"), 2);
    assert_frozen(session, true);
    assert_disabled(session, &GuestFsfreezeFreeze::new());
    assert_disabled(session, &GuestGetOsinfo::new());
    assert_disabled(session, &GuestExec::new("true"));
    session.call(&GuestPing::new()).expect("a ping");
    let info = session.call(&GuestInfo::new()).expect("what it can do");
    assert_eq!(info.supported_commands.iter().filter(|command| command.enabled).count(), 6);
    assert_eq!(session.call(&GuestFsfreezeThaw::new()).expect("a thaw"), 2);
    assert_frozen(session, false);
    assert_eq!(session.call(&GuestFsfreezeThaw::new()).expect("a thaw of nothing"), 0);
    session.call(&GuestGetOsinfo::new()).expect("what was disabled");

    let [srv, data, nowhere] = ["/srv", "/data", "/nowhere"].map(Str::new);
    for (list, count) in [(vec![srv], 1), (vec![nowhere], 0), (vec![nowhere, data, srv], 2)] {
        let freeze = GuestFsfreezeFreezeList::new().mountpoints(&list);
        assert_eq!(session.call(&freeze).expect("a freeze"), count);
        assert_frozen(session, count > 0);
        assert_eq!(session.call(&GuestFsfreezeThaw::new()).expect("a thaw"), count);
    }
    let trimmed = session.call(&GuestFstrim::new()).expect("a trim").paths;
    assert_eq!(trimmed.len(), 2);
    assert!(trimmed.iter().all(|path| path.trimmed.is_some_and(|bytes| bytes > 0)), "{trimmed:?}");
}

/// What a file system that is frozen does not do, for whoever writes to it.
fn is_held_frozen(session: &mut Session, other: &mut Session) {
    let create = GuestFileOpen::new("/srv/held").mode("w");
    let held = session.with_frozen(LIMIT, || {
        let error = other.call_timeout(&create, Duration::from_secs(1)).expect_err("no file can be made");
        assert!(error.is_timeout(), "{error:?}");
    });
    held.expect("it was frozen throughout");
    assert_frozen(session, false);
    other.call(&GuestGetHostName::new()).expect("an answer of its own");

    let frozen = session.freeze_some(&["/srv", "/nowhere"], LIMIT).expect("a freeze");
    assert_eq!(frozen.count(), 1);
    // Another agent, of another process, in the same guest: it has not frozen anything.
    assert_eq!(other.is_frozen(LIMIT).expect("a status"), Some(false));
    drop(frozen);
    assert_frozen(session, false);

    session.call(&GuestFsfreezeFreeze::new()).expect("a freeze by hand");
    let failed = session.with_frozen(LIMIT, || ()).expect_err("it is frozen");
    assert!(matches!(failed.error, FreezeError::AlreadyFrozen), "{failed}");
    assert_eq!(session.thaw(LIMIT).expect("a thaw").count, Some(2));
    let failed = session.with_some_frozen(&["/nowhere"], LIMIT, || ()).expect_err("there is none");
    assert!(matches!(failed.error, FreezeError::NothingToFreeze), "{failed}");

    // What is killed while the guest is frozen: the next agent knows that it is.
    let frozen = session.freeze(LIMIT).expect("a freeze");
    run(other, "kill -9 $(cat /run/virtio-serial/pid)");
    let thawed = frozen.thaw(LIMIT).expect("the next agent thaws");
    assert!(!thawed.is_early, "{thawed:?}");
    assert_frozen(session, false);
    run(other, "echo now >/srv/held");
}

/// Whoever writes to its disks waits for the thaw.
fn is_frozen_for_all(session: &mut Session, other: &mut Session) {
    session.call(&GuestFsfreezeFreeze::new()).expect("a freeze");
    let create = GuestFileOpen::new("/srv/new").mode("w");
    let error = other.call_timeout(&create, Duration::from_secs(1)).expect_err("no file can be made");
    assert!(matches!(error, Error::TimedOut(_)), "{error:?}");
    session.call(&GuestFsfreezeThaw::new()).expect("a thaw");
    other.call(&GuestGetHostName::new()).expect("an answer of its own");
    assert_eq!(read(session, "/srv/new"), "");
}

fn sets_its_clock(session: &mut Session) {
    const SECOND: i64 = 1_000_000_000;
    const THEN: i64 = 1_000_000_000 * SECOND;
    // The hardware's clock has whole seconds.
    let around = THEN - SECOND..THEN + 60 * SECOND;
    session.call(&GuestSetTime::new().time(THEN)).expect("both clocks are set");
    assert!(around.contains(&session.call(&GuestGetTime::new()).expect("the time")));
    session.call(&GuestSetTime::new()).expect("it is set by the hardware's");
    assert!(around.contains(&session.call(&GuestGetTime::new()).expect("the time")));
}

fn sets_passwords(session: &mut Session) {
    const HASH: &str = "$5$salt$a.hash.that.nothing.has";
    session.call(&GuestSetUserPassword::new("alice", HASH.as_bytes(), true)).expect("a hash");
    let shadow = read(session, "/etc/shadow");
    assert!(shadow.contains(&format!("alice:{HASH}:")), "{shadow}");
    session.call(&GuestSetUserPassword::new("alice", b"secret", false)).expect("a password");
    let shadow = read(session, "/etc/shadow");
    assert!(shadow.contains("alice:$5$") && !shadow.contains(HASH) && !shadow.contains("secret"), "{shadow}");
    let error =
        session.call(&GuestSetUserPassword::new("nobody", b"secret", false)).expect_err("no such user");
    assert!(error.refusal().is_some(), "{error:?}");
}

/// The port stays as it is, and nobody tells its host that the agent is another one.
fn gets_another_agent(session: &mut Session, other: &mut Session) {
    let handle = session.call(&GuestFileOpen::new("/init")).expect("an open file");
    run(other, "kill -9 $(cat /run/virtio-serial/pid)");
    session.call_timeout(&GuestPing::new(), LIMIT).expect("the next agent answers");
    let error = session.call(&GuestFileRead::new(handle)).expect_err("it has no such file open");
    assert!(error.refusal().is_some(), "{error:?}");
}

fn sleeps(vm: &mut Vm, session: &mut Session) {
    let gone = session.suspend_and_wait(Suspend::Ram, LIMIT).expect("it falls asleep");
    assert_eq!(gone, Accepted::Gone);
    vm.monitor().wait_for("SUSPEND");
    assert_eq!(vm.monitor().command("query-status")["status"], "suspended");
    let error = session.call_timeout(&GuestPing::new(), Duration::from_millis(500)).expect_err("it sleeps");
    assert!(matches!(error, Error::TimedOut(_)), "{error:?}");
    vm.monitor().command("system_wakeup");
    vm.monitor().wait_for("WAKEUP");
    session.call_timeout(&GuestPing::new(), LIMIT).expect("it is awake");
    assert_eq!(session.call(&GuestGetHostName::new()).expect("an answer of its own").host_name, "qga-guest");
}

fn is_reset(vm: &mut Vm, session: &mut Session) {
    let handle = session.call(&GuestFileOpen::new("/init")).expect("an open file");
    vm.monitor().command("system_reset");
    assert_eq!(vm.monitor().wait_for("RESET")["guest"], false);
    is_ready(session);
    let error = session.call(&GuestFileRead::new(handle)).expect_err("nothing is left of it");
    assert!(error.refusal().is_some(), "{error:?}");
}

fn has_its_files(session: &mut Session) {
    assert_eq!(read(session, "/init"), include_str!("../vm/guest/init"));
}

/// The line does not end, and the new agent answers as if it were the old one: that the guest was reset the monitor tells.
fn reboots(vm: &mut Vm, session: &mut Session) {
    session.shutdown(Shutdown::Reboot, LIMIT).expect("it reboots");
    assert_eq!(vm.monitor().wait_for("RESET")["guest"], true);
    is_ready(session);
}

fn shuts_down(vm: &mut Vm, session: &mut Session) {
    let gone = session.shutdown_and_wait(Shutdown::Powerdown, LIMIT).expect("it shuts down");
    assert_eq!(gone, Accepted::Gone);
    assert_eq!(vm.monitor().wait_for("SHUTDOWN")["reason"], "guest-shutdown");
    assert!(vm.ended().success());
    let error = session.call(&GuestPing::new()).expect_err("nobody is there");
    assert!(matches!(error, Error::Closed(_) | Error::Connect(_) | Error::Transport { .. }), "{error:?}");
}
