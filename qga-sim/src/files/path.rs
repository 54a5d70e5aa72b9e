//! Paths, and what they lead to.

use super::{Content, Files, Node};
use crate::error::Errno;

/// How long a path, and a name in it, may be: Linux's limits.
const MAX_PATH: usize = 4095;
const MAX_NAME: usize = 255;

/// How many symbolic links are followed: as many as Linux follows.
const MAX_LINKS: usize = 40;

/// What to do with a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastLink {
    Follow,
    Keep,
}

impl Files {
    /// A path as the names have it; what leads to it must be directories. What it leads to itself need not be there.
    pub(super) fn resolve(&self, path: &str, last: LastLink) -> Result<String, Errno> {
        if path.is_empty() {
            return Err(Errno::NoEntry);
        }
        let path = if self.has_drives { self.normal(path) } else { path.to_owned() };
        if path.len() > MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        let mut rest: Vec<String> = parts(&path).collect();
        let (mut at, mut links) = (String::new(), 0);
        while let Some(part) = rest.pop() {
            if part == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            if part.len() > MAX_NAME {
                return Err(Errno::NameTooLong);
            }
            let next = format!("{at}/{part}");
            let is_last = rest.is_empty();
            match self.at(&next).map(|node| &node.content) {
                Some(Content::Link(target)) if !is_last || last == LastLink::Follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::TooManyLinks);
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    rest.extend(parts(target));
                }
                None if !is_last => return Err(Errno::NoEntry),
                Some(Content::File { .. } | Content::Device) if !is_last => return Err(Errno::NotDirectory),
                _ => at = next,
            }
        }
        Ok(at)
    }

    /// What a name stands for.
    pub(super) fn at(&self, name: &str) -> Option<&Node> {
        self.names.get(name).and_then(|number| self.nodes.get(number))
    }

    /// What is at a path.
    pub(crate) fn get(&self, path: &str, last: LastLink) -> Result<&Node, Errno> {
        let name = self.resolve(path, last)?;
        self.at(&name).ok_or(Errno::NoEntry)
    }

    /// An absolute path without `.`, `..` and doubled slashes, whatever is there. Others start at the root, where the agent
    /// runs.
    pub(super) fn normal(&self, path: &str) -> String {
        let path = if self.has_drives { path.replace('\\', "/") } else { path.to_owned() };
        let mut kept = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(kept.pop()),
                part => kept.push(part),
            }
        }
        kept.iter().flat_map(|part| ["/", part]).collect()
    }

    /// The names in a directory, which `name` is, in the order of their bytes.
    pub(super) fn children(&self, name: &str) -> impl Iterator<Item = &str> {
        let below = self.names.range(format!("{name}/")..format!("{name}0"));
        let start = name.len() + 1;
        below.map(move |(path, _)| &path[start..]).filter(|path| !path.is_empty() && !path.contains('/'))
    }
}

/// The parts of a path, the last first.
fn parts(path: &str) -> impl Iterator<Item = String> {
    path.split('/').rev().filter(|part| !part.is_empty() && *part != ".").map(str::to_owned)
}
