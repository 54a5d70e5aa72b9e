//! Commands that run programs.

use std::time::Duration;

use qga_proto::commands::GuestExecStatus;
use qga_proto::json::Str;
use qga_proto::owned;
use qga_proto::view::{GuestExecCaptureOutput, GuestExecCaptureOutputMode as CaptureMode};
use serde::Deserialize;

use crate::base64;
use crate::error::{Errno, Refusal};
use crate::files::LastLink;
use crate::guest::Guest;
use crate::processes::{Capture, Ended, Output, Status};
use crate::program::{End, Invocation, Program};
use crate::schema::Build;
use crate::value::Value;

/// `guest-exec`, with the base64 as it stands: the real agent takes more than what is well-formed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exec<'a> {
    path: String,
    #[serde(default)]
    arg: Vec<String>,
    env: Option<Vec<String>>,
    #[serde(borrow)]
    input_data: Option<Str<'a>>,
    #[serde(borrow)]
    capture_output: Option<GuestExecCaptureOutput<'a>>,
}

pub(super) fn start(guest: &mut Guest, exec: &Exec<'_>) -> Result<owned::GuestExec, Refusal> {
    let capture = exec.capture_output.map_or(Ok(Capture::default()), read_capture)?;
    let mut input = exec.input_data.map_or(Ok(Vec::new()), base64::decode)?;
    let environment = exec.env.as_ref().unwrap_or(&guest.environment);
    let path = [environment, &guest.environment].into_iter().find_map(|variables| search_path(variables));
    let build = guest.traits().build;
    let fail = |error: Errno| {
        let cause = format!("Failed to execute child process “{}” ({error})", exec.path);
        Refusal::new(match build.is_since(9, 1) {
            true => cause,
            false => format!("Guest agent command failed, error was '{cause}'"),
        })
    };
    let program = find(guest, &exec.path, path.unwrap_or_default()).map_err(fail)?.clone();
    // One stream alone makes the agent close a descriptor that is not its own, whenever it is asked for.
    let is_harmful = capture.out != capture.err;
    if guest.has_lost_descriptor {
        input.clear();
    }
    let mut run = program.run(&mut Invocation {
        arguments: &exec.arg,
        environment,
        input: &input,
        now: guest.now,
        files: &mut guest.files,
        processes: &mut guest.processes,
        depth: 0,
    });
    if is_harmful && std::mem::replace(&mut guest.has_lost_descriptor, true) {
        run = run.time(Duration::MAX);
    }
    guest.processes.start(&run, capture, guest.now).map(owned::GuestExec::new).map_err(fail)
}

pub(super) fn status(guest: &mut Guest, status: &GuestExecStatus) -> Result<Value, Refusal> {
    let build = guest.traits().build;
    match guest.processes.status(status.pid, guest.now) {
        // The real agent's words: it means to print the number.
        None if build.is_since(8, 2) => Err(Refusal::new("PID ld does not exist")),
        None => Err(Refusal::new("Invalid parameter 'pid'")),
        Some(Status::Running) => Ok(Value::object([("exited", Value::Bool(false))])),
        Some(Status::Ended(ended)) => Ok(report(&ended, tells_truncation(build))),
    }
}

/// Whether the agent says rightly that there was more output. It does since QEMU 10.2, and in the last ones of 7.2.
fn tells_truncation(build: Build) -> bool {
    build.is_since(10, 2) || build.release == (7, 2)
}

fn report(Ended { end, out, err }: &Ended, tells: bool) -> Value {
    let end = match *end {
        End::Exit(code) => ("exitcode", Value::Int(code)),
        End::Signal(signal) => ("signal", Value::Int(signal)),
    };
    let out = report_output(["out-data", "out-truncated"], out, tells);
    let err = report_output(["err-data", "err-truncated"], err, tells);
    Value::object([("exited", Value::Bool(true)), end].into_iter().chain(out).chain(err))
}

/// The bytes, if any, and whether there were more: an agent that does not tell rightly leaves out that there were not, and
/// says that there were not when there were.
fn report_output<'a>(
    [data, truncated]: [&'a str; 2],
    output: &Output,
    tells: bool,
) -> impl Iterator<Item = (&'a str, Value)> + use<'a> {
    let has_any = !output.bytes.is_empty();
    let flag = if tells { has_any.then_some(output.truncated) } else { output.truncated.then_some(false) };
    let bytes = has_any.then(|| (data, Value::Text(base64::encode(&output.bytes))));
    bytes.into_iter().chain(flag.map(|flag| (truncated, Value::Bool(flag))))
}

fn read_capture(capture: GuestExecCaptureOutput<'_>) -> Result<Capture, Refusal> {
    let (out, err, merged) = match capture {
        GuestExecCaptureOutput::Flag(both) => (both, both, false),
        GuestExecCaptureOutput::Mode(CaptureMode::None) => (false, false, false),
        GuestExecCaptureOutput::Mode(CaptureMode::Stdout) => (true, false, false),
        GuestExecCaptureOutput::Mode(CaptureMode::Stderr) => (false, true, false),
        GuestExecCaptureOutput::Mode(CaptureMode::Separated) => (true, true, false),
        GuestExecCaptureOutput::Mode(CaptureMode::Merged) => (false, false, true),
        GuestExecCaptureOutput::Mode(mode) => {
            return Err(Refusal::new(format!("Parameter 'capture-output' does not accept value '{mode}'")));
        }
        _ => return Err(Refusal::new("Invalid parameter type for 'capture-output'")),
    };
    Ok(Capture { out, err, merged })
}

/// The value of PATH.
fn search_path(environment: &[String]) -> Option<&str> {
    environment.iter().find_map(|variable| variable.strip_prefix("PATH="))
}

/// Finds a program: one without a slash in the directories of `search`. On Windows names need not end in `.exe`.
fn find<'a>(guest: &'a Guest, path: &str, search: &str) -> Result<&'a Program, Errno> {
    let (separators, between): (&[char], _) =
        if guest.is_windows() { (&['\\', '/'], ';') } else { (&['/'], ':') };
    if path.contains(separators) || path.is_empty() {
        return executable(guest, path);
    }
    let mut result = Err(Errno::NoEntry);
    for directory in search.split(between) {
        match executable(guest, &format!("{directory}/{path}")) {
            Ok(program) => return Ok(program),
            Err(Errno::Access) => result = Err(Errno::Access),
            Err(_) => {}
        }
    }
    result
}

fn executable<'a>(guest: &'a Guest, path: &str) -> Result<&'a Program, Errno> {
    let node = match guest.files.get(path, LastLink::Follow) {
        Err(Errno::NoEntry) if guest.is_windows() => {
            guest.files.get(&format!("{path}.exe"), LastLink::Follow)
        }
        node => node,
    };
    node?.program().ok_or(Errno::Access)
}
