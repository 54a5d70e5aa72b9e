//! One line of what an agent says.

use qga_proto::json;

use crate::excerpt;
use crate::judgement::{Judged, expect, fail};
use crate::value::Value;

/// A line, without its end, and without the 0xFF that may stand before it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) is_delimited: bool,
    /// It as it can be shown.
    pub(crate) excerpt: String,
    /// Why it is no reply, if it is none.
    pub(crate) reply: Result<Reply, &'static str>,
}

/// A reply.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) is_delimited: bool,
    pub(crate) excerpt: String,
    pub(crate) answer: Answer,
    pub(crate) id: Option<Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Return(Value),
    Error(AgentError),
}

/// An error as the agent words it.
#[derive(Clone, Debug)]
pub(crate) struct AgentError {
    /// Empty when there is none.
    pub(crate) class: String,
    pub(crate) desc: String,
    /// Whether it has a class and a text, and nothing else.
    pub(crate) is_whole: bool,
}

/// What an agent says of a command that it does not have, or does not carry out now.
pub(crate) const NOT_FOUND: &str = "CommandNotFound";

/// What it says of all else.
pub(crate) const GENERIC: &str = "GenericError";

impl Line {
    pub(crate) fn read(bytes: &[u8], is_delimited: bool) -> Self {
        let excerpt = excerpt::bytes(bytes);
        let parsed = json::from_slice(bytes).map_err(|_| "no JSON").and_then(envelope);
        let reply = parsed.map(|(answer, id)| Reply { is_delimited, excerpt: excerpt.clone(), answer, id });
        Self { is_delimited, excerpt, reply }
    }

    /// The reply that it must be.
    pub(crate) fn into_reply(self) -> Judged<Reply> {
        let Self { excerpt, reply, .. } = self;
        reply.or_else(|why| fail(format!("a line is {why}: {excerpt}")))
    }

    /// The number that it returns, if it does.
    pub(crate) fn number(&self) -> Option<i64> {
        match &self.reply {
            Ok(Reply { answer: Answer::Return(value), .. }) => value.int(),
            _ => None,
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self.reply, Ok(Reply { answer: Answer::Error(_), .. }))
    }
}

/// Takes a message apart.
fn envelope(value: Value) -> Result<(Answer, Option<Value>), &'static str> {
    let Value::Object(members) = value else { return Err("no object") };
    let (mut returned, mut error, mut id) = (None, None, None);
    for (key, value) in members {
        match key.as_str() {
            "return" => returned = Some(value),
            "error" => error = Some(value),
            "id" => id = Some(value),
            // Clients pass over what they do not know.
            _ => {}
        }
    }
    match (returned, error) {
        (Some(value), None) => Ok((Answer::Return(value), id)),
        (None, Some(error)) => Ok((Answer::Error(AgentError::read(&error)), id)),
        (Some(_), Some(_)) => Err("both a success and an error"),
        (None, None) => Err("neither a success nor an error"),
    }
}

impl AgentError {
    fn read(error: &Value) -> Self {
        let text = |name| error.get(name).and_then(Value::text);
        let (class, desc) = (text("class"), text("desc"));
        let count = if let Value::Object(members) = error { members.len() } else { 0 };
        let is_whole = class.is_some() && desc.is_some() && count == 2;
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self { class: owned(class), desc: owned(desc), is_whole }
    }

    /// It in a sentence.
    pub(crate) fn words(&self) -> String {
        format!("{} ({})", excerpt::text(&self.desc), excerpt::text(&self.class))
    }
}

impl Reply {
    /// What it returns, which must be a success.
    pub(crate) fn success(&self) -> Judged<&Value> {
        match &self.answer {
            Answer::Return(value) => Ok(value),
            Answer::Error(error) => fail(format!("it is refused: {}", error.words())),
        }
    }

    /// The success of a command that returns nothing.
    pub(crate) fn done(&self) -> Judged {
        let value = self.success()?;
        expect(value.is_empty_object(), || format!("{} in place of an empty object", self.excerpt))
    }

    /// The success of a command that returns this number.
    pub(crate) fn returns(&self, number: i64) -> Judged {
        let value = self.success()?;
        expect(value.int() == Some(number), || format!("{} in place of {number}", self.excerpt))
    }

    /// The error that it must be, about something else than that there is no such command.
    pub(crate) fn refusal(&self) -> Judged<&AgentError> {
        match &self.answer {
            Answer::Error(error) if error.class == NOT_FOUND => {
                fail(format!("the error says that there is no such command: {}", error.words()))
            }
            Answer::Error(error) => Ok(error),
            Answer::Return(_) => fail(format!("it is accepted: {}", self.excerpt)),
        }
    }

    /// The error that it must be, of whatever class.
    pub(crate) fn error(&self) -> Judged<&AgentError> {
        match &self.answer {
            Answer::Error(error) => Ok(error),
            Answer::Return(_) => fail(format!("it is accepted: {}", self.excerpt)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_replies_or_not() {
        let why = |text: &str| Line::read(text.as_bytes(), false).reply.err();
        assert_eq!(why(r#"{"return": {}}"#), None);
        assert_eq!(why(r#"{"error": {"class": "A", "desc": "b"}, "id": 1}"#), None);
        assert_eq!(why(""), Some("no JSON"));
        assert_eq!(why(r#"{"return": {}} {}"#), Some("no JSON"));
        assert_eq!(why("[]"), Some("no object"));
        assert_eq!(why(r#"{"QMP": {}}"#), Some("neither a success nor an error"));
        assert_eq!(why(r#"{"return": 1, "error": {}}"#), Some("both a success and an error"));
        assert_eq!(why(&"[".repeat(1_000_000)), Some("no JSON"));
    }

    #[test]
    fn errors_are_whole_or_not() {
        let is_whole = |error: &str| {
            let line = Line::read(format!("{{\"error\": {error}}}").as_bytes(), false);
            match line.reply.unwrap().answer {
                Answer::Error(error) => error.is_whole,
                Answer::Return(_) => panic!("an error"),
            }
        };
        assert!(is_whole(r#"{"class": "A", "desc": "b"}"#));
        for error in ["7", "{}", r#"{"desc": "b"}"#, r#"{"class": "A", "desc": "b", "code": 1}"#] {
            assert!(!is_whole(error), "{error}");
        }
    }
}
