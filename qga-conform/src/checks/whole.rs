//! What is noticed along the way, of all that the agent has said.

use crate::agent::Agent;
use crate::check::{Check, Group};
use crate::judgement::{Judged, Miss, fail};
use crate::notes::Notes;
use crate::probe::Channel;

/// A check, and where it is noted that it does not pass.
type Note = (Check, fn(&Notes) -> &Option<String>);

const NOTES: [Note; 6] = [
    (
        Check::new(
            Group::Sync,
            "sync-delimiter",
            "0xFF stands before a sync's answer and nowhere else, not even before its error. What stands before it is \
             void to clients.",
            false,
        ),
        |notes| &notes.delimiter,
    ),
    (
        Check::new(
            Group::Framing,
            "reply-lines",
            "Each reply is one JSON object on a line of its own, and nothing else is ever said.",
            false,
        ),
        |notes| &notes.no_reply,
    ),
    (
        Check::new(
            Group::Framing,
            "reply-ascii",
            "Replies are printable ASCII, all else is escaped, so that no byte of them can be taken for a newline or 0xFF.",
            false,
        ),
        |notes| &notes.no_ascii,
    ),
    (
        Check::new(Group::Errors, "error-shape", "An error has a class and a text, and no more.", false),
        |notes| &notes.error,
    ),
    (
        Check::new(
            Group::Errors,
            "error-classes",
            "The class of an error is CommandNotFound or GenericError, as clients know no others.",
            false,
        ),
        |notes| &notes.class,
    ),
    (
        Check::new(
            Group::Clients,
            "libvirt-lines",
            "Nothing is ever said but JSON objects on lines of their own. After any other line libvirt gives the \
             connection up.",
            false,
        ),
        |notes| &notes.no_reply,
    ),
];

/// All of them.
pub(super) fn checks() -> impl Iterator<Item = Check> {
    NOTES.into_iter().map(|(check, _)| check)
}

pub(super) fn is(check: &Check) -> bool {
    NOTES.iter().any(|(known, _)| known == check)
}

/// Looks at what was noticed.
pub(super) fn run<T: Channel>(check: &Check, agent: &Agent<'_, T>) -> Judged {
    let notes = &agent.probe.notes;
    let noted = NOTES.iter().find(|(known, _)| known == check).and_then(|(_, note)| note(notes).clone());
    match noted {
        Some(seen) => fail(seen),
        None if notes.replies == 0 => Err(Miss::NotRun("nothing was heard".to_owned())),
        None => Ok(()),
    }
}
