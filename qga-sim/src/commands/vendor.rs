//! Commands that QEMU's agent does not have.

use qga_proto::Empty;
use serde::Deserialize;

use super::{Answered, Entry};
use crate::error::{Errno, Refusal};
use crate::guest::Guest;

/// What the agents of others have.
pub(super) static TABLE: &[Entry] = &[
    Entry {
        name: "apple-guest-signal-pid",
        handler: |guest, request| Ok(reply(signal(guest, &request.typed_arguments()?)?)),
    },
    Entry {
        name: "apple-guest-set-remote-login",
        handler: |guest, request| Ok(reply(set_remote_login(guest, &request.typed_arguments()?))),
    },
    Entry { name: "guest-reboot", handler: |guest, _| Ok(reply(reboot(guest))) },
];

fn reply(empty: Empty) -> Answered {
    Answered::Reply(Box::new(empty))
}

#[derive(Deserialize)]
struct SignalPid {
    pid: i64,
    signal: i64,
}

#[derive(Deserialize)]
struct SetRemoteLogin {
    enabled: bool,
}

fn signal(guest: &mut Guest, signal: &SignalPid) -> Result<Empty, Refusal> {
    let sent = u8::try_from(signal.signal)
        .map_err(|_| Errno::Invalid)
        .and_then(|number| guest.processes.signal(signal.pid, number, guest.now));
    sent.map(|()| Empty {}).map_err(|error| Refusal::new(format!("failed to signal {}: {error}", signal.pid)))
}

fn set_remote_login(guest: &mut Guest, set: &SetRemoteLogin) -> Empty {
    guest.has_remote_login = set.enabled;
    Empty {}
}

fn reboot(guest: &mut Guest) -> Empty {
    guest.shut_down(true);
    Empty {}
}
