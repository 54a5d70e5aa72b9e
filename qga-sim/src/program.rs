//! Programs: what happens when a guest's file is run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::files::Files;

mod builtin;

pub(crate) use builtin::BUILTINS;

/// A program in the guest: a function from what it is called with to what it does. It runs nothing on the host.
///
/// One that always does the same is made from a [`Run`].
#[derive(Clone)]
pub struct Program(Arc<dyn Fn(&Invocation<'_>) -> Run + Send + Sync>);

/// What a program is called with.
#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [String],
    pub(crate) input: &'a [u8],
    pub(crate) files: &'a Files,
}

/// What one run of a program does: by default it ends at once, with exit code 0 and without output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// In the order in which it is written.
    pub(crate) output: Vec<(Stream, Vec<u8>)>,
    pub(crate) end: End,
    pub(crate) time: Duration,
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
    pub fn new(function: impl Fn(&Invocation<'_>) -> Run + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    pub(crate) fn run(&self, invocation: &Invocation<'_>) -> Run {
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

impl<'a> Invocation<'a> {
    /// The arguments, without the program's name.
    #[must_use]
    pub fn arguments(&self) -> &'a [String] {
        self.arguments
    }

    /// The environment, as `NAME=value`.
    #[must_use]
    pub fn environment(&self) -> &'a [String] {
        self.environment
    }

    /// What is on the standard input.
    #[must_use]
    pub fn input(&self) -> &'a [u8] {
        self.input
    }

    /// The content of a file of the guest. `None`: there is no such file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&'a [u8]> {
        self.files.content(path).ok()
    }
}

impl fmt::Debug for Invocation<'_> {
    /// Without environment and input: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("arguments", &self.arguments).finish_non_exhaustive()
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
}

impl Default for End {
    fn default() -> Self {
        Self::Exit(0)
    }
}
