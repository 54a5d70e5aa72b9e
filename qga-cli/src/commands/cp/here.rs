//! Where a copy from the guest goes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use qga_proto::Digest;

/// A file that is to be. What is written goes beside it, and it is replaced in the end; but what is no regular file is
/// written where it is.
pub(super) struct Target {
    file: File,
    path: PathBuf,
    part: Option<PathBuf>,
    /// Of the file that is replaced.
    permissions: Option<Permissions>,
    prefix: Option<Digest>,
    is_resumed: bool,
}

/// Of a file that is not there yet.
const NEW_MODE: u32 = 0o644;

impl Target {
    pub(super) fn begin(path: &Path, is_resumed: bool) -> io::Result<Self> {
        let there = match fs::symlink_metadata(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            let file = OpenOptions::new().write(true).truncate(true).open(path)?;
            let path = path.to_owned();
            return Ok(Self { file, path, part: None, permissions: None, prefix: None, is_resumed });
        }
        let permissions = there.map(|there| there.permissions());
        let mut name = OsString::from(path);
        name.push(".qga-part");
        let part = PathBuf::from(name);
        let old = fs::symlink_metadata(&part).ok().filter(fs::Metadata::is_file);
        let (file, prefix) = match old {
            Some(_) if is_resumed => {
                let mut file = OpenOptions::new().read(true).write(true).open(&part)?;
                let prefix = digest(&mut file)?;
                (file, Some(prefix))
            }
            old => {
                if old.is_some() {
                    fs::remove_file(&part)?;
                }
                (OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?, None)
            }
        };
        Ok(Self { file, path: path.to_owned(), part: Some(part), permissions, prefix, is_resumed })
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// What an earlier copy has left; the file stands behind it.
    pub(super) fn prefix(&mut self) -> Option<Digest> {
        self.prefix.take().filter(|prefix| !prefix.is_empty())
    }

    /// Gives the copy its name.
    pub(super) fn commit(self) -> io::Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        let mode = self.permissions.unwrap_or_else(|| Permissions::from_mode(NEW_MODE));
        let result = self.file.set_permissions(mode).and_then(|()| fs::rename(part, &self.path));
        if result.is_err() {
            // It says less than what has just failed.
            let _ = fs::remove_file(part);
        }
        result
    }

    /// The copy has failed. What is there stays, if it is of use.
    pub(super) fn give_up(self, can_be_resumed: bool) {
        if let Some(part) = &self.part
            && !(self.is_resumed && can_be_resumed)
        {
            // What stays is overwritten by the next.
            let _ = fs::remove_file(part);
        }
    }
}

/// Reads a file to its end.
fn digest(file: &mut File) -> io::Result<Digest> {
    let (mut digest, mut buffer) = (Digest::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(digest),
            Ok(n) => digest.update(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
