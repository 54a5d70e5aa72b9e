//! What a client asks for.

use core::fmt;

use serde::Deserialize;

use super::check::check;
use crate::json::{self, ErrorKind, Reader, Str};
use crate::metadata;
use crate::text::Text;

/// A command that a client wants carried out.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) name: Str<'a>,
    pub(super) arguments: &'a [u8],
}

/// Why a request's arguments are not what the command takes. Its text does for the reply.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(Fault);

#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// The schema does not have it so.
    Schema(Text),
    /// The type does not.
    Type(json::Error),
}

impl<'a> Request<'a> {
    /// The command's name.
    #[must_use]
    pub fn name(&self) -> Str<'a> {
        self.name
    }

    /// The arguments as a command's type, one of [`commands`](crate::commands) or your own.
    ///
    /// Those of a command that the schema has are held against it first, at every depth: also the elements of lists, which
    /// the type reads only when it is walked.
    ///
    /// # Errors
    ///
    /// When they are not what the command takes. `null` is no argument, and does not stand for one that is left out. Members
    /// that it does not have and values that an enum does not have are refused, too.
    pub fn arguments<T: Deserialize<'a>>(&self) -> Result<T, RequestError> {
        if let Some(command) = self.name.as_str().and_then(metadata::command) {
            check(command.arguments, self.arguments).map_err(|text| RequestError(Fault::Schema(text)))?;
        }
        self.typed_arguments()
    }

    /// As [`arguments`](Self::arguments), but held against the type alone, and not against the schema. Lists are then checked
    /// where they are walked, and members that their elements do not have are passed over. It needs none of the schema's
    /// tables, which are tens of kilobytes: for agents where these count, and whose commands take no lists of objects.
    ///
    /// # Errors
    ///
    /// When they are not what the type takes. `null` is no argument.
    pub fn typed_arguments<T: Deserialize<'a>>(&self) -> Result<T, RequestError> {
        let arguments = self.find_null().and_then(|()| json::from_slice(self.arguments));
        arguments.map_err(|error| RequestError(Fault::Type(error)))
    }

    fn find_null(&self) -> Result<(), json::Error> {
        let mut reader = Reader::new(self.arguments);
        reader.told(Reader::begin_object)?;
        while reader.told(Reader::next_key)?.is_some() {
            let value = reader.told(Reader::skip)?;
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
        match &self.0 {
            Fault::Schema(text) => fmt::Display::fmt(text, f),
            Fault::Type(error) => write!(f, "Invalid arguments: {error}"),
        }
    }
}

impl core::error::Error for RequestError {}
