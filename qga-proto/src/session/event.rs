//! What happens to a connection, for those who watch.

/// Something that happened to a session's connection.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A connection has been made.
    Connected,
    /// The connection is over.
    Lost,
    /// The line had become doubtful (two calls without a word, garbage, a message cut short), and the agent has proved
    /// to be there again.
    Resynced,
    /// The agent is another one than before, or can do other things: its version or its commands have changed. Seen
    /// when the session asks for its capabilities.
    AgentChanged,
    /// This session has frozen the guest, or began to, and nobody knows whether it is thawed: a freeze or a thaw went
    /// without an answer, or a future or guard was dropped. The session thaws beside its next call; told once for each time
    /// that this begins.
    MayBeFrozen,
    /// The guest that this session had frozen is thawed.
    Thawed,
}

/// The newest events.
#[derive(Debug, Default)]
pub(crate) struct Events(heapless::Deque<Event, 8>);

impl Events {
    pub(crate) fn push(&mut self, event: Event) {
        super::trace::event(event);
        if self.0.is_full() {
            self.0.pop_front();
        }
        // There is room now.
        let _ = self.0.push_back(event);
    }

    pub(super) fn poll(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
