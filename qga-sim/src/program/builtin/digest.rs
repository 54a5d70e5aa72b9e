//! `sha256sum`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::arguments::Syntax;
use super::{Invocation, Run};

pub(super) fn sha256sum(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax {
        program: "sha256sum",
        flags: "btz",
        values: "",
        long: &[("binary", 'b'), ("text", 't'), ("zero", 'z')],
    };
    let mut given = match syntax.parse(invocation.arguments) {
        Ok(given) => given,
        Err(run) => return run,
    };
    if given.operands.is_empty() {
        given.operands.push("-");
    }
    let mark = if given.flags.iter().rfind(|flag| **flag != 'z') == Some(&'b') { '*' } else { ' ' };
    let mut run = Run::new();
    for path in given.operands.iter().copied() {
        let content = if path == "-" { Ok(invocation.input) } else { invocation.files.content(path) };
        run = match content {
            Ok(content) => run.stdout(line(content, path, mark, given.has('z'))),
            Err(error) => run.complain("sha256sum", format_args!("{path}: {error}")),
        };
    }
    run
}

/// A name that would break the line is written with backslashes, which a backslash before the digest says.
fn line(content: &[u8], path: &str, mark: char, ends_in_nul: bool) -> String {
    let is_escaped = !ends_in_nul && path.contains(['\\', '\n', '\r']);
    let name = match is_escaped {
        true => path.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"),
        false => path.to_owned(),
    };
    let mut line = String::from(if is_escaped { "\\" } else { "" });
    for byte in Sha256::digest(content) {
        // A `String` takes all.
        let _ = write!(line, "{byte:02x}");
    }
    line.extend([' ', mark]);
    line + &name + if ends_in_nul { "\0" } else { "\n" }
}
