//! Which guests the command line names.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use qga_proto::{Address, Diagnosis};
use qga_sim::Personality;

use crate::cli::Cli;
use crate::error::{Failure, Kind, reason};

/// What the address of a simulated guest inside this program begins with.
const SIMULATION: &str = "sim:";

/// The agent of the simulated guest that an address is about, if it is about one.
pub(crate) fn simulation(address: &str) -> Option<io::Result<Personality>> {
    let name = address.strip_prefix(SIMULATION)?;
    Some(match name {
        "" => Ok(Personality::Qemu10),
        name => name.parse().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error)),
    })
}

/// A guest, as far as it is known before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// What it is called among others: its socket's file name, or else its address.
    pub(crate) name: String,
    pub(crate) address: String,
    /// Whether the address is one: a socket's path may be no text, and is only shown then.
    is_text: bool,
}

impl Guest {
    /// Fails for a guest that cannot be asked: it has no address.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_text {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Connection,
            "cannot connect: the socket's path is not UTF-8, as addresses are",
        )
        .shorten("the socket's path is not UTF-8")
        .advise("rename it")
        .at(&self.address)
        .detail("diagnosis", Diagnosis::BadAddress.name())
        .detail("fate_unknown", false))
    }
}

/// The guests that the command line names.
#[derive(Debug)]
pub(crate) enum Guests {
    None,
    /// One, of which alone is spoken.
    One(Guest),
    /// As many as it may be, in a row each.
    Many(Vec<Guest>),
}

impl Guests {
    /// Those that a command line names, each once. Nothing is sent to any when one of the addresses is wrong.
    pub(crate) fn of(cli: &Cli) -> Result<Self, Failure> {
        let given: Vec<_> = cli.addresses.iter().filter(|address| !address.is_empty()).cloned().collect();
        for address in &given {
            check(address)?;
        }
        match (&given[..], &cli.folders[..]) {
            ([], []) => return Ok(Self::None),
            ([address], []) => return Ok(Self::One(guest(address.clone()))),
            _ => {}
        }
        let mut guests: Vec<_> = given.into_iter().map(guest).collect();
        for folder in &cli.folders {
            guests.extend(sockets(folder)?.iter().map(|path| at_socket(path)));
        }
        Ok(Self::Many(named(without_doubles(guests))))
    }

    /// At least one of them.
    pub(crate) fn at_least_one(self) -> Result<Self, Failure> {
        match self {
            Self::None => Err(Failure::usage("no agent's address is given")
                .advise("say -c unix:PATH (or set QGA_CONNECT), or -c sim: for a simulated guest")),
            guests => Ok(guests),
        }
    }

    /// The only one that there must be.
    pub(crate) fn exactly_one(self, command: &str) -> Result<Guest, Failure> {
        match self.at_least_one()? {
            Self::One(guest) => guest.check().map(|()| guest),
            _ => Err(too_many(command)),
        }
    }

    /// The only one there may be, if there is one.
    pub(crate) fn at_most_one(self, command: &str) -> Result<Option<Guest>, Failure> {
        match self {
            Self::None => Ok(None),
            Self::One(guest) => Ok(Some(guest)),
            Self::Many(_) => Err(too_many(command)),
        }
    }
}

fn too_many(command: &str) -> Failure {
    Failure::usage(format!("'{command}' asks no more than one guest"))
        .advise(format!("give it one -c; {MANY}"))
}

/// Which commands take more than one guest.
pub(crate) const MANY: &str =
    "info, ping, wait, call, net, fs, disks, cpu, mem, users, time and top take many";

fn check(address: &str) -> Result<(), Failure> {
    let bad = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("'{address}' is no address: {error}"))
            .advise("for a simulated guest say sim:")
            .detail("diagnosis", Diagnosis::BadAddress.name())
    };
    match simulation(address) {
        Some(personality) => personality.map(drop).map_err(|error| bad(&error)),
        None => Address::parse(address).map(drop).map_err(|error| bad(&error)),
    }
}

/// The paths of all Unix sockets in a folder, links to sockets among them, by name. One that cannot be looked at is
/// taken for one: to connect to it tells why.
fn sockets(folder: &str) -> Result<Vec<PathBuf>, Failure> {
    let unreadable =
        |error| Failure::usage(format!("cannot read the directory '{folder}': {}", reason(&error)));
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries =
        entries.map_err(|error| unreadable(error).advise("give one that has the guests' sockets"))?;
    let mut paths: Vec<PathBuf> =
        entries.iter().filter(|entry| is_socket(entry)).map(fs::DirEntry::path).collect();
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::usage(format!("there is no Unix socket in '{folder}'")).advise(
            "give the directory that has the sockets themselves; those below it are not looked into",
        ));
    }
    Ok(paths)
}

fn is_socket(entry: &fs::DirEntry) -> bool {
    // This needs no right to look at what is in the folder.
    let may_be = entry.file_type().map_or(true, |ty| ty.is_socket() || ty.is_symlink());
    may_be
        && match fs::metadata(entry.path()) {
            Ok(data) => data.file_type().is_socket(),
            // What has gone meanwhile, and what a link leads to that is not there, is no socket either.
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
}

fn at_socket(path: &Path) -> Guest {
    if let Some(path) = path.to_str() {
        return guest(format!("unix:{path}"));
    }
    let mut address = "unix:".to_owned();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        address.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Strings take all that is written to them.
            let _ = write!(address, "\\x{byte:02x}");
        }
    }
    Guest { is_text: false, ..guest(address) }
}

/// Each guest once: its agent serves one client at a time. But each simulated guest is one of its own.
fn without_doubles(mut guests: Vec<Guest>) -> Vec<Guest> {
    let mut seen = HashSet::new();
    guests.retain(|guest| guest.address.starts_with(SIMULATION) || seen.insert(Place::of(guest)));
    guests
}

/// What two addresses of the same guest have in common.
#[derive(PartialEq, Eq, Hash)]
enum Place {
    /// The device and number of a file.
    File(u64, u64),
    /// Compared as a path, for which `/run//a` is `/run/a`.
    Address(PathBuf),
}

impl Place {
    fn of(guest: &Guest) -> Self {
        match path(&guest.address).map(fs::metadata) {
            Some(Ok(data)) => Self::File(data.dev(), data.ino()),
            _ => Self::Address(PathBuf::from(&guest.address)),
        }
    }
}

/// Gives names: sockets whose file names are alike go by their paths.
fn named(mut guests: Vec<Guest>) -> Vec<Guest> {
    let mut counts = HashMap::new();
    for guest in &guests {
        *counts.entry(guest.name.clone()).or_insert(0) += 1;
    }
    for guest in &mut guests {
        if let Some(path) = path(&guest.address)
            && counts[&guest.name] > 1
        {
            guest.name = path.display().to_string();
        }
    }
    guests
}

/// The guest at an address.
pub(crate) fn guest(address: String) -> Guest {
    let file_name = path(&address).and_then(Path::file_name).and_then(|name| name.to_str());
    Guest { name: file_name.unwrap_or(&address).to_owned(), address, is_text: true }
}

/// The path of a Unix socket's address.
pub(crate) fn path(address: &str) -> Option<&Path> {
    address.strip_prefix("unix:").map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(addresses: &[&str]) -> Vec<String> {
        let guests = addresses.iter().map(|address| guest((*address).to_owned())).collect();
        named(without_doubles(guests)).into_iter().map(|guest| guest.name).collect()
    }

    #[test]
    fn guests_go_by_what_tells_them_apart() {
        assert_eq!(names(&["unix:/run/a", "unix:/run/b"]), ["a", "b"]);
        assert_eq!(
            names(&["unix:/run/1/agent", "tcp:h:1", "unix:/run/2/agent", "unix:/run/c"]),
            ["/run/1/agent", "tcp:h:1", "/run/2/agent", "c"]
        );
        assert_eq!(names(&["unix:.."]), ["unix:.."]);
    }

    #[test]
    fn doubles_are_left_out() {
        assert_eq!(names(&["unix:/run/a", "unix:/run//a", "unix:/run/b", "unix:/run/a"]), ["a", "b"]);
        assert_eq!(names(&["sim:", "tcp:h:1", "sim:", "tcp:h:1"]), ["sim:", "tcp:h:1", "sim:"]);
    }
}
