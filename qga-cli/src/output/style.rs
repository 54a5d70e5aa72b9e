//! A little colour, on terminals only.

use std::borrow::Cow;
use std::env;
use std::io::{IsTerminal, stderr, stdout};

/// Stands before and behind what is bold, until it is known whether that can be. No text has it: it would have been
/// escaped.
const MARK: char = '\u{2}';

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";

/// Marks the first line of a table: its heads.
pub(super) fn mark_first_line(text: &str) -> String {
    match text.split_once('\n') {
        Some((head, rest)) if stdout_has_style() => format!("{MARK}{head}{MARK}\n{rest}"),
        _ => text.to_owned(),
    }
}

/// Whether this is a mark, which is to be left where all else that is harmful is escaped.
pub(super) fn is_mark(c: char) -> bool {
    c == MARK
}

/// Makes what is marked bold, or only takes the marks out.
pub(super) fn apply(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let with = stdout_has_style();
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split(MARK).enumerate() {
        if with && at > 0 {
            out.push_str(if at % 2 == 1 { BOLD } else { PLAIN });
        }
        out.push_str(part);
    }
    if with && text.matches(MARK).count() % 2 == 1 {
        out.push_str(PLAIN);
    }
    Cow::Owned(out)
}

/// What an error line begins with, in red.
pub(super) fn error_line(line: &str) -> Cow<'_, str> {
    const NAME: &str = "qga:";

    match line.strip_prefix(NAME) {
        Some(rest) if has_style(stderr().is_terminal()) => format!("{RED}{NAME}{PLAIN}{rest}").into(),
        _ => line.into(),
    }
}

fn stdout_has_style() -> bool {
    has_style(stdout().is_terminal())
}

/// Whether a terminal wants colours: see no-color.org.
fn has_style(is_terminal: bool) -> bool {
    is_terminal && wants_colours()
}

/// Whether the environment does not say that there shall be no colours.
pub(crate) fn wants_colours() -> bool {
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_plain && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
