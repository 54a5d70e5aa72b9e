//! A Cortex-M4 on Arm's MPS2 as QEMU makes it (machine `mps2-an386`): UART 1 is the agent's channel, UART 0 the console, the
//! clock is the debugger's (semihosting), and the Ethernet chip lends its address.
//!
//! The only file of this board that is `unsafe`: it touches registers and memory.

#![allow(unsafe_code)]

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;
use core::ptr;

use super::{Board, Buffers, Ending};

global_asm!(include_str!("mps2.s"));

/// What `uname -m` would say.
pub(crate) const MACHINE: &str = "armv7em";

/// The registers of the UARTs (CMSDK), and their offsets.
const CONSOLE: usize = 0x4000_4000;
const CHANNEL: usize = 0x4000_5000;
const DATA: usize = 0;
const STATE: usize = 4;
const CONTROL: usize = 8;
const DIVIDER: usize = 16;
/// Bits of `STATE`.
const IS_FULL: u32 = 1;
const HAS_COME: u32 = 2;

/// The registers of the Ethernet chip (LAN9118).
const ETHERNET: usize = 0x4020_0000;

/// Application interrupt and reset control.
const AIRCR: usize = 0xE000_ED0C;

/// Called by `mps2.s`, once, with a stack and nothing else.
///
/// `unsafe(no_mangle)`: no other function of the program has this name.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    static mut RECEIVE: [u8; super::RECEIVE] = [0; super::RECEIVE];
    static mut TRANSMIT: [u8; super::TRANSMIT] = [0; super::TRANSMIT];

    for uart in [CONSOLE, CHANNEL] {
        write_register(uart + DIVIDER, 16);
        // Both directions on.
        write_register(uart + CONTROL, 3);
        // QEMU looks whether something has come only after a byte was taken.
        read_register(uart + DATA);
    }
    let (receive, transmit) = (&raw mut RECEIVE, &raw mut TRANSMIT);
    // SAFETY: this function runs once, there is one processor and no interrupt, and nobody else names these two.
    let buffers = unsafe { Buffers { receive: &mut *receive, transmit: &mut *transmit } };
    crate::run(Board(()), buffers)
}

/// What `board.rs` says of each.
impl Board {
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut len = 0;
        while len == 0 {
            for byte in &mut *buffer {
                if read_register(CHANNEL + STATE) & HAS_COME == 0 {
                    break;
                }
                *byte = read_register(CHANNEL + DATA) as u8;
                len += 1;
            }
        }
        len
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        write_uart(CHANNEL, bytes);
    }

    pub(crate) fn log(&mut self, text: &str) {
        write_uart(CONSOLE, text.as_bytes());
    }

    pub(crate) fn seconds(&mut self) -> u64 {
        const SYS_TIME: u32 = 0x11;

        u64::from(semihost(SYS_TIME, 0))
    }

    pub(crate) fn network_address(&mut self) -> Option<[u8; 6]> {
        const COMMAND: usize = 0xA4;
        const VALUE: usize = 0xA8;
        /// The chip shall read one of its inner registers.
        const READ: u32 = 3 << 30;
        /// The inner registers with the address.
        const HIGH: u32 = 2;
        const LOW: u32 = 3;

        let read = |register| {
            write_register(ETHERNET + COMMAND, READ | register);
            read_register(ETHERNET + VALUE)
        };
        let [e, f, ..] = read(HIGH).to_le_bytes();
        let [a, b, c, d] = read(LOW).to_le_bytes();
        Some([a, b, c, d, e, f])
    }

    pub(crate) fn end(&mut self, ending: Ending) -> ! {
        const SYS_EXIT: u32 = 0x18;
        const APPLICATION_EXIT: u32 = 0x20026;

        match ending {
            // There is no switch for the power; the debugger can end the machine.
            Ending::PowerDown => {
                semihost(SYS_EXIT, APPLICATION_EXIT);
            }
            // The key, and SYSRESETREQ.
            Ending::Reboot => write_register(AIRCR, 0x05FA_0004),
            Ending::Halt => {}
        }
        loop {
            // SAFETY: no interrupt is on, so this ends the program as it shall.
            unsafe { asm!("wfi", options(nomem, nostack)) }
        }
    }

    pub(crate) fn stack_used(&self) -> usize {
        unsafe extern "C" {
            static stack_bottom: u8;
            static stack_top: u8;
        }
        let (mut at, top) = (&raw const stack_bottom, &raw const stack_top);
        // SAFETY: both are ends of the one stretch of memory that `mps2.ld` sets aside and `mps2.s` has cleared. Volatile, as
        // the compiler does not know that a stack has an inside.
        while at < top && unsafe { at.read_volatile() } == 0 {
            at = at.wrapping_add(1);
        }
        top as usize - at as usize
    }
}

fn write_uart(uart: usize, bytes: &[u8]) {
    for &byte in bytes {
        while read_register(uart + STATE) & IS_FULL != 0 {}
        write_register(uart + DATA, u32::from(byte));
    }
}

fn read_register(address: usize) -> u32 {
    // SAFETY: the addresses in this file are of the board's registers: none of them is memory that Rust knows of.
    unsafe { ptr::read_volatile(address as *const u32) }
}

fn write_register(address: usize, value: u32) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile(address as *mut u32, value) }
}

/// Asks the debugger, which QEMU plays.
fn semihost(operation: u32, parameter: u32) -> u32 {
    let mut result = operation;
    // SAFETY: neither of the operations used here reads or writes memory.
    unsafe { asm!("bkpt #0xAB", inout("r0") result, in("r1") parameter, options(nostack)) }
    result
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    write_uart(CONSOLE, b"panic: a bug\n");
    Board(()).end(Ending::PowerDown)
}
