//! What the agent needs of a machine. Each board does this in one file, which is all that differs between them.

#[cfg_attr(target_arch = "x86_64", path = "board/pc.rs")]
#[cfg_attr(target_arch = "arm", path = "board/mps2.rs")]
mod this;
pub(crate) use this::MACHINE;

/// The machine. There is one, and its file makes it: it then calls [`run`](crate::run).
///
/// - `read` waits until something has come on the channel, and gives how many bytes it put to the front of the buffer;
/// - `write` sends to the channel, `log` to the console;
/// - `seconds` is the time, since the beginning of 1970, in UTC;
/// - `network_address` is that of the network card, if there is one;
/// - `end` ends the machine;
/// - `stack_used` is how many bytes of stack were ever used.
pub(crate) struct Board(());

/// The memory of the agent.
pub(crate) struct Buffers {
    pub(crate) receive: &'static mut [u8],
    pub(crate) transmit: &'static mut [u8],
}

/// How long a request may be. 512 bytes hold all that this agent carries out; but it shall also refuse what it has not in
/// order, and Proxmox VE writes files with requests of 80 KiB.
const RECEIVE: usize = 96 << 10;

/// The longest reply is that of `guest-info`.
const TRANSMIT: usize = 2 << 10;

/// How a machine ends.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    PowerDown,
    Halt,
    Reboot,
}

/// The beginning of a day, which may be from 1970 on.
#[cfg(target_arch = "x86_64")]
fn seconds_since_1970(year: u64, month: u64, day: u64) -> u64 {
    // Years from March on have their odd day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // Those up to the 1st of January 1970.
    (days - 719_468) * 86_400
}
