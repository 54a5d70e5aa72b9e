//! What stands at a path.

use std::time::Duration;

use crate::program::Program;

/// A file, directory, link or device, whatever its name.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(super) mode: u32,
    pub(super) modified: Duration,
    /// Whether it has a name. Without one it lasts as long as a handle is open on it.
    pub(super) is_named: bool,
}

/// What a node holds.
#[derive(Clone)]
pub(crate) enum Content {
    Directory,
    File {
        bytes: Vec<u8>,
        /// What happens when it is run; without it, it cannot be.
        program: Option<Program>,
    },
    /// A symbolic link, and where it leads.
    Link(String),
    /// A device that has no bytes and takes all: `/dev/null`.
    Device,
}

/// What a file of the guest is, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Of what kind it is.
    pub kind: FileKind,
    /// The length of a file's content, in bytes. That of a link is its target's, that of a directory 4096.
    pub size: u64,
    /// The permissions, with set-user-ID and such: at most 0o7777. They forbid nothing, as the agent is root.
    pub mode: u32,
    /// When the content was last changed, by the guest's clock, since 1970; of what the guest was built with,
    /// the start of 2026.
    pub modified: Duration,
}

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device for characters.
    Device,
}

/// What `stat` says is the size of a directory.
const DIRECTORY_SIZE: u64 = 4096;

/// 2026-01-01.
const BUILT: Duration = Duration::from_secs(1_767_225_600);

impl Node {
    /// With the mode that it usually has, from before the guest was started.
    pub(crate) fn new(content: Content) -> Self {
        let mode = match &content {
            Content::Directory | Content::File { program: Some(_), .. } => 0o755,
            Content::File { program: None, .. } => 0o644,
            Content::Link(_) => 0o777,
            Content::Device => 0o666,
        };
        Self { content, mode, modified: BUILT, is_named: true }
    }

    /// A file that cannot be run.
    pub(crate) fn file(bytes: Vec<u8>) -> Self {
        Self::new(Content::File { bytes, program: None })
    }

    /// What happens when it is run, if it can be.
    pub(crate) fn program(&self) -> Option<&Program> {
        match &self.content {
            Content::File { program, .. } => program.as_ref(),
            _ => None,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory)
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> u64 {
        match &self.content {
            Content::File { bytes, .. } => bytes.len() as u64,
            Content::Directory | Content::Link(_) | Content::Device => 0,
        }
    }

    pub(crate) fn metadata(&self) -> Metadata {
        let (kind, size) = match &self.content {
            Content::Directory => (FileKind::Directory, DIRECTORY_SIZE),
            Content::File { bytes, .. } => (FileKind::File, bytes.len() as u64),
            Content::Link(target) => (FileKind::Link, target.len() as u64),
            Content::Device => (FileKind::Device, 0),
        };
        Metadata { kind, size, mode: self.mode, modified: self.modified }
    }
}
