//! Files in the guest: whole ones, and handles that are closed whatever happens.

use std::time::Duration;

use qga_proto::commands::GuestPing;
use qga_proto::{FileError, Instant, Mode, Seek};
use qga_tests::bytes::bytes;

use crate::agent::Agent;
use crate::calls::ask;
use crate::runtime::{Error, Runtime, Session};

cases! {
    what_is_written_is_read(sim, real);
    a_file_that_is_too_long_is_no_success(sim, real);
    a_file_without_a_size_is_read(real);
    a_file_without_end_ends_at_the_limit(real);
    reads_and_writes_follow_the_position(sim, real);
    writes_in_append_mode_go_to_the_end(sim, real);
    a_read_into_the_callers_buffer(sim, real);
    a_dropped_file_is_closed_beside_the_next_call(sim, real);
    a_failed_read_leaves_no_file_open(sim, real);
    dropped_files_are_closed_on_demand(sim, real);
    a_call_that_a_frozen_guest_takes_closes_nothing(sim);
    a_full_disk_is_an_error_whenever_it_shows(real);
    a_pipe_is_read_without_positions(real);
}

fn soon<R: Runtime>(session: &Session<R>) -> Instant {
    session.deadline(Duration::from_secs(30))
}

async fn what_is_written_is_read<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    for len in [0, 1, 2, 3, 4096, 65_536, 65_537, 3_000_000] {
        let content = bytes(len);
        session.write_file(&path, &content, soon).await.expect("room");
        assert!(agent.content(&path).is_some_and(|found| found == content), "{len}");
        let read = session.read_file(&path, len, soon).await.expect("it is there");
        assert!(read == content, "{len}");
    }
    assert_eq!(agent.open_files(), 0);
}

async fn a_file_that_is_too_long_is_no_success<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.large_file(), soon::<R>(&session));
    for limit in [0, 1, 65_536, 3_999_999] {
        let result = session.read_file(&path, limit, soon).await;
        assert!(matches!(result, Err(FileError::TooLong { limit: at }) if at == limit), "{result:?}");
    }
    assert_eq!(
        session.read_file(&path, 4_000_000, soon).await.map(|bytes| bytes.len()).ok(),
        Some(4_000_000)
    );
    assert_eq!(agent.open_files(), 0);
}

async fn a_file_without_a_size_is_read<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let soon = soon::<R>(&session);
    let version = session.read_file("/proc/version", 1 << 20, soon).await.expect("it is there");
    assert_eq!(version, std::fs::read("/proc/version").expect("it is there"));
}

async fn a_file_without_end_ends_at_the_limit<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let soon = soon::<R>(&session);
    let result = session.read_file("/dev/zero", 1 << 20, soon).await;
    assert!(matches!(result, Err(FileError::TooLong { .. })), "{result:?}");
    assert_eq!(agent.open_files(), 0);
}

async fn reads_and_writes_follow_the_position<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    let mut file = session.open(&path, Mode::CreateRead, soon).await.expect("it opens");
    file.write_all(b"0123456789", soon).await.expect("room");
    assert_eq!(file.seek(Seek::Current(-4), soon).await.expect("a position"), 6);
    file.write_all(b"x", soon).await.expect("room");
    assert_eq!(file.seek(Seek::Start(5), soon).await.expect("a position"), 5);
    let mut buffer = [0; 3];
    assert_eq!(file.read(&mut buffer, soon).await.expect("a read"), 3);
    assert_eq!(&buffer, b"5x7");
    assert!(file.seek(Seek::Current(-9), soon).await.is_err(), "before the start");
    assert_eq!(file.seek(Seek::Current(0), soon).await.expect("a position"), 8);
    assert_eq!(file.seek(Seek::End(-1), soon).await.expect("a position"), 9);
    assert_eq!(file.read(&mut buffer, soon).await.expect("a read"), 1);
    assert_eq!(file.read(&mut buffer, soon).await.expect("the end"), 0);
    file.close(soon).await.expect("room");
    assert_eq!(agent.content(&path).as_deref(), Some(&b"012345x789"[..]));
}

async fn writes_in_append_mode_go_to_the_end<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    session.write_file(&path, b"one", soon).await.expect("room");
    for (mode, text) in [(Mode::Append, b"two"), (Mode::AppendRead, b"six")] {
        let mut file = session.open(&path, mode, soon).await.expect("it opens");
        file.write_all(text, soon).await.expect("room");
        file.close(soon).await.expect("room");
    }
    assert_eq!(agent.content(&path).as_deref(), Some(&b"onetwosix"[..]));
}

async fn a_read_into_the_callers_buffer<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    session.write_file(&path, b"hello", soon).await.expect("room");
    let mut buffer = [0; 5];
    assert_eq!(session.read_file_into(&path, &mut buffer, soon).await.ok(), Some(5));
    assert_eq!(&buffer, b"hello");
    let result = session.read_file_into(&path, &mut buffer[..4], soon).await;
    assert!(matches!(result, Err(FileError::TooLong { limit: 4 })), "{result:?}");
    assert_eq!(agent.open_files(), 0);
}

async fn a_dropped_file_is_closed_beside_the_next_call<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    let mut file = session.open(&path, Mode::Create, soon).await.expect("it opens");
    file.write_all(b"written", soon).await.expect("room");
    drop(file);
    assert_eq!(agent.open_files(), 1);
    session.read_file(&path, 100, soon).await.expect("it is there");
    assert_eq!(agent.open_files(), 0);
    assert_eq!(agent.content(&path).as_deref(), Some(&b"written"[..]));
}

async fn a_failed_read_leaves_no_file_open<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("."), soon::<R>(&session));
    let error = session.read_file(&path, 100, soon).await.expect_err("a folder");
    assert!(matches!(error, FileError::Call(Error::Refused(_))), "{error:?}");
    assert_eq!(agent.open_files(), 0);
    let error = session.read_file(&agent.guest_path("none"), 100, soon).await.expect_err("nothing");
    assert!(matches!(error, FileError::Call(Error::Refused(_))), "{error:?}");
    assert_eq!(agent.open_files(), 0);
}

async fn dropped_files_are_closed_on_demand<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let soon = soon::<R>(&session);
    let mut handles = Vec::new();
    for n in 0..5 {
        let path = agent.guest_path(&format!("file-{n}"));
        handles.push(session.open(&path, Mode::Create, soon).await.expect("it opens").detach());
    }
    assert_eq!(agent.open_files(), 5);
    for handle in handles {
        drop(session.attach_file(handle, Mode::Create));
    }
    assert_eq!(session.close_abandoned(soon).await, 0);
    assert_eq!(agent.open_files(), 0);
}

async fn a_call_that_a_frozen_guest_takes_closes_nothing<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    drop(session.open(&path, Mode::Create, soon).await.expect("it opens"));
    session.call(&GuestPing::new()).await.expect("ping");
    ask::<R>(&mut session, 7).await;
    assert_eq!(agent.open_files(), 1);
    assert_eq!(session.close_abandoned(soon).await, 0);
}

async fn a_full_disk_is_an_error_whenever_it_shows<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let soon = soon::<R>(&session);
    // A few bytes stay in the agent until they are flushed, many do not.
    for len in [10, 100_000] {
        let mut file = session.open("/dev/full", Mode::ReadWrite, soon).await.expect("it opens");
        let written = file.write_all(&bytes(len), soon).await;
        let closed = file.close(soon).await;
        let error = written.and(closed).expect_err("there is no room");
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert!(agent.is_alive());
        assert_eq!(agent.open_files(), 0, "{len}");
    }
    ask::<R>(&mut session, 7).await;
}

async fn a_pipe_is_read_without_positions<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("pipe"), soon::<R>(&session));
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(made.success());
    let mut file = session.open(&path, Mode::Read, soon).await.expect("it opens");
    let mut writer = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("a pipe");
    let mut buffer = [0; 4];
    let error = file.read(&mut buffer, soon).await.expect_err("nobody has written");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    std::io::Write::write_all(&mut writer, b"1234").expect("room");
    assert_eq!(file.read(&mut buffer, soon).await.expect("bytes"), 4);
    assert_eq!(&buffer, b"1234");
    file.close(soon).await.expect("a close");
}
