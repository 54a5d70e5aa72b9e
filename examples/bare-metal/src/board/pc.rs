//! A PC as QEMU makes it (machines `pc` and `q35`): COM2 is the agent's channel, COM1 the console, the clock is the
//! CMOS's, and a virtio network card lends its address.
//!
//! The only file of this board that is `unsafe`: it touches ports and memory, and stands in for a C library.

#![allow(unsafe_code)]

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;
use core::ptr;

use super::{Board, Buffers, Ending};

global_asm!(include_str!("pc.s"), options(att_syntax));

/// What `uname -m` would say.
pub(crate) const MACHINE: &str = "x86_64";

/// The first registers of the serial ports.
const CONSOLE: u16 = 0x3F8;
const CHANNEL: u16 = 0x2F8;

/// The registers of a serial port, from its first one: data, line status.
const LINE_STATUS: u16 = 5;

/// Called by `pc.s`, once, with a stack and nothing else.
///
/// `unsafe(no_mangle)`: no other function of the program has this name.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    static mut RECEIVE: [u8; super::RECEIVE] = [0; super::RECEIVE];
    static mut TRANSMIT: [u8; super::TRANSMIT] = [0; super::TRANSMIT];

    for port in [CONSOLE, CHANNEL] {
        // 115200 baud, 8 bits, no parity, FIFOs empty and on, no interrupts.
        for (register, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
            write_port(port + register, value);
        }
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
                if read_port(CHANNEL + LINE_STATUS) & 1 == 0 {
                    break;
                }
                *byte = read_port(CHANNEL);
                len += 1;
            }
            core::hint::spin_loop();
        }
        len
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        write_serial(CHANNEL, bytes);
    }

    pub(crate) fn log(&mut self, text: &str) {
        write_serial(CONSOLE, text.as_bytes());
    }

    pub(crate) fn seconds(&mut self) -> u64 {
        // The registers change while they are read, at times: two readings that agree are right.
        let mut now = read_clock();
        loop {
            let again = read_clock();
            if now == again {
                let [second, minute, hour, day, month, year] = now.map(u64::from);
                return super::seconds_since_1970(2000 + year, month, day)
                    + hour * 3600
                    + minute * 60
                    + second;
            }
            now = again;
        }
    }

    pub(crate) fn network_address(&mut self) -> Option<[u8; 6]> {
        /// Where the card's own registers begin, and in these its address, while it has no MSI-X.
        const FIRST_BAR: u32 = 0x10;
        const VIRTIO_CONFIG: u16 = 0x14;
        /// virtio's vendor and the network card's device, as one register has them.
        const VIRTIO_NET: u32 = 0x1000_1AF4;

        let slot = (0..32).find(|&slot| read_pci(slot, 0) == VIRTIO_NET)?;
        let ports = (read_pci(slot, FIRST_BAR) & 0xFFFC) as u16;
        let mut address = [0; 6];
        for (offset, byte) in (0..).zip(&mut address) {
            *byte = read_port(ports + VIRTIO_CONFIG + offset);
        }
        Some(address)
    }

    pub(crate) fn end(&mut self, ending: Ending) -> ! {
        match ending {
            // ACPI's PM1 control, where QEMU's firmware puts it, with SLP_EN and the type that QEMU powers off at.
            // SAFETY: the machine is gone after that; nothing in it can be harmed.
            Ending::PowerDown => unsafe {
                asm!("out dx, ax", in("dx") 0x604_u16, in("ax") 0x2000_u16, options(nomem, nostack));
            },
            // The chipset's reset register.
            Ending::Reboot => write_port(0xCF9, 6),
            Ending::Halt => {}
        }
        loop {
            // SAFETY: no interrupt is on, so this ends the program as it shall.
            unsafe { asm!("hlt", options(nomem, nostack)) }
        }
    }

    pub(crate) fn stack_used(&self) -> usize {
        unsafe extern "C" {
            static stack_bottom: u8;
            static stack_top: u8;
        }
        let (mut at, top) = (&raw const stack_bottom, &raw const stack_top);
        // SAFETY: both are ends of the one stretch of memory that `pc.s` sets aside, and has cleared. Volatile, as the
        // compiler does not know that a stack has an inside.
        while at < top && unsafe { at.read_volatile() } == 0 {
            at = at.wrapping_add(1);
        }
        top as usize - at as usize
    }
}

fn write_serial(port: u16, bytes: &[u8]) {
    for &byte in bytes {
        while read_port(port + LINE_STATUS) & 0x20 == 0 {}
        write_port(port, byte);
    }
}

/// Second, minute, hour, day, month and year of the century.
fn read_clock() -> [u8; 6] {
    let read = |register| {
        write_port(0x70, register);
        read_port(0x71)
    };
    let is_binary = read(0x0B) & 4 != 0;
    [0, 2, 4, 7, 8, 9].map(|register| match read(register) {
        value if is_binary => value,
        value => (value >> 4) * 10 + (value & 15),
    })
}

/// A register of the first function in a slot of the first bus.
fn read_pci(slot: u32, register: u32) -> u32 {
    let value;
    // SAFETY: these two ports do nothing but choose and read a register; the ones that are read here have no side effect.
    unsafe {
        asm!("out dx, eax", in("dx") 0xCF8_u16, in("eax") 1 << 31 | slot << 11 | register, options(nomem, nostack));
        asm!("in eax, dx", in("dx") 0xCFC_u16, out("eax") value, options(nomem, nostack));
    }
    value
}

fn read_port(port: u16) -> u8 {
    let value;
    // SAFETY: no port that is named in this file reads or writes memory.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack)) }
    value
}

fn write_port(port: u16, value: u8) {
    // SAFETY: as above.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    write_serial(CONSOLE, b"panic: a bug\n");
    Board(()).end(Ending::PowerDown)
}

// What the target's precompiled `core` expects of a C library and of a runtime. `unsafe(no_mangle)`: there is neither of
// them in this program, so each name is free, and each function does what its name promises.

/// Never called: nothing unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Never called, either.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// # Safety
///
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise is what the instruction needs. Not a loop, which would be compiled to a call of itself.
    unsafe {
        asm!("rep movsb", inout("rcx") n => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack))
    }
    to
}

/// # Safety
///
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= n {
        // SAFETY: what is still to be read is not overwritten when going up.
        return unsafe { memcpy(to, from, n) };
    }
    let (last_to, last_from) = (to.wrapping_add(n).wrapping_sub(1), from.wrapping_add(n).wrapping_sub(1));
    // SAFETY: the same, going down; the direction is put back.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") n => _, inout("rdi") last_to => _, inout("rsi") last_from => _,
            options(nostack));
    }
    to
}

/// # Safety
///
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, n: usize) -> *mut u8 {
    // SAFETY: as for memcpy.
    unsafe {
        asm!("rep stosb", inout("rcx") n => _, inout("rdi") to => _, in("al") value as u8, options(nostack))
    }
    to
}

/// # Safety
///
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: both have n bytes. Volatile, so that this is not compiled to a call of itself.
        let (a, b) = unsafe { (ptr::read_volatile(a.add(i)), ptr::read_volatile(b.add(i))) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// # Safety
///
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(a, b, n) }
}
