//! The two kinds of messages, each read and written in one place: `execute` and `return` or `error`.

mod reply;
mod request;

pub(crate) use reply::{ErrorObject, Id, Reply, encode_error, encode_return};
pub(crate) use request::{COMMAND_TAIL, Call, Execute, command_name, encode_command, encode_command_tail};
