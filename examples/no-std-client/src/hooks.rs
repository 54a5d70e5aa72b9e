//! What the system gives: a connection, a clock, the standard output. The only file that is `unsafe`: it calls C.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_int, c_short, c_void};
use core::panic::PanicInfo;
use core::time::Duration;

use qga_proto::Instant;

/// The connection to the agent.
pub(crate) struct Line(c_int);

/// The system's reason not to go on: `errno`, or 0 for none.
pub(crate) struct Stopped(pub(crate) c_int);

impl Line {
    fn connect(path: &CStr) -> Result<Self, Stopped> {
        let mut address = SocketAddress { family: AF_UNIX, path: [0; 108] };
        let bytes = path.to_bytes_with_nul();
        address.path.get_mut(..bytes.len()).ok_or(Stopped(0))?.copy_from_slice(bytes);
        // SAFETY: these take numbers, and an address of which the length is told.
        unsafe {
            let socket = checked(socket(AF_UNIX.into(), SOCK_STREAM, 0) as isize)? as c_int;
            checked(connect(socket, &raw const address, size_of::<SocketAddress>() as u32) as isize)?;
            Ok(Self(socket))
        }
    }

    /// Sends the first of these bytes, and gives how many.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Stopped> {
        // SAFETY: the pointer and the length are of one slice.
        checked(unsafe { self::write_bytes(self.0, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Waits for bytes up to the deadline. Gives how many were put to the front of the buffer, 0 at the end of the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Stopped> {
        let mut this = Poll { fd: self.0, events: POLLIN, happened: 0 };
        // One more than what is left in full: to wake up too early is to wake up again and again.
        let wait = (deadline - self.now()).as_millis().min(60_000) as c_int + 1;
        // SAFETY: there is one entry.
        if checked(unsafe { poll(&raw mut this, 1, wait) } as isize)? == 0 {
            return Ok(None);
        }
        // SAFETY: the pointer and the length are of one slice.
        checked(unsafe { read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) }).map(Some)
    }

    /// Waits.
    pub(crate) fn wait(&self, time: Duration) {
        // SAFETY: there is no entry.
        unsafe { poll(core::ptr::null_mut(), 0, time.as_millis() as c_int) };
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Instant {
        let mut now = Time { seconds: 0, nanoseconds: 0 };
        // SAFETY: the pointer is to what the call fills.
        unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut now) };
        Instant::from_epoch(Duration::new(now.seconds as u64, now.nanoseconds as u32))
    }

    /// Another number each time.
    pub(crate) fn seed(&self) -> u64 {
        self.now().since_epoch().as_nanos() as u64
    }
}

/// Writes to the standard output.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Stopped> {
    let mut rest = bytes;
    while !rest.is_empty() {
        // SAFETY: the pointer and the length are of one slice.
        let n = checked(unsafe { write_bytes(1, rest.as_ptr().cast(), rest.len()) })?;
        rest = rest.get(n..).unwrap_or_default();
    }
    Ok(())
}

/// Called by the C library's start-up code. Gives the exit code.
///
/// `unsafe(no_mangle)`: the C library has no such function, it wants one.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    if count != 2 {
        let _ = write(b"usage: no-std-client SOCKET\n");
        return 2;
    }
    // SAFETY: there are two arguments, and each is a C string that stays.
    let path = unsafe { CStr::from_ptr(*arguments.add(1)) };
    #[cfg(feature = "stack")]
    stack::paint();
    let result = Line::connect(path).map_err(Into::into).and_then(crate::run);
    #[cfg(feature = "stack")]
    let _ = crate::print_stack(stack::used());
    match result {
        Ok(()) => 0,
        Err(failure) => {
            failure.tell();
            1
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let _ = write(b"panic: a bug\n");
    // SAFETY: it does not return, and needs nothing.
    unsafe { abort() }
}

/// What the target's precompiled `core` names, and nobody calls: nothing unwinds.
///
/// `unsafe(no_mangle)`: Rust's runtime is not here, so the name is free.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it does not return, and needs nothing.
    unsafe { abort() }
}

/// A result of the C library's: -1 stands for an error, whose number is elsewhere.
fn checked(result: isize) -> Result<usize, Stopped> {
    // SAFETY: the pointer is to a number of this thread's.
    usize::try_from(result).map_err(|_| Stopped(unsafe { *__errno_location() }))
}

// As on Linux.
const AF_UNIX: u16 = 1;
const SOCK_STREAM: c_int = 1;
const POLLIN: c_short = 1;
const CLOCK_MONOTONIC: c_int = 1;

#[repr(C)]
struct SocketAddress {
    family: u16,
    path: [u8; 108],
}

#[repr(C)]
struct Poll {
    fd: c_int,
    events: c_short,
    happened: c_short,
}

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

#[link(name = "c")]
unsafe extern "C" {
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn connect(socket: c_int, address: *const SocketAddress, len: u32) -> c_int;
    fn poll(entries: *mut Poll, count: u64, timeout: c_int) -> c_int;
    fn read(file: c_int, buffer: *mut c_void, len: usize) -> isize;
    #[link_name = "write"]
    fn write_bytes(file: c_int, bytes: *const c_void, len: usize) -> isize;
    fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    fn abort() -> !;
    fn __errno_location() -> *mut c_int;
}

/// How much stack is used: what is below the caller's is painted, and looked at later.
#[cfg(feature = "stack")]
mod stack {
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// How far down is painted.
    const DEPTH: usize = 64 << 10;
    /// This function's own, and what the system may use below it.
    const SKIPPED: usize = 512;
    const PAINT: u8 = 0xA5;

    static BOTTOM: AtomicUsize = AtomicUsize::new(0);

    #[inline(never)]
    pub(super) fn paint() {
        let here = 0_u8;
        let bottom = (&raw const here).addr() - DEPTH;
        BOTTOM.store(bottom, Ordering::Relaxed);
        for offset in 0..DEPTH - SKIPPED {
            // SAFETY: below what is used of it the stack is free memory, which the system provides when it is touched.
            unsafe { ((bottom + offset) as *mut u8).write_volatile(PAINT) }
        }
    }

    /// How many bytes were used below the function that painted.
    pub(super) fn used() -> usize {
        let bottom = BOTTOM.load(Ordering::Relaxed);
        // SAFETY: it has been painted, so it is there.
        let is_painted =
            |&offset: &usize| unsafe { ((bottom + offset) as *const u8).read_volatile() } == PAINT;
        DEPTH - (0..DEPTH).take_while(is_painted).count()
    }
}
