//! What a client must survive: conversations with agents as they are met in the field, and with hostile ones.
//!
//! A name that begins with `c` and a number is a case of the protocol's list of what a robust client must survive; its
//! comment says the case in the list's words. Here they are:
//!
//! | cases | where | about |
//! |---|---|---|
//! | C1 to C14 | `sync` | finding out that the agent is there |
//! | C15, C24, C36, C40 | `id_mode` | agents that repeat ids |
//! | C16 | `ordered_mode` | agents that do not |
//! | C17 to C19 | `silent` | commands that say nothing when they succeed |
//! | C20 to C22, C31 to C35 | `values` | replies as other versions write them |
//! | C23 | `limits` | messages that are very long |
//! | C25 to C30, C37 to C39 | `odd_lines` | lines that are no replies, and the ends of connections |

mod any_bytes;
mod calls;
mod id_mode;
mod late;
mod limits;
mod odd_lines;
mod ordered_mode;
mod silent;
mod sync;
mod values;
