//! What else can happen on a line than answers and time.

use super::guest::{self, Guest, Habits};
use super::run::Run;

impl Run<'_> {
    /// Keeps an answer back, or says one late.
    pub(super) fn hold(&mut self, choice: u8) {
        self.honest = false;
        if choice & 1 == 0 {
            self.held.extend(self.answers.pop_front());
        } else if !self.held.is_empty() {
            self.disordered = true;
            let answer = self.held.remove(usize::from(choice >> 1) % self.held.len());
            self.wire.extend(answer);
        }
    }

    pub(super) fn lose_or_repeat(&mut self, choice: u8) {
        self.honest = false;
        if choice & 1 == 0 {
            self.answers.pop_front();
        } else {
            self.disordered = true;
            self.wire.extend(&self.last);
        }
    }

    /// Says what is not for us, or nobody's.
    pub(super) fn foreign(&mut self, choice: u8) {
        self.honest = false;
        // The rest is told apart: by an `id`, by 0xFF, or because it is no answer.
        self.disordered |= matches!(choice, 0 | 2 | 5 | 13);
        let number = self.input.byte().to_string();
        let line = match choice {
            0 => guest::success("{}", None),
            1 => guest::success("{}", Some(&number)),
            2 => guest::success(&number, None),
            3 => [&[0xFF], &guest::success(&number, None)[..]].concat(),
            4 => [&[0xFF], &guest::success(&number, Some(&number))[..]].concat(),
            5 => guest::failure("GenericError", "foreign", None),
            6 => guest::failure("CommandNotFound", "foreign", Some(&number)),
            7 => b"{\"execute\": \"guest-ping\"}\n".to_vec(),
            8 => b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n".to_vec(),
            9 => b"{\"return\": {}, \"id\": inf}\n".to_vec(),
            10 => b"{}\n".to_vec(),
            11 => b"{\"return\": {}, \"error\": {}}\n".to_vec(),
            12 => guest::success(&"[".repeat(200), Some(&number)),
            13 => guest::success(&format!("\"{}\"", "y".repeat(1000)), None),
            14 => guest::success(&format!("\"{}\"", "y".repeat(1000)), Some(&number)),
            _ => [b"log: ", &guest::success("{}", None)[..]].concat(),
        };
        self.wire.extend(line);
    }

    /// Says any bytes, between lines: inside one they could make a reply of our `id` what they like.
    pub(super) fn garbage(&mut self, choice: u8) {
        (self.honest, self.disordered) = (false, true);
        self.wire.extend(self.input.take(usize::from(choice)));
    }

    /// Disturbs what is under way, by bytes that no reply has inside.
    pub(super) fn noise(&mut self, choice: u8) {
        self.honest = false;
        let at = self.input.number() % (self.wire.len() + 1);
        self.wire.insert(at, [0xFF, b'\n', b'\r', 0, 0x1B, 0x80, 0xFE, 0xC3][usize::from(choice & 7)]);
    }

    /// The guest reboots, into another system perhaps: what it was reading or saying is cut.
    pub(super) fn restart(&mut self) {
        self.honest = false;
        let said = self.input.number() % (self.wire.len() + 1);
        self.wire.truncate(said);
        self.answers.clear();
        self.guest = Guest::new(Habits::new(self.input.byte()));
    }
}
