//! Commands about passwords and SSH keys.

use std::collections::BTreeSet;

use qga_proto::commands::GuestSshGetAuthorizedKeys;
use qga_proto::json::Str;
use qga_proto::{Empty, owned};
use serde::Deserialize;

use crate::base64;
use crate::error::{Errno, Refusal};
use crate::guest::{Account, Guest, Password};

/// `guest-set-user-password`, with the base64 as it stands: the real agent takes more than what is well-formed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPassword<'a> {
    username: String,
    #[serde(borrow)]
    password: Str<'a>,
    crypted: bool,
}

/// `guest-ssh-add-authorized-keys`, with every key known to be a string before anything is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddKeys {
    username: String,
    keys: Vec<String>,
    #[serde(default)]
    reset: bool,
}

/// `guest-ssh-remove-authorized-keys`, likewise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveKeys {
    username: String,
    keys: Vec<String>,
}

/// How long a file of keys may be, which is looked at as a whole, and lines cost more than they are long.
const MAX_KEYS: usize = 1024 * 1024;

/// The real agent hands name and password to a program, as a line with a colon between them.
pub(super) fn set_password(guest: &mut Guest, set: &SetPassword<'_>) -> Result<Empty, Refusal> {
    let bytes = base64::decode(set.password)?;
    if bytes.contains(&b'\n') {
        return Err(Refusal::new("forbidden characters in raw password"));
    }
    let name = &set.username;
    if name.contains(['\n', ':']) {
        return Err(Refusal::new("forbidden characters in username"));
    }
    if set.crypted && guest.is_windows() {
        return Err(Refusal::new("this feature or command is not currently supported"));
    }
    let password = Password { bytes, crypted: set.crypted };
    let build = guest.traits().build;
    guest.set_password(name, password).map(|()| Empty {}).ok_or_else(|| {
        let said = format!("chpasswd: line 1: user '{name}' does not exist");
        Refusal::helper(build, "set user password", &said)
    })
}

/// The last line first, as the real agent has them.
pub(super) fn keys(
    guest: &mut Guest,
    get: &GuestSshGetAuthorizedKeys<'_>,
) -> Result<owned::GuestAuthorizedKeys, Refusal> {
    let path = find(guest, &String::from(get.username))?.authorized_keys();
    let content = read(guest, &path).map_err(|error| fail("read", &path, error))?;
    let text = String::from_utf8_lossy(&content);
    let lines = text.split('\n').rev().map(str::trim_ascii);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(owned::GuestAuthorizedKeys::new(keys.map(String::from).collect()))
}

/// A key that is there already is not added again. With `reset` they replace all that is there.
pub(super) fn add_keys(guest: &mut Guest, add: &AddKeys) -> Result<Empty, Refusal> {
    check_keys(&add.keys)?;
    let account = find(guest, &add.username)?;
    let (directory, path) = (account.ssh_directory(), account.authorized_keys());
    let old = if add.reset { Ok(Vec::new()) } else { read_if_there(guest, &path) }?;
    let mut lines = split(&old);
    let mut there: BTreeSet<_> = lines.iter().copied().collect();
    lines.extend(add.keys.iter().map(String::as_bytes).filter(|key| there.insert(key)));
    match guest.files.make_directory(&directory) {
        Ok(()) => drop(guest.files.set_mode(&directory, 0o700)),
        Err(Errno::Exists) => {}
        Err(error) => return Err(fail("create", &directory, error)),
    }
    write_lines(guest, &path, &lines)
}

/// Removes all lines that are one of the keys, byte for byte. What is not there need not be removed.
pub(super) fn remove_keys(guest: &mut Guest, remove: &RemoveKeys) -> Result<Empty, Refusal> {
    check_keys(&remove.keys)?;
    let path = find(guest, &remove.username)?.authorized_keys();
    let old = read_if_there(guest, &path)?;
    let keys: BTreeSet<_> = remove.keys.iter().map(String::as_bytes).collect();
    let (removed, kept): (Vec<_>, Vec<_>) = split(&old).into_iter().partition(|line| keys.contains(line));
    if removed.is_empty() { Ok(Empty {}) } else { write_lines(guest, &path, &kept) }
}

/// The text shows no key: it may end up in a log.
fn check_keys(keys: &[String]) -> Result<(), Refusal> {
    match keys.iter().any(|key| key.starts_with('#') || key.contains('\n')) {
        true => Err(Refusal::new("invalid OpenSSH public key")),
        false => Ok(()),
    }
}

fn read(guest: &Guest, path: &str) -> Result<Vec<u8>, Errno> {
    match guest.files.content(path)? {
        content if content.len() > MAX_KEYS => Err(Errno::FileTooLarge),
        content => Ok(content.to_vec()),
    }
}

/// A file that is not there has nothing in it.
fn read_if_there(guest: &Guest, path: &str) -> Result<Vec<u8>, Refusal> {
    match read(guest, path) {
        Err(Errno::NoEntry) => Ok(Vec::new()),
        result => result.map_err(|error| fail("read", path, error)),
    }
}

/// What is between the newlines. An empty file has no lines, and one that ends with a newline has an empty one there.
fn split(content: &[u8]) -> Vec<&[u8]> {
    if content.is_empty() { Vec::new() } else { content.split(|&byte| byte == b'\n').collect() }
}

/// Without a newline at the end, unless there was one.
fn write_lines(guest: &mut Guest, path: &str, lines: &[&[u8]]) -> Result<Empty, Refusal> {
    let len: usize = lines.iter().map(|line| line.len() + 1).sum();
    let replaced = match len > MAX_KEYS {
        true => Err(Errno::FileTooLarge),
        false => guest.files.replace(path, lines.join(&b'\n')),
    };
    let replaced = replaced.and_then(|()| guest.files.set_mode(path, 0o600));
    replaced.map_err(|error| fail("write", path, error))?;
    Ok(Empty {})
}

fn find<'a>(guest: &'a Guest, name: &str) -> Result<&'a Account, Refusal> {
    // The real agent's words, with an error that is none.
    guest.find_account(name).ok_or_else(|| Refusal::new(format!("failed to lookup user '{name}': Success")))
}

fn fail(what: &str, path: &str, error: Errno) -> Refusal {
    Refusal::new(format!("failed to {what} '{path}': {error}"))
}
