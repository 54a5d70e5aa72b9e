#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! | module | from | to |
//! |---|---|---|
//! | `lex`, `parse` | text | values with their places |
//! | `doc` | documentation comments | sections |
//! | `expression`, `load` | values, includes | definitions |
//! | `check`, `described`, `recursion` | definitions | a schema in which every name is resolved |
//! | `facts` | | what the notation cannot say about the protocol |
//! | `rust` | schema and facts | Rust, laid out as rustfmt does it |
//! | `prose`, `inline` | descriptions in reST | doc comments in Markdown |

mod ast;
mod check;
mod described;
mod doc;
mod error;
mod expression;
mod facts;
mod inline;
mod lex;
mod load;
mod name;
mod parse;
mod prose;
mod recursion;
mod rust;
mod schema;
mod version;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

pub use crate::error::Error;
pub use crate::rust::File;

/// More than any schema has; a device or a pipe is not read without end.
const MAX_FILE: u64 = 16 << 20;

/// Generates the files for the schema at `path`, as they are in `qga-proto`.
///
/// # Errors
///
/// When a file cannot be read, or the schema is wrong.
pub fn generate(path: &Path) -> Result<Vec<File>, Error> {
    generate_for("crate", path)
}

/// Generates the files for use in another crate, which reaches `qga-proto` as `krate`: usually `qga_proto`.
/// That crate needs the features `alloc` of `qga-proto` and `derive` of `serde`.
///
/// # Errors
///
/// When a file cannot be read, or the schema is wrong.
pub fn generate_for(krate: &str, path: &Path) -> Result<Vec<File>, Error> {
    generate_from(krate, path, &read)
}

/// As [`generate_for`], with `read` in place of the file system: it gives the content of the schema at `path`
/// and of the files that are included.
///
/// # Errors
///
/// When a file cannot be read, or the schema is wrong.
pub fn generate_from(
    krate: &str,
    path: &Path,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Vec<File>, Error> {
    let loaded = load::load(path, read)?;
    let origin = path
        .file_name()
        .map(|name| name.to_string_lossy().replace(char::is_control, " "))
        .unwrap_or_default();
    check::check(&loaded.definitions)
        .and_then(|schema| rust::generate(&schema, &origin, krate))
        .map_err(|fault| fault.locate(&loaded.files))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(bytes)
}
