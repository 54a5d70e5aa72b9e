//! Tokio's streams, as sessions see them.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use qga_proto::os::{self, PollStream};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Any stream of tokio's kind.
#[derive(Debug)]
pub struct Stream<S> {
    stream: S,
    end: fn(&S),
}

/// The stream behind any address.
pub type AnyStream = Box<dyn PollStream + Send>;

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// A stream that is simply dropped in the end. For sockets there is [`socket`](Self::socket).
    pub fn new(stream: S) -> Self {
        Self { stream, end: |_| {} }
    }

    /// A socket, which is shut down in both directions in the end and leaves no reply unread, at which a real agent that
    /// listens on a Unix socket would exit (all versions up to QEMU 11.1 do).
    pub fn socket(stream: S) -> Self
    where
        for<'s> SockRef<'s>: From<&'s S>,
    {
        let end = |stream: &S| {
            let socket = SockRef::from(stream);
            if socket.shutdown(Shutdown::Both).is_ok() {
                os::drain(&*socket);
            }
        };
        Self { stream, end }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> PollStream for Stream<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn end(&mut self) {
        (self.end)(&self.stream);
    }
}
