//! Why an agent says that there is no such command: it lacks it, was told not to carry it out, or the guest is frozen.

use std::time::Duration;

use qga_proto::commands::{GuestFsfreezeStatus, GuestInfo};
use qga_proto::owned;

use crate::connection::Connection;
use crate::error::Failure;

/// How long an explanation may take: the refusal itself is already there to be told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the agent why it says that there is no such command, and adds what it tells. Other failures stay as they are,
/// and so does this one when the agent cannot tell.
pub(crate) fn explain(connection: &mut Connection, command: &str, failure: Failure) -> Failure {
    // An agent without this command has nothing to tell.
    if !failure.is_command_not_found() || command == GuestInfo::NAME {
        return failure;
    }
    connection.hurry(PATIENCE);
    let Ok(agent) = connection.try_call(&GuestInfo::new()) else { return failure };
    let mut is_frozen = || match connection.try_call(&GuestFsfreezeStatus::new()) {
        Ok(status) => status == owned::GuestFsfreezeStatus::Frozen,
        Err(_) => false,
    };
    failure.advise(match agent.supported_commands.iter().find(|known| known.name == command) {
        None => format!("this agent, version {}, does not have it; see 'qga commands'", agent.version),
        Some(_) if is_frozen() => {
            "the guest's file systems are frozen: 'qga call guest-fsfreeze-thaw' first".to_owned()
        }
        Some(known) if !known.enabled => {
            "it is disabled in the agent's configuration, or the guest's system cannot do it".to_owned()
        }
        Some(_) => "the agent lists it all the same; try again".to_owned(),
    })
}
