//! What the agent can do, and says of its machine.

use core::fmt::{self, Write};

use qga_proto::commands::{
    GuestGetFsinfo, GuestGetHostName, GuestGetOsinfo, GuestGetTime, GuestGetTimezone, GuestGetUsers,
    GuestInfo, GuestNetworkGetInterfaces, GuestPing, GuestShutdown, GuestSync, GuestSyncDelimited,
};
use qga_proto::json::{List, Str};
use qga_proto::view::{
    GuestAgentCommandInfo, GuestAgentInfo, GuestHostName, GuestNetworkInterface, GuestOSInfo, GuestTimezone,
};
use qga_proto::{Empty, ErrorClass, ReplyError, Request};

use crate::board::{Board, Ending, MACHINE};

pub(crate) type Agent = qga_proto::Agent<&'static mut [u8]>;

/// All commands. The syncs are answered by the `Agent` itself.
const NAMES: [&str; 12] = [
    GuestSync::NAME,
    GuestSyncDelimited::NAME,
    GuestPing::NAME,
    GuestInfo::NAME,
    GuestGetFsinfo::NAME,
    GuestGetHostName::NAME,
    GuestGetOsinfo::NAME,
    GuestGetTime::NAME,
    GuestGetTimezone::NAME,
    GuestGetUsers::NAME,
    GuestNetworkGetInterfaces::NAME,
    GuestShutdown::NAME,
];

/// The machine, as the host sees it.
pub(crate) struct Guest {
    pub(crate) board: Board,
    /// How it shall end, once what was to be said has been said.
    pub(crate) ending: Option<Ending>,
}

/// What a request asks for.
enum Order {
    Answer(usize),
    End(Ending),
    Unknown,
}

impl Guest {
    pub(crate) fn new(board: Board) -> Self {
        Self { board, ending: None }
    }

    /// Answers what has come.
    pub(crate) fn serve(&mut self, agent: &mut Agent) {
        while let Some(request) = agent.poll_request() {
            let answered = match order(&request) {
                Ok(Order::Answer(index)) => self.answer(NAMES[index], agent),
                Ok(Order::End(ending)) => {
                    // It is silent when it succeeds.
                    self.ending = Some(ending);
                    agent.accept();
                    Ok(())
                }
                // `Str`, as a `str` prints itself by a kilobyte of code.
                Ok(Order::Unknown) => {
                    agent.refuse(ErrorClass::CommandNotFound, Str::new("this agent has no such command"))
                }
                Err(what) => agent.refuse(ErrorClass::GenericError, Str::new(what)),
            };
            if answered.is_err() {
                // A reply always fits; an `id` of the host's need not. The refusal goes without it, and fits as well.
                let _ = agent.refuse(ErrorClass::GenericError, Str::new("the id is too long"));
            }
        }
    }

    /// Ends the machine.
    pub(crate) fn end(&mut self, ending: Ending) -> ! {
        let used = self.board.stack_used();
        let _ = writeln!(Console(&mut self.board), "the agent ends; stack: {used}");
        self.board.end(ending)
    }

    fn answer(&mut self, name: &str, agent: &mut Agent) -> Result<(), ReplyError> {
        match name {
            GuestInfo::NAME => {
                let commands = NAMES.map(|name| {
                    GuestAgentCommandInfo::new(name, true).success_response(name != GuestShutdown::NAME)
                });
                agent.respond(&GuestAgentInfo::new(env!("CARGO_PKG_VERSION"), List::from(&commands)))
            }
            GuestGetHostName::NAME => agent.respond(&GuestHostName::new("bare-metal")),
            GuestGetOsinfo::NAME => agent.respond(
                &GuestOSInfo::new()
                    .id("bare-metal")
                    .name("no operating system")
                    .pretty_name("bare metal")
                    .machine(MACHINE),
            ),
            GuestGetTime::NAME => agent.respond(&(self.board.seconds() * 1_000_000_000)),
            GuestGetTimezone::NAME => agent.respond(&GuestTimezone::new(0).zone("UTC")),
            GuestNetworkGetInterfaces::NAME => self.answer_interfaces(agent),
            GuestPing::NAME => agent.respond(&Empty {}),
            // There are no users, and no file systems.
            _ => agent.respond(&List::<Str<'_>>::default()),
        }
    }

    /// The network card, if there is one. It has no other address: nothing here speaks IP.
    fn answer_interfaces(&mut self, agent: &mut Agent) -> Result<(), ReplyError> {
        let Some(address) = self.board.network_address() else {
            return agent.respond(&List::<Str<'_>>::default());
        };
        let text = hexadecimal(address);
        let interface =
            GuestNetworkInterface::new("net0").hardware_address(str::from_utf8(&text).unwrap_or_default());
        agent.respond(&List::from(&[interface]))
    }
}

/// What a request asks for, if its arguments are what its command takes.
fn order(request: &Request<'_>) -> Result<Order, &'static str> {
    const WRONG: &str = "the command does not take these arguments";

    let name = request.name();
    let Some(index) = NAMES.iter().position(|known| name == *known) else { return Ok(Order::Unknown) };
    if NAMES[index] != GuestShutdown::NAME {
        // None of them takes any.
        return request.typed_arguments::<GuestPing>().map(|_| Order::Answer(index)).map_err(|_| WRONG);
    }
    let mode =
        request.typed_arguments::<GuestShutdown<'_>>().map_err(|_| WRONG)?.mode.unwrap_or("powerdown".into());
    [("powerdown", Ending::PowerDown), ("halt", Ending::Halt), ("reboot", Ending::Reboot)]
        .iter()
        .find(|(name, _)| mode == *name)
        .map(|(_, ending)| Order::End(*ending))
        .ok_or("mode is none of powerdown, halt and reboot")
}

/// Bytes as `52:54:00`. By hand, as what pads numbers is a kilobyte of code.
fn hexadecimal(bytes: [u8; 6]) -> [u8; 17] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    let mut text = [b':'; 17];
    for (place, byte) in text.chunks_mut(3).zip(bytes) {
        place[..2].copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text
}

/// The board's console, to be written to.
struct Console<'a>(&'a mut Board);

impl Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.log(text);
        Ok(())
    }
}
