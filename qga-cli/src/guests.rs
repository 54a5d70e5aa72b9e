//! Which guests the command line names.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use qga_proto::Address;

use crate::cli::Cli;
use crate::diagnosis::BAD_ADDRESS;
use crate::error::{Failure, reason};

/// The address of the simulated guest inside this program.
pub(crate) const SIMULATION: &str = "sim:";

/// A guest, as far as it is known before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// What it is called among others: its socket's file name, or else its address.
    pub(crate) name: String,
    pub(crate) address: String,
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
            ([address], []) => return Ok(Self::One(Guest { name: name(address), address: address.clone() })),
            _ => {}
        }
        let mut addresses = given;
        for folder in &cli.folders {
            addresses.extend(sockets(folder)?);
        }
        Ok(Self::Many(named(without_doubles(addresses))))
    }

    /// The only one there may be, if there is one.
    pub(crate) fn at_most_one(self, command: &str) -> Result<Option<Guest>, Failure> {
        match self {
            Self::None => Ok(None),
            Self::One(guest) => Ok(Some(guest)),
            Self::Many(_) => Err(Failure::usage(format!("'{command}' asks no more than one guest"))
                .advise(format!("give it one -c; {MANY}"))),
        }
    }
}

/// Which commands take more than one guest.
pub(crate) const MANY: &str = "info, ping, wait and call can ask many at once";

fn check(address: &str) -> Result<(), Failure> {
    match Address::parse(address) {
        Err(error) if address != SIMULATION => {
            Err(Failure::usage(format!("'{address}' is no address: {error}"))
                .advise("for a simulated guest say sim:")
                .detail("diagnosis", BAD_ADDRESS))
        }
        _ => Ok(()),
    }
}

/// The addresses of all Unix sockets in a folder, links to sockets among them, by name.
fn sockets(folder: &str) -> Result<Vec<String>, Failure> {
    let unreadable =
        |error| Failure::usage(format!("cannot read the directory '{folder}': {}", reason(&error)));
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries =
        entries.map_err(|error| unreadable(error).advise("give one that has the guests' sockets"))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    // What has gone meanwhile is no socket either.
    paths.retain(|path| fs::metadata(path).is_ok_and(|data| data.file_type().is_socket()));
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::usage(format!("there is no Unix socket in '{folder}'")).advise(
            "give the directory that has the sockets themselves; those below it are not looked into",
        ));
    }
    let address = |path: &PathBuf| match path.to_str() {
        Some(path) => Ok(format!("unix:{path}")),
        None => Err(Failure::usage(format!("the socket '{}' has a name that is no text", path.display()))
            .advise("rename it: addresses are UTF-8")),
    };
    paths.iter().map(address).collect()
}

/// Each guest once: its agent serves one client at a time. But each simulated guest is one of its own.
fn without_doubles(mut addresses: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    // Compared as paths, for which `/run//a` is `/run/a`.
    addresses.retain(|address| address == SIMULATION || seen.insert(PathBuf::from(address)));
    addresses
}

/// Gives names: sockets whose file names are alike go by their paths.
fn named(addresses: Vec<String>) -> Vec<Guest> {
    let mut counts = HashMap::new();
    for address in &addresses {
        *counts.entry(name(address)).or_insert(0) += 1;
    }
    let guest = |address: String| {
        let name = name(&address);
        match path(&address) {
            Some(path) if counts[&name] > 1 => Guest { name: path.display().to_string(), address },
            _ => Guest { name, address },
        }
    };
    addresses.into_iter().map(guest).collect()
}

fn name(address: &str) -> String {
    let file_name = path(address).and_then(Path::file_name).and_then(|name| name.to_str());
    file_name.unwrap_or(address).to_owned()
}

fn path(address: &str) -> Option<&Path> {
    address.strip_prefix("unix:").map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(addresses: &[&str]) -> Vec<String> {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        named(without_doubles(addresses)).into_iter().map(|guest| guest.name).collect()
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
