//! The two kinds of messages, each read and written in one place: `execute` and `return` or `error`.

mod reply;
mod request;

pub(crate) use reply::{ErrorObject, Id, Reply, encode_error, encode_return};
pub(crate) use request::{
    COMMAND_TAIL, Call, Execute, command_arguments, command_name, encode_command, encode_command_tail,
};

use crate::buffer::{Buffer, FIRST_GROWTH};
use crate::json::WriteError;

/// Writes a message to the front of a buffer, and leaves `tail` bytes behind it. The buffer is made longer, up to `limit`,
/// until all of that fits. `encode` gives how long the message is, whether it fits or not.
///
/// What is written is not a type here, nor in what is called by this: the code stands once, not once for each command.
pub(crate) fn encode_growing<B: Buffer>(
    buffer: &mut B,
    limit: usize,
    tail: usize,
    encode: &dyn Fn(&mut [u8]) -> Result<usize, WriteError>,
) -> Result<usize, WriteError> {
    loop {
        let room = buffer.bytes().len().min(limit);
        let front = buffer.bytes_mut().get_mut(..room.saturating_sub(tail)).unwrap_or_default();
        let len = encode(front)?;
        let needed = len.saturating_add(tail);
        if needed <= room {
            return Ok(len);
        }
        let wanted = needed.max(FIRST_GROWTH).max(room.saturating_mul(2)).min(limit);
        // One that is too long for the limit grows the buffer all the same: by that it is known how much would fit.
        if room == limit || !buffer.grow(wanted) {
            return Err(WriteError::Full { len: needed });
        }
    }
}
