//! Where a copy from the guest goes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use qga_proto::Digest;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::streams::{Output, Patience};

/// A file that is to be. What is written goes beside it, and it is replaced in the end; but what is no regular file is
/// written where it is.
pub(super) struct Target {
    path: PathBuf,
    to: To,
    prefix: Option<Digest>,
}

enum To {
    /// A link, a device, a pipe.
    Place(Output<File>),
    Part(Part),
}

/// A file that is written beside its place.
struct Part {
    file: File,
    path: PathBuf,
    /// Of the file that is replaced.
    permissions: Option<Permissions>,
    is_resumed: bool,
}

/// How a file is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making {
    /// Whether a copy goes on with what another has left, and leaves what another may go on with.
    pub(super) is_resumed: bool,
    /// The mode of a new file, of which the umask takes its part.
    pub(super) mode: u32,
}

impl Making {
    /// Of new files, as all programs make them.
    pub(super) const MODE: u32 = 0o666;
}

/// Of a part that is to have the mode of another file in the end: until then nobody else reads it.
const SECRET: u32 = 0o600;

impl Target {
    pub(super) fn begin(path: &Path, making: Making, patience: Patience) -> io::Result<Self> {
        let there = match fs::symlink_metadata(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            let to = To::Place(Output::open(path, patience)?);
            return Ok(Self { path: path.to_owned(), to, prefix: None });
        }
        let permissions = there.map(|there| there.permissions());
        let mode = if permissions.is_some() { SECRET } else { making.mode };
        let (file, part, prefix) = match making.is_resumed {
            true => {
                let part = with_suffix(path, "");
                let mut file = locked(&part, mode)?;
                if permissions.is_some() {
                    file.set_permissions(Permissions::from_mode(SECRET))?;
                }
                let prefix = digest(&mut file)?;
                (file, part, Some(prefix).filter(|prefix| !prefix.is_empty()))
            }
            false => {
                let (file, part) = new(path, mode)?;
                (file, part, None)
            }
        };
        let part = Part { file, path: part, permissions, is_resumed: making.is_resumed };
        Ok(Self { path: path.to_owned(), to: To::Part(part), prefix })
    }

    /// What an earlier copy has left; the file stands behind it.
    pub(super) fn prefix(&mut self) -> Option<Digest> {
        self.prefix.take()
    }

    /// Gives the copy its name.
    pub(super) fn commit(self) -> io::Result<()> {
        let To::Part(part) = self.to else { return Ok(()) };
        let result = part.settle();
        let is_whole = result.is_ok();
        let result = result.and_then(|()| fs::rename(&part.path, &self.path));
        if result.is_err() {
            part.give_up(is_whole);
        }
        result
    }

    /// The copy has failed. What is there stays, if it is of use.
    pub(super) fn give_up(self, can_be_resumed: bool) {
        if let To::Part(part) = self.to {
            part.give_up(can_be_resumed);
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Place(output) => output.write(bytes),
            To::Part(part) => part.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Part {
    /// All is written. Some disks say only now that they are full.
    fn settle(&self) -> io::Result<()> {
        if let Some(permissions) = &self.permissions {
            self.file.set_permissions(permissions.clone())?;
        }
        match self.file.sync_all() {
            // There are file systems that cannot.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }

    fn give_up(&self, can_be_resumed: bool) {
        let is_of_use = can_be_resumed && self.file.metadata().is_ok_and(|there| there.len() > 0);
        if !(self.is_resumed && is_of_use) {
            // It says less than what has just failed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name of a part: that of the whole, and more.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".qga-part");
    name.push(suffix);
    name.into()
}

/// Makes a part whose name nobody else has.
fn new(path: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    const TRIES: u32 = 100;

    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut result = Err(ErrorKind::AlreadyExists.into());
    for _ in 0..TRIES {
        let number = RandomState::new().build_hasher().finish();
        let part = with_suffix(path, &format!("-{:08x}", number & 0xFFFF_FFFF));
        result = options.open(&part).map(|file| (file, part));
        match &result {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            _ => break,
        }
    }
    result
}

/// Opens the part that can be resumed, or makes it. Nobody else has it then.
fn locked(part: &Path, mode: u32) -> io::Result<File> {
    // A pipe would keep one waiting.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let not_regular = || io::Error::other(format!("{} is no regular file", part.display()));
    let busy = || io::Error::other(format!("another copy is writing to {}", part.display()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(mode).custom_flags(flags);
    loop {
        let file = options.open(part).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => not_regular(),
            _ => error,
        })?;
        let opened = file.metadata()?;
        if !opened.is_file() {
            return Err(not_regular());
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // There are file systems that cannot.
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => {}
            Err(Errno::WOULDBLOCK) => return Err(busy()),
            Err(error) => return Err(error.into()),
        }
        // Who had it may have given it its name meanwhile.
        let is_still_there = fs::symlink_metadata(part)
            .is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino()));
        if is_still_there {
            return Ok(file);
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
