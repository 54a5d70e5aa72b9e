//! What `find` tells of a file.

use serde_json::{Value, json};

use crate::output::{escape, units};

/// A file of the guest, or what else has a name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Entry {
    /// `f` a file, `d` a folder, `l` a link; `c`, `b`, `p`, `s` as `ls` has them.
    pub(in crate::commands) kind: char,
    /// Without the kind.
    pub(in crate::commands) mode: u32,
    pub(super) size: u64,
    /// Seconds since 1970, with a fraction.
    modified: String,
    pub(super) user: String,
    pub(super) group: String,
    /// From where the search began; empty for that itself.
    pub(in crate::commands) path: String,
    /// What a link leads to.
    target: String,
    /// Whether the path is not UTF-8, so that it cannot be told to an agent.
    pub(in crate::commands) is_lossy: bool,
}

const FIELDS: usize = 8;

impl Entry {
    /// What `find` is asked to print.
    pub(super) const FORMAT: &'static str = r"%y\0%m\0%s\0%T@\0%u\0%g\0%P\0%l\0";

    /// Reads all that it has printed. `None`: that is something else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Vec<Self>> {
        if bytes.is_empty() {
            return Some(Vec::new());
        }
        let fields: Vec<&[u8]> = bytes.strip_suffix(b"\0")?.split(|&byte| byte == 0).collect();
        if !fields.len().is_multiple_of(FIELDS) {
            return None;
        }
        fields.chunks(FIELDS).map(Self::parse_one).collect()
    }

    fn parse_one(fields: &[&[u8]]) -> Option<Self> {
        let text =
            |at: usize| String::from_utf8_lossy(fields.get(at).copied().unwrap_or_default()).into_owned();
        Some(Self {
            kind: text(0).chars().next()?,
            mode: u32::from_str_radix(&text(1), 8).ok()?,
            size: text(2).parse().ok()?,
            modified: text(3),
            user: text(4),
            group: text(5),
            is_lossy: std::str::from_utf8(fields.get(6)?).is_err(),
            path: text(6),
            target: text(7),
        })
    }

    /// Its kind and mode, as `ls -l` has them.
    pub(super) fn mode_text(&self) -> String {
        let kind = if self.kind == 'f' { '-' } else { self.kind };
        let bits = (0..9).rev().map(|bit| match (self.mode >> bit & 1, bit % 3) {
            (0, _) => '-',
            (_, 2) => 'r',
            (_, 1) => 'w',
            _ => 'x',
        });
        let mut text: Vec<char> = std::iter::once(kind).chain(bits).collect();
        for (bit, at, letter) in [(0o4000, 3, 's'), (0o2000, 6, 's'), (0o1000, 9, 't')] {
            if self.mode & bit != 0 {
                text[at] = if text[at] == 'x' { letter } else { letter.to_ascii_uppercase() };
            }
        }
        escape::text(&text.into_iter().collect::<String>()).into_owned()
    }

    /// When it was changed, to the second.
    pub(super) fn modified_text(&self) -> String {
        let seconds = self.modified.split('.').next().and_then(|seconds| seconds.parse::<i64>().ok());
        let time = seconds.and_then(|seconds| units::time(seconds.saturating_mul(1_000_000_000)));
        time.unwrap_or_else(|| escape::text(&self.modified).into_owned())
    }

    /// Its name, and where it leads.
    pub(super) fn name(&self) -> String {
        let name = escape::text(&self.path);
        match self.kind {
            'l' => format!("{name} -> {}", escape::text(&self.target)),
            'd' => format!("{}/", name.trim_end_matches('/')),
            _ => name.into_owned(),
        }
    }

    pub(super) fn document(&self) -> Value {
        let kind = match self.kind {
            'f' => "file",
            'd' => "directory",
            'l' => "link",
            'c' => "character device",
            'b' => "block device",
            'p' => "pipe",
            's' => "socket",
            _ => "other",
        };
        json!({
            "name": self.path,
            "type": kind,
            "mode": format!("{:04o}", self.mode),
            "size": self.size,
            "modified": self.modified.parse::<f64>().ok(),
            "user": self.user,
            "group": self.group,
            "target": (self.kind == 'l').then_some(&self.target),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_find_prints_is_read() {
        let text = b"d\x00755\x004096\x001700000000.5\x00root\x00root\x00\x00\x00\
            l\x00777\x003\x00-1.0\x00u\x00g\x00a\nb\x00c\x00";
        let entries = Entry::parse(text).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].mode_text(), "drwxr-xr-x");
        assert_eq!(entries[0].modified_text(), "2023-11-14T22:13:20Z");
        assert_eq!(entries[1].name(), "a\\nb -> c");
        assert_eq!(Entry::parse(b""), Some(vec![]));
        for text in
            [&b"x"[..], b"d\0", b"d\x00999\x001\x001\x00u\x00g\x00n\x00\x00", b"a\0b\0c\0d\0e\0f\0g\0h\0"]
        {
            assert_eq!(Entry::parse(text), None);
        }
    }

    #[test]
    fn modes_are_shown_as_ls_does() {
        let entry = Entry::parse(b"f\x007644\x001\x000\x00u\x00g\x00n\x00\x00").unwrap().remove(0);
        assert_eq!(entry.mode_text(), "-rwSr-Sr-T");
    }
}
