//! `mkdir`, `mv`, `rm`, `rmdir` and `touch`.

use super::arguments::Syntax;
use super::mode;
use super::{Invocation, Run};
use crate::error::Errno;
use crate::files::FileKind;

pub(super) fn mkdir(invocation: &mut Invocation<'_>) -> Run {
    let syntax =
        Syntax { program: "mkdir", flags: "p", values: "m", long: &[("parents", 'p'), ("mode", 'm')] };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) if given.operands.is_empty() => return syntax.misused("missing operand"),
        Ok(given) => given,
        Err(run) => return run,
    };
    let mode = given.value('m').map(|text| (text, mode::read_octal(text)));
    if let Some((text, None)) = mode {
        return Run::new().complain("mkdir", format_args!("invalid mode ‘{text}’"));
    }
    let mut run = Run::new();
    for path in given.operands.iter().copied() {
        let made = if given.flags.contains(&'p') {
            make_all(invocation, path)
        } else {
            invocation.make_directory(path)
        };
        let made = made.and_then(|()| match mode {
            Some((_, Some(mode))) => invocation.set_mode(path, mode),
            _ => Ok(()),
        });
        if let Err(error) = made {
            run = run.complain("mkdir", format_args!("cannot create directory ‘{path}’: {error}"));
        }
    }
    run
}

/// Makes a directory and those that lead to it, unless they are there.
fn make_all(invocation: &mut Invocation<'_>, path: &str) -> Result<(), Errno> {
    let inner = path.match_indices('/').map(|(at, _)| at).filter(|&at| at > 0);
    for end in inner.chain([path.len()]) {
        match invocation.make_directory(&path[..end]) {
            Err(Errno::Exists) => match invocation.metadata(&path[..end])?.kind {
                FileKind::Directory => {}
                _ if end == path.len() => return Err(Errno::Exists),
                _ => return Err(Errno::NotDirectory),
            },
            made => made?,
        }
    }
    Ok(())
}

pub(super) fn mv(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax {
        program: "mv",
        flags: "fT",
        values: "",
        long: &[("force", 'f'), ("no-target-directory", 'T')],
    };
    let targets = match syntax.parse(invocation.arguments) {
        Ok(given) => Targets::read(invocation, &syntax, &given.operands, given.has('T')),
        Err(run) => Err(run),
    };
    let targets = match targets {
        Ok(targets) => targets,
        Err(run) => return run,
    };
    let mut run = Run::new();
    for (from, to) in targets.0 {
        if let Err(what) = move_one(invocation, &from, &to) {
            run = run.complain("mv", what);
        }
    }
    run
}

fn move_one(invocation: &mut Invocation<'_>, from: &str, to: &str) -> Result<(), String> {
    let is_directory = |path| invocation.link_metadata(path).map(|there| there.kind == FileKind::Directory);
    let moved = is_directory(from).map_err(|error| format!("cannot stat '{from}': {error}"))?;
    match is_directory(to) {
        _ if invocation.files.is_same(from, to) => {
            return Err(format!("'{from}' and '{to}' are the same file"));
        }
        Ok(true) if !moved => return Err(format!("cannot overwrite directory '{to}' with non-directory")),
        Ok(false) if moved => {
            return Err(format!("cannot overwrite non-directory '{to}' with directory '{from}'"));
        }
        _ => {}
    }
    invocation.rename(from, to).map_err(|error| match error {
        Errno::Invalid => format!("cannot move '{from}' to a subdirectory of itself, '{to}'"),
        error => format!("cannot move '{from}' to '{to}': {error}"),
    })
}

/// What goes where, when several operands may go into a directory, the last one.
pub(super) struct Targets(pub(super) Vec<(String, String)>);

impl Targets {
    pub(super) fn read(
        invocation: &Invocation<'_>,
        syntax: &Syntax,
        operands: &[&str],
        is_plain: bool,
    ) -> Result<Self, Run> {
        let (from, to) = match operands {
            [] => return Err(syntax.misused("missing file operand")),
            [only] => {
                return Err(syntax.misused(format_args!("missing destination file operand after '{only}'")));
            }
            [_, _, extra, ..] if is_plain => {
                return Err(syntax.misused(format_args!("extra operand '{extra}'")));
            }
            [from @ .., to] => (from, *to),
        };
        let there = invocation.metadata(to).map(|there| there.kind == FileKind::Directory);
        match there {
            Ok(true) if !is_plain => {
                let inside = |from: &&str| {
                    let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    ((*from).to_owned(), format!("{}/{name}", to.trim_end_matches('/')))
                };
                Ok(Self(from.iter().map(inside).collect()))
            }
            there if from.len() > 1 => {
                let error = there.err().unwrap_or(Errno::NotDirectory);
                Err(Run::new().complain(syntax.program, format_args!("target '{to}': {error}")))
            }
            _ => Ok(Self(from.iter().map(|from| ((*from).to_owned(), to.to_owned())).collect())),
        }
    }
}

pub(super) fn rm(invocation: &mut Invocation<'_>) -> Run {
    let syntax =
        Syntax { program: "rm", flags: "frR", values: "", long: &[("force", 'f'), ("recursive", 'r')] };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) if given.operands.is_empty() && !given.has('f') => {
            return syntax.misused("missing operand");
        }
        Ok(given) => given,
        Err(run) => return run,
    };
    let is_recursive = given.has('r') || given.has('R');
    let mut run = Run::new();
    for path in given.operands.iter().copied() {
        if is_recursive && invocation.files.is_same(path, "/") {
            run = run.complain("rm", "it is dangerous to operate recursively on '/'");
            continue;
        }
        let removed = match invocation.link_metadata(path) {
            Ok(there) if there.kind == FileKind::Directory && is_recursive => remove_all(invocation, path),
            _ => invocation.remove_file(path).map_err(|error| (path.to_owned(), error)),
        };
        match removed {
            Ok(()) => {}
            Err((_, Errno::NoEntry | Errno::NotDirectory)) if given.has('f') => {}
            Err((path, error)) => run = run.complain("rm", format_args!("cannot remove '{path}': {error}")),
        }
    }
    run
}

/// Removes a directory and all in it; an error names what stays.
fn remove_all(invocation: &mut Invocation<'_>, path: &str) -> Result<(), (String, Errno)> {
    let mut directories = vec![path.trim_end_matches('/').to_owned()];
    let mut at = 0;
    while let Some(directory) = directories.get(at).cloned() {
        at += 1;
        let names = invocation.list(&directory).map_err(|error| (directory.clone(), error))?;
        for name in names {
            let path = format!("{directory}/{name}");
            match invocation.remove_file(&path) {
                Err(Errno::IsDirectory) => directories.push(path),
                removed => removed.map_err(|error| (path, error))?,
            }
        }
    }
    for directory in directories.into_iter().rev() {
        invocation.remove_directory(&directory).map_err(|error| (directory, error))?;
    }
    Ok(())
}

pub(super) fn rmdir(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax { program: "rmdir", flags: "", values: "", long: &[] };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) if given.operands.is_empty() => return syntax.misused("missing operand"),
        Ok(given) => given,
        Err(run) => return run,
    };
    given.operands.iter().fold(Run::new(), |run, path| match invocation.remove_directory(path) {
        Ok(()) => run,
        Err(error) => run.complain("rmdir", format_args!("failed to remove '{path}': {error}")),
    })
}

pub(super) fn touch(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax { program: "touch", flags: "c", values: "", long: &[("no-create", 'c')] };
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) if given.operands.is_empty() => return syntax.misused("missing file operand"),
        Ok(given) => given,
        Err(run) => return run,
    };
    given.operands.iter().fold(Run::new(), |run, path| {
        let touched = match invocation.touch(path) {
            Err(Errno::NoEntry) if given.has('c') => Ok(()),
            Err(Errno::NoEntry) => invocation.write_file(path, []),
            touched => touched,
        };
        match touched {
            Ok(()) => run,
            Err(error) => run.complain("touch", format_args!("cannot touch '{path}': {error}")),
        }
    })
}
