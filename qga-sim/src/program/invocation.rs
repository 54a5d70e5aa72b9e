//! What a program is called with, and what it can do to the guest.

use std::fmt;
use std::time::Duration;

use super::{End, Program, Run};
use crate::error::Errno;
use crate::files::{Files, LastLink, Metadata};
use crate::processes::Processes;

/// What a program is called with, and its view of the guest: it can look at files and processes and change them.
///
/// Paths are the guest's. One that is not absolute starts at the root, where the agent runs. Nothing can be done without
/// limit: all files together have room for 1 GiB, or for what [`Guest::disk_space`](crate::Guest::disk_space) says.
pub struct Invocation<'a> {
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [String],
    pub(crate) input: &'a [u8],
    pub(crate) files: &'a mut Files,
    pub(crate) processes: &'a mut Processes,
    /// The time since 1970 that processes go by.
    pub(crate) now: Duration,
    /// How many programs have called each other.
    pub(crate) depth: u8,
}

/// How many programs can call each other.
const MAX_DEPTH: u8 = 16;

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

    /// What time it is, by the guest's clock, since 1970.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.files.now
    }

    /// The content of a file of the guest. `None`: there is no such file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.content(path).ok()
    }

    /// What is at a path. Links are followed.
    ///
    /// # Errors
    ///
    /// There is nothing.
    pub fn metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.files.get(path, LastLink::Follow).map(crate::files::Node::metadata)
    }

    /// What is at a path, which can be a link.
    ///
    /// # Errors
    ///
    /// There is nothing.
    pub fn link_metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.files.get(path, LastLink::Keep).map(crate::files::Node::metadata)
    }

    /// The names in a directory, in the order of their bytes.
    ///
    /// # Errors
    ///
    /// There is no such directory.
    pub fn list(&self, path: &str) -> Result<Vec<String>, Errno> {
        self.files.list(path)
    }

    /// Writes a file: it has this content then, and no other. One that is not there is made, with the mode 0o644.
    ///
    /// # Errors
    ///
    /// There is no directory for it, it is a directory, or there is no space.
    pub fn write_file(&mut self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), Errno> {
        self.files.replace(path, content.into())
    }

    /// Makes a directory.
    ///
    /// # Errors
    ///
    /// Something is there, or the directory that it is to be in is not.
    pub fn make_directory(&mut self, path: &str) -> Result<(), Errno> {
        self.files.make_directory(path)
    }

    /// Removes a file or link.
    ///
    /// # Errors
    ///
    /// It is not there, or a directory.
    pub fn remove_file(&mut self, path: &str) -> Result<(), Errno> {
        self.files.remove_file(path)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// It is not there, no directory, or not empty.
    pub fn remove_directory(&mut self, path: &str) -> Result<(), Errno> {
        self.files.remove_directory(path)
    }

    /// Gives a file or directory another path, in the place of what is there.
    ///
    /// # Errors
    ///
    /// It is not there, or cannot take that place: a directory only that of an empty one, and all else only that of no
    /// directory.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        self.files.rename(from, to)
    }

    /// Sets the permissions of a file or directory, at most 0o7777.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        self.files.set_mode(path, mode)
    }

    /// Says that a file or directory was changed just now.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub fn touch(&mut self, path: &str) -> Result<(), Errno> {
        self.files.touch(path)
    }

    /// Sends a signal to a process that the agent has started. One that does not [ignore](Run::ignore) it ends, without
    /// another word, but by signals that end nothing, such as `SIGCHLD`. 0 only asks whether it runs.
    ///
    /// # Errors
    ///
    /// No such process runs, or the signal is none that this guest knows: it stops and continues no process.
    pub fn kill(&mut self, pid: i64, signal: u8) -> Result<(), Errno> {
        self.processes.signal(pid, signal, self.now)
    }

    /// Ends a process that the agent has started, with this exit code, as Windows does.
    ///
    /// # Errors
    ///
    /// No such process runs.
    pub fn terminate(&mut self, pid: i64, exit_code: u8) -> Result<(), Errno> {
        self.processes.end(pid, End::Exit(exit_code.into()), self.now)
    }

    /// Does what another program of the guest would do. `path` has at least one slash. What that one changes is changed; what
    /// it writes, how it ends and how long it takes is told, and for the caller to pass on.
    ///
    /// # Errors
    ///
    /// There is no such program, or too many have called each other.
    pub fn run(&mut self, path: &str, arguments: &[String], input: &[u8]) -> Result<Run, Errno> {
        if self.depth == MAX_DEPTH {
            return Err(Errno::TryAgain);
        }
        let program: Program =
            self.files.get(path, LastLink::Follow)?.program().cloned().ok_or(Errno::Access)?;
        Ok(program.run(&mut Invocation {
            arguments,
            environment: self.environment,
            input,
            files: &mut *self.files,
            processes: &mut *self.processes,
            now: self.now,
            depth: self.depth + 1,
        }))
    }
}

impl fmt::Debug for Invocation<'_> {
    /// Without environment and input: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("arguments", &self.arguments).finish_non_exhaustive()
    }
}
