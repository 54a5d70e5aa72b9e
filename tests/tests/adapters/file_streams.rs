//! Files in the guest through the traits of each runtime.

use std::io::SeekFrom;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use qga_proto::{CopyFrom, CopyTo, Mode, Placing};
use qga_tests::bytes::bytes;

use crate::agent::Agent;
use crate::runtime::{Runtime, Smol, Tokio};

const SOON: Duration = Duration::from_secs(60);

/// Makes a test of each of a module's functions, for each of the agents.
macro_rules! streams {
    ($($case:ident),+) => {
        mod sim {$(
            #[test]
            fn $case() {
                super::$case(&crate::agent::Agent::sim());
            }
        )+}

        mod real {$(
            #[test]
            fn $case() {
                super::$case(&crate::agent::Agent::real());
            }
        )+}
    };
}

mod std_traits {
    use std::io::{Read, Seek, Write};

    use super::*;

    streams!(read_write_and_seek, copies_from_and_to_files);

    fn read_write_and_seek(agent: &Agent) {
        let mut session = qga_std::connect(&agent.address(), SOON).expect("an agent");
        let (path, content) = (agent.guest_path("file"), bytes(300_000));
        let mut file = session.open(&path, Mode::CreateRead).expect("it opens");
        file.write_all(&content).expect("room");
        file.flush().expect("room");
        assert_eq!(file.seek(SeekFrom::End(-100_000)).expect("a position"), 200_000);
        let mut read = Vec::new();
        file.read_to_end(&mut read).expect("a read");
        assert!(read == content[200_000..]);
        assert_eq!(file.stream_position().expect("a position"), 300_000);
        file.close().expect("room");
        assert_eq!(agent.open_files(), 0);
        drop(session.open(&path, Mode::Read).expect("it opens"));
        assert_eq!(agent.open_files(), 1);
        assert_eq!(session.close_abandoned(SOON), 0);
        assert_eq!(agent.open_files(), 0);
        let error = session.open(&path, Mode::Read).expect("it opens").write(b"x").expect_err("only to read");
        assert_eq!(error.kind(), std::io::ErrorKind::Other);
        assert!(error.to_string().contains("guest-file-write"), "{error}");
    }

    fn copies_from_and_to_files(agent: &Agent) {
        let mut session = qga_std::connect(&agent.address(), SOON).expect("an agent");
        let (path, content) = (agent.guest_path("copy"), bytes(3_000_000));
        let copied = session.copy_to(&CopyTo::new(&path).verify(), &content[..], |_| {}, SOON).expect("room");
        assert_eq!(copied.placing, Placing::Renamed { replaced: false });
        let mut file = tempfile::tempfile().expect("room");
        session.copy_from(&CopyFrom::new(&path).verify(), &mut file, |_| {}, SOON).expect("it is there");
        file.rewind().expect("a position");
        let mut copy = Vec::new();
        file.read_to_end(&mut copy).expect("a read");
        assert!(copy == content);
        assert!(session.read_file(&path, 3_000_000, SOON).expect("it is there") == content);
        session.write_file(&path, b"short", SOON).expect("room");
        assert_eq!(agent.content(&path).as_deref(), Some(&b"short"[..]));
        assert_eq!(agent.open_files(), 0);
    }
}

/// The cases of both asynchronous adapters, which differ in names only.
macro_rules! asynchronous {
    ($module:ident, $adapter:ident, $io:ident, $runtime:ident, $close:ident) => {
        mod $module {
            use $adapter::{GuestFile, Reader, Writer};
            use $io::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, BufReader};

            use super::*;

            streams!(
                read_write_and_seek,
                a_write_that_was_left_is_not_lost,
                a_write_that_was_left_and_failed_is_told,
                a_read_that_was_left_is_not_lost,
                copies
            );

            fn read_write_and_seek(agent: &Agent) {
                $runtime::run(async {
                    let mut session = $adapter::connect(&agent.address(), SOON).await.expect("an agent");
                    let (path, content, soon) = (agent.guest_path("file"), bytes(300_000), session.deadline(SOON));
                    let file = session.open(&path, Mode::CreateRead, soon).await.expect("it opens");
                    let mut file = is_send(GuestFile::from(file));
                    file.write_all(&content).await.expect("room");
                    file.flush().await.expect("room");
                    assert_eq!(file.seek(SeekFrom::End(-100_000)).await.expect("a position"), 200_000);
                    let mut few = [0; 10];
                    file.read_exact(&mut few).await.expect("a read");
                    assert_eq!(few, content[200_000..200_010]);
                    assert_eq!(file.seek(SeekFrom::Current(-5)).await.expect("a position"), 200_005);
                    file.write_all(b"written").await.expect("room");
                    let mut read = Vec::new();
                    file.read_to_end(&mut read).await.expect("a read");
                    assert!(read == content[200_012..]);
                    file.$close().await.expect("room");
                    assert!(file.read(&mut few).await.is_err(), "it is closed");
                    drop(file);
                    assert_eq!(agent.open_files(), 0);
                    assert_eq!(&agent.content(&path).expect("it is there")[200_005..200_012], b"written");
                });
            }

            fn a_write_that_was_left_is_not_lost(agent: &Agent) {
                $runtime::run(async {
                    let mut session = $adapter::connect(&agent.address(), SOON).await.expect("an agent");
                    let (path, soon) = (agent.guest_path("file"), session.deadline(SOON));
                    let file = session.open(&path, Mode::Create, soon).await.expect("it opens");
                    let mut file = GuestFile::from(file);
                    for (number, bytes) in [b"one", b"two", b"six"].into_iter().enumerate() {
                        let mut context = Context::from_waker(Waker::noop());
                        // Nobody asks for the outcome of the second.
                        if number != 1 {
                            file.write_all(bytes).await.expect("room");
                        } else if let Poll::Ready(written) = Pin::new(&mut file).poll_write(&mut context, bytes) {
                            assert_eq!(written.expect("room"), 3);
                        }
                    }
                    // Without a flush.
                    drop(file);
                    assert_eq!(session.close_abandoned(soon).await, 0);
                    assert_eq!(agent.content(&path).as_deref(), Some(&b"onetwosix"[..]));
                });
            }

            fn a_write_that_was_left_and_failed_is_told(agent: &Agent) {
                $runtime::run(async {
                    let mut session = $adapter::connect(&agent.address(), SOON).await.expect("an agent");
                    let (path, soon) = (agent.guest_path("file"), session.deadline(SOON));
                    session.write_file(&path, b"0123456789", soon).await.expect("room");
                    let file = session.open(&path, Mode::Read, soon).await.expect("it opens");
                    let mut file = GuestFile::from(file);
                    let mut context = Context::from_waker(Waker::noop());
                    let error = match Pin::new(&mut file).poll_write(&mut context, b"x") {
                        // An agent may be that fast.
                        Poll::Ready(written) => written.map(|n| n as u64),
                        Poll::Pending => file.seek(SeekFrom::Start(5)).await,
                    };
                    let error = error.expect_err("it is only to read");
                    assert!(error.to_string().contains("guest-file-write"), "{error}");
                    assert_eq!(file.seek(SeekFrom::Start(5)).await.expect("a position"), 5);
                    file.$close().await.expect("it was told");
                });
            }

            fn a_read_that_was_left_is_not_lost(agent: &Agent) {
                $runtime::run(async {
                    let mut session = $adapter::connect(&agent.address(), SOON).await.expect("an agent");
                    let (path, soon) = (agent.guest_path("file"), session.deadline(SOON));
                    session.write_file(&path, b"0123456789", soon).await.expect("room");
                    let file = session.open(&path, Mode::ReadWrite, soon).await.expect("it opens");
                    let mut file = GuestFile::from(file);
                    let mut context = Context::from_waker(Waker::noop());
                    let left = poll_read(&mut file, &mut context, 4);
                    let mut text = left.unwrap_or_default();
                    let mut rest = [0; 2];
                    file.read_exact(&mut rest).await.expect("a read");
                    text.extend(rest);
                    let at = text.len();
                    assert_eq!(text, b"0123456789"[..at]);
                    // Where the reader is counts, not what has been read ahead.
                    file.write_all(b"x").await.expect("room");
                    file.$close().await.expect("room");
                    drop(file);
                    let found = agent.content(&path).expect("it is there");
                    assert_eq!(found.iter().position(|&byte| byte == b'x'), Some(at));
                });
            }

            fn copies(agent: &Agent) {
                $runtime::run(async {
                    let mut session = $adapter::connect(&agent.address(), SOON).await.expect("an agent");
                    let (path, content, soon) = (agent.guest_path("copy"), bytes(2_000_000), session.deadline(SOON));
                    let mut buffer = vec![0; 1 << 20];
                    let mut reader = Reader(BufReader::new(&content[..]));
                    let what = CopyTo::new(&path).verify();
                    session.copy_to(&what, &mut reader, &mut buffer, |_| {}, soon).await.expect("room");
                    let mut writer = Writer(Vec::new());
                    let what = CopyFrom::new(&path).verify();
                    session.copy_from(&what, &mut writer, &mut buffer, |_| {}, soon).await.expect("it is there");
                    assert!(writer.0 == content);
                    assert_eq!(agent.open_files(), 0);
                });
            }

            fn is_send<T: Send>(value: T) -> T {
                value
            }

            asynchronous!(@poll_read $module);
        }
    };
    (@poll_read tokio_traits) => {
        fn poll_read(file: &mut GuestFile<'_>, context: &mut Context<'_>, len: usize) -> Option<Vec<u8>> {
            let mut bytes = vec![0; len];
            let mut buffer = tokio::io::ReadBuf::new(&mut bytes);
            match Pin::new(file).poll_read(context, &mut buffer) {
                Poll::Ready(read) => {
                    read.expect("a read");
                    Some(buffer.filled().to_vec())
                }
                Poll::Pending => None,
            }
        }
    };
    (@poll_read smol_traits) => {
        fn poll_read(file: &mut GuestFile<'_>, context: &mut Context<'_>, len: usize) -> Option<Vec<u8>> {
            let mut bytes = vec![0; len];
            match Pin::new(file).poll_read(context, &mut bytes) {
                Poll::Ready(read) => {
                    bytes.truncate(read.expect("a read"));
                    Some(bytes)
                }
                Poll::Pending => None,
            }
        }
    };
}

asynchronous!(tokio_traits, qga_tokio, tokio, Tokio, shutdown);
asynchronous!(smol_traits, qga_smol, smol, Smol, close);
