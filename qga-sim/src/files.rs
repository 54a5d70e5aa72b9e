//! The guest's files: paths and contents, and the handles on them.

use std::collections::BTreeMap;

use crate::error::Errno;
use crate::program::Program;

/// A file system in memory, and what is open in it.
#[derive(Clone)]
pub(crate) struct Files {
    /// By absolute path; the root is "".
    nodes: BTreeMap<String, Node>,
    handles: BTreeMap<i64, Handle>,
    next_handle: i64,
    /// How many bytes all files have together.
    used: u64,
    /// Whether paths have drives, and backslashes for slashes.
    has_drives: bool,
}

/// What a path leads to.
#[derive(Clone)]
pub(crate) enum Node {
    Directory,
    File {
        content: Vec<u8>,
        /// What happens when it is run; without it, it cannot be.
        program: Option<Program>,
    },
}

#[derive(Clone)]
struct Handle {
    path: String,
    mode: Mode,
    position: u64,
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

/// How many bytes all files together may have. A client can write at any position, and should not be able to take the
/// memory of the host.
const CAPACITY: u64 = 1 << 30;

/// How many files may be open: a usual limit of a process.
const MAX_HANDLES: usize = 1024;

/// The real agent's first handle.
const FIRST_HANDLE: i64 = 1000;

impl Files {
    pub(crate) fn new() -> Self {
        let nodes = BTreeMap::from([(String::new(), Node::Directory)]);
        Self { nodes, handles: BTreeMap::new(), next_handle: FIRST_HANDLE, used: 0, has_drives: false }
    }

    /// With paths as Windows has them.
    pub(crate) fn with_drives() -> Self {
        Self { has_drives: true, ..Self::new() }
    }

    /// Puts a node where there may be another, and the directories that lead to it.
    pub(crate) fn put(&mut self, path: &str, node: Node) {
        let path = self.normal(path);
        for (at, _) in path.match_indices('/').skip(1) {
            self.insert(path[..at].to_owned(), Node::Directory);
        }
        self.insert(path, node);
    }

    fn insert(&mut self, path: String, node: Node) {
        let kept = matches!((&node, self.nodes.get(&path)), (Node::Directory, Some(Node::Directory)));
        if !kept {
            self.used += node.len();
            if let Some(old) = self.nodes.insert(path, node) {
                self.used -= old.len();
            }
        }
    }

    /// What is at a path.
    pub(crate) fn get(&self, path: &str) -> Result<&Node, Errno> {
        let path = self.resolve(path)?;
        self.nodes.get(&path).ok_or(Errno::NoEntry)
    }

    /// The content of the file at a path.
    pub(crate) fn content(&self, path: &str) -> Result<&[u8], Errno> {
        match self.get(path)? {
            Node::Directory => Err(Errno::IsDirectory),
            Node::File { content, .. } => Ok(content),
        }
    }

    /// Makes a directory, unless it is there. The one that it is in must be.
    pub(crate) fn make_directory(&mut self, path: &str) -> Result<(), Errno> {
        let path = self.resolve(path)?;
        match self.nodes.get(&path) {
            Some(Node::File { .. }) => return Err(Errno::NotDirectory),
            _ => self.insert(path, Node::Directory),
        }
        Ok(())
    }

    /// All files by path, and what they hold.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::File { content, .. } => Some((path.as_str(), content.as_slice())),
            Node::Directory => None,
        })
    }

    /// How many handles there are.
    pub(crate) fn open_count(&self) -> usize {
        self.handles.len()
    }

    /// Puts a content in the place of a file's, or makes the file.
    pub(crate) fn replace(&mut self, path: &str, content: Vec<u8>) -> Result<(), Errno> {
        let path = self.resolve(path)?;
        let old = match self.nodes.get(&path) {
            Some(Node::Directory) => return Err(Errno::IsDirectory),
            node => node.map_or(0, Node::len),
        };
        if content.len() as u64 > CAPACITY.saturating_sub(self.used - old) {
            return Err(Errno::NoSpace);
        }
        self.insert(path, Node::File { content, program: None });
        Ok(())
    }

    /// Opens the file at a path; gives the handle.
    pub(crate) fn open(&mut self, path: &str, mode: Mode) -> Result<i64, Errno> {
        let path = self.resolve(path)?;
        match self.nodes.get_mut(&path) {
            None if !mode.creates() => return Err(Errno::NoEntry),
            Some(Node::Directory) if mode.write => return Err(Errno::IsDirectory),
            _ if self.handles.len() == MAX_HANDLES => return Err(Errno::TooManyFiles),
            Some(Node::File { content, .. }) if mode.truncate => {
                self.used -= content.len() as u64;
                content.clear();
            }
            Some(_) => {}
            None => self.insert(path.clone(), Node::File { content: Vec::new(), program: None }),
        }
        let handle = self.next_handle;
        self.next_handle += 1;
        self.handles.insert(handle, Handle { path, mode, position: 0 });
        Ok(handle)
    }

    /// Closes a handle. `None`: it is not open.
    pub(crate) fn close(&mut self, handle: i64) -> Option<()> {
        self.handles.remove(&handle).map(|_| ())
    }

    /// Closes all handles. The real agent keeps their count in a file, so their numbers do not come again.
    pub(crate) fn close_all(&mut self) {
        self.handles.clear();
    }

    /// What a handle is open on. `None`: it is not open.
    pub(crate) fn handle(&mut self, handle: i64) -> Option<OpenFile<'_>> {
        let handle = self.handles.get_mut(&handle)?;
        let node = self.nodes.get_mut(&handle.path)?;
        Some(OpenFile { handle, node, used: &mut self.used })
    }

    /// A path as the nodes have it; what leads to it must be directories.
    fn resolve(&self, path: &str) -> Result<String, Errno> {
        if path.is_empty() {
            return Err(Errno::NoEntry);
        }
        let path = self.normal(path);
        for (at, _) in path.match_indices('/') {
            match self.nodes.get(&path[..at]) {
                None => return Err(Errno::NoEntry),
                Some(Node::File { .. }) => return Err(Errno::NotDirectory),
                Some(Node::Directory) => {}
            }
        }
        Ok(path)
    }

    fn normal(&self, path: &str) -> String {
        if self.has_drives { normal(&path.replace('\\', "/")) } else { normal(path) }
    }
}

/// An open file.
pub(crate) struct OpenFile<'a> {
    handle: &'a mut Handle,
    node: &'a mut Node,
    used: &'a mut u64,
}

impl OpenFile<'_> {
    /// Reads up to `count` bytes; says also whether the end was hit, which is so only when there were fewer.
    pub(crate) fn read(&mut self, count: usize) -> Result<(Vec<u8>, bool), Errno> {
        let Node::File { content, .. } = &*self.node else { return Err(Errno::IsDirectory) };
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

    /// Writes all of `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let Node::File { content, .. } = &mut *self.node else { return Err(Errno::IsDirectory) };
        if !self.handle.mode.write {
            return Err(Errno::BadHandle);
        }
        let len = content.len() as u64;
        let start = if self.handle.mode.append { len } else { self.handle.position };
        let end = start.checked_add(bytes.len() as u64).ok_or(Errno::NoSpace)?;
        let growth = if bytes.is_empty() { 0 } else { end.saturating_sub(len) };
        if growth > CAPACITY.saturating_sub(*self.used) {
            return Err(Errno::NoSpace);
        }
        *self.used += growth;
        // Within the capacity from here on, which any `usize` holds.
        content.resize((len + growth) as usize, 0);
        if !bytes.is_empty() {
            content[start as usize..end as usize].copy_from_slice(bytes);
        }
        self.handle.position = end;
        Ok(())
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
}

impl Node {
    fn len(&self) -> u64 {
        match self {
            Self::Directory => 0,
            Self::File { content, .. } => content.len() as u64,
        }
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

/// An absolute path without `.`, `..` and doubled slashes. Others start at the root, where the agent runs.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().flat_map(|part| ["/", part]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::new();
        files.put("/etc/motd", Node::File { content: b"hello\n".into(), program: None });
        files
    }

    fn open(files: &mut Files, path: &str, mode: &str) -> Result<i64, Errno> {
        files.open(path, Mode::parse(mode).unwrap())
    }

    #[test]
    fn paths_are_resolved() {
        let files = files();
        for path in ["/etc/motd", "etc/motd", "//etc/./x/../motd"] {
            assert!(files.content(path).is_ok(), "{path}");
        }
        assert_eq!(files.content("/etc"), Err(Errno::IsDirectory));
        assert_eq!(files.content("/"), Err(Errno::IsDirectory));
        assert_eq!(files.content(""), Err(Errno::NoEntry));
        assert_eq!(files.content("/etc/motd/x"), Err(Errno::NotDirectory));
        assert_eq!(files.content("/no/motd"), Err(Errno::NoEntry));
    }

    #[test]
    fn the_end_is_told_only_when_it_is_hit() {
        let mut files = files();
        let handle = open(&mut files, "/etc/motd", "r").unwrap();
        let mut file = files.handle(handle).unwrap();
        assert_eq!(file.read(6), Ok((b"hello\n".to_vec(), false)));
        assert_eq!(file.read(0), Ok((vec![], false)));
        assert_eq!(file.read(1), Ok((vec![], true)));
        assert_eq!(file.seek(-2, Whence::End), Ok(4));
        assert_eq!(file.read(9), Ok((b"o\n".to_vec(), true)));
    }

    #[test]
    fn modes_do_what_they_say() {
        let mut files = files();
        assert_eq!(open(&mut files, "/new", "r+"), Err(Errno::NoEntry));
        assert_eq!(open(&mut files, "/etc", "w"), Err(Errno::IsDirectory));
        let append = open(&mut files, "/etc/motd", "a+").unwrap();
        assert_eq!(append, FIRST_HANDLE);
        files.handle(append).unwrap().write(b"you\n").unwrap();
        assert_eq!(files.content("/etc/motd"), Ok(&b"hello\nyou\n"[..]));
        let write = open(&mut files, "/etc/motd", "w").unwrap();
        assert_eq!(files.content("/etc/motd"), Ok(&b""[..]));
        assert_eq!(files.handle(write).unwrap().read(1), Err(Errno::BadHandle));
        let read = open(&mut files, "/etc/motd", "rb").unwrap();
        assert_eq!(files.handle(read).unwrap().write(b"x"), Err(Errno::BadHandle));
        assert_eq!(files.close(read), Some(()));
        assert_eq!(files.close(read), None);
        for mode in ["", "x", "wx", "br", "rw", "r++"] {
            assert_eq!(Mode::parse(mode), None, "{mode}");
        }
    }

    #[test]
    fn a_gap_is_filled_with_zeros_but_not_without_limit() {
        let mut files = files();
        let handle = open(&mut files, "/etc/motd", "r+").unwrap();
        let mut file = files.handle(handle).unwrap();
        assert_eq!(file.seek(8, Whence::Set), Ok(8));
        file.write(b"x").unwrap();
        assert_eq!(file.seek(-10, Whence::Current), Err(Errno::Invalid));
        for offset in [CAPACITY as i64, i64::MAX] {
            file.seek(offset, Whence::Set).unwrap();
            assert_eq!(file.write(b"x"), Err(Errno::NoSpace));
        }
        assert_eq!(file.seek(i64::MAX, Whence::Current), Err(Errno::Invalid));
        assert_eq!(files.content("/etc/motd"), Ok(&b"hello\n\0\0x"[..]));
        assert_eq!(files.used, 9);
    }
}
