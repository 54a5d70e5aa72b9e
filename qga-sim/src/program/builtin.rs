//! The programs that every guest has: those whose behaviour is simple enough to be right. There is no shell.

use std::time::Duration;

use super::{Invocation, Run};

mod arguments;
mod change;
mod cmd;
mod copy;
mod digest;
mod find;
mod mode;
mod signal;
mod stat;

#[cfg(feature = "toml")]
pub(crate) use mode::read_octal;

type Function = fn(&mut Invocation<'_>) -> Run;

/// Those of Linux by name.
pub(crate) const BUILTINS: [(&str, Function); 17] = [
    ("cat", cat),
    ("chmod", mode::chmod),
    ("cp", copy::cp),
    ("echo", echo),
    ("env", env),
    ("false", fail),
    ("find", find::find),
    ("kill", signal::kill),
    ("mkdir", change::mkdir),
    ("mv", change::mv),
    ("rm", change::rm),
    ("rmdir", change::rmdir),
    ("sha256sum", digest::sha256sum),
    ("sleep", sleep),
    ("stat", stat::stat),
    ("touch", change::touch),
    ("true", succeed),
];

/// Those of Windows.
pub(crate) const WINDOWS_BUILTINS: [(&str, Function); 2] =
    [("cmd.exe", cmd::cmd), ("taskkill.exe", signal::taskkill)];

impl Run {
    /// Complains, and fails in the end.
    fn complain(self, program: &str, what: impl std::fmt::Display) -> Self {
        self.stderr(format!("{program}: {what}\n")).exit_code(1)
    }
}

fn cat(invocation: &mut Invocation<'_>) -> Run {
    let mut run = Run::new();
    if invocation.arguments.is_empty() {
        return run.stdout(invocation.input);
    }
    for path in invocation.arguments {
        run = match invocation.files.content(path) {
            _ if path == "-" => run.stdout(invocation.input),
            Ok(content) => run.stdout(content),
            Err(error) => run.complain("cat", format_args!("{path}: {error}")),
        };
    }
    run
}

fn echo(invocation: &mut Invocation<'_>) -> Run {
    match invocation.arguments {
        [option, words @ ..] if option == "-n" => Run::new().stdout(words.join(" ")),
        words => Run::new().stdout(words.join(" ") + "\n"),
    }
}

fn env(invocation: &mut Invocation<'_>) -> Run {
    let lines = invocation.environment.iter().flat_map(|variable| [variable.as_str(), "\n"]);
    Run::new().stdout(lines.collect::<String>())
}

fn fail(_: &mut Invocation<'_>) -> Run {
    Run::new().exit_code(1)
}

fn sleep(invocation: &mut Invocation<'_>) -> Run {
    if invocation.arguments.is_empty() {
        return Run::new().complain("sleep", "missing operand");
    }
    let mut time = Duration::ZERO;
    for argument in invocation.arguments {
        let seconds = argument.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match seconds {
            Some(seconds) => time = time.saturating_add(seconds),
            None => {
                return Run::new().complain("sleep", format_args!("invalid time interval '{argument}'"));
            }
        }
    }
    Run::new().time(time)
}

fn succeed(_: &mut Invocation<'_>) -> Run {
    Run::new()
}
