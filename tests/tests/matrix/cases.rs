//! The rows: what is called.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use qga_proto::commands::{
    GuestExec, GuestExecStatus, GuestFileClose, GuestFileOpen, GuestFileRead, GuestFileSeek,
    GuestFsfreezeFreeze, GuestFsfreezeThaw, GuestNetworkGetInterfaces, GuestShutdown,
};
use qga_proto::exec::{self, End, Exec, Fate, Reason};
use qga_proto::json::Str;
use qga_proto::view::{GuestExecCaptureOutput, GuestFileWhence, GuestLogicalProcessor, GuestMemoryBlock};
use qga_proto::{
    Accepted, CopyError, CopyFrom, CopyTo, Error, FileError, FreezeError, FreezeFailed, Session, Shutdown,
    Suspend, Transport, Violation,
};
use qga_sim::{Guest, Personality, Run};
use qga_tests::bytes::bytes;

use crate::outcome::STILL_THERE;

/// Something that users do.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) index: usize,
    /// Whose first reply the faults hit.
    pub(crate) command: &'static str,
    pub(crate) is_large: bool,
}

/// Whether what was said is true.
type Said = Result<bool, Error<io::Error>>;

/// A guest for all cases.
pub(crate) fn guest(personality: Personality) -> Guest {
    let program = Run::new().stdout("out").stderr("err").exit_code(7).time(Duration::from_millis(300));
    let guest = Guest::with(personality).boot_time(Duration::from_secs(1)).sleep_time(Duration::from_secs(8));
    let short = Run::new().stdout("out").stderr("err").exit_code(7);
    let endless = Run::new().time(Duration::from_secs(1_000_000));
    let guest = guest
        .program("/opt/endless", endless)
        .file(FILE, CONTENT.clone())
        .file(SMALL_FILE, small())
        .program("/opt/program", program)
        .program("/opt/short", short);
    guest.authorized_keys("alice", &["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"])
}

/// How long a flow may take.
const TIMEOUT: Duration = Duration::from_secs(10);

const FILE: &str = "/opt/large";

/// A mebibyte that differs from place to place.
static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| bytes(1 << 20));

const SMALL_FILE: &str = "/opt/small";

/// What is moved by two requests.
fn small() -> &'static [u8] {
    &CONTENT[..70_000]
}

/// Makes the table, and the way from a row of it to its function.
macro_rules! cases {
    ($($case:ident($command:literal, large $large:literal);)+) => {
        pub(crate) const CASES: &[Case] = &cases!(@ (0) [] $($case $command $large)+);

        /// Runs the case of this number.
        pub(crate) async fn run<T: Transport<Error = io::Error>>(
            index: usize,
            session: &mut Session<T, Vec<u8>>,
        ) -> Said {
            match CASES[index].name {
                $(name if name == stringify!($case) => $case(session).await,)+
                name => panic!("there is no case {name}"),
            }
        }
    };
    (@ ($index:expr) [$($done:tt)*]) => { [$($done)*] };
    (@ ($index:expr) [$($done:tt)*] $case:ident $command:literal $large:literal $($rest:tt)*) => {
        cases!(@ ($index + 1) [$($done)*
            Case { name: stringify!($case), index: $index, command: $command, is_large: $large },
        ] $($rest)*)
    };
}

cases! {
    query("guest-network-get-interfaces", large false);
    read_file("guest-file-read", large true);
    read_whole_file("guest-file-read", large true);
    write_whole_file("guest-file-write", large true);
    copy_from("guest-file-read", large true);
    copy_to("guest-file-write", large true);
    run_program("guest-exec-status", large false);
    run_to_its_end("guest-exec-status", large false);
    run_something_short("guest-exec-status", large false);
    run_past_the_deadline("guest-exec-status", large false);
    start("guest-exec", large false);
    freeze("guest-fsfreeze-freeze", large false);
    shut_down("guest-shutdown", large false);
    read_clock("guest-get-time", large false);
    set_clock("guest-set-time", large false);
    set_processors("guest-set-vcpus", large false);
    set_memory("guest-set-memory-blocks", large false);
    find_address("guest-network-get-interfaces", large false);
    remove_keys("guest-ssh-remove-authorized-keys", large false);
    with_frozen("guest-fsfreeze-freeze", large false);
    with_frozen_thaw("guest-fsfreeze-thaw", large false);
    freeze_some("guest-fsfreeze-freeze-list", large false);
    stop("guest-shutdown", large false);
    suspend("guest-suspend-ram", large false);
}

/// Something that every agent can be asked.
pub(crate) async fn query<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let interfaces = session.call(&GuestNetworkGetInterfaces::new()).await?;
    let addresses = interfaces.iter().flat_map(|interface| interface.ip_addresses.iter().flatten());
    Ok(interfaces.len() == 2 && addresses.filter(|address| address.ip_address == "192.0.2.15").count() == 1)
}

async fn read_file<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let handle = session.call(&GuestFileOpen::new(FILE)).await?;
    let read = session.call(&GuestFileRead::new(handle).count(1 << 20)).await?;
    session.call(&GuestFileClose::new(handle)).await?;
    Ok(*read.buf_b64 == *CONTENT && read.count == 1 << 20)
}

/// How long a file may take: time for several attempts.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);

async fn read_whole_file<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(FILE_TIMEOUT);
    match session.read_file(SMALL_FILE, 1 << 20, deadline).await {
        Ok(read) => Ok(read == small()),
        Err(FileError::Call(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn write_whole_file<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(FILE_TIMEOUT);
    match session.write_file("/opt/new", small(), deadline).await {
        Ok(()) => is_written(session).await,
        Err(FileError::Call(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Whether its pieces stand where they should, and nothing behind them.
async fn is_written<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    const FIRST_PIECE: usize = 64 * 1024;
    let (handle, end) = (session.call(&GuestFileOpen::new("/opt/new")).await?, small().len());
    for range in [0..100, FIRST_PIECE - 50..FIRST_PIECE + 50, end - 100..end, end..end] {
        session.call(&GuestFileSeek::new(handle, range.start as i64, GuestFileWhence::Value(0))).await?;
        let read = session.call(&GuestFileRead::new(handle).count(100)).await?;
        if *read.buf_b64 != small()[range] {
            return Ok(false);
        }
    }
    session.call(&GuestFileClose::new(handle)).await.map(|_| true)
}

async fn copy_from<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let (mut copy, deadline) = (Vec::new(), session.deadline(FILE_TIMEOUT));
    let what = CopyFrom::new(SMALL_FILE);
    match session.copy_from(&what, &mut copy, &mut vec![0; 1 << 17], |_| {}, deadline).await {
        Ok(copied) => Ok(copy == small() && copied.len == small().len() as u64),
        Err(CopyError::Call(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn copy_to<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let (what, deadline) = (CopyTo::new("/opt/new"), session.deadline(FILE_TIMEOUT));
    match session.copy_to(&what, &mut small(), &mut vec![0; 1 << 17], |_| {}, deadline).await {
        Ok(_) => is_written(session).await,
        Err(CopyError::Call(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn run_program<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let capture = GuestExecCaptureOutput::Flag(true);
    let pid = session.call(&GuestExec::new("/opt/program").capture_output(capture)).await?.pid;
    loop {
        let status = session.call(&GuestExecStatus::new(pid)).await?;
        if status.exited {
            let out = status.out_data.as_deref().is_some_and(|out| out == b"out");
            return Ok(out && status.exitcode == Some(7));
        }
        let deadline = session.deadline(Duration::from_millis(100));
        session.transport_mut().sleep_until(deadline).await;
    }
}

/// The first look finds it running.
async fn run_to_its_end<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    run_path(session, "/opt/program").await
}

/// The first look is told its end.
async fn run_something_short<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    run_path(session, "/opt/short").await
}

async fn run_path<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>, path: &str) -> Said {
    let deadline = session.deadline(TIMEOUT);
    let outcome = session.run(&Exec::new(path), deadline).await.map_err(call)?;
    Ok((outcome.end, &*outcome.stdout, &*outcome.stderr) == (End::Exit(7), b"out", b"err"))
}

/// It is killed then, and nobody says so of what may run.
async fn run_past_the_deadline<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let (exec, deadline) = (Exec::new("/opt/endless").kill_at_deadline(), session.deadline(TIMEOUT));
    let error = session.run(&exec, deadline).await.expect_err("it never ends");
    match error.fate {
        Fate::Killed | Fate::KilledAlone => Ok(error.is_timeout()),
        _ => Err(error.into_call().unwrap_or(STILL_THERE)),
    }
}

async fn start<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    session.start(&Exec::new("/opt/program"), deadline).await.map(|started| started.pid > 1).map_err(call)
}

/// The error of a call that is behind that of a program.
fn call(error: exec::Error<io::Error>) -> Error<io::Error> {
    if let Reason::Unreadable(_) = error.reason {
        return Error::Protocol(Violation::NotAReply);
    }
    let text = error.to_string();
    error.into_call().unwrap_or_else(|| panic!("{text}"))
}

async fn freeze<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let frozen = session.call(&GuestFsfreezeFreeze::new()).await;
    // Whatever came of it.
    let thawed = session.call(&GuestFsfreezeThaw::new()).await;
    Ok(frozen? == 1 && thawed? == 1)
}

async fn shut_down<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    session.call(&GuestShutdown::new().mode("reboot")).await.map(|_| true)
}

async fn read_clock<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    // The time of the line begins where that of the guest does, or a line's delay later.
    let (host, deadline) = (0, session.deadline(TIMEOUT));
    let reading = session.read_clock(host, deadline).await?;
    Ok(reading.precision < TIMEOUT && reading.guest - reading.ahead < TIMEOUT.as_nanos() as i64)
}

async fn set_processors<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    let wanted = [GuestLogicalProcessor::new(1, false), GuestLogicalProcessor::new(1, true)];
    session.set_vcpus(&wanted, deadline).await.map_err(|not_all| not_all.error)?;
    Ok(true)
}

/// Far back, as all guests show a later time.
async fn set_clock<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    const HOUR: Duration = Duration::from_secs(60 * 60);

    let deadline = session.deadline(TIMEOUT);
    let set = session.set_clock(HOUR.as_nanos() as i64, deadline).await?;
    let is_right = Duration::from_nanos(set.after.ahead.unsigned_abs()) < TIMEOUT;
    Ok(set.before.ahead > HOUR.as_nanos() as i64 && is_right)
}

async fn set_memory<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    // The first cannot be taken out of use.
    let wanted = [7, 8, 9].map(|block| GuestMemoryBlock::new(block, false));
    let mut told = Vec::new();
    let good = session.set_memory_blocks(&wanted, |response| told.push(response.phys_index), deadline).await;
    Ok(good.map_err(|not_all| not_all.error)? == 2 && told == [7, 8, 9])
}

async fn find_address<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    let address = session.primary_address(deadline).await?;
    Ok(address.is_some_and(|found| found.address.to_string() == "192.0.2.15" && found.prefix == 24))
}

async fn remove_keys<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    let keys = [Str::new("ssh-ed25519 AAAA one")];
    Ok(session.remove_authorized_keys("alice", &keys, deadline).await? == 0)
}

async fn with_frozen<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    said(session.with_frozen(TIMEOUT, async || ()).await)
}

/// The same, to be hit by what goes wrong with the thaw.
async fn with_frozen_thaw<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    with_frozen(session).await
}

async fn freeze_some<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    said(session.with_some_frozen(&["/", "C:\\"], TIMEOUT, async || ()).await)
}

fn said(outcome: Result<(), FreezeFailed<(), io::Error>>) -> Said {
    match outcome.map_err(|failed| failed.error) {
        Ok(()) => Ok(true),
        Err(FreezeError::NotFrozen(error)) => Err(error),
        Err(FreezeError::MayBeFrozen(_)) => Err(Error::MayBeFrozen),
        Err(_) => Ok(false),
    }
}

async fn stop<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    gone(session.shutdown_and_wait(Shutdown::Reboot, deadline).await?)
}

async fn suspend<T: Transport<Error = io::Error>>(session: &mut Session<T, Vec<u8>>) -> Said {
    let deadline = session.deadline(TIMEOUT);
    gone(session.suspend_and_wait(Suspend::Ram, deadline).await?)
}

/// `Going` after the deadline means that it is still there.
fn gone(accepted: Accepted) -> Said {
    if accepted == Accepted::Gone { Ok(true) } else { Err(STILL_THERE) }
}
