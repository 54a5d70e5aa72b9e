//! Why there is no connection to an address.

use core::fmt;
use std::error::Error;
use std::io;
use std::string::String;

use crate::address::AddressError;
use crate::diagnosis::Diagnosis;
use crate::error;
use crate::transport::Cause;

/// Why there is no connection to an address.
#[derive(Debug)]
pub struct ConnectError {
    address: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Address(AddressError),
    Io(io::Error),
}

impl ConnectError {
    /// The address is wrong.
    #[must_use]
    pub fn address_error(address: &str, error: AddressError) -> Self {
        Self { address: address.into(), kind: Kind::Address(error) }
    }

    /// A session could not [`connect`](crate::Session::connect).
    #[must_use]
    pub fn new(address: &str, error: error::Error<io::Error>) -> Self {
        let error = match error {
            error::Error::Connect(error) => error,
            error => io::Error::other(error),
        };
        Self { address: address.into(), kind: Kind::Io(error) }
    }

    /// The address, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What is wrong, for whoever must do something about it.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        match &self.kind {
            Kind::Address(_) => Diagnosis::BadAddress,
            Kind::Io(error) => Cause::from(error).into(),
        }
    }

    /// What the system said; `None` when the address itself is wrong.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.kind {
            Kind::Address(_) => None,
            Kind::Io(error) => Some(error),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Address(error) => write!(f, "{}: {error}", self.address),
            Kind::Io(error) => write!(f, "cannot connect to {}: {error}", self.address),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Address(error) => Some(error),
            Kind::Io(error) => Some(error),
        }
    }
}
