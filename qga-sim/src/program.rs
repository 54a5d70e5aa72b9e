//! Programs: what happens when a guest's file is run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

mod builtin;
mod invocation;

#[cfg(feature = "toml")]
pub(crate) use builtin::read_octal;
pub(crate) use builtin::{BUILTINS, WINDOWS_BUILTINS};
pub use invocation::Invocation;

/// A program in the guest: a function from what it is called with to what it does. It runs nothing on the host.
///
/// One that always does the same is made from a [`Run`]. The function is called when the program is started: what it
/// changes is changed then, however long the [`Run`] says that it takes, and also if it is killed later.
///
/// ```
/// use qga_sim::{Guest, Program, Run};
///
/// let rotate = Program::new(|rotate| match rotate.rename("/var/log/app", "/var/log/app.1") {
///     Ok(()) => Run::new(),
///     Err(error) => Run::new().stderr(format!("rotate: {error}\n")).exit_code(1),
/// });
/// let guest = Guest::new().file("/var/log/app", "started\n").program("/usr/sbin/rotate", rotate);
/// ```
#[derive(Clone)]
pub struct Program(Arc<dyn Fn(&mut Invocation<'_>) -> Run + Send + Sync>);

/// What one run of a program does: by default it ends at once, with exit code 0 and without output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// In the order in which it is written.
    pub(crate) output: Vec<(Stream, Vec<u8>)>,
    pub(crate) end: End,
    pub(crate) time: Duration,
    /// The signals that do not end it, as bits.
    pub(crate) ignored: u64,
}

/// Where a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exit(i64),
    Signal(i64),
}

impl Program {
    /// A program that does what a function says.
    pub fn new(function: impl Fn(&mut Invocation<'_>) -> Run + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    pub(crate) fn run(&self, invocation: &mut Invocation<'_>) -> Run {
        (self.0)(invocation)
    }
}

impl From<Run> for Program {
    fn from(run: Run) -> Self {
        Self::new(move |_| run.clone())
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program(..)")
    }
}

impl Run {
    /// Ends at once, with exit code 0 and without output.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes to the standard output.
    #[must_use]
    pub fn stdout(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.output.push((Stream::Out, bytes.into()));
        self
    }

    /// Writes to the standard error.
    #[must_use]
    pub fn stderr(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.output.push((Stream::Err, bytes.into()));
        self
    }

    /// Ends with this exit code.
    #[must_use]
    pub fn exit_code(mut self, code: u8) -> Self {
        self.end = End::Exit(code.into());
        self
    }

    /// Is killed by the signal of this number.
    #[must_use]
    pub fn signal(mut self, signal: u8) -> Self {
        self.end = End::Signal(signal.into());
        self
    }

    /// Takes this long.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Goes on when it gets the signal of this number, 1 to 63. `SIGKILL`, 9, cannot be ignored.
    #[must_use]
    pub fn ignore(mut self, signal: u8) -> Self {
        if (1..64).contains(&signal) && signal != 9 {
            self.ignored |= 1 << signal;
        }
        self
    }
}

impl Default for End {
    fn default() -> Self {
        Self::Exit(0)
    }
}
