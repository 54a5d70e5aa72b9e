//! An honest agent, written apart from the core. Each of its answers names the request that it answers.

use serde_json::Value;

/// How an agent keeps the protocol. Those in the field keep any part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    ids: Ids,
    /// Knows `guest-sync-delimited`.
    delimited: bool,
    /// Knows `guest-sync`.
    plain: bool,
    /// Takes lines, in which 0xFF is an error, where others take JSON values, between which it is a reset.
    by_line: bool,
    /// Answers 0xFF with an error.
    complains: bool,
    /// Keeps numbers as doubles.
    doubles: bool,
}

/// What becomes of a request's `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    Repeated,
    Ignored,
    Refused,
}

impl Habits {
    pub(super) fn new(byte: u8) -> Self {
        let (delimited, by_line) = (byte & 4 == 0, byte & 16 != 0);
        Self {
            ids: [Ids::Repeated, Ids::Ignored, Ids::Refused, Ids::Repeated][usize::from(byte & 3)],
            delimited,
            // It must know one of them without 0xFF, if that is an error.
            plain: byte & 8 == 0 || !delimited || by_line,
            by_line,
            complains: byte & 32 == 0,
            doubles: byte & 64 != 0,
        }
    }
}

pub(super) struct Guest {
    habits: Habits,
    /// The request that is being read.
    request: Vec<u8>,
    open: usize,
    string: bool,
    escape: bool,
}

impl Guest {
    pub(super) fn new(habits: Habits) -> Self {
        Self { habits, request: Vec::new(), open: 0, string: false, escape: false }
    }

    /// Reads one byte; gives the answer, if that was a request's last.
    pub(super) fn read(&mut self, byte: u8) -> Option<Vec<u8>> {
        if self.habits.by_line {
            if byte != b'\n' {
                self.request.push(byte);
                return None;
            }
            let request = core::mem::take(&mut self.request);
            return if request.trim_ascii().is_empty() { None } else { self.answer(&request) };
        }
        if byte == 0xFF || byte < 0x20 && (self.string || !byte.is_ascii_whitespace()) {
            *self = Self::new(self.habits);
            return self.habits.complains.then(|| failure("GenericError", "stray byte", None));
        }
        let begun = self.open > 0;
        match byte {
            _ if self.escape => self.escape = false,
            b'\\' if self.string => self.escape = true,
            b'"' if begun => self.string = !self.string,
            _ if self.string => {}
            b'{' => self.open += 1,
            b'}' if begun => self.open -= 1,
            // The rest of a request whose front was lost.
            b'}' | b':' | b',' if !begun => return Some(failure("GenericError", "syntax", None)),
            _ => {}
        }
        if begun || self.open > 0 {
            self.request.push(byte);
        }
        if begun && self.open == 0 {
            let request = core::mem::take(&mut self.request);
            return self.answer(&request);
        }
        None
    }

    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return Some(failure("GenericError", "syntax", None));
        };
        let id = match (request.get("id"), self.habits.ids) {
            (Some(_), Ids::Refused) => return Some(failure("GenericError", "unexpected id", None)),
            (Some(id), Ids::Repeated) => Some(self.repeated(id)),
            _ => None,
        };
        let id = id.as_deref();
        let arguments = &request["arguments"];
        let token = &arguments["token"];
        match request["execute"].as_str() {
            Some("guest-sync-delimited") if self.habits.delimited => {
                Some([&[0xFF], &success(&self.repeated(&arguments["id"]), id)[..]].concat())
            }
            Some("guest-sync") if self.habits.plain => Some(success(&self.repeated(&arguments["id"]), id)),
            Some("x-ok") => Some(success(
                &format!(r#"{{"text": "\"\u00E9", "list": [1, {token}], "token": {token}}}"#),
                id,
            )),
            Some("guest-exec-status") => {
                Some(success(&format!(r#"{{"exitcode": {}, "exited": true}}"#, arguments["pid"]), id))
            }
            Some("x-long") => {
                let text = "x".repeat(600);
                Some(success(&format!(r#"{{"token": {token}, "text": "{text}", "list": []}}"#), id))
            }
            Some("x-fail" | "x-quiet-fail") => Some(failure("GenericError", &format!("token {token}"), id)),
            Some("x-quiet") => None,
            Some(_) => Some(failure("CommandNotFound", "not found", id)),
            None => Some(failure("GenericError", "lacks execute", id)),
        }
    }

    fn repeated(&self, value: &Value) -> String {
        match value.as_f64() {
            Some(number) if self.habits.doubles => number.to_string(),
            _ => value.to_string(),
        }
    }
}

pub(super) fn success(value: &str, id: Option<&str>) -> Vec<u8> {
    let id = id.map(|id| format!(r#", "id": {id}"#)).unwrap_or_default();
    format!("{{\"return\": {value}{id}}}\n").into_bytes()
}

pub(super) fn failure(class: &str, desc: &str, id: Option<&str>) -> Vec<u8> {
    let id = id.map(|id| format!(r#""id": {id}, "#)).unwrap_or_default();
    format!("{{{id}\"error\": {{\"class\": \"{class}\", \"desc\": \"{desc}\"}}}}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converse(habits: u8, bytes: &[u8]) -> Vec<u8> {
        let mut guest = Guest::new(Habits::new(habits));
        bytes.iter().filter_map(|&byte| guest.read(byte)).flatten().collect()
    }

    #[test]
    fn it_answers_as_the_real_one_does() {
        let sync = b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":77},\"id\":76}\n";
        let stray = failure("GenericError", "stray byte", None);
        assert_eq!(converse(0, sync), [&stray[..], b"\xFF{\"return\": 77, \"id\": 76}\n"].concat());
        assert_eq!(converse(32, sync), b"\xFF{\"return\": 77, \"id\": 76}\n");
        assert_eq!(converse(33, sync), b"\xFF{\"return\": 77}\n");
        assert_eq!(converse(34, sync), failure("GenericError", "unexpected id", None));
        assert_eq!(converse(36, sync), failure("CommandNotFound", "not found", Some("76")));
        assert_eq!(converse(16, sync), failure("GenericError", "syntax", None));
    }

    #[test]
    fn a_cut_request_is_read_from_its_middle() {
        let lacks = failure("GenericError", "lacks execute", Some("61"));
        let syntax = failure("GenericError", "syntax", None);
        assert_eq!(converse(0, b"ents\":{\"id\":61}}\n"), [&syntax[..], &lacks, &syntax].concat());
        let fine = b"{\"execute\":\"x-fail\",\"arguments\":{\"token\":5}}";
        let answer = failure("GenericError", "token 5", None);
        assert_eq!(converse(32, &[b"{\"a\":{\"}\xFF", &fine[..]].concat()), answer);
    }
}
