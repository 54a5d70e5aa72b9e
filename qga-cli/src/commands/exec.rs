//! `qga exec`: a program of the guest, as if it were one of here.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use qga_proto::commands::GuestGetOsinfo;
use qga_proto::exec::{Capture, End, Exec, Fate, Outcome, Reason, Started, windows};
use qga_std::ExecError;
use serde_json::{Map, Value, json};

use super::Done;
use super::files::bytes::base64;
use crate::cli::{Cli, LONGEST};
use crate::error::{Failure, Kind, reason};
use crate::guests::Guests;
use crate::output::{self, escape};
use crate::signals;
use crate::streams::{self, Input, Patience};
use crate::work::{self, Stopped, Work};

mod start;
use start::{START_GRACE, start};

/// Run a program in the guest, as if it were run here
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What the program printed comes when it has ended, not before; the agent keeps
16 MiB of each stream, and it is told when there was more. It goes to standard
output and standard error as it is; where that is a terminal, what a terminal
could obey is shown instead.

Exit codes: that of the program; 128 + N if signal N killed it; 124 if the
deadline passed; 2 if the command line makes no sense, and nothing was sent;
125 for all else that is not the program's: it could not be started, the
connection was lost... Without -t the program may take as long as it likes, but
must be started after 10 seconds.

When the deadline passes, or on a signal (Ctrl-C), the program runs on and its
number is told, unless there is --kill.

  qga -c ADDRESS exec -- ls -l /
  qga -c ADDRESS exec --shell 'df -h | tail -n 3'
  qga -c ADDRESS -t 60 exec --kill -i dump.sql -- mysql shop
  qga -c ADDRESS exec --detach -- /opt/backup      (prints the number)
  qga -c ADDRESS exec --attach 1234                (waits for it)")]
pub(crate) struct Args {
    /// Set a variable; with any, the program has these only, also no PATH and HOME but those given here
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// What it reads from its standard input: a file of here, or '-' for standard input [default: nothing]
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Both streams in one, in the order in which they were written, where the agent can (since QEMU 8.1, not on Windows)
    #[arg(long, conflicts_with = "detach")]
    merge: bool,

    /// Let a shell of the guest read the words as a command line: /bin/sh, on Windows PowerShell
    #[arg(long)]
    shell: bool,

    /// Print its number and do not wait for its end
    #[arg(long, conflicts_with = "kill")]
    detach: bool,

    /// Kill it, with all that it has started, when the deadline passes or a signal comes
    #[arg(long)]
    kill: bool,

    /// Wait for the program of this number, which was started before
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["env", "input", "merge", "shell", "detach", "words"])]
    attach: Option<i64>,

    /// The program and its arguments
    #[arg(
        value_name = "PROGRAM",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required_unless_present = "attach"
    )]
    words: Vec<String>,
}

const DEADLINE_PASSED: u8 = 124;
const OUR_FAILURE: u8 = 125;

/// How long starting a program may take, where the deadline does not say; more where there is input to bring.
const START_TIME: Duration = Duration::from_secs(10);
const START_TIME_PER_MIB: Duration = Duration::from_secs(1);

/// How much input, in MiB, is more than goes at once.
const MUCH_MIB: usize = 4;

/// How much input is taken: it is held in memory, and as base64 once more.
const MOST_INPUT: usize = 1 << 30;

/// How long putting things in order may take: killing a program, with what it started, in two steps.
const TIDY_TIME: Duration = Duration::from_secs(8);

/// How it went.
enum Ended {
    /// It was started, and is not waited for.
    Detached(Started),
    Outcome(Outcome),
    /// It was killed when the deadline passed.
    Killed(Option<Box<Outcome>>, Failure),
}

pub(super) fn run(cli: &Cli, args: &Args) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("exec")?;
    let ended = work::with_guest(cli, &guest, LONGEST, |work| perform(work, cli, args));
    match ended.map_err(|failure| failure.exit_with(OUR_FAILURE))? {
        Ended::Detached(started) if cli.json => Ok(output::document(&json!({ "pid": started.pid })).into()),
        Ended::Detached(started) => Ok(format!("{}\n", started.pid).into()),
        Ended::Outcome(outcome) => {
            let text = show(cli, args, &outcome)?;
            let code = exit_code(outcome.end);
            let failure = (code != 0).then(|| Failure::new(Kind::Program, outcome.end.to_string()));
            Ok(Done { text, failure: failure.map(|failure| failure.exit_with(code)) })
        }
        Ended::Killed(outcome, failure) => {
            let text = outcome.map_or(Ok(String::new()), |outcome| show(cli, args, &outcome))?;
            Ok(Done { text, failure: Some(failure.exit_with(OUR_FAILURE)) })
        }
    }
}

/// Starts the program, and waits for it.
fn perform(work: &mut Work, cli: &Cli, args: &Args) -> Result<Ended, Failure> {
    work.set_grace(START_GRACE + TIDY_TIME + Duration::from_secs(1));
    let input = args.input.as_deref().map(|path| read_input(work, path)).transpose()?;
    let started = match args.attach {
        Some(pid) => Started::from(pid),
        None => {
            let size = input.as_ref().map_or(0, Vec::len) >> 20;
            let exec = program(work, args, input)?;
            let time = START_TIME + START_TIME_PER_MIB * u32::try_from(size).unwrap_or(u32::MAX);
            start(work, cli, &exec, cli.timeout.is_none().then_some(time), size > MUCH_MIB)?
        }
    };
    // Nobody may be told otherwise, if a second signal comes at once.
    signals::set_debt(Some(runs_on(work, started.pid).told(cli.json)));
    // Behind a signal nothing would be printed.
    if args.detach && !work.is_stopped() {
        return Ok(Ended::Detached(started));
    }
    let is_killed = args.kill;
    let result = work.run(async |session, deadline| match is_killed {
        true => session.wait_or_kill(started, deadline).await,
        false => session.wait(started, deadline).await,
    });
    if result.is_ok() {
        signals::set_debt(None);
    }
    match result {
        Ok(Ok(outcome)) => Ok(Ended::Outcome(outcome)),
        Ok(Err(mut error)) => {
            let outcome = error.outcome.take();
            let failure = explain(work, &error);
            if outcome.is_some() { Ok(Ended::Killed(outcome, failure)) } else { Err(failure) }
        }
        Err(Stopped) => Err(stop(work, started, is_killed)),
    }
}

/// What is to be run.
fn program(work: &mut Work, args: &Args, input: Option<Vec<u8>>) -> Result<Exec, Failure> {
    let mut exec = match args.words.split_first() {
        Some(_) if args.shell => shell(work, &args.words.join(" "))?,
        Some((program, arguments)) => Exec::new(program).args(arguments),
        None => return Err(Failure::usage("there is no program")),
    };
    for (name, value) in &args.env {
        exec = exec.env(name, value);
    }
    if let Some(input) = input {
        exec = exec.input(input);
    }
    let capture = if args.merge { Capture::Merged } else { Capture::Separated };
    Ok(exec.capture(capture))
}

/// A shell of the guest, for a command line.
fn shell(work: &mut Work, line: &str) -> Result<Exec, Failure> {
    let os = work.run(async |session, deadline| {
        let until = deadline.min(session.deadline(START_TIME));
        session.call_until(&GuestGetOsinfo::new(), until).await
    })?;
    match os {
        Ok(os) if os.id.as_deref() == Some("mswindows") => windows::powershell(line, windows::CodePage::Utf8)
            .map_err(|unfit| Failure::usage(unfit.to_string())),
        // Who refuses it is older, or another: none with Windows.
        Ok(_) | Err(qga_std::Error::Refused(_)) => Ok(Exec::new("/bin/sh").args(["-c", line])),
        Err(error) => Err(work_failure(work, &error)),
    }
}

/// A signal has come while the program was waited for. That it runs on is the debt until it does not.
fn stop(work: &mut Work, started: Started, is_killed: bool) -> Failure {
    let pid = started.pid;
    if !is_killed {
        return runs_on(work, pid);
    }
    let result = work.tidy(TIDY_TIME, async |session, deadline| session.kill(pid, deadline).await);
    result.map_or_else(|error| unfinished(work, pid, error.to_string()), |_| Stopped.into())
}

/// What is to be said if nobody waits for the program any more.
fn runs_on(work: &Work, pid: i64) -> Failure {
    unfinished(work, pid, format!("the program runs on, as process {pid} of the guest"))
}

fn unfinished(work: &Work, pid: i64, message: String) -> Failure {
    let failure = Failure::new(Kind::Failed, message).at(work.address()).detail("pid", pid);
    failure.advise(format!("'qga exec --attach {pid}' waits for it"))
}

/// A failure, as the user is told.
fn explain(work: &mut Work, error: &ExecError) -> Failure {
    let is_of_program =
        |call: &qga_std::Error| call.refusal().is_some_and(|refusal| !refusal.is_command_not_found());
    let failure = match (&error.reason, error.call()) {
        // That is no matter of programs: no connection, a frozen guest, a command that is disabled.
        (Reason::NotStarted(call), _) if !is_of_program(call) => work_failure(work, call),
        (_, call) => Failure::new(kind(error, call), error.to_string()).at(work.address()),
    };
    let failure = match (error.pid, error.may_run()) {
        (Some(pid), true) if error.fate != Fate::Ended => {
            failure.detail("pid", pid).advise(format!("'qga exec --attach {pid}' waits for it"))
        }
        (Some(pid), _) => failure.detail("pid", pid),
        _ => failure,
    };
    let failure = failure.detail("may_run", error.may_run());
    let is_late = error.is_timeout() || failure.kind() == Kind::Deadline;
    failure.exit_with(if is_late { DEADLINE_PASSED } else { OUR_FAILURE })
}

fn work_failure(work: &mut Work, error: &qga_std::Error) -> Failure {
    coded(work.explain(error, false))
}

/// With the exit code of what is not the program's.
fn coded(failure: Failure) -> Failure {
    let is_late = failure.kind() == Kind::Deadline;
    failure.exit_with(if is_late { DEADLINE_PASSED } else { OUR_FAILURE })
}

fn kind(error: &ExecError, call: Option<&qga_std::Error>) -> Kind {
    match call {
        _ if error.is_timeout() => Kind::Deadline,
        Some(qga_std::Error::Refused(_)) => Kind::Refused,
        Some(qga_std::Error::Protocol(_) | qga_std::Error::ReplyTooLong { .. }) => Kind::Protocol,
        Some(call) if call.is_connection_lost() => Kind::Connection,
        _ if matches!(error.reason, Reason::Misuse(_)) => Kind::Usage,
        _ => Kind::Failed,
    }
}

/// What the program passes on: a code of Windows that does not fit keeps its last byte, but is never taken for success.
fn exit_code(end: End) -> u8 {
    match end {
        End::Exit(0) => 0,
        End::Exit(code) => u8::try_from(code & 0xFF).map_or(OUR_FAILURE, |code| code.max(1)),
        End::Signal(signal @ 0..=127) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        End::Signal(_) => u8::MAX,
        _ => OUR_FAILURE,
    }
}

/// Shows an outcome: as a document, which is given back, or as its output.
fn show(cli: &Cli, args: &Args, outcome: &Outcome) -> Result<String, Failure> {
    if cli.json {
        return Ok(output::document(&document(outcome)));
    }
    write(&mut io::stdout().lock(), &outcome.stdout, "output")?;
    write(&mut io::stderr().lock(), &outcome.stderr, "error")?;
    for (name, is_cut) in [("output", outcome.stdout_truncated), ("error", outcome.stderr_truncated)] {
        if is_cut {
            output::print_error(&format!("qga: the agent keeps 16 MiB of standard {name}; the rest is lost"));
        }
    }
    if args.merge && outcome.capture != Capture::Merged {
        output::print_error("qga: this agent cannot put both streams into one; they are separate");
    }
    Ok(String::new())
}

/// Writes what the program has written: as it is, or for a terminal so that it does no harm.
fn write(stream: &mut (impl Write + IsTerminal), bytes: &[u8], name: &str) -> Result<(), Failure> {
    let result = if stream.is_terminal() {
        stream.write_all(escape::printed(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        stream.write_all(bytes)
    };
    match result.and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard {name}: {}", reason(&error));
            Err(Failure::new(Kind::Output, message).exit_with(OUR_FAILURE))
        }
        _ => Ok(()),
    }
}

fn document(outcome: &Outcome) -> Value {
    let mut document = Map::new();
    document.insert("pid".into(), outcome.pid.into());
    match outcome.end {
        End::Exit(code) => document.insert("exit_code".into(), code.into()),
        End::Signal(signal) => document.insert("signal".into(), signal.into()),
        _ => None,
    };
    for (name, bytes) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        match std::str::from_utf8(bytes) {
            Ok(text) => document.insert(name.into(), text.into()),
            Err(_) => document.insert(format!("{name}_base64"), base64(bytes)),
        };
    }
    document.insert("stdout_truncated".into(), outcome.stdout_truncated.into());
    document.insert("stderr_truncated".into(), outcome.stderr_truncated.into());
    document.insert("merged".into(), (outcome.capture == Capture::Merged).into());
    document.into()
}

/// Reads what the program is to read, all of it: it goes to the guest at once. It is waited for until a signal or the
/// deadline.
fn read_input(work: &Work, path: &Path) -> Result<Vec<u8>, Failure> {
    let patience = Patience::of(work);
    let read = match path.to_str() {
        Some("-") => Input::new(io::stdin(), patience).read_all(MOST_INPUT),
        _ => Input::open(path, patience).and_then(|mut input| input.read_all(MOST_INPUT)),
    };
    let what = format!("cannot read {}", path.display());
    read.map_err(|error| coded(streams::failure(Kind::Usage, &what, &error)))
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on() {
        for (end, code) in [
            (End::Exit(0), 0),
            (End::Exit(7), 7),
            (End::Exit(255), 255),
            (End::Exit(256), 1),
            (End::Exit(0x8000_0002), 2),
            (End::Signal(9), 137),
            (End::Signal(64), 192),
            (End::Signal(0xC000_0005), 255),
            (End::Untold, 125),
        ] {
            assert_eq!(exit_code(end), code, "{end}");
        }
    }

    #[test]
    fn variables() {
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(variable("A="), Ok(("A".into(), String::new())));
        assert!(variable("A").is_err() && variable("=a").is_err());
    }
}
