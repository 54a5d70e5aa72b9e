//! Handles of files whose `guest-file-open` was given up before its reply came: nobody else will ever close them.

use super::Client;
use super::call::{Call, Outcome};
use crate::buffer::Buffer;
use crate::commands::GuestFileOpen;
use crate::json;

/// How many replies are waited for, and how many handles kept. The oldest make room.
const MANY: usize = 8;

/// What a client knows of such files.
#[derive(Debug, Default)]
pub(super) struct Handles {
    /// The `id`s of the commands that may have opened one.
    awaited: heapless::Vec<u64, MANY>,
    /// What they opened, as their late replies said.
    come: heapless::Vec<i64, MANY>,
}

impl Handles {
    /// Takes a reply with this `id`, if it is waited for.
    pub(super) fn take_late(&mut self, id: u64, value: &[u8]) -> bool {
        let Some(at) = self.awaited.iter().position(|&awaited| awaited == id) else { return false };
        self.awaited.remove(at);
        self.keep(value);
        true
    }

    fn wait_for(&mut self, id: u64) {
        push_out(&mut self.awaited, id);
    }

    fn keep(&mut self, value: &[u8]) {
        if let Ok(handle) = json::from_slice(value) {
            push_out(&mut self.come, handle);
        }
    }
}

/// Whether a command opens a file.
pub(super) fn opens(command: &str) -> bool {
    command == GuestFileOpen::NAME
}

/// Puts something at the end; the oldest makes room.
fn push_out<T>(list: &mut heapless::Vec<T, MANY>, item: T) {
    if list.is_full() {
        list.remove(0);
    }
    // There is room now.
    let _ = list.push(item);
}

impl<Rx: Buffer, Tx: Buffer> Client<Rx, Tx> {
    /// A call has been given up. If it opens a file, its reply may still come, in id mode with a name on it.
    pub(super) fn wait_for_handle(&mut self, call: &Call) {
        if call.opens && self.sync.id_mode() && call.can_be_answered() {
            self.handles.wait_for(call.id);
        }
    }

    /// A call has been given up with its reply unread.
    pub(super) fn keep_handle(&mut self, call: &Call, outcome: &Outcome) {
        if let (true, Outcome::Return(value)) = (call.opens, outcome) {
            self.handles.keep(&self.framer.text()[value.clone()]);
        }
    }

    /// A handle that nobody knows but the guest.
    pub(crate) fn take_late_handle(&mut self) -> Option<i64> {
        self.handles.come.pop()
    }
}
