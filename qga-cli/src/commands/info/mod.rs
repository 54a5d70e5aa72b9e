//! `qga info`: what the guest is.

use std::time::{SystemTime, UNIX_EPOCH};

use qga_proto::commands::{
    GuestFsfreezeStatus, GuestGetFsinfo, GuestGetHostName, GuestGetLoad, GuestGetOsinfo, GuestGetTime,
    GuestGetTimezone, GuestGetUsers, GuestInfo, GuestNetworkGetInterfaces,
};
use qga_proto::{Capabilities, Error, OwnedCommand, Support, owned};
use serde_json::{Map, Value, json};

use super::agent;
use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, units};

mod human;
mod row;

pub(super) struct Question;

impl ask::Question for Question {
    type Answer = Info;

    const COLUMNS: Columns<&'static str> = row::COLUMNS;

    fn ask(&self, connection: &mut Connection) -> Result<Info, Failure> {
        Info::ask(connection)
    }

    fn document(info: Info) -> String {
        output::document(&info.document())
    }

    fn text(info: Info) -> String {
        human::text(&info)
    }

    fn cells(info: Info) -> Columns<String> {
        row::cells(&info)
    }
}

/// What an agent tells about its guest.
pub(super) struct Info {
    address: String,
    agent: Capabilities,
    frozen: Answer<owned::GuestFsfreezeStatus>,
    host_name: Answer<owned::GuestHostName>,
    system: Answer<owned::GuestOSInfo>,
    time: Answer<i64>,
    /// How many nanoseconds the guest's clock is ahead of ours.
    ahead: i128,
    timezone: Answer<owned::GuestTimezone>,
    load: Answer<owned::GuestLoadAverage>,
    users: Answer<Vec<owned::GuestUser>>,
    interfaces: Answer<Vec<owned::GuestNetworkInterface>>,
    file_systems: Answer<Vec<owned::GuestFilesystemInfo>>,
}

/// The answer to one of several questions. That one has none does not spoil the others.
type Answer<T> = Result<T, Gap>;

/// Why there is no answer.
struct Gap {
    command: String,
    reason: Reason,
}

enum Reason {
    /// The agent does not have the command, or has it disabled; it was not asked.
    NotOffered(Support),
    /// The agent refused, or answered what cannot be read.
    Failed(String),
}

impl Info {
    /// Asks for everything. Fails when the agent does not answer, not when it refuses.
    fn ask(connection: &mut Connection) -> Result<Self, Failure> {
        let agent = Capabilities::new(connection.call(&GuestInfo::new())?);
        let address = connection.address().to_owned();
        let mut questions = Questions { connection, agent: &agent };
        let time = questions.ask(&GuestGetTime::new())?;
        Ok(Self {
            ahead: time.as_ref().map_or(0, |time| i128::from(*time) - now()),
            time,
            frozen: questions.ask(&GuestFsfreezeStatus::new())?,
            host_name: questions.ask(&GuestGetHostName::new())?,
            system: questions.ask(&GuestGetOsinfo::new())?,
            timezone: questions.ask(&GuestGetTimezone::new())?,
            load: questions.ask(&GuestGetLoad::new())?,
            users: questions.ask(&GuestGetUsers::new())?,
            interfaces: questions.ask(&GuestNetworkGetInterfaces::new())?,
            file_systems: questions.ask(&GuestGetFsinfo::new())?,
            agent,
            address,
        })
    }

    /// The names of the commands that the agent has, but does not carry out now.
    fn disabled(&self) -> Vec<&str> {
        let commands = self.agent.info().supported_commands.iter().filter(|command| !command.enabled);
        let mut names: Vec<_> = commands.map(|command| command.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Everything as JSON: under names of ours, what the agent said as it said it.
    fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("address".into(), self.address.as_str().into());
        document.insert("agent_version".into(), self.agent.version().into());
        document.insert("disabled".into(), self.disabled().into());
        let mut unavailable = Map::new();
        let mut part = |name: &str, value: Result<Value, &Gap>| match value {
            Ok(value) => {
                document.insert(name.to_owned(), value);
            }
            Err(gap) => {
                unavailable.insert(gap.command.clone(), gap.reason().into());
            }
        };
        let is_frozen = |status: &_| *status == owned::GuestFsfreezeStatus::Frozen;
        part("frozen", self.frozen.as_ref().map(|status| is_frozen(status).into()));
        part("host_name", self.host_name.as_ref().map(|name| name.host_name.as_str().into()));
        part("system", self.system.as_ref().map(|system| json!(system)));
        part("time", self.time.as_ref().map(|time| units::time(*time).into()));
        part("time_ns", self.time.as_ref().map(|time| (*time).into()));
        part("timezone", self.timezone.as_ref().map(|zone| json!(zone)));
        part("load", self.load.as_ref().map(|load| json!(load)));
        part("users", self.users.as_ref().map(|users| json!(users)));
        part("interfaces", self.interfaces.as_ref().map(|interfaces| json!(interfaces)));
        part("file_systems", self.file_systems.as_ref().map(|systems| json!(systems)));
        document.insert("unavailable".into(), unavailable.into());
        document.into()
    }
}

impl Gap {
    fn reason(&self) -> &str {
        match &self.reason {
            Reason::NotOffered(support) => agent::word(*support),
            Reason::Failed(why) => why,
        }
    }
}

struct Questions<'a> {
    connection: &'a mut Connection,
    agent: &'a Capabilities,
}

impl Questions<'_> {
    fn ask<C: OwnedCommand>(&mut self, command: &C) -> Result<Answer<C::Owned>, Failure> {
        let gap = |reason| Ok(Err(Gap { command: command.name().to_owned(), reason }));
        let support = self.agent.support(command.name());
        if let Support::Disabled | Support::Missing = support {
            return gap(Reason::NotOffered(support));
        }
        match self.connection.try_call(command) {
            Ok(reply) => Ok(Ok(reply)),
            Err(Error::Refused(refusal)) => gap(Reason::Failed(format!("refused: {}", refusal.desc))),
            Err(error @ (Error::Protocol(_) | Error::ReplyTooLong { .. })) => {
                gap(Reason::Failed(error.to_string()))
            }
            Err(error) => Err(self.connection.failure(&error, command.is_query())),
        }
    }
}

/// Our clock, as the agent gives the guest's.
fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}
