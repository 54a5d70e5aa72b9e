//! Where a copy from the guest goes.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use qga_proto::Digest;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::streams::{Output, Patience};

/// A file that is to be. What is written goes beside it, and it is replaced in the end; but pipes and devices are written
/// where they are. Where there is a link it is what that leads to.
pub(super) struct Target {
    path: PathBuf,
    to: To,
    prefix: Option<Digest>,
}

enum To {
    /// A device, a pipe.
    Place(Output<File>),
    Part(Part),
}

/// A file that is written beside its place.
struct Part {
    file: File,
    path: PathBuf,
    /// The file that is replaced, as it was.
    replaced: Option<Metadata>,
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
        let is_link = fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
        let there = match fs::metadata(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_link => None,
            Err(error) => return Err(error),
        };
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            if making.is_resumed {
                return Err(io::Error::other("it is no regular file, so nothing of it can be resumed"));
            }
            let to = To::Place(Output::open(path, patience)?);
            return Ok(Self { path: path.to_owned(), to, prefix: None });
        }
        let path = if is_link { fs::canonicalize(path)? } else { path.to_owned() };
        let mode = if there.is_some() { SECRET } else { making.mode };
        let (file, part, prefix) = match making.is_resumed {
            true => {
                let part = with_suffix(&path, "");
                let mut file = locked(&part, mode)?;
                if there.is_some() {
                    file.set_permissions(Permissions::from_mode(SECRET))?;
                }
                let prefix = digest(&mut file, &patience)?;
                (file, part, Some(prefix).filter(|prefix| !prefix.is_empty()))
            }
            false => {
                let (file, part) = new(&path, mode)?;
                (file, part, None)
            }
        };
        let part = Part { file, path: part, replaced: there, is_resumed: making.is_resumed };
        Ok(Self { path, to: To::Part(part), prefix })
    }

    /// What an earlier copy has left; the file stands behind it.
    pub(super) fn prefix(&mut self) -> Option<Digest> {
        self.prefix.take()
    }

    /// What is written where it is has no part.
    pub(super) fn part(&self) -> Option<&Path> {
        match &self.to {
            To::Place(_) => None,
            To::Part(part) => Some(&part.path),
        }
    }

    /// Gives the copy its name. Tells whether it belongs to whom the file belonged that it replaces.
    pub(super) fn commit(self) -> io::Result<bool> {
        let To::Part(part) = self.to else { return Ok(true) };
        let result = part.settle();
        let is_whole = result.is_ok();
        let result = result.and_then(|keeps_owner| fs::rename(&part.path, &self.path).map(|()| keeps_owner));
        if result.is_err() {
            part.give_up(is_whole);
        }
        result
    }

    /// What was there, of this length, is no part of the copy, and stays.
    pub(super) fn leave_as_it_was(self, len: u64) {
        if let To::Part(part) = self.to {
            // It says less than what has just failed.
            let _ = part.file.set_len(len);
        }
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
    fn settle(&self) -> io::Result<bool> {
        let keeps_owner = self.replaced.as_ref().map_or(Ok(true), |replaced| self.become_like(replaced))?;
        match self.file.sync_all() {
            // There are file systems that cannot.
            Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                Err(error)
            }
            _ => Ok(keeps_owner),
        }
    }

    /// Gets the owner, the group and the mode of another file, but runs as nobody else: its content is the guest's.
    fn become_like(&self, replaced: &Metadata) -> io::Result<bool> {
        let mut mode = replaced.mode() & 0o777;
        let mine = self.file.metadata()?;
        let (user, group) = (replaced.uid(), replaced.gid());
        let keeps_owner =
            (mine.uid(), mine.gid()) == (user, group) || fchown(&self.file, Some(user), Some(group)).is_ok();
        // One may give a file to other groups of one's own.
        if !keeps_owner && mine.gid() != group && fchown(&self.file, None, Some(group)).is_err() {
            // What was for the one group is not for the other.
            mode &= !0o070;
        }
        self.file.set_permissions(Permissions::from_mode(mode))?;
        Ok(keeps_owner)
    }

    fn give_up(&self, can_be_resumed: bool) {
        let is_of_use = can_be_resumed && self.file.metadata().is_ok_and(|there| there.len() > 0);
        if !(self.is_resumed && is_of_use) {
            // It says less than what has just failed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name of a part: that of the whole, and more. Of a very long one it has the start, and a number made of all of it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    /// How many bytes of a name leave room for what is added.
    const LONGEST: usize = 230;

    let name = path.file_name().unwrap_or_default().as_bytes();
    let mut part = OsString::from(path);
    if name.len() > LONGEST {
        let start = String::from_utf8_lossy(&name[..60]);
        part = path.with_file_name(format!("{start}-{:016x}", fnv(name))).into();
    }
    part.push(".qga-part");
    part.push(suffix);
    part.into()
}

/// A number made of bytes, the same for ever: FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
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
    let foreign = || {
        let path = part.display();
        io::Error::other(format!(
            "{path} is no part of a copy of yours: it has another owner, or another name, too"
        ))
    };
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
        if opened.uid() != geteuid().as_raw() || opened.nlink() > 1 {
            return Err(foreign());
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

/// Reads a file to its end, which may take long.
fn digest(file: &mut File, patience: &Patience) -> io::Result<Digest> {
    let (mut digest, mut buffer) = (Digest::new(), vec![0; 256 * 1024]);
    loop {
        patience.check()?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(digest),
            Ok(n) => digest.update(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
