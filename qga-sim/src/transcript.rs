//! Sessions written down, and played again.
//!
//! ```text
//! C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$1},"id":$2}
//! A: {"error": {"class": "GenericError", "desc": "JSON parse error, stray '\uFFFD'"}}
//! A: <ff>{"return": $1, "id": $2}
//! +12ms
//! C: {"execute":"guest-get-host-name","id":$3}
//! A: {"return": {"host-name": "guest"}, "id": $3}
//! EOF
//! ```
//!
//! | line | what it is |
//! |---|---|
//! | `C: BYTES` | a line from the client |
//! | `A: BYTES` | a line from the agent, or what came of one: then it ends in `<cut>` |
//! | `+TIME` | time that passed, in milliseconds |
//! | `EOF` | the end of the connection |
//! | `# TEXT` | not part of the session |
//!
//! Bytes that are not printable ASCII, `<` and `$` are written as `<ff>`, in hexadecimal. A number by which the client tells
//! replies apart has a name, `$1`: it is another one each time. What the schema calls secret is written as `(secret)`.

mod record;
mod replay;
mod text;

pub use record::Recorder;
pub(crate) use replay::Replay;
pub use replay::TranscriptError;

/// What stands for a secret.
const SECRET: &str = "(secret)";
