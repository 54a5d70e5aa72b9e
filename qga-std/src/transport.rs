//! The blocking transport.

use std::fmt;
use std::future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use qga_proto::{Cause, Instant as ProtoInstant, Transport, os};
use serial2::SerialPort;
use socket2::Socket;

use crate::clock::{self, Clock};

/// A blocking stream whose reads and writes can be given a time limit: what a [`Connection`] needs.
///
/// When the limit passes, a read or write fails with [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`].
pub trait Stream: Read + Write {
    /// Limits each following read. Never zero.
    ///
    /// # Errors
    ///
    /// The system's.
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Limits each following write. Never zero.
    ///
    /// # Errors
    ///
    /// The system's.
    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Ends the connection in both directions, so that the agent can send no more; what has come can still be read.
    /// The default, for streams without connections, says that there is no such thing.
    ///
    /// # Errors
    ///
    /// The system's, or that there is no such thing.
    fn shutdown(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Any blocking [`Stream`] as a [`Transport`], and the way to make a new one.
///
/// Its futures are ready when they are polled first. Dropping it ends the connection so that no reply is left unread in
/// it: a real agent that listens on a Unix socket would exit (all versions up to QEMU 11.1 do).
pub struct Connection<S: Stream, K = Clock> {
    stream: Option<S>,
    connector: Option<Connector<S>>,
    clock: K,
}

/// Makes a stream, up to a deadline.
type Connector<S> = Box<dyn FnMut(Instant) -> io::Result<S> + Send>;

impl<S: Stream> Connection<S> {
    /// A transport over a stream. When that has ended, it is over.
    pub fn new(stream: S) -> Self {
        Self { stream: Some(stream), connector: None, clock: Clock::new() }
    }

    /// A transport that makes its streams, with a function that tries once, up to a deadline. There is none yet.
    pub fn with_connector(connector: impl FnMut(Instant) -> io::Result<S> + Send + 'static) -> Self {
        Self::with_clock(connector, Clock::new())
    }
}

impl<S: Stream, K: qga_proto::Clock> Connection<S, K> {
    /// A transport that makes its streams and goes by another clock: in a test by one that stands still until somebody
    /// waits. The clock waits by blocking, and the streams' time limits are counted by it.
    pub fn with_clock(connector: impl FnMut(Instant) -> io::Result<S> + Send + 'static, clock: K) -> Self {
        Self { stream: None, connector: Some(Box::new(connector)), clock }
    }

    /// The stream, while there is one.
    pub fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// The clock that deadlines are measured by.
    pub fn clock(&self) -> K
    where
        K: Clone,
    {
        self.clock.clone()
    }
}

impl<S: Stream, K> Connection<S, K> {
    fn close(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            end(&mut stream);
        }
    }
}

impl<S: Stream, K: qga_proto::Clock> Transport for Connection<S, K> {
    type Error = io::Error;

    fn now(&self) -> ProtoInstant {
        self.clock.now()
    }

    async fn connect(&mut self, deadline: ProtoInstant) -> io::Result<bool> {
        self.close();
        let Some(connector) = &mut self.connector else { return Ok(false) };
        self.stream = Some(connector(Instant::now() + clock::wait(&self.clock, deadline))?);
        Ok(true)
    }

    fn disconnect(&mut self) -> bool {
        if self.connector.is_some() {
            self.close();
        }
        self.connector.is_some()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: ProtoInstant) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else { return Ok(Some(0)) };
        stream.set_read_timeout(clock::wait(&self.clock, deadline))?;
        os::in_time(stream.read(buffer))
    }

    async fn write(&mut self, bytes: &[u8], deadline: ProtoInstant) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else { return Ok(Some(0)) };
        stream.set_write_timeout(clock::wait(&self.clock, deadline))?;
        os::in_time(stream.write(bytes))
    }

    async fn sleep_until(&mut self, deadline: ProtoInstant) {
        self.clock.timeout(future::pending::<()>(), deadline).await;
    }

    fn cause(error: &io::Error) -> Cause {
        error.into()
    }
}

impl<S: Stream, K> Drop for Connection<S, K> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<S: Stream + fmt::Debug, K> fmt::Debug for Connection<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Ends a connection and reads what is left in it. Does not wait: what has been shut down gets nothing new.
pub(crate) fn end<S: Stream>(stream: &mut S) {
    if stream.shutdown().is_ok() && stream.set_read_timeout(Duration::from_millis(100)).is_ok() {
        os::drain(stream);
    }
}

/// Sockets of all kinds have the same methods.
macro_rules! socket {
    ($socket:ty) => {
        impl Stream for $socket {
            fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
                Self::set_read_timeout(self, Some(timeout))
            }

            fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
                Self::set_write_timeout(self, Some(timeout))
            }

            fn shutdown(&mut self) -> io::Result<()> {
                Self::shutdown(self, Shutdown::Both)
            }
        }
    };
}

socket!(Socket);
socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);

impl Stream for SerialPort {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        // Whole milliseconds are all that it takes, and zero would be no wait at all.
        Self::set_read_timeout(self, timeout.max(Duration::from_millis(1)))
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Self::set_write_timeout(self, timeout.max(Duration::from_millis(1)))
    }
}
