//! Running programs in the guest: to the end in one call, with a deadline that kills, or started now and waited for later.
//!
//! `guest-exec` starts a program and gives its number; `guest-exec-status` is asked again and again, and tells the end
//! **once**: with its answer the agent forgets the program. Output comes with the end, never before, at most 16 MiB of each
//! stream. There is no command to kill a program: another program does that. (QEMU 2.5 and later.)
//!
//! With `alloc`, an `Exec` says what to run, and [`Session`](crate::Session) has `run`, `start` and `wait`; without, it has
//! [`run_into`](crate::Session::run_into), [`start_plain`](crate::Session::start_plain) and
//! [`wait_into`](crate::Session::wait_into), which put the output into the caller's buffers. Both have
//! [`kill`](crate::Session::kill).
//!
//! ```
//! use core::time::Duration;
//! use qga_proto::exec::{End, Error, Output};
//! use qga_proto::{Buffer, Session, Transport};
//!
//! /// How long the guest is up, in its own words, if it can say.
//! async fn uptime<'b, T: Transport, Rx: Buffer, Tx: Buffer>(
//!     session: &mut Session<T, Rx, Tx>,
//!     words: &'b mut [u8],
//! ) -> Result<Option<&'b [u8]>, Error<T::Error>> {
//!     let deadline = session.deadline(Duration::from_secs(10));
//!     let output = Output::new(words, &mut []);
//!     let ran = session.run_into("uptime", &["-p"], output, deadline).await?;
//!     Ok((ran.end == End::Exit(0)).then_some(&words[..ran.stdout]))
//! }
//! ```

mod capture;
pub use capture::Capture;

mod end;
pub use end::End;

mod error;
pub use error::{Error, Fate, Misuse, Reason};

#[cfg(feature = "alloc")]
mod input;
#[cfg(feature = "alloc")]
pub use input::InputFile;

mod into;
pub use into::{Filled, Output};

mod kill;
pub use kill::{Killed, NotKilled};

mod poll;
#[cfg(feature = "alloc")]
pub(crate) use poll::Silence;

#[cfg(feature = "alloc")]
mod program;
#[cfg(feature = "alloc")]
pub use program::{Exec, Outcome};

mod start;
#[cfg(feature = "alloc")]
pub(crate) use start::Start;
pub use start::Started;

#[cfg(feature = "alloc")]
pub mod windows;
