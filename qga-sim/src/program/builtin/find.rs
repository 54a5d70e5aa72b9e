//! `find`, with the few tests and actions by which a client lists files.

use super::stat::unescape;
use super::{Invocation, Run};
use crate::files::{Content, FileKind, LastLink, Metadata};

/// What is to be found, and what is said of it.
struct Search<'a> {
    starts: Vec<&'a str>,
    depth: std::ops::RangeInclusive<usize>,
    kind: Option<char>,
    action: Action,
}

enum Action {
    /// The path, and what ends it.
    Print(char),
    Printf(String),
}

pub(super) fn find(invocation: &mut Invocation<'_>) -> Run {
    let search = match Search::parse(invocation.arguments) {
        Ok(search) => search,
        Err(what) => return Run::new().complain("find", what),
    };
    let mut run = Run::new();
    for start in &search.starts {
        // Depth first, in the order of names: the next one is at the end.
        let mut found = vec![((*start).to_owned(), 0)];
        while let Some((path, depth)) = found.pop() {
            let node = match invocation.files.get(&path, LastLink::Keep) {
                Ok(node) => node,
                Err(error) => {
                    run = run.complain("find", format_args!("‘{path}’: {error}"));
                    continue;
                }
            };
            let metadata = node.metadata();
            let is_chosen = search.kind.is_none_or(|kind| kind == letter(metadata.kind));
            if search.depth.contains(&depth) && is_chosen {
                let target = if let Content::Link(target) = &node.content { target } else { "" };
                let entry = Entry { start, path: &path, depth, metadata, target };
                run = match search.action.text(&entry) {
                    Ok(text) => run.stdout(text),
                    Err(what) => return Run::new().complain("find", what),
                };
            }
            if metadata.kind == FileKind::Directory && depth < *search.depth.end() {
                let names = invocation.list(&path).unwrap_or_default();
                let below = |name| (format!("{}/{name}", path.trim_end_matches('/')), depth + 1);
                found.extend(names.into_iter().rev().map(below));
            }
        }
    }
    run
}

impl<'a> Search<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut search =
            Self { starts: Vec::new(), depth: 0..=usize::MAX, kind: None, action: Action::Print('\n') };
        let mut rest = arguments.iter().map(String::as_str).peekable();
        rest.next_if(|word| ["-P", "--"].contains(word));
        while let Some(start) = rest.next_if(|word| !word.starts_with('-')) {
            search.starts.push(start);
        }
        if search.starts.is_empty() {
            search.starts.push(".");
        }
        while let Some(word) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("missing argument to `{word}'"));
            let number = |text: &str| {
                let expected = "Expected a positive decimal integer argument to";
                text.parse::<usize>().map_err(|_| format!("{expected} {word}, but got ‘{text}’"))
            };
            match word {
                "-mindepth" => search.depth = number(value()?)?..=*search.depth.end(),
                "-maxdepth" => search.depth = *search.depth.start()..=number(value()?)?,
                "-type" => match value()? {
                    kind @ ("f" | "d" | "l" | "c") => search.kind = kind.chars().next(),
                    kind => return Err(format!("Unknown argument to -type: {kind}")),
                },
                "-print" => search.action = Action::Print('\n'),
                "-print0" => search.action = Action::Print('\0'),
                "-printf" => search.action = Action::Printf(unescape(value()?)),
                word => return Err(format!("this simulated guest does not know `{word}'")),
            }
        }
        Ok(search)
    }
}

/// Something that was found.
struct Entry<'a> {
    start: &'a str,
    path: &'a str,
    depth: usize,
    metadata: Metadata,
    target: &'a str,
}

impl Action {
    fn text(&self, entry: &Entry<'_>) -> Result<String, String> {
        match self {
            Self::Print(end) => Ok(format!("{}{end}", entry.path)),
            Self::Printf(format) => entry.fill(format),
        }
    }
}

impl Entry<'_> {
    fn fill(&self, format: &str) -> Result<String, String> {
        let Metadata { size, mode, modified, .. } = self.metadata;
        let mut text = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            text += &match letters.next().unwrap_or('%') {
                '%' => "%".to_owned(),
                'd' => self.depth.to_string(),
                'f' => self.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
                'g' | 'u' => "root".to_owned(),
                'G' | 'U' => "0".to_owned(),
                'l' => self.target.to_owned(),
                'm' => format!("{mode:o}"),
                'p' => self.path.to_owned(),
                'P' => self.path[self.start.len()..].trim_start_matches('/').to_owned(),
                's' => size.to_string(),
                'T' if letters.next() == Some('@') => {
                    format!("{}.{:09}0", modified.as_secs(), modified.subsec_nanos())
                }
                'y' => letter_of(self.metadata),
                unknown => {
                    return Err(format!("this simulated guest does not know the directive `%{unknown}'"));
                }
            };
        }
        Ok(text)
    }
}

fn letter_of(metadata: Metadata) -> String {
    letter(metadata.kind).to_string()
}

fn letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => 'f',
        FileKind::Directory => 'd',
        FileKind::Link => 'l',
        FileKind::Device => 'c',
    }
}
