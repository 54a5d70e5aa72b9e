//! The commands: one table from names to answers.

use std::time::Duration;

use qga_proto::{Agent, OwnedCommand, ReplyError, Request, commands, metadata};
use serde::Serialize;

use crate::error::Refusal;
use crate::guest::Guest;
use crate::personality::Availability;
use crate::value::Value;
use crate::wire::{Call, Reply as Line};

mod accounts;
mod clock;
mod exec;
mod files;
mod freeze;
mod hotplug;
mod network;
mod power;
mod session;
mod system;
mod vendor;

/// What a handler gives.
pub(crate) type Answer = Result<Answered, Refusal>;

/// A success.
pub(crate) enum Answered {
    /// The reply, whatever its type, for an agent to put into words.
    Reply(Box<dyn Reply>),
    /// The value as it is: of what is so long that words on the way would take seconds.
    Value(Value),
}

/// Something that an agent can respond with.
pub(crate) trait Reply {
    fn send(&self, agent: &mut Agent<Vec<u8>>) -> Result<(), ReplyError>;
}

/// The reply of a command that is silent when it succeeds.
struct Silence;

impl Reply for Silence {
    fn send(&self, agent: &mut Agent<Vec<u8>>) -> Result<(), ReplyError> {
        agent.accept();
        Ok(())
    }
}

impl<T: Serialize> Reply for T {
    fn send(&self, agent: &mut Agent<Vec<u8>>) -> Result<(), ReplyError> {
        agent.respond(self)
    }
}

/// A command that the guest knows.
struct Entry {
    name: &'static str,
    handler: fn(&mut Guest, Request<'_>) -> Answer,
}

/// Makes the table. A handler takes the arguments as the type that it names, which is the command itself unless it must
/// look closer, and gives the reply that the schema has for the command; or its value, where that is said.
macro_rules! table {
    ($($command:ident => $handler:path $(as $kind:ident)?,)*) => {
        &[$(Entry {
            name: commands::$command::NAME,
            handler: |guest, request| answered!($command, $handler(guest, &request.typed_arguments()?)? $(, $kind)?),
        },)*]
    };
}

macro_rules! answered {
    ($command:ident, $reply:expr) => {{
        let reply: <commands::$command as OwnedCommand>::Owned = $reply;
        Ok(Answered::Reply(Box::new(reply)))
    }};
    ($command:ident, $reply:expr, value) => {
        Ok(Answered::Value($reply))
    };
}

/// In the order of the schema.
static TABLE: &[Entry] = table! {
    GuestPing => session::ping,
    GuestGetTime => clock::get,
    GuestSetTime => clock::set,
    GuestInfo => session::info,
    GuestShutdown => power::shut_down,
    GuestFileOpen => files::open,
    GuestFileClose => files::close,
    GuestFileRead => files::read as value,
    GuestFileWrite => files::write,
    GuestFileSeek => files::seek,
    GuestFileFlush => files::flush,
    GuestFsfreezeStatus => freeze::status,
    GuestFsfreezeFreeze => freeze::freeze,
    GuestFsfreezeFreezeList => freeze::freeze_list,
    GuestFsfreezeThaw => freeze::thaw,
    GuestFstrim => system::trim,
    GuestSuspendDisk => power::suspend_disk,
    GuestSuspendRam => power::suspend_ram,
    GuestSuspendHybrid => power::suspend_hybrid,
    GuestNetworkGetInterfaces => network::interfaces,
    GuestGetVcpus => hotplug::processors,
    GuestSetVcpus => hotplug::set_processors,
    GuestGetDisks => system::disks,
    GuestGetFsinfo => system::file_systems,
    GuestSetUserPassword => accounts::set_password,
    GuestGetMemoryBlocks => hotplug::memory_blocks,
    GuestSetMemoryBlocks => hotplug::set_memory_blocks,
    GuestGetMemoryBlockInfo => hotplug::memory_block_info,
    GuestExecStatus => exec::status as value,
    GuestExec => exec::start,
    GuestGetHostName => system::host_name,
    GuestGetUsers => system::users,
    GuestGetTimezone => system::timezone,
    GuestGetOsinfo => system::os,
    GuestGetDevices => system::devices,
    GuestSshGetAuthorizedKeys => accounts::keys,
    GuestSshAddAuthorizedKeys => accounts::add_keys,
    GuestSshRemoveAuthorizedKeys => accounts::remove_keys,
    GuestGetDiskstats => system::disk_stats,
    GuestGetCpustats => system::cpu_stats,
    GuestGetLoad => system::load,
    GuestNetworkGetRoute => network::routes,
};

/// What [`Agent`] answers by itself.
pub(crate) const SYNCS: [&str; 2] = [commands::GuestSyncDelimited::NAME, commands::GuestSync::NAME];

/// Whether it is a command that QEMU's agent does not have, and another one does.
pub(crate) fn is_vendors(name: &str) -> bool {
    vendor::TABLE.iter().any(|entry| entry.name == name)
}

/// Whether a call is carried out.
pub(crate) enum Admission {
    Yes,
    No(Refusal),
    /// Nobody says why not.
    Ignored,
}

impl Guest {
    /// Looks at a call before it is carried out: is there such a command, may it be used now, are the arguments right?
    pub(crate) fn admit(&self, call: &Call) -> Admission {
        let name = call.name.as_str();
        match self.traits().availability(name) {
            Availability::Unknown if !self.traits().answers_unknown => return Admission::Ignored,
            Availability::Unknown => {
                let desc = format!("The command {name} has not been found");
                return Admission::No(Refusal::not_found(desc));
            }
            Availability::Unsupported => return Admission::No(self.refuse_disabled(name, "")),
            Availability::Available => {}
        }
        if let Some(refusal) = self.forbid(name) {
            return Admission::No(refusal);
        }
        // Of commands that are not QEMU's nothing is known here.
        let checked = metadata::command(name)
            .map_or(Ok(()), |command| self.traits().build.check(command.arguments, &call.arguments));
        checked.map_or_else(|desc| Admission::No(Refusal::new(desc)), |()| Admission::Yes)
    }

    /// Answers a request; `now` is the time since 1970.
    pub(crate) fn answer(&mut self, request: Request<'_>, now: Duration) -> Answer {
        self.now = now;
        self.files.now = self.clocks.system(now).map_or(now, |time| Duration::from_nanos(time.max(0) as u64));
        let name = String::from(request.name());
        let Some(entry) = TABLE.iter().chain(vendor::TABLE).find(|entry| name == entry.name) else {
            return Err(Refusal::not_found(format!("The command {name} has not been found")));
        };
        let reply = (entry.handler)(self, request)?;
        let is_silent = metadata::command(entry.name).is_some_and(|command| !command.success_response);
        let keeps_silent = is_silent && !self.traits().answers_silent;
        Ok(if keeps_silent { Answered::Reply(Box::new(Silence)) } else { reply })
    }

    /// Makes a reply to a command one of this agent's.
    pub(crate) fn adapt(&self, command: &str, reply: &mut Line) {
        let ty = metadata::command(command).and_then(|command| command.returns);
        let value = reply.members.0.iter_mut().find(|(key, _)| key == "return").map(|(_, value)| value);
        let Some((value, ty)) = value.zip(ty) else { return };
        self.traits().build.prune(ty, value);
        if self.traits().lists_names && command == commands::GuestInfo::NAME {
            session::name_only(value);
        }
    }

    /// Why a command is not carried out now, if it is not.
    fn forbid(&self, name: &str) -> Option<Refusal> {
        let is_blocked = self.disabled.contains(name);
        // Since QEMU 9.1 it does not matter what is blocked while the guest is frozen: a guest that nobody may thaw would
        // stay frozen.
        if is_blocked && !(self.is_frozen() && self.traits().build.is_since(9, 1)) {
            return Some(self.refuse_disabled(name, ""));
        }
        let is_held_up = self.is_frozen() && self.traits().keeps_still;
        let is_allowed = metadata::command(name).is_some_and(|command| command.allowed_while_frozen);
        (is_held_up && !is_allowed).then(|| self.refuse_disabled(name, ": the agent is in frozen state"))
    }

    /// Whether a command is said to be enabled.
    fn is_enabled(&self, name: &str) -> bool {
        self.traits().availability(name) == Availability::Available && self.forbid(name).is_none()
    }

    /// In the words of the release; `why` was part of them for a time.
    fn refuse_disabled(&self, name: &str, why: &str) -> Refusal {
        let build = self.traits().build;
        if build.is_since(9, 1) {
            Refusal::not_found(format!("Command {name} has been disabled: the command is not allowed"))
        } else if build.is_since(6, 0) {
            Refusal::not_found(format!("Command {name} has been disabled{why}"))
        } else {
            let desc = format!("The command {name} has been disabled for this instance");
            if build.is_since(4, 2) { Refusal::not_found(desc) } else { Refusal::new(desc) }
        }
    }

    /// The names of the commands that it tells of, in the order in which it has them.
    fn names(&self) -> Vec<&'static str> {
        let all = SYNCS.into_iter().chain(TABLE.iter().map(|entry| entry.name));
        let known = |name: &&str| self.traits().availability(name) != Availability::Unknown;
        self.traits().commands.map_or_else(|| all.filter(known).collect(), <[_]>::to_vec)
    }
}
