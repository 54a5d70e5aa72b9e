//! `qga cat`, `qga ls`, `qga stat` and `qga rm`: what is done with files by small programs of the guest. What these print for
//! humans is never read: only what they are asked to print, with NUL between.

use qga_proto::exec::{Exec, Outcome};
use qga_proto::{Copied, CopyFrom};
use qga_std::{CopyError, ExecError, FileError, Writer};
use serde_json::{Map, Value, json};

use super::Done;
use crate::cli::{Cli, LONGEST};
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, Table, escape, units};
use crate::streams::{self, Patience};
use crate::work::{self, Work};

pub(super) mod bytes;
use bytes::Stdout;

pub(super) mod tidy;

mod entry;
pub(super) use entry::Entry;

/// Print files of the guest
#[derive(Debug, clap::Args)]
#[command(after_help = "\
They are printed as they are; where standard output is a terminal, what a
terminal could obey is shown instead. With --json, as text or in base64, of at
most 64 MiB. Files that do not tell their size (/proc) can be read.")]
pub(crate) struct Cat {
    /// Take no more than so many bytes, in all: 512, 100k, 20M, 3G
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    max: Option<u64>,

    /// Their paths; a colon before them is allowed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
}

/// List files of the guest
#[derive(Debug, clap::Args)]
#[command(after_help = NEEDS_FIND)]
pub(crate) struct Ls {
    /// What to list, a colon before it is allowed [default: /]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// Tell all about files of the guest
#[derive(Debug, clap::Args)]
#[command(after_help = NEEDS_FIND)]
pub(crate) struct Stat {
    /// Their paths; a colon before them is allowed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
}

/// Remove files of the guest
#[derive(Debug, clap::Args)]
#[command(
    after_help = "By rm in the guest, which refuses to remove everything. On Windows: qga exec --shell del ..."
)]
pub(crate) struct Rm {
    /// Remove folders with all that is in them
    #[arg(short, long)]
    recursive: bool,

    /// What is not there is no failure
    #[arg(short, long)]
    force: bool,

    /// Their paths; a colon before them is allowed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
}

/// What is said of guests that have another find, or none.
const NEEDS_FIND: &str = "\
Needs GNU's find in the guest. Elsewhere 'qga exec -- ls -la PATH' lists files,
and on Windows 'qga exec --shell dir PATH'.";

/// The same, as advice.
const LACKS_FIND: &str = "it needs GNU's find in the guest; elsewhere 'qga exec -- ls -la PATH' lists files, \
                          and on Windows 'qga exec --shell dir PATH'";

/// How much of a file goes into a document.
const DOCUMENT: usize = 64 * 1024 * 1024;

pub(super) fn cat(cli: &Cli, args: &Cat) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("cat")?;
    let documents = work::with_guest(cli, &guest, LONGEST, |work| {
        let mut left = args.max.unwrap_or(u64::MAX);
        let mut one = |path| {
            let (document, len) = cat_one(work, cli, path, (left, args.max))?;
            left = left.saturating_sub(len);
            Ok(document)
        };
        args.paths.iter().map(|path| one(plain(path))).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(if cli.json { output::document(&documents.into()).into() } else { String::new().into() })
}

/// Prints a file, or gives its document; and how long it is.
fn cat_one(
    work: &mut Work,
    cli: &Cli,
    path: &str,
    (left, max): (u64, Option<u64>),
) -> Result<(Value, u64), Failure> {
    if !cli.json {
        let copied = print(work, &CopyFrom::new(path).limit(left), (path, max))?;
        return Ok((Value::Null, copied.map_or(0, |copied| copied.len)));
    }
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(DOCUMENT);
    let flow = async |session: &mut work::Session, deadline| session.read_file(path, most, deadline).await;
    let is_fate_unknown =
        |error: &FileError| matches!(error, FileError::Call(error) if error.is_fate_unknown());
    let read = tidy::run(work, None, flow, is_fate_unknown)?;
    let content = match read {
        Ok(content) => content,
        Err(FileError::Call(error)) => return Err(work.explain(&error, true)),
        Err(FileError::TooLong { .. }) if most < DOCUMENT => return Err(too_long(path, max)),
        Err(error) => return Err(Failure::new(Kind::Failed, format!("{path}: {error}"))),
    };
    let (mut document, len) = (Map::new(), content.len() as u64);
    document.insert("path".into(), path.into());
    match String::from_utf8(content) {
        Ok(text) => document.insert("text".into(), text.into()),
        Err(error) => document.insert("base64".into(), bytes::base64(error.as_bytes())),
    };
    Ok((document.into(), len))
}

/// The guest has sent more than it may.
pub(super) fn too_long(path: &str, max: Option<u64>) -> Failure {
    let max = units::bytes(max.unwrap_or(u64::MAX));
    let message = format!("with {} the guest sends more than {max}, the limit of --max", escape::text(path));
    Failure::new(Kind::Failed, message).advise("give a larger one if the guest is to have so much")
}

/// Copies a file of the guest to standard output. `None`: nobody reads that to its end, which is nobody's fault.
pub(super) fn print(
    work: &mut Work,
    what: &CopyFrom<'_>,
    (path, max): (&str, Option<u64>),
) -> Result<Option<Copied>, Failure> {
    let (mut sink, mut buffer) = (Writer(Stdout::new(Patience::of(work))), vec![0; 1 << 20]);
    let flow = async |session: &mut work::Session, deadline| {
        session.copy_from(what, &mut sink, &mut buffer, |_| {}, deadline).await
    };
    match tidy::run(work, None, flow, is_fate_unknown)? {
        Ok(copied) => Ok(Some(copied)),
        Err(CopyError::Call(error)) => Err(work.explain(&error, true)),
        Err(CopyError::Host(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(None),
        Err(CopyError::Host(error)) => {
            Err(streams::failure(Kind::Output, "cannot write to standard output", &error))
        }
        Err(CopyError::TooLong { .. }) => Err(too_long(path, max)),
        Err(error) => {
            let message = escape::text(&error.to_string()).into_owned();
            Err(Failure::new(Kind::Failed, message).at(work.address()))
        }
    }
}

/// Whether the guest may have done what it did not say.
pub(super) fn is_fate_unknown(error: &CopyError) -> bool {
    error.call().is_some_and(qga_std::Error::is_fate_unknown)
}

pub(super) fn ls(cli: &Cli, args: &Ls) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("ls")?;
    let root = ["/".to_owned()];
    let paths = if args.paths.is_empty() { &root[..] } else { &args.paths };
    let entries = work::with_guest(cli, &guest, super::TIMEOUT, |work| {
        let mut entries = Vec::new();
        for path in paths {
            entries.extend(list(work, plain(path))?);
        }
        Ok(entries)
    })?;
    Ok(show(cli, &entries))
}

/// What is in a folder; or the file itself.
fn list(work: &mut Work, path: &str) -> Result<Vec<Entry>, Failure> {
    let mut entries = find(work, path, Some(1))?;
    if entries.first().is_some_and(|entry| entry.kind == 'l') {
        // It may lead to a folder.
        if let Ok(behind) = find(work, &format!("{}/", path.trim_end_matches('/')), Some(1)) {
            entries = behind;
        }
    }
    if entries.first().is_some_and(|entry| entry.kind == 'd') {
        entries.remove(0);
        entries.sort_by(|a, b| a.path.cmp(&b.path));
    } else if let Some(entry) = entries.first_mut() {
        path.clone_into(&mut entry.path);
    }
    Ok(entries)
}

pub(super) fn stat(cli: &Cli, args: &Stat) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("stat")?;
    let entries = work::with_guest(cli, &guest, super::TIMEOUT, |work| {
        let mut entries = Vec::new();
        for path in args.paths.iter().map(|path| plain(path)) {
            for mut entry in find(work, path, Some(0))? {
                path.clone_into(&mut entry.path);
                entries.push(entry);
            }
        }
        Ok(entries)
    })?;
    Ok(show(cli, &entries))
}

fn show(cli: &Cli, entries: &[Entry]) -> Done {
    if cli.json {
        let documents: Vec<_> = entries.iter().map(Entry::document).collect();
        return output::document(&documents.into()).into();
    }
    let mut table = Table::new(["mode", "user", "group", "size", "modified", "name"]).right(&[3]);
    for entry in entries {
        let size = if entry.kind == 'f' { units::bytes(entry.size) } else { String::new() };
        table.row([
            entry.mode_text(),
            escape::text(&entry.user).into_owned(),
            escape::text(&entry.group).into_owned(),
            size,
            entry.modified_text(),
            entry.name(),
        ]);
    }
    if entries.is_empty() { String::new().into() } else { table.render().into() }
}

pub(super) fn rm(cli: &Cli, args: &Rm) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("rm")?;
    let mut exec = Exec::new("rm");
    for (option, is_given) in [("-r", args.recursive), ("-f", args.force)] {
        exec = if is_given { exec.arg(option) } else { exec };
    }
    exec = exec.arg("--").args(args.paths.iter().map(|path| plain(path)));
    work::with_guest(cli, &guest, LONGEST, |work| run(work, &exec))?;
    Ok(if cli.json {
        output::document(&json!({ "removed": args.paths.len() })).into()
    } else {
        String::new().into()
    })
}

/// A path of the guest, with or without the colon that says so.
fn plain(path: &str) -> &str {
    path.strip_prefix(':').unwrap_or(path)
}

/// Whether there is a folder at a path of the guest, or a link to one. `None`: there is no program that tells.
pub(super) fn is_folder(work: &mut Work, path: &str) -> Result<Option<bool>, Failure> {
    match run(work, &Exec::new("stat").args(["-L", "-c", "%f", "--", path])) {
        Ok(outcome) => {
            let text = String::from_utf8_lossy(&outcome.stdout);
            let mode = u32::from_str_radix(text.trim(), 16).ok();
            Ok(mode.map(|mode| mode & 0o170_000 == 0o040_000))
        }
        // There is nothing, or nothing that one may see.
        Err(failure) if failure.kind() == Kind::Failed => Ok(Some(false)),
        Err(failure) if failure.kind() == Kind::Refused => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Finds what is at a path of the guest and below it, so many levels deep. What is at the path itself comes first.
pub(super) fn find(work: &mut Work, path: &str, depth: Option<u32>) -> Result<Vec<Entry>, Failure> {
    // What begins with a dash would be an option.
    let start =
        if path.starts_with(['-', '(', ')', '!', ',']) { format!("./{path}") } else { path.to_owned() };
    let mut exec = Exec::new("find").arg(start);
    if let Some(depth) = depth {
        exec = exec.args(["-maxdepth", &depth.to_string()]);
    }
    let exec = exec.args(["-printf", Entry::FORMAT]);
    let ran = work.run(async |session, deadline| session.run(&exec, deadline).await)?;
    let has_find = match &ran {
        Ok(outcome) => outcome.end.is_success() || prints(work),
        Err(error) => !cannot_run(error),
    };
    let outcome = succeeded(work, ran)
        .map_err(|failure| if has_find { failure } else { failure.advise(LACKS_FIND) })?;
    if outcome.stdout_truncated {
        return Err(Failure::new(Kind::Failed, "there are more files than the agent can tell at once"));
    }
    Entry::parse(&outcome.stdout).ok_or_else(|| {
        let message = "the guest's find does not print what it is asked for";
        Failure::new(Kind::Failed, message).at(work.address()).advise(LACKS_FIND)
    })
}

/// Whether the guest's find prints what it is asked for, if it finds anything.
fn prints(work: &mut Work) -> bool {
    run(work, &Exec::new("find").args(["/", "-maxdepth", "0", "-printf", ""])).is_ok()
}

/// Runs a program of the guest that must succeed.
pub(super) fn run(work: &mut Work, exec: &Exec) -> Result<Outcome, Failure> {
    let ran = work.run(async |session, deadline| session.run(exec, deadline).await)?;
    succeeded(work, ran)
}

/// What a program of the guest that must succeed has left.
fn succeeded(work: &mut Work, ran: Result<Outcome, ExecError>) -> Result<Outcome, Failure> {
    match ran {
        Ok(outcome) if outcome.end.is_success() => Ok(outcome),
        Ok(outcome) => {
            let said = String::from_utf8_lossy(&outcome.stderr);
            let said = said.lines().next().unwrap_or_default();
            let message =
                if said.is_empty() { outcome.end.to_string() } else { escape::text(said).into_owned() };
            Err(Failure::new(Kind::Failed, message).at(work.address()))
        }
        Err(error) => Err(explain(work, &error)),
    }
}

/// Whether the agent runs programs, but not this one.
fn cannot_run(error: &ExecError) -> bool {
    matches!(error.call(), Some(qga_std::Error::Refused(refusal)) if !refusal.is_command_not_found())
}

fn explain(work: &mut Work, error: &ExecError) -> Failure {
    match error.call() {
        Some(qga_std::Error::Refused(refusal)) if cannot_run(error) => {
            let message =
                format!("the guest cannot run the program for that: {}", escape::text(refusal.desc.as_str()));
            Failure::new(Kind::Refused, message).at(work.address())
        }
        Some(call) => work.explain(call, true),
        None if error.is_timeout() => Failure::new(Kind::Deadline, error.to_string()).at(work.address()),
        None => Failure::new(Kind::Failed, escape::text(&error.to_string()).into_owned()).at(work.address()),
    }
}
