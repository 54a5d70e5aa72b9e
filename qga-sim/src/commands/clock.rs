//! Commands about the time.

use qga_proto::Empty;
use qga_proto::commands::{GuestGetTime, GuestSetTime};

use crate::error::Refusal;
use crate::guest::Guest;

/// The times that `guest-set-time` takes, in nanoseconds: from 1970 to 2069.
const TIMES: std::ops::Range<i64> = 0..3_155_760_000 * 1_000_000_000;

pub(super) fn get(guest: &mut Guest, _: &GuestGetTime) -> Result<i64, Refusal> {
    let time = guest.clocks.system(guest.now);
    time.map(whole_micros).ok_or_else(|| Refusal::new("Time does not fit"))
}

/// The real agent lets a program set or read the hardware's clock. Since QEMU 9.1 it finds out that there is none when it
/// has set the system's already.
pub(super) fn set(guest: &mut Guest, set: &GuestSetTime) -> Result<Empty, Refusal> {
    let build = guest.traits().build;
    if !build.is_since(9, 1) && !guest.clocks.has_hardware() {
        return Err(Refusal::new("this feature or command is not currently supported"));
    }
    let done = match set.time {
        Some(time) if !TIMES.contains(&time) => return Err(Refusal::new("Invalid time")),
        Some(time) => {
            guest.clocks.set_system(whole_micros(time), guest.now);
            guest.clocks.store_hardware()
        }
        None => guest.clocks.load_hardware(),
    };
    let said = "hwclock: Cannot access the Hardware Clock via any known method.";
    done.map(|()| Empty {}).ok_or_else(|| Refusal::helper(build, "set hardware clock to system time", said))
}

/// The real agent reads and sets nothing finer than microseconds.
fn whole_micros(nanos: i64) -> i64 {
    nanos.div_euclid(1000).saturating_mul(1000)
}
