//! `kill`, and `taskkill` of Windows.

use super::{Invocation, Run};

/// The signals' names, from 1 on.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
];

/// SIGTERM.
const DEFAULT: u8 = 15;

/// What Windows says of a process that there is not.
const NOT_FOUND: u8 = 128;

pub(super) fn kill(invocation: &mut Invocation<'_>) -> Run {
    let unknown = |text: &str| Run::new().complain("kill", format_args!("unknown signal: {text}"));
    let mut rest = invocation.arguments;
    let mut signal = DEFAULT;
    if let [option, behind @ ..] = rest {
        let (text, behind) = match (option.as_str(), behind) {
            ("--", behind) => (None, behind),
            ("-s" | "-n" | "--signal", [text, behind @ ..]) => (Some(text.as_str()), behind),
            (option, behind) if option.starts_with('-') => (Some(&option[1..]), behind),
            _ => (None, rest),
        };
        rest = behind;
        if let Some(text) = text {
            let Some(number) = read_signal(text) else { return unknown(text) };
            signal = number;
        }
    }
    if rest.first().is_some_and(|word| word == "--") {
        rest = &rest[1..];
    }
    if rest.is_empty() {
        return Run::new().complain("kill", "not enough arguments");
    }
    rest.iter().fold(Run::new(), |run, text| match text.parse::<i64>() {
        // Groups of processes there are none, and it would be the agent that had started them.
        Ok(pid) if pid > 0 => match invocation.kill(pid, signal) {
            Ok(()) => run,
            Err(error) => run.complain("kill", format_args!("({pid}): {error}")),
        },
        Ok(pid) => run.complain("kill", format_args!("({pid}): No such process")),
        Err(_) => run.complain("kill", format_args!("failed to parse argument: '{text}'")),
    })
}

fn read_signal(text: &str) -> Option<u8> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let known = NAMES.iter().position(|known| *known == name).map(|at| at as u8 + 1);
    known.or_else(|| text.parse().ok().filter(|number| *number <= 64))
}

/// Takes `/PID`, `/T` and `/F`. No process has children here, so `/T` finds none.
pub(super) fn taskkill(invocation: &mut Invocation<'_>) -> Run {
    let fail = |text: String, code| Run::new().stderr(text).exit_code(code);
    let (mut pids, mut is_forced) = (Vec::new(), false);
    let mut rest = invocation.arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_ascii_uppercase().as_str() {
            "/F" => is_forced = true,
            "/T" => {}
            "/PID" => match rest.next().and_then(|text| text.parse::<i64>().ok()) {
                Some(pid) => pids.push(pid),
                None => return fail("ERROR: Invalid syntax. Value expected for '/PID'.\r\n".into(), 1),
            },
            _ => {
                let text = format!("ERROR: Invalid argument/option - '{argument}'.\r\n");
                return fail(text, 1);
            }
        }
    }
    if pids.is_empty() {
        return fail("ERROR: Invalid syntax. Neither /FI nor /PID nor /IM were specified.\r\n".into(), 1);
    }
    pids.into_iter().fold(Run::new(), |run, pid| {
        if !is_forced {
            let text = format!(
                "ERROR: The process with PID {pid} could not be terminated.\r\n\
                 Reason: This process can only be terminated forcefully (with /F option).\r\n"
            );
            return run.stderr(text).exit_code(1);
        }
        match invocation.terminate(pid, 1) {
            Ok(()) => run.stdout(format!("SUCCESS: The process with PID {pid} has been terminated.\r\n")),
            Err(_) => run.stderr(format!("ERROR: The process \"{pid}\" not found.\r\n")).exit_code(NOT_FOUND),
        }
    })
}
