//! What is noticed of all that an agent says, whatever it is asked.

use crate::excerpt;
use crate::reply::{Answer, GENERIC, Line, NOT_FOUND};

/// What is noticed: the first of each kind.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Nothing is noticed before the first answer: what comes until then was meant for the client before.
    is_open: bool,
    /// How many replies came.
    pub(crate) replies: usize,
    /// A line that is no reply.
    pub(crate) no_reply: Option<String>,
    /// A line with other bytes than printable ASCII.
    pub(crate) no_ascii: Option<String>,
    /// 0xFF before something else than a sync's answer.
    pub(crate) delimiter: Option<String>,
    /// An error that has not just class and text.
    pub(crate) error: Option<String>,
    /// An error of a class that QEMU's agent does not have.
    pub(crate) class: Option<String>,
}

impl Notes {
    /// From now on all is meant for this client.
    pub(crate) fn open(&mut self) {
        self.is_open = true;
    }

    /// Whether anything was meant for this client.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The bytes of a line.
    pub(crate) fn see_bytes(&mut self, line: &[u8]) {
        let is_odd = |byte: &u8| !matches!(byte, b' '..=b'~');
        if self.is_open && self.no_ascii.is_none() && line.iter().any(is_odd) {
            self.no_ascii = Some(excerpt::bytes(line));
        }
    }

    /// The beginning of a line that nobody has asked for.
    pub(crate) fn see_begun(&mut self, line: &[u8]) {
        if self.is_open && !line.is_empty() {
            self.no_reply.get_or_insert_with(|| excerpt::bytes(line));
        }
    }

    /// A line, or what is made void by 0xFF.
    pub(crate) fn see_line(&mut self, line: &Line, is_whole: bool) {
        if !self.is_open {
            return;
        }
        let note = |place: &mut Option<String>| {
            place.get_or_insert_with(|| line.excerpt.clone());
        };
        if line.is_delimited && line.number().is_none() || !is_whole {
            note(&mut self.delimiter);
        }
        match &line.reply {
            Ok(reply) => {
                self.replies += 1;
                if let Answer::Error(error) = &reply.answer {
                    if !error.is_whole {
                        note(&mut self.error);
                    } else if ![GENERIC, NOT_FOUND].contains(&error.class.as_str()) {
                        note(&mut self.class);
                    }
                }
            }
            Err(_) => note(&mut self.no_reply),
        }
    }
}
