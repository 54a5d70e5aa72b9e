//! The guest's files: a tree of names, what they stand for, and what is open of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Errno;

mod change;
mod node;
mod open;
mod path;
mod space;

pub(crate) use node::{Content, Node};
pub use node::{FileKind, Metadata};
use open::Handle;
pub(crate) use open::{Mode, OpenFile, Whence};
pub(crate) use path::LastLink;
pub use space::Full;
use space::Space;

/// A file system in memory, and what is open in it.
#[derive(Clone)]
pub(crate) struct Files {
    /// By absolute path, the root being "": the numbers of nodes.
    names: BTreeMap<String, u64>,
    nodes: BTreeMap<u64, Node>,
    next_node: u64,
    handles: BTreeMap<i64, Handle>,
    next_handle: i64,
    space: Space,
    /// The time that changed files get.
    pub(crate) now: Duration,
    /// Whether paths have drives, and backslashes for slashes.
    has_drives: bool,
}

/// The real agent's first handle.
const FIRST_HANDLE: i64 = 1000;

impl Files {
    pub(crate) fn new() -> Self {
        let mut files = Self {
            names: BTreeMap::new(),
            nodes: BTreeMap::new(),
            next_node: 1,
            handles: BTreeMap::new(),
            next_handle: FIRST_HANDLE,
            space: Space::new(),
            now: Duration::ZERO,
            has_drives: false,
        };
        files.put("/", Node::new(Content::Directory));
        files
    }

    /// With paths as Windows has them.
    pub(crate) fn with_drives() -> Self {
        Self { has_drives: true, ..Self::new() }
    }

    /// Sets how many bytes fit beside those that are there, and who is told when no more do.
    pub(crate) fn set_space(&mut self, bytes: u64, full: Full) {
        let capacity = self.space.used.saturating_add(bytes).min(space::CAPACITY);
        (self.space.capacity, self.space.full) = (capacity, full);
    }

    /// Sets how many bytes are taken by one write.
    pub(crate) fn set_longest_write(&mut self, bytes: usize) {
        self.space.longest_write = bytes.max(1);
    }

    /// The content of the file at a path.
    pub(crate) fn content(&self, path: &str) -> Result<&[u8], Errno> {
        match &self.get(path, LastLink::Follow)?.content {
            Content::Directory => Err(Errno::IsDirectory),
            Content::File { bytes, .. } => Ok(bytes),
            Content::Link(_) | Content::Device => Ok(&[]),
        }
    }

    /// The names in a directory, in the order of their bytes.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, Errno> {
        let name = self.resolve(path, LastLink::Follow)?;
        match self.at(&name) {
            None => Err(Errno::NoEntry),
            Some(node) if !node.is_directory() => Err(Errno::NotDirectory),
            Some(_) => Ok(self.children(&name).map(str::to_owned).collect()),
        }
    }

    /// Whether two paths lead to the same.
    pub(crate) fn is_same(&self, one: &str, other: &str) -> bool {
        let number = |path| self.resolve(path, LastLink::Keep).ok().and_then(|name| self.names.get(&name));
        number(one).is_some_and(|one| Some(one) == number(other))
    }

    /// Whether a path, which need not be there, leads into a directory, or to it.
    pub(crate) fn is_inside(&self, path: &str, directory: &str) -> bool {
        let resolve = |path| self.resolve(path, LastLink::Follow);
        resolve(path).ok().zip(resolve(directory).ok()).is_some_and(|(path, directory)| {
            path.strip_prefix(&directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// All files by path, and what they hold.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.names.iter().filter_map(|(path, number)| match &self.nodes.get(number)?.content {
            Content::File { bytes, .. } => Some((path.as_str(), bytes.as_slice())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::new();
        files.put("/etc/motd", Node::file(b"hello\n".into()));
        files
    }

    fn open(files: &mut Files, path: &str, mode: &str) -> Result<i64, Errno> {
        files.open(path, Mode::parse(mode).unwrap())
    }

    #[test]
    fn paths_are_resolved() {
        let files = files();
        for path in ["/etc/motd", "etc/motd", "//etc/./../etc//motd"] {
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
        assert_eq!(files.close(read), Some(Ok(())));
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
        for offset in [space::CAPACITY as i64, i64::MAX] {
            file.seek(offset, Whence::Set).unwrap();
            assert_eq!(file.write(b"x"), Err(Errno::NoSpace));
        }
        assert_eq!(file.seek(i64::MAX, Whence::Current), Err(Errno::Invalid));
        assert_eq!(files.content("/etc/motd"), Ok(&b"hello\n\0\0x"[..]));
        assert_eq!(files.space.used, 9);
    }

    #[test]
    fn links_are_followed_but_not_for_ever() {
        let mut files = files();
        for (path, target) in [("/etc/here", "../etc"), ("/motd", "/etc/here/motd"), ("/loop", "loop")] {
            files.put(path, Node::new(Content::Link(target.to_owned())));
        }
        assert_eq!(files.content("/motd"), Ok(&b"hello\n"[..]));
        assert_eq!(files.content("/etc/here/here/here/motd"), Ok(&b"hello\n"[..]));
        assert_eq!(files.content("/loop"), Err(Errno::TooManyLinks));
        files.remove_file("/motd").unwrap();
        assert_eq!(files.content("/etc/motd"), Ok(&b"hello\n"[..]));
        assert_eq!(files.content(&"x".repeat(256)), Err(Errno::NameTooLong));
        assert_eq!(files.content(&"/etc/..".repeat(1000)), Err(Errno::NameTooLong));
    }

    #[test]
    fn what_is_open_outlives_its_name() {
        let mut files = files();
        let handle = open(&mut files, "/etc/motd", "r+").unwrap();
        files.rename("/etc/motd", "/old").unwrap();
        files.handle(handle).unwrap().write(b"J").unwrap();
        assert_eq!(files.content("/old"), Ok(&b"Jello\n"[..]));
        files.replace("/new", b"x".into()).unwrap();
        files.rename("/new", "/old").unwrap();
        assert_eq!(files.handle(handle).unwrap().seek(0, Whence::Set), Ok(0));
        assert_eq!(files.handle(handle).unwrap().read(1), Ok((b"J".to_vec(), false)));
        assert_eq!((files.content("/old"), files.space.used), (Ok(&b"x"[..]), 7));
        files.close(handle);
        assert_eq!((files.space.used, files.nodes.len()), (1, files.names.len()));
    }

    #[test]
    fn renaming_takes_a_directory_along_and_overwrites_only_what_it_may() {
        let mut files = files();
        files.make_directory("/etc/dir").unwrap();
        assert_eq!(files.rename("/etc", "/etc/dir/etc"), Err(Errno::Invalid));
        assert_eq!(files.rename("/etc/motd", "/etc"), Err(Errno::IsDirectory));
        assert_eq!(files.rename("/etc/dir", "/etc/motd"), Err(Errno::NotDirectory));
        assert_eq!(files.rename("/no", "/etc/motd"), Err(Errno::NoEntry));
        files.make_directory("/etc2").unwrap();
        files.rename("/etc", "/etc2").unwrap();
        assert_eq!(files.list("/").unwrap(), ["etc2"]);
        assert_eq!(files.list("/etc2").unwrap(), ["dir", "motd"]);
        assert_eq!(files.remove_directory("/etc2"), Err(Errno::NotEmpty));
        assert_eq!(files.remove_directory("/etc2/motd"), Err(Errno::NotDirectory));
        assert_eq!(files.remove_file("/etc2/dir"), Err(Errno::IsDirectory));
        files.remove_directory("/etc2/dir").unwrap();
        assert_eq!(files.list("/etc2").unwrap(), ["motd"]);
    }

    #[test]
    fn a_full_disk_is_told_when_it_is_said_to() {
        for (full, write, flush, close) in [
            (Full::AtWrite, Err(Errno::NoSpace), Ok(()), Ok(())),
            (Full::AtFlush, Ok(3), Err(Errno::NoSpace), Ok(())),
            (Full::AtClose, Ok(3), Ok(()), Err(Errno::NoSpace)),
        ] {
            let mut files = files();
            files.set_space(2, full);
            let handle = open(&mut files, "/etc/motd", "a").unwrap();
            let mut file = files.handle(handle).unwrap();
            assert_eq!((file.write(b"xyz"), file.flush()), (write, flush), "{full:?}");
            assert_eq!(files.close(handle), Some(close), "{full:?}");
            let kept: &[u8] = if full == Full::AtWrite { b"hello\n" } else { b"hello\nxy" };
            assert_eq!(files.content("/etc/motd"), Ok(kept), "{full:?}");
        }
    }
}
