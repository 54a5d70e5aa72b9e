//! The programs that every guest has: those whose behaviour is simple enough to be right. There is no shell.

use std::time::Duration;

use super::{Invocation, Run};

type Function = fn(&Invocation<'_>) -> Run;

/// By name.
pub(crate) const BUILTINS: [(&str, Function); 6] =
    [("cat", cat), ("echo", echo), ("env", env), ("false", fail), ("sleep", sleep), ("true", succeed)];

fn cat(invocation: &Invocation<'_>) -> Run {
    let mut run = Run::new();
    if invocation.arguments.is_empty() {
        return run.stdout(invocation.input);
    }
    for path in invocation.arguments {
        run = match invocation.files.content(path) {
            _ if path == "-" => run.stdout(invocation.input),
            Ok(content) => run.stdout(content),
            Err(error) => run.stderr(format!("cat: {path}: {error}\n")).exit_code(1),
        };
    }
    run
}

fn echo(invocation: &Invocation<'_>) -> Run {
    match invocation.arguments {
        [option, words @ ..] if option == "-n" => Run::new().stdout(words.join(" ")),
        words => Run::new().stdout(words.join(" ") + "\n"),
    }
}

fn env(invocation: &Invocation<'_>) -> Run {
    let lines = invocation.environment.iter().flat_map(|variable| [variable.as_str(), "\n"]);
    Run::new().stdout(lines.collect::<String>())
}

fn fail(_: &Invocation<'_>) -> Run {
    Run::new().exit_code(1)
}

fn sleep(invocation: &Invocation<'_>) -> Run {
    let fail = |message: String| Run::new().stderr(message).exit_code(1);
    if invocation.arguments.is_empty() {
        return fail("sleep: missing operand\n".into());
    }
    let mut time = Duration::ZERO;
    for argument in invocation.arguments {
        let seconds = argument.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match seconds {
            Some(seconds) => time = time.saturating_add(seconds),
            None => return fail(format!("sleep: invalid time interval '{argument}'\n")),
        }
    }
    Run::new().time(time)
}

fn succeed(_: &Invocation<'_>) -> Run {
    Run::new()
}
