//! What changes the tree of files.

use super::path::LastLink;
use super::{Content, Files, Node};
use crate::error::Errno;

/// How many files, directories and links there may be, as each takes memory of the host.
const MAX_NAMES: usize = 1 << 16;

impl Files {
    /// Puts a node where there may be another, and the directories that lead to it: for the guest's maker.
    pub(crate) fn put(&mut self, path: &str, node: Node) {
        let name = self.normal(path);
        for (at, _) in name.match_indices('/').skip(1) {
            if !self.at(&name[..at]).is_some_and(Node::is_directory) {
                self.place(name[..at].to_owned(), Node::new(Content::Directory));
            }
        }
        if !(node.is_directory() && self.at(&name).is_some_and(Node::is_directory)) {
            self.place(name, node);
        }
    }

    /// Sets the permissions of what is at a path.
    pub(crate) fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        self.get_mut(path)?.mode = mode & 0o7777;
        Ok(())
    }

    /// Says that what is at a path was changed just now.
    pub(crate) fn touch(&mut self, path: &str) -> Result<(), Errno> {
        let now = self.now;
        self.get_mut(path)?.modified = now;
        Ok(())
    }

    /// Makes a directory where nothing is. The one that it is in must be there.
    pub(crate) fn make_directory(&mut self, path: &str) -> Result<(), Errno> {
        let name = self.resolve(path, LastLink::Keep)?;
        if self.names.contains_key(&name) {
            return Err(Errno::Exists);
        }
        let node = Node { modified: self.now, ..Node::new(Content::Directory) };
        self.insert(name, node).map(drop)
    }

    /// Puts a content in the place of a file's, or makes the file. What it was otherwise, it stays.
    pub(crate) fn replace(&mut self, path: &str, content: Vec<u8>) -> Result<(), Errno> {
        let name = self.resolve(path, LastLink::Follow)?;
        let (now, room) = (self.now, self.space.room());
        let Some(&number) = self.names.get(&name) else {
            let node = Node { modified: now, ..Node::file(content) };
            return if node.len() > room { Err(Errno::NoSpace) } else { self.insert(name, node).map(drop) };
        };
        let Some(node) = self.nodes.get_mut(&number) else { return Err(Errno::NoEntry) };
        let (old, new) = (node.len(), content.len() as u64);
        match &mut node.content {
            Content::Directory => return Err(Errno::IsDirectory),
            Content::File { .. } if new > room + old => return Err(Errno::NoSpace),
            Content::File { bytes, .. } => {
                *bytes = content;
                self.space.used = self.space.used - old + new;
                node.modified = now;
            }
            Content::Link(_) | Content::Device => {}
        }
        Ok(())
    }

    /// Removes a file, link or device. Who has it open keeps it.
    pub(crate) fn remove_file(&mut self, path: &str) -> Result<(), Errno> {
        let name = self.resolve(path, LastLink::Keep)?;
        match self.at(&name) {
            None => Err(Errno::NoEntry),
            Some(node) if node.is_directory() => Err(Errno::IsDirectory),
            Some(_) => {
                self.unlink(&name);
                Ok(())
            }
        }
    }

    /// Removes a directory in which there is nothing.
    pub(crate) fn remove_directory(&mut self, path: &str) -> Result<(), Errno> {
        let name = self.resolve(path, LastLink::Keep)?;
        match self.at(&name) {
            None => Err(Errno::NoEntry),
            Some(node) if !node.is_directory() => Err(Errno::NotDirectory),
            Some(_) if name.is_empty() => Err(Errno::Busy),
            Some(_) if self.children(&name).next().is_some() => Err(Errno::NotEmpty),
            Some(_) => {
                self.unlink(&name);
                Ok(())
            }
        }
    }

    /// Gives what is at a path another one, and takes it from what may be there. A directory takes along what is in it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (from, to) = (self.resolve(from, LastLink::Keep)?, self.resolve(to, LastLink::Keep)?);
        let moved = self.at(&from).ok_or(Errno::NoEntry)?;
        if from == to {
            return Ok(());
        }
        let is_directory = moved.is_directory();
        if from.is_empty() || to.strip_prefix(&from).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Errno::Invalid);
        }
        match self.at(&to).map(Node::is_directory) {
            Some(true) if !is_directory => return Err(Errno::IsDirectory),
            Some(false) if is_directory => return Err(Errno::NotDirectory),
            Some(true) if self.children(&to).next().is_some() => return Err(Errno::NotEmpty),
            Some(_) => self.unlink(&to),
            None => {}
        }
        let below = self.names.range(format!("{from}/")..format!("{from}0"));
        let names: Vec<String> = below.map(|(name, _)| name.clone()).chain([from.clone()]).collect();
        for name in names {
            if let Some(number) = self.names.remove(&name) {
                self.names.insert(format!("{to}{}", &name[from.len()..]), number);
            }
        }
        Ok(())
    }

    /// Copies a file to where there may be another, which stays what it is but for its content. A new one gets the other's
    /// permissions, as far as they are usual. With `keeps` it has them all, and the time of the last change.
    pub(crate) fn copy(&mut self, from: &str, to: &str, keeps: bool) -> Result<(), Errno> {
        let source = self.get(from, LastLink::Follow)?.clone();
        let Content::File { bytes, program } = source.content else { return self.replace(to, Vec::new()) };
        let is_new = self.get(to, LastLink::Follow).is_err();
        self.replace(to, bytes)?;
        let node = self.get_mut(to)?;
        if let Content::File { program: place, .. } = &mut node.content {
            *place = program;
        }
        if keeps {
            (node.mode, node.modified) = (source.mode, source.modified);
        } else if is_new {
            node.mode = source.mode & 0o755;
        }
        Ok(())
    }

    /// Gives a new node a name that is free; gives its number.
    pub(super) fn insert(&mut self, name: String, node: Node) -> Result<u64, Errno> {
        if self.names.len() >= MAX_NAMES {
            return Err(Errno::NoSpace);
        }
        Ok(self.place(name, node))
    }

    fn place(&mut self, name: String, node: Node) -> u64 {
        self.unlink(&name);
        let number = self.next_node;
        self.next_node += 1;
        self.space.used += node.len();
        self.nodes.insert(number, node);
        self.names.insert(name, number);
        number
    }

    fn unlink(&mut self, name: &str) {
        let Some(number) = self.names.remove(name) else { return };
        if let Some(node) = self.nodes.get_mut(&number) {
            node.is_named = false;
        }
        self.release(number);
    }

    /// Forgets a node that nothing leads to any more.
    pub(super) fn release(&mut self, number: u64) {
        let is_open = self.handles.values().any(|handle| handle.node == number);
        if self.nodes.get(&number).is_some_and(|node| !node.is_named && !is_open) {
            self.space.used -= self.nodes.remove(&number).map_or(0, |node| node.len());
        }
    }

    fn get_mut(&mut self, path: &str) -> Result<&mut Node, Errno> {
        let name = self.resolve(path, LastLink::Follow)?;
        let number = self.names.get(&name).ok_or(Errno::NoEntry)?;
        self.nodes.get_mut(number).ok_or(Errno::NoEntry)
    }
}
