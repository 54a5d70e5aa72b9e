//! A program to run, and what comes of it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::capture::is_cut;
use super::error::{Error, Fate, Misuse, Reason};
use super::poll::Silence;
use super::{Capture, End, Killed, NotKilled, Started};
use crate::buffer::Buffer;
use crate::json::{Base64, Bytes};
use crate::secret::Secret;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// A program to run in a guest. Not a command line: there is no shell unless it is the program.
///
/// `Debug` shows neither the environment nor the input.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing runs before it is given to a session"]
pub struct Exec {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Option<Secret<Vec<String>>>,
    pub(super) input: Option<Bytes>,
    pub(super) capture: Capture,
    kills: bool,
}

/// What came of a program that has ended.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Its number in the guest, which another process may have by now.
    pub pid: i64,
    /// How it ended.
    pub end: End,
    /// Its standard output, as far as it was captured and kept; with [`Capture::Merged`] the standard error is among it.
    pub stdout: Vec<u8>,
    /// Its standard error, as far as it was captured and kept.
    pub stderr: Vec<u8>,
    /// Whether there was more standard output: agents keep 16 MiB.
    pub stdout_truncated: bool,
    /// Whether there was more standard error.
    pub stderr_truncated: bool,
    /// What was captured: [`Capture::Separated`] where [`Capture::Merged`] was asked for and the agent does not have it.
    pub capture: Capture,
}

/// How long killing a program, and learning its end, may take beyond the deadline.
const KILL_TIME: Duration = Duration::from_secs(15);

/// How long to wait for the end of a program that has been killed: what it had started may hold its output.
const LEARN_TIME: Duration = Duration::from_secs(5);

impl Exec {
    /// A program, by its path; without a slash it is looked up in the `PATH` of the agent, or of its own environment.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: None,
            input: None,
            capture: Capture::default(),
            kills: false,
        }
    }

    /// Adds an argument. It arrives as it is, on Windows, too: there the agent quotes it, by the rules that
    /// [`windows::quote`](super::windows::quote) follows, and nothing must be quoted before.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to its environment, which begins empty: the agent's own, which a program has otherwise, cannot be
    /// added to. So give it `PATH` and `HOME`, if it needs them.
    pub fn env(mut self, name: impl fmt::Display, value: impl fmt::Display) -> Self {
        let variable = alloc::format!("{name}={value}");
        self.environment.get_or_insert_default().push(variable);
        self
    }

    /// Gives it an environment without variables.
    pub fn empty_env(mut self) -> Self {
        self.environment = Some(Secret(Vec::new()));
        self
    }

    /// Sets what it reads from its standard input; without, that is the null device. A program that does not read it all
    /// is no error.
    ///
    /// What is longer than a message can be goes through a temporary file of the guest, which only the agent's user may
    /// read. It is removed when the program starts, and on every path on which it does not; should that fail, the error
    /// says so. That takes a shell in the guest, and is not done on Windows; and the shell may add variables of its own to
    /// the environment, such as `PWD`.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(Bytes(bytes.into()));
        self
    }

    /// Sets what is kept of its output. Default: [`Capture::Separated`].
    pub fn capture(mut self, capture: Capture) -> Self {
        self.capture = capture;
        self
    }

    /// Kills the program when the deadline passes, with all that it has started; see [`Session::kill`]. That takes up to
    /// 15 s beyond the deadline, so that the program has all the time until then. One whose start is not answered cannot be
    /// killed, as nobody knows its number.
    pub fn kill_at_deadline(mut self) -> Self {
        self.kills = true;
        self
    }

    /// Whether a system can pass all of it on.
    fn check(&self) -> Result<(), Misuse> {
        let variables = self.environment.as_deref().map_or(&[][..], Vec::as_slice);
        let mut texts = [&self.program].into_iter().chain(&self.arguments).chain(variables);
        if texts.any(|text| text.contains('\0')) {
            return Err(Misuse::Nul);
        }
        // The name ends at the first '=': one in the name cannot be told from it, but no name at all can.
        if variables.iter().any(|variable| variable.starts_with('=')) {
            return Err(Misuse::Variable);
        }
        Ok(())
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Runs a program to its end. Looks for that after a few milliseconds at first, and once a second in the end.
    ///
    /// A guest that is frozen meanwhile is waited for. When the connection is lost, another is made if the session's
    /// [`Reconnect`](crate::Reconnect) policy allows it.
    ///
    /// Dropping the future is safe for the session. The program, if it was started, runs on; its number is then known to
    /// nobody, so use [`start`](Self::start) and [`wait`](Self::wait) where that matters.
    ///
    /// # Errors
    ///
    /// Why there is no outcome, with the program's number and what became of it. The deadline covers all, but for the
    /// killing, if that was asked for, and for removing the file with long [input](Exec::input) of a program that was not
    /// started: up to 5 s more.
    pub async fn run(&mut self, exec: &Exec, deadline: Instant) -> Result<Outcome, Error<T::Error>> {
        let started = self.start(exec, deadline).await?;
        if exec.kills {
            return self.wait_or_kill(started, deadline).await;
        }
        self.wait(started, deadline).await
    }

    /// Starts a program, and does not wait for its end.
    ///
    /// Dropping the future is safe for the session; whether the program was started is then not known.
    ///
    /// # Errors
    ///
    /// That it was not started, or that this is not known; see [`Reason`]. Where it was not, removing the file with long
    /// [input](Exec::input) may take up to 5 s beyond the deadline.
    pub async fn start(&mut self, exec: &Exec, deadline: Instant) -> Result<Started, Error<T::Error>> {
        exec.check().map_err(|misuse| Error::new(None, Reason::Misuse(misuse), Fate::NotStarted))?;
        self.start_with_input(exec, deadline).await
    }

    /// Waits until a program has ended, which this or any other client has started. Given its number alone it does not
    /// know what was captured, and gives what comes.
    ///
    /// Dropping the future is safe: the program can be waited for again, and an answer that comes meanwhile is kept for that.
    /// Only an agent before QEMU 4.0, which repeats no ids, may have told the end in an answer that is lost then.
    ///
    /// # Errors
    ///
    /// Why there is no outcome; the program is not killed.
    pub async fn wait(
        &mut self,
        program: impl Into<Started>,
        deadline: Instant,
    ) -> Result<Outcome, Error<T::Error>> {
        let started = program.into();
        let read = |status: &view::GuestExecStatus<'_>| Outcome::read(status, started);
        let outcome = self.await_end(started.pid, Silence::ToDeadline, deadline, read).await?;
        outcome.map_err(|end| Error::new(Some(started.pid), Reason::Unreadable(end), Fate::Ended))
    }

    /// Waits as [`wait`](Self::wait), and kills the program when the deadline passes, with all that it has started; see
    /// [`kill`](Self::kill). That takes up to 15 s more.
    ///
    /// Dropping the future is safe: the program can be waited for again, if it was not yet killed.
    ///
    /// # Errors
    ///
    /// Why there is no outcome. What the program had written until it was killed is in it.
    pub async fn wait_or_kill(
        &mut self,
        program: impl Into<Started>,
        deadline: Instant,
    ) -> Result<Outcome, Error<T::Error>> {
        let started = program.into();
        let error = match self.wait(started, deadline).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        if !matches!(error.reason, Reason::TimedOut(_) | Reason::Frozen) {
            return Err(error);
        }
        let limit = self.transport.now() + KILL_TIME;
        let fate = match self.kill(started.pid, limit).await {
            Ok(Killed::Tree) => Fate::Killed,
            Ok(Killed::Alone) => Fate::KilledAlone,
            Ok(Killed::WasOver) => Fate::Ended,
            Err(Error { reason: Reason::NotKilled(why), .. }) => Fate::NotKilled(why),
            Err(_) => Fate::NotKilled(NotKilled::Untold),
        };
        if matches!(fate, Fate::NotKilled(_)) {
            return Err(Error { fate, ..error });
        }
        let limit = limit.min(self.transport.now() + LEARN_TIME);
        match self.wait(started, limit).await {
            // It was faster.
            Ok(outcome) if fate == Fate::Ended => Ok(outcome),
            outcome => Err(Error { fate, outcome: outcome.ok().map(Box::new), ..error }),
        }
    }
}

impl Outcome {
    /// Reads an end; gives only how the program ended, if the rest is unreadable.
    fn read(status: &view::GuestExecStatus<'_>, started: Started) -> Result<Self, End> {
        let (end, capture) = (End::of(status), started.capture);
        let decode = |data: Option<Base64<'_>>, is_wanted: bool| {
            let mut bytes = Vec::new();
            match data.filter(|_| is_wanted) {
                Some(data) => data.decode_onto(&mut bytes).map(|()| bytes).map_err(|_| end),
                None => Ok(bytes),
            }
        };
        let stdout = decode(status.out_data, capture.wants_out())?;
        let stderr = decode(status.err_data, capture.wants_err())?;
        Ok(Self {
            pid: started.pid,
            end,
            stdout_truncated: capture.wants_out() && is_cut(status.out_truncated, stdout.len()),
            stderr_truncated: capture.wants_err() && is_cut(status.err_truncated, stderr.len()),
            stdout,
            stderr,
            capture,
        })
    }

    /// Whether it ended by itself, with exit code 0.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.end.is_success()
    }

    /// Whether there was more output than was kept.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.stdout_truncated || self.stderr_truncated
    }
}

impl fmt::Debug for Outcome {
    /// With the lengths of the output only: it may be long, and may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("pid", &self.pid)
            .field("end", &self.end)
            .field("stdout", &self.stdout.len())
            .field("stderr", &self.stderr.len())
            .field("stdout_truncated", &self.stdout_truncated)
            .field("stderr_truncated", &self.stderr_truncated)
            .field("capture", &self.capture)
            .finish()
    }
}
