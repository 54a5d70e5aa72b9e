//! Running programs without an allocator: their output goes into the caller's buffers.

use super::capture::is_cut;
use super::error::{Error, Fate, Misuse, Reason};
use super::poll::Silence;
use super::start::Start;
use super::{Capture, End, Started};
use crate::buffer::Buffer;
use crate::json::Base64;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// Where the output of a program goes. The answer that brings it must fit the session's receive buffer, too, where it has
/// four thirds of the length; one that does not is lost, as the agent gives it once.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Output<'b> {
    /// For the standard output.
    pub stdout: &'b mut [u8],
    /// For the standard error.
    pub stderr: &'b mut [u8],
}

/// What came of a program, whose output is in the caller's buffers. One that is too short is filled with as many groups of
/// three bytes as fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filled {
    /// Its number in the guest, which another process may have by now.
    pub pid: i64,
    /// How it ended.
    pub end: End,
    /// How many bytes of the buffer for the standard output are filled.
    pub stdout: usize,
    /// How many bytes of the buffer for the standard error are filled.
    pub stderr: usize,
    /// How many bytes of the standard output did not fit the buffer, and are lost.
    pub stdout_missing: usize,
    /// How many bytes of the standard error did not fit the buffer, and are lost.
    pub stderr_missing: usize,
    /// Whether the agent threw more standard output away: it keeps 16 MiB.
    pub stdout_truncated: bool,
    /// Whether the agent threw more standard error away.
    pub stderr_truncated: bool,
}

impl<'b> Output<'b> {
    /// Into these buffers. Those that are empty get nothing.
    pub fn new(stdout: &'b mut [u8], stderr: &'b mut [u8]) -> Self {
        Self { stdout, stderr }
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Runs a program to its end, without an allocator. Its output is captured if there is room for any. Otherwise as
    /// `run`.
    ///
    /// Dropping the future is safe for the session. The program, if it was started, runs on.
    ///
    /// # Errors
    ///
    /// Why there is no outcome, with the program's number and what became of it.
    pub async fn run_into(
        &mut self,
        program: &str,
        arguments: &[&str],
        output: Output<'_>,
        deadline: Instant,
    ) -> Result<Filled, Error<T::Error>> {
        let is_kept = !output.stdout.is_empty() || !output.stderr.is_empty();
        let capture = if is_kept { Capture::Separated } else { Capture::None };
        let started = self.start_plain(program, arguments, capture, deadline).await?;
        self.wait_into(started, output, deadline).await
    }

    /// Starts a program with the agent's environment and without input, and does not wait for its end.
    ///
    /// Dropping the future is safe for the session; whether the program was started is then not known.
    ///
    /// # Errors
    ///
    /// That it was not started, or that this is not known; see [`Reason`].
    pub async fn start_plain(
        &mut self,
        program: &str,
        arguments: &[&str],
        capture: Capture,
        deadline: Instant,
    ) -> Result<Started, Error<T::Error>> {
        if [program].iter().chain(arguments).any(|text| text.contains('\0')) {
            return Err(Error::new(None, Reason::Misuse(Misuse::Nul), Fate::NotStarted));
        }
        self.launch(Start::new(program, arguments), capture, deadline).await
    }

    /// Waits until a program has ended, which this or any other client has started, without an allocator.
    ///
    /// Dropping the future is safe: the program can be waited for again.
    ///
    /// # Errors
    ///
    /// Why there is no outcome; the program is not killed.
    pub async fn wait_into(
        &mut self,
        program: impl Into<Started>,
        output: Output<'_>,
        deadline: Instant,
    ) -> Result<Filled, Error<T::Error>> {
        let started = program.into();
        let read = |status: &view::GuestExecStatus<'_>| Filled::read(status, started, output);
        let filled = self.await_end(started.pid, Silence::ToDeadline, deadline, read).await?;
        filled.map_err(|end| Error::new(Some(started.pid), Reason::Unreadable(end), Fate::Ended))
    }
}

impl Filled {
    fn read(status: &view::GuestExecStatus<'_>, started: Started, output: Output<'_>) -> Result<Self, End> {
        let (end, capture) = (End::of(status), started.capture);
        let Output { stdout: out, stderr: err } = output;
        let fill = |data: Option<Base64<'_>>, is_wanted: bool, buffer: &mut [u8]| {
            let Some(data) = data.filter(|_| is_wanted) else { return Ok((0, 0)) };
            let filled = data.decode_prefix(buffer).map_err(|_| end)?.len();
            Ok((filled, data.decoded_len() - filled))
        };
        let (stdout, stdout_missing) = fill(status.out_data, capture.wants_out(), out)?;
        let (stderr, stderr_missing) = fill(status.err_data, capture.wants_err(), err)?;
        Ok(Self {
            pid: started.pid,
            end,
            stdout,
            stderr,
            stdout_missing,
            stderr_missing,
            stdout_truncated: capture.wants_out() && is_cut(status.out_truncated, stdout + stdout_missing),
            stderr_truncated: capture.wants_err() && is_cut(status.err_truncated, stderr + stderr_missing),
        })
    }
}
