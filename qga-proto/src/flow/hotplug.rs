//! Processors and blocks of memory, in and out of use.

use core::fmt;

use crate::buffer::Buffer;
use crate::commands::{GuestSetMemoryBlocks, GuestSetVcpus};
use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view::{GuestLogicalProcessor, GuestMemoryBlock, GuestMemoryBlockResponse};

/// Not everything was set.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAll<E> {
    /// How many are known to be as wanted: the first ones of the list.
    pub done: usize,
    /// Why it went no further. A refusal is about the one after these, and that one and all behind it are as they were;
    /// where the fate is unknown, these may have been set, too.
    pub error: Error<E>,
}

/// How many go in one command: a machine with thousands would not fit into a small buffer.
const SOME: usize = 64;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Takes processors into use or out of it, in the order of the list. Those that are not in it stay as they are.
    ///
    /// The agent stops at the first that it cannot set and tells how many it has set before; and tells why only of the
    /// first in a command. So this asks again from there on, and ends with the reason.
    ///
    /// Dropping the future gives the call up; some of them may be set. `guest-set-vcpus` is there since QEMU 1.5, on
    /// Linux.
    ///
    /// # Errors
    ///
    /// [`NotAll`] says how many were set, and has an error as of [`call_view_until`](Self::call_view_until).
    pub async fn set_vcpus(
        &mut self,
        wanted: &[GuestLogicalProcessor],
        deadline: Instant,
    ) -> Result<(), NotAll<T::Error>> {
        let mut done = 0;
        while done < wanted.len() {
            let some = &wanted[done..wanted.len().min(done + SOME)];
            let set = self.call_view_until(&GuestSetVcpus::new(some), deadline).await;
            let set = set.and_then(|set| match usize::try_from(set) {
                Ok(set @ 1..) if set <= some.len() => Ok(set),
                // None at all would be asked for again without end.
                _ => Err(unexpected("a number of processors that were set")),
            });
            done += set.map_err(|error| NotAll { done, error })?;
        }
        Ok(())
    }

    /// Takes blocks of memory into use or out of it. Those that are not in the list stay as they are.
    ///
    /// The agent tries each, and what came of it is told to `told`, in the order of the list: that a block cannot be
    /// set is no error. Gives how many are as wanted.
    ///
    /// Dropping the future gives the call up; some of them may be set. `guest-set-memory-blocks` is there since QEMU 2.3,
    /// on Linux.
    ///
    /// # Errors
    ///
    /// [`NotAll`] says how many have been told of, and has an error as of [`call_view_until`](Self::call_view_until).
    pub async fn set_memory_blocks(
        &mut self,
        wanted: &[GuestMemoryBlock],
        mut told: impl FnMut(GuestMemoryBlockResponse<'_>),
        deadline: Instant,
    ) -> Result<usize, NotAll<T::Error>> {
        use crate::view::GuestMemoryBlockResponseType::Success;

        let (mut done, mut good) = (0, 0);
        for some in wanted.chunks(SOME) {
            let responses = self.call_view_until(&GuestSetMemoryBlocks::new(some), deadline).await;
            let mut responses = responses.map_err(|error| NotAll { done, error })?.iter();
            for block in some {
                let response = match responses.next() {
                    Some(Ok(response)) if response.phys_index == block.phys_index => Ok(response),
                    Some(Err(error)) => Err(Error::undecodable(error)),
                    _ => Err(unexpected("a response for each block, in their order")),
                };
                let response = response.map_err(|error| NotAll { done, error })?;
                done += 1;
                good += usize::from(response.response == Success);
                told(response);
            }
        }
        Ok(good)
    }
}

/// What the agent said makes no sense as an answer to what it was asked.
fn unexpected<E>(expected: &'static str) -> Error<E> {
    Error::undecodable(json::Error::new(json::ErrorKind::Expected(expected), 0))
}

impl<E: fmt::Display> fmt::Display for NotAll<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} were set: {}", self.done, self.error)
    }
}

impl<E: core::error::Error + 'static> core::error::Error for NotAll<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}
