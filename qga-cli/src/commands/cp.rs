//! `qga cp`: files to and from a guest.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use qga_proto::{Copied, CopyFrom, CopyTo, Digest, InPlace, Placing};
use qga_std::{CopyError, Reader, Writer};

use super::Done;
use super::files::{self, tidy};
use crate::cli::{Cli, LONGEST};
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, escape, units};
use crate::streams::{self, Input, Patience};
use crate::work::{self, Work};

mod bar;
use bar::Bar;

mod here;
use here::{Making, Target};

mod outcome;
use outcome::Outcome;

mod tree;

/// Copy files to a guest or from it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A path that begins with a colon is one of the guest; '-' is standard input or
standard output. One of the two must be the guest's.

  qga -c ADDRESS cp backup.tar :/srv/backup.tar
  qga -c ADDRESS cp --resume --verify :/var/log/big.log .
  qga -c ADDRESS cp -r site/ :/srv/www
  qga -c ADDRESS cp - :/etc/motd < motd

A copy gets its name when it is whole: it is written beside it, to NAME.qga-part
with --resume and else to NAME.qga-part-NUMBER, and renamed. A file that it
replaces gives it its owner and mode, but here no setuid or setgid bit. Where
that cannot be done it is written where it is, which is told: in guests that run
no programs for their agent's clients (also Windows), and over what is no
regular file (devices, pipes, links in the guest), which is never replaced. A
link of here stays, and what it leads to is replaced. A new file in the guest
has the mode of its source; so has one from it with -r, without what the umask
takes. Without -r the mode is that of any new file: the guest is not asked.

A guest can send more than it has: --max keeps the disk from being filled.

--resume goes on with what a copy that broke off has left, even by kill -9, and
verifies the whole; so it should be given to the first copy, too. Folders are
copied with -r: files and folders, no links and nothing special. From a guest
that needs GNU's find there, and goes through no links in the folder here.")]
pub(crate) struct Args {
    /// Copy a folder with all that is in it
    #[arg(short, long, conflicts_with = "resume")]
    recursive: bool,

    /// Go on where an earlier copy has broken off, and leave for another what this one may leave
    #[arg(long)]
    resume: bool,

    /// Compare the SHA-256 of both: by sha256sum or the like in the guest, else by reading the file once more
    #[arg(long)]
    verify: bool,

    /// Take no more than so many bytes from the guest, in all: 512, 100k, 20M, 3G; what it says of sizes does not count
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    max: Option<u64>,

    /// What to copy: PATH, :PATH in the guest, or -
    #[arg(value_name = "SRC")]
    source: String,

    /// Where to: PATH, :PATH in the guest, or -
    #[arg(value_name = "DST")]
    destination: String,
}

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    Here(&'a str),
    Guest(&'a str),
    /// Standard input or output.
    Stream,
}

impl<'a> Place<'a> {
    fn of(text: &'a str) -> Self {
        match text.strip_prefix(':') {
            Some(path) => Self::Guest(path),
            None if text == "-" => Self::Stream,
            None => Self::Here(text),
        }
    }
}

/// How much memory a copy takes, beside the session's.
const BUFFER: usize = 1024 * 1024;

pub(super) fn run(cli: &Cli, args: &Args) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("cp")?;
    let (from, to) = (Place::of(&args.source), Place::of(&args.destination));
    for (place, name) in [(from, "source"), (to, "destination")] {
        if place == Place::Guest("") || place == Place::Here("") {
            return Err(Failure::usage(format!("the {name} has no path")));
        }
    }
    let outcome = match (from, to) {
        (Place::Guest(_), Place::Guest(_)) => {
            return Err(Failure::usage("both are paths of the guest, and it has a program for that")
                .advise("'qga exec -- cp SRC DST' copies there"));
        }
        (Place::Guest(from), to) => {
            work::with_guest(cli, &guest, LONGEST, |work| copy_from(work, cli, args, from, to))
        }
        (_, Place::Guest(_)) if args.max.is_some() => {
            return Err(Failure::usage("--max is for copies from the guest"));
        }
        (from, Place::Guest(to)) => {
            work::with_guest(cli, &guest, LONGEST, |work| copy_to(work, cli, args, from, to))
        }
        _ => {
            return Err(Failure::usage("neither is a path of the guest")
                .advise("those begin with a colon: qga cp SRC :/PATH, or qga cp :/PATH DST"));
        }
    }?;
    Ok(match to {
        Place::Stream => String::new(),
        _ if cli.json => output::document(&outcome.document()),
        _ => outcome.text(),
    }
    .into())
}

fn copy_from(work: &mut Work, cli: &Cli, args: &Args, from: &str, to: Place<'_>) -> Result<Outcome, Failure> {
    match to {
        Place::Here(to) if args.recursive => tree::copy_from(work, cli, args, from, Path::new(to)),
        Place::Here(to) => {
            let mut path = Path::new(to).to_owned();
            if path.is_dir() {
                path.push(base_of_guest(from)?);
            }
            let file = Source { path: from, mode: Making::MODE, done: 0 };
            file_from(work, args, &file, &path, &mut Bar::new(cli, from))
        }
        _ if args.recursive || args.resume => {
            Err(Failure::usage("standard output takes one file, from its start"))
        }
        _ => {
            let copied = files::print(work, &from_guest(from, args, 0), (from, args.max))?;
            Ok(copied.map(Outcome::from).unwrap_or_default())
        }
    }
}

/// A file of the guest.
struct Source<'a> {
    path: &'a str,
    /// What its copy gets, where it is new.
    mode: u32,
    /// How many bytes others had that were copied before.
    done: u64,
}

/// Copies one file from the guest.
fn file_from(
    work: &mut Work,
    args: &Args,
    from: &Source<'_>,
    to: &Path,
    bar: &mut Bar,
) -> Result<Outcome, Failure> {
    let making = Making { is_resumed: args.resume, mode: from.mode };
    let mut target =
        Target::begin(to, making, Patience::of(work)).map_err(|error| cannot("write", to, &error))?;
    let mut what = from_guest(from.path, args, from.done);
    let prefix = target.prefix();
    let had = prefix.as_ref().map_or(0, Digest::len);
    if let Some(prefix) = prefix {
        what = what.resume(prefix);
    }
    let mut buffer = vec![0; BUFFER];
    let flow = async |session: &mut work::Session, deadline| {
        let mut sink = Writer(&mut target);
        session.copy_from(&what, &mut sink, &mut buffer, |progress| bar.show(progress), deadline).await
    };
    let result = tidy::run(work, None, flow, files::is_fate_unknown);
    bar.clear();
    match result {
        Ok(Ok(mut copied)) => {
            if target.part().is_none() {
                copied.placing = Placing::InPlace(InPlace::NotRegular);
            }
            let keeps_owner = target.commit().map_err(|error| cannot("write", to, &error))?;
            Ok(Outcome::of_here(copied, keeps_owner))
        }
        // What is no part of it may be a file of one's own, and stays.
        Ok(Err(error @ (CopyError::Differs | CopyError::NotAPart { .. }))) if had > 0 => {
            let part = target.part().unwrap_or(to).display().to_string();
            target.leave_as_it_was(had);
            let advice = format!("remove {part} if you do not need it, and copy again");
            Err(Failure::new(Kind::Failed, format!("{part}: {error}")).advise(advice))
        }
        Ok(Err(CopyError::TooLong { .. })) => {
            target.give_up(true);
            Err(files::too_long(from.path, args.max))
        }
        Ok(Err(error)) => {
            target.give_up(error.can_be_resumed());
            let to = to.display().to_string();
            Err(explain(work, error, (&to, &to), args.resume))
        }
        Err(stopped) => {
            target.give_up(true);
            Err(stopped.into())
        }
    }
}

fn copy_to(work: &mut Work, cli: &Cli, args: &Args, from: Place<'_>, to: &str) -> Result<Outcome, Failure> {
    let Place::Here(from) = from else {
        if args.recursive {
            return Err(Failure::usage("standard input is one file, not a folder"));
        }
        let stdin = Input::new(io::stdin(), Patience::of(work));
        return stream_to(
            work,
            args,
            (stdin, CopyTo::new(to)),
            ("standard input", to),
            &mut Bar::new(cli, to),
        )
        .map(Outcome::from);
    };
    let path = Path::new(from);
    let there = fs::metadata(path).map_err(|error| cannot("read", path, &error))?;
    if there.is_dir() {
        if !args.recursive {
            return Err(
                Failure::usage(format!("{from} is a folder")).advise("-r copies it with all that is in it")
            );
        }
        return tree::copy_to(work, cli, args, path, to);
    }
    let mut name = to.to_owned();
    if to.ends_with('/') || files::is_folder(work, to)?.unwrap_or(false) {
        name = format!("{}/{}", to.trim_end_matches('/'), base(from)?);
    }
    file_to(work, args, path, &name, &mut Bar::new(cli, &name)).map(Outcome::from)
}

/// Copies one file to the guest.
fn file_to(work: &mut Work, args: &Args, from: &Path, to: &str, bar: &mut Bar) -> Result<Copied, Failure> {
    let input = Input::open(from, Patience::of(work)).map_err(|error| cannot("read", from, &error))?;
    let there = input.file().metadata().map_err(|error| cannot("read", from, &error))?;
    let mut what = CopyTo::new(to);
    if there.is_file() {
        what = what.len(there.len()).mode(there.permissions().mode() & 0o777);
    }
    stream_to(work, args, (input, what), (&from.display().to_string(), to), bar)
}

fn stream_to(
    work: &mut Work,
    args: &Args,
    (reader, mut what): (impl Read, CopyTo<'_>),
    (from, to): (&str, &str),
    bar: &mut Bar,
) -> Result<Copied, Failure> {
    if args.resume {
        what = what.resume();
    }
    if args.verify {
        what = what.verify();
    }
    let (mut source, mut buffer) = (Reader(reader), vec![0; BUFFER]);
    let flow = async |session: &mut work::Session, deadline| {
        session.copy_to(&what, &mut source, &mut buffer, |progress| bar.show(progress), deadline).await
    };
    let part = if args.resume { None } else { Some(to) };
    let result = tidy::run(work, part, flow, files::is_fate_unknown);
    bar.clear();
    match result {
        Ok(Ok(copied)) => Ok(copied),
        Ok(Err(error)) => Err(explain(work, error, (from, &format!(":{to}")), args.resume)),
        Err(stopped) => Err(stopped.into()),
    }
}

/// What is copied from the guest, where others had so many bytes before.
fn from_guest<'a>(path: &'a str, args: &Args, done: u64) -> CopyFrom<'a> {
    let what = CopyFrom::new(path).limit(args.max.map_or(u64::MAX, |max| max.saturating_sub(done)));
    if args.verify { what.verify() } else { what }
}

/// The last part of a guest's path, as the name of a copy.
fn base_of_guest(path: &str) -> Result<&str, Failure> {
    let is_of_windows = match path.as_bytes() {
        [b'\\', b'\\', ..] => true,
        [drive, b':', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    };
    match path.trim_end_matches(['/', '\\']).rsplit_once('\\') {
        Some((_, name)) if is_of_windows => base(name),
        _ => base(path),
    }
}

/// The last part of a path, as the name of a copy.
fn base(path: &str) -> Result<&str, Failure> {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match name {
        "" | "." | ".." => Err(Failure::usage(format!("{path} has no name that the copy could have"))),
        name => Ok(name),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    streams::failure(Kind::Failed, &format!("cannot {what} {}", path.display()), error)
}

/// A copy has failed, which has one end here.
fn explain(work: &mut Work, error: CopyError, (here, to): (&str, &str), is_resumed: bool) -> Failure {
    let can_be_resumed = error.can_be_resumed();
    let failure = match error {
        CopyError::Call(error) => work.explain(&error, true),
        CopyError::Host(error) => streams::failure(Kind::Failed, here, &error),
        error @ (CopyError::Differs | CopyError::NotAPart { .. }) => {
            Failure::new(Kind::Failed, format!("{to}: {error}")).advise("copy it again, from its start")
        }
        error => {
            let message = escape::text(&error.to_string()).into_owned();
            Failure::new(Kind::Failed, message).at(work.address())
        }
    };
    match can_be_resumed && is_resumed {
        true => failure.advise("the same command goes on where this has ended"),
        false => failure,
    }
}

/// Whether a human watches.
fn is_watched(cli: &Cli) -> bool {
    !cli.json && io::stderr().is_terminal()
}
