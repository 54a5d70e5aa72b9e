//! JSON, read in place: a serde `Deserializer` over one complete message, and the values that borrow from it.
//!
//! Strings stay as they came and are unescaped when asked ([`Str`]), arrays are decoded while they are walked
//! ([`List`]), base64 is decoded to where it is wanted ([`Base64`]). Nothing here allocates but the owned counterparts,
//! nothing recurses on what is skipped, and nesting is limited to [`MAX_DEPTH`].
//!
//! The grammar is RFC 8259's. Strings that are looked at must be UTF-8 without lone surrogates, so a [`Str`] that exists
//! is valid text; of what is skipped only the syntax is checked. What is written is printable ASCII on one line.

mod access;
mod as_it_is;
mod base64;
mod compound;
mod deserialize;
mod error;
mod list;
// Public for what `qga-codegen` generates in other crates.
#[doc(hidden)]
pub mod members;
mod number;
mod raw;
mod reader;
mod scan;
mod str;
#[cfg(test)]
mod tests;
mod thrown;
mod writer;

#[cfg(feature = "alloc")]
pub use self::base64::Bytes;
pub use self::base64::{Base64, Base64Error};
pub use self::error::{Error, ErrorKind};
pub use self::list::{Iter, List};
#[doc(hidden)]
pub use self::members::Members;
pub use self::raw::Raw;
#[cfg(feature = "alloc")]
pub use self::raw::RawBuf;
pub use self::reader::{MAX_DEPTH, from_slice};
pub use self::str::{Chars, Str};

pub(crate) use self::reader::{Failed, Reader, read_into};
pub(crate) use self::writer::{WriteError, Writer};
