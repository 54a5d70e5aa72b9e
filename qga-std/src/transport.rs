//! The blocking transport.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use qga_proto::{Instant as ProtoInstant, Transport};
use serial2::SerialPort;
use socket2::Socket;

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
    /// The default, for streams without connections, does nothing.
    ///
    /// # Errors
    ///
    /// The system's, or that there is no such thing.
    fn shutdown(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Any blocking [`Stream`] as a [`Transport`].
///
/// Its futures are ready when they are polled first. Dropping it ends the connection so that no reply is left unread in
/// it: a real agent that listens on a Unix socket would exit (all versions up to QEMU 11.1 do).
#[derive(Debug)]
pub struct Connection<S: Stream> {
    stream: S,
    epoch: Instant,
}

/// The longest time limit that is set: systems do not all take what a `Duration` can hold. Who waits waits again.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many bytes are read at the end of a connection at the most: a bound, far above what systems keep in a socket.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;

impl<S: Stream> Connection<S> {
    /// A transport over a stream.
    pub fn new(stream: S) -> Self {
        Self { stream, epoch: Instant::now() }
    }

    /// The stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// How long it is until `deadline`; never zero, which would mean no limit to the system.
    fn wait(&self, deadline: ProtoInstant) -> Duration {
        (deadline - self.now()).clamp(Duration::from_micros(1), LONGEST_WAIT)
    }
}

impl<S: Stream> Transport for Connection<S> {
    type Error = io::Error;

    fn now(&self) -> ProtoInstant {
        ProtoInstant::from_epoch(self.epoch.elapsed())
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: ProtoInstant) -> io::Result<Option<usize>> {
        self.stream.set_read_timeout(self.wait(deadline))?;
        in_time(self.stream.read(buffer))
    }

    async fn write(&mut self, bytes: &[u8], deadline: ProtoInstant) -> io::Result<Option<usize>> {
        self.stream.set_write_timeout(self.wait(deadline))?;
        in_time(self.stream.write(bytes))
    }

    async fn sleep_until(&mut self, deadline: ProtoInstant) {
        while self.now() < deadline {
            thread::sleep(self.wait(deadline));
        }
    }
}

/// Sorts out the errors that are none: no time, no peer.
fn in_time(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Ok(Some(0)),
            // A terminal whose other end is gone.
            _ if error.raw_os_error() == Some(EIO) => Ok(Some(0)),
            _ => Err(error),
        },
    }
}

/// The same number on all Unix systems; without a name in the standard library.
const EIO: i32 = 5;

impl<S: Stream> Drop for Connection<S> {
    fn drop(&mut self) {
        drain(&mut self.stream);
    }
}

/// Ends a connection and reads what is left in it. Does not wait: what has been shut down gets nothing new.
pub(crate) fn drain<S: Stream>(stream: &mut S) {
    if stream.shutdown().is_err() || stream.set_read_timeout(Duration::from_millis(100)).is_err() {
        return;
    }
    let mut sink = [0; 16 * 1024];
    let mut drained = 0;
    while let Ok(n @ 1..) = stream.read(&mut sink) {
        drained += n;
        if drained > DRAIN_LIMIT {
            return;
        }
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
