//! Waiting for an agent.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::capabilities::Capabilities;
use crate::commands::{GuestFsfreezeStatus, GuestInfo};
use crate::diagnosis::Diagnosis;
use crate::error::Error;
use crate::owned;
use crate::session::{Pace, Session};
use crate::time::Instant;
use crate::transport::{Cause, Transport};

/// An agent that is ready.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ready {
    /// What it can do.
    pub capabilities: Capabilities,
    /// How long that took.
    pub waited: Duration,
}

/// There was no agent ready in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotReady<E> {
    /// What was seen last.
    pub diagnosis: Diagnosis,
    /// The error behind that, if there is one.
    pub error: Option<Box<Error<E>>>,
    /// How long it was waited.
    pub waited: Duration,
}

/// The pauses between attempts to connect: an agent is found 100 ms after it listens, at the latest.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];

/// How long one attempt to connect may take: where a host is down nobody says so.
const CONNECT_SLICE: Duration = Duration::from_secs(5);

/// How long to wait on one connection for an answer before the sync begins anew, with its shortest interval: time for
/// one round of its forms.
const LISTEN_SLICE: Duration = Duration::from_millis(3500);

/// How long a connection may be deaf before it is made anew. A stream may have died without a word; and to leave the
/// queue of an agent that serves another client costs little so rarely.
const DEAF: Duration = Duration::from_secs(10);

/// How often a frozen guest is asked whether it has thawed.
const FROZEN_PAUSE: Duration = Duration::from_millis(250);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Waits until an agent answers and the guest is not frozen, whatever it takes: connects again and again where
    /// there is no socket yet or nobody listens, repeats the sync where an agent may come up later (firmware that
    /// swallows what was sent, a port that is opened late, a reboot), and makes a new connection when one has been deaf
    /// for 10 s. Does so under every [`Reconnect`](crate::Reconnect) policy.
    ///
    /// An agent that has no `guest-info` is ready, too; it does not say what it can do then.
    ///
    /// Dropping the future leaves the session as any other dropped call does; see [`Session`].
    ///
    /// # Errors
    ///
    /// What was seen up to the deadline. Before that only when waiting cannot help: the address is wrong, or the
    /// connection is over and the transport knows no way to make another.
    pub async fn wait_ready(&mut self, deadline: Instant) -> Result<Ready, NotReady<T::Error>> {
        let start = self.transport.now();
        let mut pace = Pace::new(PAUSES[0], PAUSES[1]);
        let mut heard = Heard { at: start, bytes: self.traffic[1] };
        loop {
            let (seen, is_hopeless) = match self.reach(&mut heard, deadline).await {
                Ok(()) => (self.look(deadline.min(self.transport.now() + LISTEN_SLICE)).await, false),
                Err(error) => {
                    let is_hopeless = is_hopeless::<T>(&error);
                    (Err(error), is_hopeless)
                }
            };
            let error = match seen {
                Ok(Some(capabilities)) => {
                    return Ok(Ready { capabilities, waited: self.transport.now() - start });
                }
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let pause = match error {
                None => FROZEN_PAUSE,
                Some(_) if is_hopeless || self.is_connected() => Duration::ZERO,
                Some(_) => pace.pause().max(PAUSES[0]),
            };
            self.transport.sleep_until(deadline.min(self.transport.now() + pause)).await;
            let now = self.transport.now();
            if is_hopeless || now >= deadline {
                let diagnosis = error.as_ref().map_or(Diagnosis::Frozen, Diagnosis::of::<T>);
                return Err(NotReady { diagnosis, error: error.map(Box::new), waited: now - start });
            }
        }
    }

    /// Sees to it that there is a connection, and one that is not deaf.
    async fn reach(&mut self, heard: &mut Heard, deadline: Instant) -> Result<(), Error<T::Error>> {
        let now = self.transport.now();
        if self.traffic[1] != heard.bytes {
            *heard = Heard { at: now, bytes: self.traffic[1] };
        }
        if self.is_connected() && now < heard.at + DEAF {
            self.client.begin_sync_anew();
            return Ok(());
        }
        self.connect(deadline.min(now + CONNECT_SLICE)).await?;
        heard.at = self.transport.now();
        Ok(())
    }

    /// Looks once: what the agent can do, or `None` while it is frozen.
    async fn look(&mut self, deadline: Instant) -> Result<Option<Capabilities>, Error<T::Error>> {
        let capabilities = match self.call_once(&GuestInfo::new(), deadline).await {
            Ok(info) => Capabilities::new(info),
            Err(Error::Refused(_)) => return Ok(Some(Capabilities::untold())),
            Err(error) => return Err(error),
        };
        if capabilities.is_something_disabled() && self.is_frozen(deadline).await? {
            return Ok(None);
        }
        self.learn(capabilities.clone());
        Ok(Some(capabilities))
    }

    /// Whether the guest is frozen, if the agent can tell.
    async fn is_frozen(&mut self, deadline: Instant) -> Result<bool, Error<T::Error>> {
        match self.call_once(&GuestFsfreezeStatus::new(), deadline).await {
            Ok(status) => Ok(status == owned::GuestFsfreezeStatus::Frozen),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// When something came last, or the connection was made.
struct Heard {
    at: Instant,
    bytes: u64,
}

/// Whether there is no use in trying again: the address is wrong, or the transport knows no way to connect.
fn is_hopeless<T: Transport>(error: &Error<T::Error>) -> bool {
    match error {
        Error::Connect(error) => T::cause(error) == Cause::Invalid,
        error => matches!(error, Error::Closed(_)),
    }
}

impl<E> fmt::Display for NotReady<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no agent is ready after {:.1} s: {}", self.waited.as_secs_f64(), self.diagnosis)
    }
}

impl<E: core::error::Error + 'static> core::error::Error for NotReady<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.as_deref().map(|error| error as _)
    }
}
