//! What can be wrong with a schema, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// A schema that cannot be read, or cannot be turned into Rust.
///
/// It prints as `file:line:column: what was expected`, the form that editors and terminals make a link of.
/// Line and column count from 1, the column in characters. A file that cannot be opened at all has no line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The schema file at fault, as it was named on the command line or found through an `include`.
    pub file: PathBuf,
    /// Line and column at fault.
    pub place: Option<(u32, u32)>,
    /// What is wrong there, and what was expected instead.
    pub message: String,
}

impl Error {
    pub(crate) fn in_file(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), place: None, message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for Error {}

/// A place in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pos {
    /// Index into the list of loaded files.
    pub(crate) file: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// Something written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) pos: Pos,
    pub(crate) value: T,
}

/// An [`Error`] that does not yet know the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) pos: Pos,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(pos: Pos, message: impl Into<String>) -> Self {
        Self { pos, message: message.into() }
    }

    /// Names the file; `files` are those that were loaded, in order.
    pub(crate) fn locate(self, files: &[PathBuf]) -> Error {
        let file = files.get(self.pos.file).cloned().unwrap_or_default();
        Error { file, place: Some((self.pos.line, self.pos.column)), message: self.message }
    }
}
