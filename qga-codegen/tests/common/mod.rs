//! What the tests share.

use std::io;
use std::path::Path;

use qga_codegen::{Error, File};

/// Generates from files in memory, the first of which is the schema.
pub(crate) fn generate(files: &[(&str, &str)]) -> Result<Vec<File>, Error> {
    let read = |path: &Path| match files.iter().find(|(name, _)| Path::new(name) == path) {
        Some((_, text)) => Ok(text.as_bytes().to_vec()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    qga_codegen::generate_from("crate", Path::new(files[0].0), &read)
}
