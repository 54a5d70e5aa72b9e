//! `cmd.exe /c` of Windows, with the few commands that are simple enough to be right.

use super::{Invocation, Run};

/// What has a meaning of its own on a command line, and none here.
const SPECIAL: [char; 9] = ['&', '|', '<', '>', '^', '%', '"', '*', '?'];

/// What Windows says of a name that it does not know, and all that this is not up to: never silence.
const UNKNOWN: &str =
    "is not recognized as an internal or external command,\r\noperable program or batch file.\r\n";

/// Takes `/c` with `exit`, `echo` or `del`; of what stands before `/c` nothing matters to these.
pub(super) fn cmd(invocation: &mut Invocation<'_>) -> Run {
    let arguments = invocation.arguments;
    let Some(at) = arguments.iter().position(|argument| argument.eq_ignore_ascii_case("/c")) else {
        return fail("'cmd' without /c");
    };
    // Windows hands on one line.
    let line = arguments[at + 1..].join(" ");
    let line = line.trim_start();
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    match name.to_ascii_lowercase().as_str() {
        _ if line.contains(SPECIAL) => fail(&format!("'{line}'")),
        // These two switch something.
        "echo" if ["", "on", "off"].iter().all(|word| !rest.trim().eq_ignore_ascii_case(word)) => {
            Run::new().stdout(format!("{rest}\r\n"))
        }
        "exit" => exit(rest),
        "del" | "erase" => delete(invocation, rest),
        _ => fail(&format!("'{name}'")),
    }
}

fn exit(rest: &str) -> Run {
    let mut words = rest.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("/b"));
    match words.next().map_or(Ok(0), str::parse) {
        Ok(code) => Run::new().exit_code(code),
        Err(_) => fail(&format!("'exit {rest}'")),
    }
}

/// What is not there is complained of, and no failure, as on Windows.
fn delete(invocation: &mut Invocation<'_>, rest: &str) -> Run {
    let is_option = |word: &&str| ["/f", "/q"].iter().any(|option| word.eq_ignore_ascii_case(option));
    let paths: Vec<_> = rest.split_whitespace().filter(|word| !is_option(word)).collect();
    if paths.is_empty() || paths.iter().any(|path| path.starts_with('/')) {
        return fail(&format!("'del {rest}'"));
    }
    paths.into_iter().fold(Run::new(), |run, path| match invocation.remove_file(path) {
        Ok(()) => run,
        Err(_) => run.stderr(format!("Could Not Find {path}\r\n")),
    })
}

fn fail(what: &str) -> Run {
    Run::new().stderr(format!("{what} {UNKNOWN}")).exit_code(1)
}
