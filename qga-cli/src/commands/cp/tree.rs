//! Folders with all that is in them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use qga_proto::exec::Exec;

use super::{Args, Bar, Outcome, Source, base, base_of_guest, cannot, file_from, file_to};
use crate::cli::Cli;
use crate::commands::files::{self, Entry};
use crate::error::{Failure, Kind};
use crate::output::escape;
use crate::work::Work;

/// How deep folders may be inside each other.
const MAX_DEPTH: usize = 200;

/// Copies a folder from the guest: into one that is there, or to a new one.
pub(super) fn copy_from(
    work: &mut Work,
    cli: &Cli,
    args: &Args,
    from: &str,
    to: &Path,
) -> Result<Outcome, Failure> {
    let entries = files::find(work, from, None)?;
    let top = entries.first().filter(|entry| entry.path.is_empty() && entry.kind == 'd');
    if top.is_none() {
        return Err(Failure::usage(format!("{} is no folder of the guest", escape::text(from))));
    }
    let root = if to.is_dir() { to.join(base_of_guest(from)?) } else { to.to_owned() };
    fs::create_dir_all(&root).map_err(|error| cannot("make", &root, &error))?;
    let (mut outcome, mut bar) = (Outcome::default(), Bar::new(cli, from));
    for entry in &entries {
        let below = safe(entry)?;
        let path = root.join(&below);
        match entry.kind {
            'd' => make_folders(&root, &below)?,
            'f' => {
                make_folders(&root, below.parent().unwrap_or(Path::new("")))?;
                if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file()) {
                    let message = format!("{} is no regular file, and is not replaced", path.display());
                    return Err(Failure::new(Kind::Failed, message));
                }
                let source = join(from, &entry.path);
                bar.rename(&source);
                let file = Source { path: &source, mode: entry.mode & 0o777, done: outcome.len() };
                outcome.add(&file_from(work, args, &file, &path, &mut bar)?);
            }
            _ => outcome.skip(),
        }
    }
    Ok(outcome)
}

/// Makes folders below the root, unless they are there. The guest may know of a link that is there instead: it does not get
/// to where that leads.
fn make_folders(root: &Path, below: &Path) -> Result<(), Failure> {
    let mut path = root.to_owned();
    for part in below.components() {
        path.push(part);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result.map_err(|error| cannot("make", &path, &error))?,
        }
        let there = fs::symlink_metadata(&path).map_err(|error| cannot("make", &path, &error))?;
        if there.is_symlink() {
            let message = format!("{} is a link, through which nothing is copied", path.display());
            return Err(Failure::new(Kind::Failed, message).advise("remove it, or copy to somewhere else"));
        }
        if !there.is_dir() {
            return Err(cannot("make", &path, &ErrorKind::NotADirectory.into()));
        }
    }
    Ok(())
}

/// A path that the guest tells, if it leads nowhere else.
fn safe(entry: &Entry) -> Result<PathBuf, Failure> {
    let path = Path::new(&entry.path);
    if entry.is_lossy || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        let name = escape::text(&entry.path).into_owned();
        return Err(Failure::new(
            Kind::Failed,
            format!("the guest has a file whose name cannot be used: {name}"),
        ));
    }
    Ok(path.to_owned())
}

/// Copies a folder to the guest: into one that is there, or to a new one.
pub(super) fn copy_to(
    work: &mut Work,
    cli: &Cli,
    args: &Args,
    from: &Path,
    to: &str,
) -> Result<Outcome, Failure> {
    let Some(is_there) = files::is_folder(work, to)? else {
        let message = "the guest has no stat, which would tell whether there is a folder";
        return Err(Failure::new(Kind::Failed, message).at(work.address()));
    };
    let root = if is_there {
        let whole = fs::canonicalize(from).map_err(|error| cannot("read", from, &error))?;
        join(to, base(&text(&whole)?)?)
    } else {
        to.trim_end_matches('/').to_owned()
    };
    let (mut outcome, mut bar) = (Outcome::default(), Bar::new(cli, to));
    let mut folders = vec![(from.to_owned(), root, 0)];
    while let Some((folder, target, depth)) = folders.pop() {
        files::run(work, &Exec::new("mkdir").args(["-p", "--", &target]))?;
        let mut inside = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| cannot("read", &folder, &error))? {
            inside.push(entry.map_err(|error| cannot("read", &folder, &error))?.path());
        }
        inside.sort();
        for path in inside {
            let there = fs::symlink_metadata(&path).map_err(|error| cannot("read", &path, &error))?;
            let name = text(path.file_name().map_or(Path::new(""), Path::new))?;
            let target = join(&target, &name);
            if there.is_dir() {
                if depth >= MAX_DEPTH {
                    let message =
                        format!("{}: more than {MAX_DEPTH} folders inside each other", path.display());
                    return Err(Failure::new(Kind::Failed, message));
                }
                folders.push((path, target, depth + 1));
            } else if there.is_file() {
                bar.rename(&target);
                outcome.add(&file_to(work, args, &path, &target, &mut bar)?.into());
            } else {
                outcome.skip();
            }
        }
    }
    Ok(outcome)
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("{} is no UTF-8, which agents need of names", path.display());
        Failure::new(Kind::Failed, message)
    })
}

fn join(folder: &str, name: &str) -> String {
    match name {
        "" => folder.to_owned(),
        name => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}
