//! The terminal, and giving it back as it was.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::signals;

/// What the terminal was like before somebody changed it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Standard input is a terminal that does not show what is typed, until this is dropped, or a signal ends the process.
pub(crate) struct NoEcho(());

impl NoEcho {
    pub(crate) fn begin() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        signals::at_end(Some(restore));
        // What was typed before is shown already; it is not taken.
        tcsetattr(stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(()))
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        restore();
        signals::at_end(None);
    }
}

fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
