//! `cp`.

use super::arguments::Syntax;
use super::change::Targets;
use super::{Invocation, Run};
use crate::error::Errno;
use crate::files::FileKind;

pub(super) fn cp(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax {
        program: "cp",
        flags: "frRpT",
        values: "",
        long: &[("force", 'f'), ("recursive", 'r'), ("no-target-directory", 'T')],
    };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) => given,
        Err(run) => return run,
    };
    let targets = match Targets::read(invocation, &syntax, &given.operands, given.has('T')) {
        Ok(targets) => targets,
        Err(run) => return run,
    };
    let is_recursive = given.has('r') || given.has('R');
    let mut run = Run::new();
    for (from, to) in targets.0 {
        if let Err(what) = copy(invocation, from, to, is_recursive, given.has('p')) {
            run = run.complain("cp", what);
        }
    }
    run
}

/// Copies a file, or a directory with all in it.
fn copy(
    invocation: &mut Invocation<'_>,
    from: String,
    to: String,
    is_recursive: bool,
    keeps: bool,
) -> Result<(), String> {
    // What is below a directory is looked at before anything is made, which may be below it, too.
    let mut pairs = vec![(from, to)];
    let mut at = 0;
    while let Some((from, to)) = pairs.get(at).cloned() {
        at += 1;
        let there = invocation.metadata(&from).map_err(|error| format!("cannot stat '{from}': {error}"))?;
        if there.kind != FileKind::Directory {
            continue;
        }
        if !is_recursive {
            return Err(format!("-r not specified; omitting directory '{from}'"));
        }
        if invocation.files.is_inside(&to, &from) {
            return Err(format!("cannot copy a directory, '{from}', into itself, '{to}'"));
        }
        let names = invocation.list(&from).map_err(|error| format!("cannot access '{from}': {error}"))?;
        pairs.extend(names.iter().map(|name| (format!("{from}/{name}"), format!("{to}/{name}"))));
    }
    for (from, to) in pairs {
        copy_one(invocation, &from, &to, keeps)?;
    }
    Ok(())
}

fn copy_one(invocation: &mut Invocation<'_>, from: &str, to: &str, keeps: bool) -> Result<(), String> {
    let kind = |path| invocation.metadata(path).map(|there| there.kind == FileKind::Directory);
    match (kind(from), kind(to)) {
        _ if invocation.files.is_same(from, to) => Err(format!("'{from}' and '{to}' are the same file")),
        (Ok(true), Ok(false)) => {
            Err(format!("cannot overwrite non-directory '{to}' with directory '{from}'"))
        }
        (Ok(false), Ok(true)) => Err(format!("cannot overwrite directory '{to}' with non-directory")),
        (Ok(true), Ok(true)) => Ok(()),
        (Ok(true), Err(_)) => {
            invocation.make_directory(to).map_err(|error| format!("cannot create directory '{to}': {error}"))
        }
        (Ok(false), _) => invocation.files.copy(from, to, keeps).map_err(|error| match error {
            Errno::NoSpace => format!("error writing '{to}': {error}"),
            error => format!("cannot create regular file '{to}': {error}"),
        }),
        (Err(error), _) => Err(format!("cannot stat '{from}': {error}")),
    }
}
