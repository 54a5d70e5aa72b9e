//! The commands: one table from names to answers.

use std::time::Duration;

use qga_proto::{Agent, OwnedCommand, ReplyError, Request, commands, metadata};
use serde::Serialize;

use crate::error::Refusal;
use crate::guest::Guest;

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

/// What a handler gives: the reply, whatever its type.
pub(crate) type Answer = Result<Box<dyn Reply>, Refusal>;

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
/// look closer, and gives the reply that the schema has for the command.
macro_rules! table {
    ($($command:ident => $handler:path,)*) => {
        &[$(Entry {
            name: commands::$command::NAME,
            handler: |guest, request| {
                let reply: <commands::$command as OwnedCommand>::Owned =
                    $handler(guest, &request.arguments()?)?;
                Ok(Box::new(reply))
            },
        },)*]
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
    GuestFileRead => files::read,
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
    GuestExecStatus => exec::status,
    GuestExec => exec::start,
    GuestGetHostName => system::host_name,
    GuestGetUsers => system::users,
    GuestGetTimezone => system::timezone,
    GuestGetOsinfo => system::os,
    GuestSshGetAuthorizedKeys => accounts::keys,
    GuestSshAddAuthorizedKeys => accounts::add_keys,
    GuestSshRemoveAuthorizedKeys => accounts::remove_keys,
    GuestGetDiskstats => system::disk_stats,
    GuestGetCpustats => system::cpu_stats,
    GuestGetLoad => system::load,
    GuestNetworkGetRoute => network::routes,
};

/// What [`Agent`] answers by itself.
const SYNCS: [&str; 2] = [commands::GuestSyncDelimited::NAME, commands::GuestSync::NAME];

impl Guest {
    /// Answers a request; `now` is the time since 1970.
    pub(crate) fn answer(&mut self, request: Request<'_>, now: Duration) -> Answer {
        let name = request.name();
        let Some(entry) = TABLE.iter().find(|entry| name == entry.name) else {
            return Err(Refusal::not_found(format!("The command {name} has not been found")));
        };
        if !self.allows(entry.name) {
            return Err(Refusal::not_found(format!(
                "Command {name} has been disabled: the command is not allowed"
            )));
        }
        self.now = now;
        let reply = (entry.handler)(self, request)?;
        let is_silent = metadata::command(entry.name).is_some_and(|command| !command.success_response);
        Ok(if is_silent { Box::new(Silence) } else { reply })
    }

    /// Whether a command is carried out now. While the guest is frozen it does not matter what is disabled, since QEMU
    /// 9.1: a guest that nobody may thaw would stay frozen.
    fn allows(&self, name: &str) -> bool {
        if self.is_frozen() {
            metadata::command(name).is_some_and(|command| command.allowed_while_frozen)
        } else {
            !self.disabled.contains(name)
        }
    }
}

/// The names of all commands.
fn names() -> impl DoubleEndedIterator<Item = &'static str> {
    SYNCS.into_iter().chain(TABLE.iter().map(|entry| entry.name))
}
