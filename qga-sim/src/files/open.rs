//! Files that the agent has open.

use std::time::Duration;

use super::path::LastLink;
use super::space::{Full, Space};
use super::{Content, Files, Node};
use crate::error::Errno;

#[derive(Clone)]
pub(super) struct Handle {
    pub(super) node: u64,
    mode: Mode,
    position: u64,
    /// Whether something that was written did not fit, of which nobody was told yet.
    has_lost: bool,
}

/// How a file is opened: the modes of C's `fopen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
}

/// Where a seek starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    Set,
    Current,
    End,
}

/// How many files may be open: a usual limit of a process.
const MAX_HANDLES: usize = 1024;

/// What a file may do that the agent makes: all, for everybody.
const NEW_MODE: u32 = 0o666;

impl Files {
    /// Opens the file at a path; gives the handle.
    pub(crate) fn open(&mut self, path: &str, mode: Mode) -> Result<i64, Errno> {
        let name = self.resolve(path, LastLink::Follow)?;
        let node = self.names.get(&name).copied();
        match node.and_then(|number| self.nodes.get_mut(&number)) {
            None if !mode.creates() => return Err(Errno::NoEntry),
            Some(node) if node.is_directory() && mode.write => return Err(Errno::IsDirectory),
            _ if self.handles.len() == MAX_HANDLES => return Err(Errno::TooManyFiles),
            Some(Node { content: Content::File { bytes, .. }, modified, .. }) if mode.truncate => {
                self.space.used -= bytes.len() as u64;
                bytes.clear();
                *modified = self.now;
            }
            _ => {}
        }
        let node = match node {
            Some(node) => node,
            None => {
                let node = Node { mode: NEW_MODE, modified: self.now, ..Node::file(Vec::new()) };
                self.insert(name, node)?
            }
        };
        let handle = self.next_handle;
        self.next_handle += 1;
        self.handles.insert(handle, Handle { node, mode, position: 0, has_lost: false });
        Ok(handle)
    }

    /// Closes a handle. `None`: it is not open. It is closed even if that fails.
    pub(crate) fn close(&mut self, handle: i64) -> Option<Result<(), Errno>> {
        let handle = self.handles.remove(&handle)?;
        self.release(handle.node);
        Some(if handle.has_lost { Err(Errno::NoSpace) } else { Ok(()) })
    }

    /// Closes all handles. The real agent keeps their count in a file, so their numbers do not come again.
    pub(crate) fn close_all(&mut self) {
        for handle in std::mem::take(&mut self.handles).into_values() {
            self.release(handle.node);
        }
    }

    /// How many handles there are.
    pub(crate) fn open_count(&self) -> usize {
        self.handles.len()
    }

    /// What a handle is open on. `None`: it is not open.
    pub(crate) fn handle(&mut self, handle: i64) -> Option<OpenFile<'_>> {
        let handle = self.handles.get_mut(&handle)?;
        let node = self.nodes.get_mut(&handle.node)?;
        Some(OpenFile { handle, node, space: &mut self.space, now: self.now })
    }
}

/// An open file.
pub(crate) struct OpenFile<'a> {
    handle: &'a mut Handle,
    node: &'a mut Node,
    space: &'a mut Space,
    now: Duration,
}

impl OpenFile<'_> {
    /// Reads up to `count` bytes; says also whether the end was hit, which is so only when there were fewer.
    pub(crate) fn read(&mut self, count: usize) -> Result<(Vec<u8>, bool), Errno> {
        let content: &[u8] = match &self.node.content {
            Content::File { bytes, .. } => bytes,
            Content::Device => &[],
            Content::Directory | Content::Link(_) => return Err(Errno::IsDirectory),
        };
        if !self.handle.mode.read {
            return Err(Errno::BadHandle);
        }
        let start = usize::try_from(self.handle.position).map_or(content.len(), |at| at.min(content.len()));
        let rest = &content[start..];
        let bytes = rest[..count.min(rest.len())].to_vec();
        self.handle.position += bytes.len() as u64;
        let eof = bytes.len() < count;
        Ok((bytes, eof))
    }

    /// Writes what is taken of `bytes`; says how many.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        if self.node.is_directory() {
            return Err(Errno::IsDirectory);
        }
        if !self.handle.mode.write {
            return Err(Errno::BadHandle);
        }
        let taken = bytes.len().min(self.space.longest_write);
        let Content::File { bytes: content, .. } = &mut self.node.content else { return Ok(taken) };
        let len = content.len() as u64;
        let start = if self.handle.mode.append { len } else { self.handle.position };
        let end = start.checked_add(taken as u64).ok_or(Errno::NoSpace)?;
        let most = len.saturating_add(self.space.room());
        if taken > 0 && end > most && self.space.full == Full::AtWrite {
            return Err(Errno::NoSpace);
        }
        self.handle.has_lost |= taken > 0 && end > most;
        // Within the capacity from here on, which any `usize` holds.
        let kept = if taken == 0 { 0 } else { taken.min(most.saturating_sub(start) as usize) };
        if kept > 0 {
            let (start, end) = (start as usize, start as usize + kept);
            content.resize(content.len().max(end), 0);
            content[start..end].copy_from_slice(&bytes[..kept]);
            self.space.used += content.len() as u64 - len;
            self.node.modified = self.now;
        }
        self.handle.position = end;
        Ok(taken)
    }

    /// Goes to another position, which may be beyond the end; gives it.
    pub(crate) fn seek(&mut self, offset: i64, whence: Whence) -> Result<i64, Errno> {
        let base = match whence {
            Whence::Set => 0,
            Whence::Current => self.handle.position,
            Whence::End => self.node.len(),
        };
        let position = base.checked_add_signed(offset).ok_or(Errno::Invalid)?;
        let told = i64::try_from(position).map_err(|_| Errno::Invalid)?;
        self.handle.position = position;
        Ok(told)
    }

    /// Puts what was written in its place, where it is already; says whether some of it had none.
    pub(crate) fn flush(&mut self) -> Result<(), Errno> {
        let tells = self.handle.has_lost && self.space.full != Full::AtClose;
        if tells && std::mem::take(&mut self.handle.has_lost) { Err(Errno::NoSpace) } else { Ok(()) }
    }
}

impl Mode {
    /// Reads a mode. `b` changes nothing, and `x` there is not.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (read, write, append, truncate) = match text {
            "r" | "rb" => (true, false, false, false),
            "w" | "wb" => (false, true, false, true),
            "a" | "ab" => (false, true, true, false),
            "r+" | "rb+" | "r+b" => (true, true, false, false),
            "w+" | "wb+" | "w+b" => (true, true, false, true),
            "a+" | "ab+" | "a+b" => (true, true, true, false),
            _ => return None,
        };
        Some(Self { read, write, append, truncate })
    }

    fn creates(self) -> bool {
        self.truncate || self.append
    }
}
