//! What an agent says of itself.

use crate::heard::Heard;
use crate::judgement::{Judged, fail, not_supported};
use crate::reply::{Answer, NOT_FOUND, Reply};
use crate::value::Value;

/// What `guest-info` says.
pub(crate) struct Knowledge {
    /// The reply, or why there is none.
    pub(crate) info: Judged<Reply>,
    pub(crate) commands: Vec<Told>,
    pub(crate) version: Option<String>,
}

/// What is told of a command.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) name: String,
    /// `None`: that is not told.
    pub(crate) enabled: Option<bool>,
    pub(crate) success_response: Option<bool>,
}

/// Whether an agent says that it has a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    Enabled,
    Disabled,
    Missing,
    /// It does not say what it has.
    Untold,
}

impl Knowledge {
    /// Nothing is known.
    pub(crate) fn none() -> Self {
        Self { info: fail("it was not asked"), commands: Vec::new(), version: None }
    }

    /// What a reply to `guest-info` says, or that there is none.
    pub(crate) fn read(info: Judged<Reply>) -> Self {
        let value = info.as_ref().ok().and_then(|reply| reply.success().ok());
        let list = value.and_then(|value| value.get("supported_commands"));
        let commands = match list {
            Some(Value::List(list)) => list.iter().filter_map(Told::read).collect(),
            _ => Vec::new(),
        };
        let version = value.and_then(|value| value.get("version")).and_then(Value::text).map(str::to_owned);
        Self { info, commands, version }
    }

    pub(crate) fn support(&self, command: &str) -> Support {
        match self.commands.iter().find(|told| told.name == command) {
            _ if self.commands.is_empty() => Support::Untold,
            Some(Told { enabled: Some(false), .. }) => Support::Disabled,
            Some(_) => Support::Enabled,
            None => Support::Missing,
        }
    }

    /// Says that a check is not for an agent that does not have a command.
    pub(crate) fn require(&self, command: &str) -> Judged {
        match self.support(command) {
            Support::Disabled => not_supported(format!("{command} is disabled")),
            Support::Missing => not_supported(format!("it does not have {command}")),
            Support::Enabled | Support::Untold => Ok(()),
        }
    }

    /// Says that a check is not for an agent in which a command is disabled. One that it does not have it should have.
    pub(crate) fn require_enabled(&self, command: &str) -> Judged {
        match self.support(command) {
            Support::Disabled => self.require(command),
            _ => Ok(()),
        }
    }
}

impl Knowledge {
    /// The reply to a command that the agent need not have.
    pub(crate) fn reply_to(&self, command: &str, heard: Heard) -> Judged<Reply> {
        let is_told = self.support(command) == Support::Enabled;
        if !is_told && heard.has(0) && heard.before(0).next().is_none() {
            return not_supported("it is not answered, nor said to be there");
        }
        let reply = heard.reply()?;
        match &reply.answer {
            Answer::Error(error) if error.class != NOT_FOUND => Ok(reply),
            Answer::Error(_) if is_told => fail("guest-info calls it enabled, and there is no such command"),
            Answer::Error(_) => not_supported("there is no such command"),
            Answer::Return(_) => Ok(reply),
        }
    }
}

impl Told {
    fn read(command: &Value) -> Option<Self> {
        if let Value::Text(name) = command {
            return Some(Self { name: name.clone(), enabled: None, success_response: None });
        }
        let flag = |name| command.get(name).and_then(Value::bool);
        let name = command.get("name")?.text()?.to_owned();
        Some(Self { name, enabled: flag("enabled"), success_response: flag("success-response") })
    }
}
