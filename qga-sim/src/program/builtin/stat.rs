//! `stat -c FORMAT` and `stat --printf FORMAT`.

use super::arguments::Syntax;
use super::{Invocation, Run};
use crate::files::{FileKind, LastLink, Metadata, Node};

pub(super) fn stat(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax {
        program: "stat",
        flags: "L",
        values: "cp",
        long: &[("dereference", 'L'), ("format", 'c'), ("printf", 'p')],
    };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) if given.operands.is_empty() => return syntax.misused("missing operand"),
        Ok(given) => given,
        Err(run) => return run,
    };
    let Some(&(option, format)) = given.values.last() else {
        return Run::new().complain("stat", "this simulated guest needs a format, -c or --printf");
    };
    let (format, end) = match option {
        'c' => (format.to_owned(), "\n"),
        _ => (unescape(format), ""),
    };
    let last = if given.has('L') { LastLink::Follow } else { LastLink::Keep };
    let mut run = Run::new();
    for path in given.operands.iter().copied() {
        run = match invocation.files.get(path, last).map(Node::metadata) {
            Ok(metadata) => match fill(&format, path, metadata) {
                Ok(text) => run.stdout(text + end),
                Err(letter) => {
                    let what = format_args!("this simulated guest does not know the directive '%{letter}'");
                    return Run::new().complain("stat", what);
                }
            },
            Err(error) => run.complain("stat", format_args!("cannot statx '{path}': {error}")),
        };
    }
    run
}

fn fill(format: &str, path: &str, metadata: Metadata) -> Result<String, char> {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let seconds = || metadata.modified.as_secs().to_string();
        text += &match letters.next().unwrap_or('%') {
            '%' => "%".to_owned(),
            'a' => format!("{:o}", metadata.mode),
            'f' => format!("{:x}", kind_bits(metadata.kind) | metadata.mode),
            'F' => kind_name(metadata).to_owned(),
            'g' | 'u' => "0".to_owned(),
            'G' | 'U' => "root".to_owned(),
            'n' => path.to_owned(),
            's' => metadata.size.to_string(),
            'X' | 'Y' | 'Z' => seconds(),
            unknown => return Err(unknown),
        };
    }
    Ok(text)
}

fn kind_bits(kind: FileKind) -> u32 {
    match kind {
        FileKind::File => 0o100_000,
        FileKind::Directory => 0o040_000,
        FileKind::Link => 0o120_000,
        FileKind::Device => 0o020_000,
    }
}

fn kind_name(metadata: Metadata) -> &'static str {
    match metadata.kind {
        FileKind::File if metadata.size == 0 => "regular empty file",
        FileKind::File => "regular file",
        FileKind::Directory => "directory",
        FileKind::Link => "symbolic link",
        FileKind::Device => "character special file",
    }
}

/// What `\n`, `\0` and so on stand for. An escape that is not known stays.
pub(super) fn unescape(format: &str) -> String {
    let mut text = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = match (letter, letters.peek()) {
            ('\\', Some('0')) => '\0',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            _ => {
                text.push(letter);
                continue;
            }
        };
        letters.next();
        text.push(escaped);
    }
    text
}
