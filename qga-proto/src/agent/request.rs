//! What a client asks for.

use core::fmt;

use serde::Deserialize;

use crate::json::{self, ErrorKind, Reader, Str};

/// A command that a client wants carried out.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) name: Str<'a>,
    pub(super) arguments: &'a [u8],
}

/// Why a request's arguments are not what the command takes. Its text does for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(json::Error);

impl<'a> Request<'a> {
    /// The command's name.
    #[must_use]
    pub fn name(&self) -> Str<'a> {
        self.name
    }

    /// The arguments as a command's type, one of [`commands`](crate::commands) or your own.
    ///
    /// # Errors
    ///
    /// When they are not what the command takes. `null` is no argument, and does not stand for one that is left out.
    pub fn arguments<T: Deserialize<'a>>(&self) -> Result<T, RequestError> {
        self.find_null().and_then(|()| json::from_slice(self.arguments)).map_err(RequestError)
    }

    fn find_null(&self) -> Result<(), json::Error> {
        let mut reader = Reader::new(self.arguments);
        reader.begin_object()?;
        while reader.next_key()?.is_some() {
            let value = reader.skip()?;
            if self.arguments[value.start] == b'n' {
                return Err(json::Error::new(
                    ErrorKind::Expected("an argument that is not null"),
                    value.start,
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Request<'_> {
    /// Without the arguments: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid arguments: {}", self.0)
    }
}

impl core::error::Error for RequestError {}
