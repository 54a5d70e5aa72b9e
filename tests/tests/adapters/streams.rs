//! What only one adapter has: streams of its runtime's kind, and its clock.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use qga_proto::Transport;
use qga_proto::commands::{GuestGetHostName, GuestPing};
use qga_sim::Guest;
use qga_tokio::Stream;
use smol::Async;
use smol::io::{AsyncRead, AsyncWrite, BufWriter};
use tokio::io::{AsyncWriteExt, BufStream};
use tokio::net::UnixStream;

use crate::agent::Agent;
use crate::connections::what_has_come_is_read_without_waiting;
use crate::runtime::{Error, Tokio};

fn guest() -> StdUnixStream {
    let stream = qga_sim::spawn(Guest::new().host_name("one-of-many")).expect("a socket pair");
    stream.set_nonblocking(true).expect("a socket");
    stream
}

#[tokio::test]
async fn what_a_stream_of_tokio_holds_back_is_flushed() {
    let mut session =
        qga_tokio::session(Stream::new(BufStream::new(UnixStream::from_std(guest()).expect("a socket"))));
    for _ in 0..3 {
        let name = session.call(&GuestGetHostName::new()).await.expect("an answer").host_name;
        assert_eq!(name, "one-of-many");
    }
}

/// Smol has none that reads, too.
struct Buffering(BufWriter<Async<StdUnixStream>>);

impl AsyncRead for Buffering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Buffering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}

#[test]
fn what_a_stream_of_smol_holds_back_is_flushed() {
    let stream = Buffering(BufWriter::new(Async::new(guest()).expect("a socket")));
    let mut session = qga_smol::session(qga_smol::Stream::new(stream));
    smol::block_on(async {
        for _ in 0..3 {
            let name = session.call(&GuestGetHostName::new()).await.expect("an answer").host_name;
            assert_eq!(name, "one-of-many");
        }
    });
}

/// Where one thread runs all, nobody looks at the streams while a task does not wait; and a clock that stands still does
/// not make it wait by chance.
#[tokio::test(start_paused = true)]
async fn one_thread_of_tokio_reads_what_has_come_without_waiting() {
    what_has_come_is_read_without_waiting::<Tokio>(&Agent::nobody()).await;
}

/// A test of an hour takes no time.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_paused_is_the_sessions_clock() {
    let start = Instant::now();
    let (host, _guest) = tokio::io::duplex(1 << 20);
    let mut session = qga_tokio::session(Stream::new(host));
    let error = session.call_timeout(&GuestPing::new(), Duration::from_secs(3600)).await;
    assert!(matches!(error, Err(Error::TimedOut(_))), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

/// The agent may be waiting for us to read before it reads what waits in the stream's buffer.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_flushed_keeps_nothing_out() {
    let (host, mut agent) = tokio::io::duplex(16);
    let mut session = qga_tokio::session(Stream::new(BufStream::new(host)));
    let line = session.transport_mut();
    let deadline = line.now() + Duration::from_secs(10);
    assert_eq!(line.write(&[b'?'; 100], deadline).await.expect("room in the buffer"), Some(100));
    agent.write_all(b"first you").await.expect("room in the stream");
    assert_eq!(line.read(&mut [0; 64], deadline).await.expect("a stream"), Some(9));
}
