//! The two kinds of messages, each read and written in one place: `execute` and `return` or `error`.

mod reply;
mod request;

pub(crate) use reply::{ErrorObject, Id, Reply, encode_error, encode_return};
pub(crate) use request::{
    COMMAND_TAIL, Call, Execute, command_arguments, command_name, encode_command, encode_command_tail,
};

use crate::buffer::{self, Buffer};
use crate::json::WriteError;

/// Writes a message to the front of a buffer, which is made longer, up to `limit`, until the message fits.
pub(crate) fn encode_growing<B: Buffer>(
    buffer: &mut B,
    limit: usize,
    encode: impl Fn(&mut [u8]) -> Result<usize, WriteError>,
) -> Result<usize, WriteError> {
    loop {
        match encode(buffer.bytes_mut()) {
            Err(WriteError::Full) => buffer::grow_for_message(buffer, limit).ok_or(WriteError::Full)?,
            result => return result,
        }
    }
}
