//! Files in the guest that are polled: all of an asynchronous adapter's that does not depend on its runtime.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io::{self, SeekFrom};
use std::vec;
use std::vec::Vec;

use crate::buffer::Buffer;
use crate::flow::file::{GuestFile, MAX_CHUNK, Seek};
use crate::transport::Transport;

/// A file in the guest that is polled, one operation after the other. An operation whose poller has left goes on at the
/// next poll of any other.
pub struct PolledFile<'s, T, Rx = Vec<u8>, Tx = Rx> {
    state: State<'s, T, Rx, Tx>,
    start: Start<'s, T, Rx, Tx>,
    timeout: Option<Duration>,
    /// What was read and not asked for yet, from `given` on.
    unread: Vec<u8>,
    given: usize,
    /// Where a seek has led.
    position: u64,
}

enum State<'s, T, Rx, Tx> {
    Idle(GuestFile<'s, T, Rx, Tx>),
    Busy(Operating<'s, T, Rx, Tx>, Kind),
    Closed,
}

/// What is under way, with what was given to it.
enum Kind {
    Read,
    /// The operation has the data, and gives them back when it is over.
    Write(Vec<u8>),
    Seek(SeekFrom),
    Flush,
    Close,
}

/// What was under way, and what came of it: how many bytes, or the position.
type Done = (Kind, io::Result<u64>);

/// A future that does something with a file and gives it back. It is boxed, as a poll cannot keep it otherwise, by a function
/// of the adapter, which alone knows that it can go from thread to thread.
pub type Operating<'s, T, Rx = Vec<u8>, Tx = Rx> =
    Pin<Box<dyn Future<Output = Finished<'s, T, Rx, Tx>> + Send + 's>>;

/// `Box::pin` of what [`operate`] gives.
type Start<'s, T, Rx, Tx> =
    fn(GuestFile<'s, T, Rx, Tx>, Operation, Option<Duration>) -> Operating<'s, T, Rx, Tx>;

/// Something to be done with a file.
#[derive(Debug)]
pub struct Operation {
    action: Action,
    /// How many bytes the handle is ahead of what has been given out.
    ahead: u64,
}

#[derive(Debug)]
enum Action {
    Read(Vec<u8>),
    Write(Vec<u8>),
    Seek(SeekFrom),
    Flush,
    Close,
}

/// What came of an [`Operation`].
pub struct Finished<'s, T, Rx = Vec<u8>, Tx = Rx> {
    /// `None`: it is closed.
    file: Option<GuestFile<'s, T, Rx, Tx>>,
    /// How many bytes, or the position.
    result: io::Result<u64>,
    /// What was read, or was to be written.
    bytes: Vec<u8>,
}

/// Does one thing with a file. Takes no longer than `timeout`, or than the session's timeouts say of moving data.
pub async fn operate<'s, T, Rx, Tx>(
    mut file: GuestFile<'s, T, Rx, Tx>,
    operation: Operation,
    timeout: Option<Duration>,
) -> Finished<'s, T, Rx, Tx>
where
    T: Transport<Error = io::Error>,
    Rx: Buffer,
    Tx: Buffer,
{
    let timeout = timeout.unwrap_or_else(|| file.timeout());
    let deadline = file.session().deadline(timeout);
    let ahead = i64::try_from(operation.ahead).unwrap_or(i64::MAX);
    let mut bytes = Vec::new();
    let is_back = match operation.action {
        Action::Write(_) | Action::Seek(SeekFrom::Current(_)) if ahead > 0 => {
            file.seek(Seek::Current(-ahead), deadline).await.map(|_| ())
        }
        _ => Ok(()),
    };
    let result = match (is_back, operation.action) {
        (Err(error), _) => Err(error),
        (_, Action::Read(buffer)) => {
            bytes = buffer;
            let read = file.read(&mut bytes, deadline).await;
            bytes.truncate(*read.as_ref().unwrap_or(&0));
            read.map(|n| n as u64)
        }
        (_, Action::Write(data)) => {
            bytes = data;
            file.write(&bytes, deadline).await.map(|n| n as u64)
        }
        (_, Action::Seek(to)) => file.seek(to.into(), deadline).await,
        (_, Action::Flush) => file.flush(deadline).await.map(|()| 0),
        (_, Action::Close) => {
            let result = file.close(deadline).await.map(|()| 0).map_err(Into::into);
            return Finished { file: None, result, bytes };
        }
    };
    Finished { file: Some(file), result: result.map_err(Into::into), bytes }
}

/// What the adapters' types are made of.
impl<'s, T: Transport<Error = io::Error>, Rx: Buffer, Tx: Buffer> PolledFile<'s, T, Rx, Tx> {
    /// A file that is polled from now on.
    pub fn new(file: GuestFile<'s, T, Rx, Tx>, start: Start<'s, T, Rx, Tx>) -> Self {
        let state = State::Idle(file);
        Self { state, start, timeout: None, unread: Vec::new(), given: 0, position: 0 }
    }

    /// Sets how long each operation may take. Without this it is what the session's timeouts say of moving data.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    /// Reads; 0 bytes at the end of the file.
    pub fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            let unread = self.unread.get(self.given..).unwrap_or_default();
            let n = unread.len().min(buffer.len());
            if n > 0 {
                buffer[..n].copy_from_slice(&unread[..n]);
                self.given += n;
                return Poll::Ready(Ok(n));
            }
            match ready!(self.poll_other(context))? {
                None => {}
                Some((Kind::Read, Ok(0))) => return Poll::Ready(Ok(0)),
                Some((Kind::Read, result)) => {
                    result?;
                    continue;
                }
                Some(_) => continue,
            }
            let len = buffer.len().min(MAX_CHUNK);
            self.begin(Action::Read(vec![0; len]), Kind::Read)?;
        }
    }

    /// Writes. It is ready when the agent has taken the bytes: they are not lost then, whether or not the file is flushed,
    /// closed or dropped, unless there is no room for them. A write whose poller has left may happen or not; one with the
    /// same bytes that follows is taken for the same.
    pub fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            match ready!(self.poll_finish(context)) {
                None => {}
                Some((Kind::Write(data), result)) => {
                    let n = usize::try_from(result?).unwrap_or(usize::MAX).min(data.len());
                    if bytes.starts_with(&data) {
                        return Poll::Ready(Ok(n));
                    }
                }
                Some(_) => {}
            }
            if matches!(self.state, State::Idle(_)) {
                let data = bytes[..bytes.len().min(MAX_CHUNK)].to_vec();
                self.begin(Action::Write(data), Kind::Write(Vec::new()))?;
            } else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            }
        }
    }

    /// Goes to another position; gives it. What a write before it whose poller has left has failed with is told instead, and
    /// the position stays.
    pub fn poll_seek(&mut self, context: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        loop {
            if let Some((Kind::Seek(from), result)) = ready!(self.poll_other(context))?
                && from == to
            {
                return Poll::Ready(result);
            }
            self.begin(Action::Seek(to), Kind::Seek(to))?;
        }
    }

    /// Finishes what is under way; gives the position that the last seek has led to.
    pub fn poll_complete(&mut self, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match ready!(self.poll_other(context))? {
            Some((Kind::Seek(_), result)) => Poll::Ready(result),
            _ => Poll::Ready(Ok(self.position)),
        }
    }

    /// Begins a seek, for [`poll_complete`](Self::poll_complete) to finish.
    ///
    /// # Errors
    ///
    /// When something else is under way, or the file is closed.
    pub fn start_seek(&mut self, to: SeekFrom) -> io::Result<()> {
        self.begin(Action::Seek(to), Kind::Seek(to))
    }

    /// Hands what has been written to the guest's system.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match ready!(self.poll_other(context))? {
                Some((Kind::Flush, result)) => return Poll::Ready(result.map(|_| ())),
                _ if matches!(self.state, State::Closed) => return Poll::Ready(Ok(())),
                _ => self.begin(Action::Flush, Kind::Flush)?,
            }
        }
    }

    /// Flushes what was written, and closes the file.
    pub fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match ready!(self.poll_other(context))? {
                Some((Kind::Close, result)) => return Poll::Ready(result.map(|_| ())),
                _ if matches!(self.state, State::Closed) => return Poll::Ready(Ok(())),
                _ => self.begin(Action::Close, Kind::Close)?,
            }
        }
    }

    /// Starts an operation, if none is under way.
    fn begin(&mut self, action: Action, kind: Kind) -> io::Result<()> {
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Idle(file) => {
                let ahead = self.unread.len().saturating_sub(self.given) as u64;
                if !matches!(action, Action::Flush | Action::Close) {
                    (self.unread, self.given) = (Vec::new(), 0);
                }
                let operation = Operation { action, ahead };
                self.state = State::Busy((self.start)(file, operation, self.timeout), kind);
                Ok(())
            }
            State::Closed => Err(io::Error::new(io::ErrorKind::NotConnected, "the file is closed")),
            busy => {
                self.state = busy;
                Err(io::Error::new(io::ErrorKind::WouldBlock, "another operation is under way"))
            }
        }
    }

    /// Finishes what is under way, for whoever does not write: what a write whose poller has left has failed with is told
    /// instead.
    fn poll_other(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Done>>> {
        match ready!(self.poll_finish(context)) {
            Some((Kind::Write(_), Err(error))) => Poll::Ready(Err(error)),
            finished => Poll::Ready(Ok(finished)),
        }
    }

    /// Finishes what is under way: `None`, if nothing is.
    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Option<Done>> {
        let State::Busy(operating, _) = &mut self.state else { return Poll::Ready(None) };
        let Finished { file, result, bytes } = ready!(operating.as_mut().poll(context));
        let next = file.map_or(State::Closed, State::Idle);
        let State::Busy(_, mut kind) = core::mem::replace(&mut self.state, next) else {
            return Poll::Ready(None);
        };
        match (&mut kind, &result) {
            (Kind::Read, _) => (self.unread, self.given) = (bytes, 0),
            (Kind::Write(data), _) => *data = bytes,
            (Kind::Seek(_), Ok(position)) => self.position = *position,
            _ => {}
        }
        Poll::Ready(Some((kind, result)))
    }
}

impl<T, Rx, Tx> fmt::Debug for PolledFile<'_, T, Rx, Tx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolledFile").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<T, Rx, Tx> fmt::Debug for Finished<'_, T, Rx, Tx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").field("result", &self.result).finish_non_exhaustive()
    }
}
