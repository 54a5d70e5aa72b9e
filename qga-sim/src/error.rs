//! Why a command is refused.

use std::fmt;

use qga_proto::{ErrorClass, RequestError};

use crate::schema::Build;

/// An answer that is a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) class: ErrorClass<'static>,
    pub(crate) desc: String,
}

impl Refusal {
    pub(crate) fn new(desc: impl Into<String>) -> Self {
        Self { class: ErrorClass::GenericError, desc: desc.into() }
    }

    /// A program that the agent lets do its work has failed. Since QEMU 9.1 it says what the program said.
    pub(crate) fn helper(build: Build, action: &str, said: &str) -> Self {
        match build.is_since(9, 1) {
            true => Self::new(format!("child process has failed to {action}: {said}")),
            false => Self::new(format!("child process has failed to {action}")),
        }
    }

    pub(crate) fn not_found(desc: impl Into<String>) -> Self {
        Self { class: ErrorClass::CommandNotFound, desc: desc.into() }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::new(error.to_string())
    }
}

/// An error of the guest's system, displayed as Linux words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errno {
    /// `EACCES`.
    Access,
    /// `EBADF`.
    BadHandle,
    /// `EBUSY`.
    Busy,
    /// `EEXIST`.
    Exists,
    /// `EFBIG`.
    FileTooLarge,
    /// `EINVAL`.
    Invalid,
    /// `EISDIR`.
    IsDirectory,
    /// `ENAMETOOLONG`.
    NameTooLong,
    /// `ENOENT`.
    NoEntry,
    /// `ENOMEM`.
    NoMemory,
    /// `ESRCH`.
    NoProcess,
    /// `ENOSPC`.
    NoSpace,
    /// `ENOTDIR`.
    NotDirectory,
    /// `ENOTEMPTY`.
    NotEmpty,
    /// `EMFILE`.
    TooManyFiles,
    /// `ELOOP`.
    TooManyLinks,
    /// `EAGAIN`.
    TryAgain,
}

impl Errno {
    /// Its number on Linux.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::NoEntry => 2,
            Self::NoProcess => 3,
            Self::BadHandle => 9,
            Self::TryAgain => 11,
            Self::NoMemory => 12,
            Self::Access => 13,
            Self::Busy => 16,
            Self::Exists => 17,
            Self::NotDirectory => 20,
            Self::IsDirectory => 21,
            Self::Invalid => 22,
            Self::TooManyFiles => 24,
            Self::FileTooLarge => 27,
            Self::NoSpace => 28,
            Self::NameTooLong => 36,
            Self::NotEmpty => 39,
            Self::TooManyLinks => 40,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Access => "Permission denied",
            Self::BadHandle => "Bad file descriptor",
            Self::Busy => "Device or resource busy",
            Self::Exists => "File exists",
            Self::FileTooLarge => "File too large",
            Self::Invalid => "Invalid argument",
            Self::IsDirectory => "Is a directory",
            Self::NameTooLong => "File name too long",
            Self::NoEntry => "No such file or directory",
            Self::NoMemory => "Cannot allocate memory",
            Self::NoProcess => "No such process",
            Self::NoSpace => "No space left on device",
            Self::NotDirectory => "Not a directory",
            Self::NotEmpty => "Directory not empty",
            Self::TooManyFiles => "Too many open files",
            Self::TooManyLinks => "Too many levels of symbolic links",
            Self::TryAgain => "Resource temporarily unavailable",
        })
    }
}

impl std::error::Error for Errno {}
