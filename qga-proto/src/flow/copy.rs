//! Copies between a guest and its host, with as much memory as the caller gives, however long the file is.

use core::convert::Infallible;
use core::future::{Future, ready};

use crate::error::{Error, Misuse};

mod digest;
pub use digest::Digest;

mod error;
pub use error::CopyError;

mod from;
pub use from::CopyFrom;

mod over;

mod to;
pub use to::CopyTo;

mod verify;

#[cfg(feature = "alloc")]
mod stage;
#[cfg(feature = "alloc")]
mod staged;
#[cfg(feature = "alloc")]
pub(crate) mod tool;

/// Where bytes come from, on the host.
pub trait Source {
    /// Why it failed.
    type Error;

    /// Reads into `buffer`; gives how many bytes, 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = Result<usize, Self::Error>>;
}

/// Where bytes go to, on the host.
pub trait Sink {
    /// Why it failed.
    type Error;

    /// Writes all of `bytes`.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Self::Error>>;

    /// Hands on what it has held back. Called once, at the end.
    fn flush(&mut self) -> impl Future<Output = Result<(), Self::Error>>;
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes are there, those that an earlier copy has left included.
    pub done: u64,
    /// How many there are to be, if that is known.
    pub total: Option<u64>,
}

/// What has been copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many bytes the copy has.
    pub len: u64,
    /// How many of them were there already, from a copy that had broken off.
    pub resumed: u64,
    /// How many bytes fewer have come from the guest than it had told of at first: the file was cut meanwhile, or tells a
    /// size that it has not, as those of `/sys` do. 0 where it told no size, and for copies to the guest.
    pub missing: u64,
    /// How it was made sure that the copy is the same.
    pub check: Check,
    /// How the copy came to be where it is. Copies to the host are always in place.
    pub placing: Placing,
}

/// How it was made sure that a copy is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// Not at all, but that every command succeeded.
    None,
    /// By its SHA-256, which this program in the guest has told of the file there.
    Tool(&'static str),
    /// By its SHA-256, of what was read from the file in the guest once more.
    ReadBack,
}

/// How a copy came to be where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placing {
    /// Written beside it and renamed: nobody ever saw a part of it under its name.
    Renamed {
        /// Whether there was a file of this name before. The new one has its mode and owner.
        replaced: bool,
    },
    /// Written where it is: a copy that breaks off leaves a part of it under its name.
    InPlace(InPlace),
}

/// Why a copy was written where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InPlace {
    /// It was asked for, or there is no other way, as for copies to the host.
    Asked,
    /// What is there is no regular file: a link, a device, a pipe. It must not be replaced.
    NotRegular,
    /// The guest runs no programs for this client, or has not those that it takes (`stat`, `mkdir`, `mv`; so no Windows).
    NoPrograms,
    /// No folder can be made beside it.
    NoFolder,
    /// It belongs to somebody else, to whom the agent cannot give a new file.
    Owner,
}

/// With no memory at all a copy would look like one of nothing.
fn check_buffer<E>(buffer: &[u8]) -> Result<(), Error<E>> {
    if buffer.is_empty() { Err(Error::Misuse(Misuse::NoBuffer)) } else { Ok(()) }
}

impl Source for &[u8] {
    type Error = Infallible;

    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = Result<usize, Infallible>> {
        let n = buffer.len().min(self.len());
        let (now, later) = self.split_at(n);
        buffer[..n].copy_from_slice(now);
        *self = later;
        ready(Ok(n))
    }
}

#[cfg(feature = "alloc")]
impl Sink for alloc::vec::Vec<u8> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Infallible>> {
        self.extend_from_slice(bytes);
        ready(Ok(()))
    }

    fn flush(&mut self) -> impl Future<Output = Result<(), Infallible>> {
        ready(Ok(()))
    }
}
