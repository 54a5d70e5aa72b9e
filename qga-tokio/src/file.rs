//! Files in the guest, as tokio's traits have them, and copies from and to tokio's streams.

use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use qga_proto::os::{self, Operating, Operation, PollStream, PolledFile};
use qga_proto::{Sink, Source};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::session::Connection;
use crate::stream::AnyStream;

/// A file in the guest, for tokio's `AsyncReadExt`, `AsyncWriteExt` and `AsyncSeekExt`: made from a
/// [`qga_proto::GuestFile`].
///
/// A write is ready when the agent has taken the bytes; they are not lost then when the file is dropped. But whether
/// there was room for them is known only from a flush, which `shutdown` does, too, before it closes the file. One that is
/// dropped without `shutdown` is closed beside the session's next call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use qga_tokio::GuestFile;
/// use qga_tokio::proto::Mode;
/// use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
///
/// # let folder = std::env::temp_dir().join(format!("qga-tokio-file-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let address = format!("unix:{}", folder.join("socket").display());
/// # let server = qga_sim::Server::bind(&address, qga_sim::Guest::new())?.spawn()?;
/// let mut session = qga_tokio::connect(&address, Duration::from_secs(10)).await?;
/// let deadline = session.deadline(Duration::from_secs(10));
/// let mut file = GuestFile::from(session.open("/tmp/hello", Mode::CreateRead, deadline).await?);
/// file.write_all(b"hello").await?;
/// file.seek(std::io::SeekFrom::Start(1)).await?;
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "ello");
/// file.shutdown().await?;
/// # drop(server);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GuestFile<'s, S: PollStream + Send + 's = AnyStream>(PolledFile<'s, Connection<S>>);

impl<S: PollStream + Send> GuestFile<'_, S> {
    /// Sets how long each operation may take. Without this it is what the session's timeouts say of moving data.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.0.set_timeout(timeout);
    }
}

impl<'s, S: PollStream + Send + 's> From<qga_proto::GuestFile<'s, Connection<S>, Vec<u8>>>
    for GuestFile<'s, S>
{
    fn from(file: qga_proto::GuestFile<'s, Connection<S>, Vec<u8>>) -> Self {
        Self(PolledFile::new(file, start))
    }
}

fn start<'s, S: PollStream + Send + 's>(
    file: qga_proto::GuestFile<'s, Connection<S>, Vec<u8>>,
    operation: Operation,
    timeout: Option<Duration>,
) -> Operating<'s, Connection<S>> {
    Box::pin(os::operate(file, operation, timeout))
}

impl<S: PollStream + Send> AsyncRead for GuestFile<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.poll_read(context, buffer.initialize_unfilled());
        read.map_ok(|n| buffer.advance(n))
    }
}

impl<S: PollStream + Send> AsyncWrite for GuestFile<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(context)
    }

    /// Flushes and closes the file.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(context)
    }
}

impl<S: PollStream + Send> AsyncSeek for GuestFile<'_, S> {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.0.start_seek(to)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.0.poll_complete(context)
    }
}

/// Any reader of tokio's kind as the [`Source`] of a copy.
#[derive(Debug)]
pub struct Reader<R>(pub R);

impl<R: AsyncRead + Unpin> Source for Reader<R> {
    type Error = io::Error;

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        poll_fn(|context| Pin::new(&mut self.0).poll_read(context, &mut buffer)).await?;
        Ok(buffer.filled().len())
    }
}

/// Any writer of tokio's kind as the [`Sink`] of a copy.
#[derive(Debug)]
pub struct Writer<W>(pub W);

impl<W: AsyncWrite + Unpin> Sink for Writer<W> {
    type Error = io::Error;

    async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = poll_fn(|context| Pin::new(&mut self.0).poll_write(context, bytes)).await?;
            bytes = bytes.get(n..).filter(|_| n > 0).ok_or(io::ErrorKind::WriteZero)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut self.0).poll_flush(context)).await
    }
}
