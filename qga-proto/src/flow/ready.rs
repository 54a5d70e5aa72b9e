//! Waiting for an agent.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::fmt;
#[cfg(not(feature = "alloc"))]
use core::marker::PhantomData;
use core::time::Duration;

use crate::buffer::Buffer;
#[cfg(feature = "alloc")]
use crate::capabilities::Capabilities;
use crate::commands::{GuestFsfreezeStatus, GuestInfo};
use crate::diagnosis::Diagnosis;
use crate::error::Error;
use crate::flow::freeze::status_of;
use crate::session::{Pace, Session};
use crate::time::Instant;
use crate::transport::{Cause, Transport};

/// An agent that is ready.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ready {
    /// What it can do.
    #[cfg(feature = "alloc")]
    pub capabilities: Capabilities,
    /// How long that took.
    pub waited: Duration,
}

/// There was no agent ready in time.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotReady<E> {
    /// What was seen last.
    pub diagnosis: Diagnosis,
    /// The error behind that, if there is one.
    #[cfg(feature = "alloc")]
    pub error: Option<Box<Error<E>>>,
    /// How long it was waited.
    pub waited: Duration,
    /// Without an allocator the error itself is not kept.
    #[cfg(not(feature = "alloc"))]
    kept: PhantomData<fn() -> E>,
}

/// The pauses between attempts to connect: an agent is found 100 ms after it listens, at the latest.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];

/// How long one attempt to connect may take: where a host is down nobody says so.
const CONNECT_SLICE: Duration = Duration::from_secs(5);

/// How long to wait on one connection, if nothing at all comes, before the sync begins anew, with its shortest interval:
/// time for one round of its forms.
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
    /// An agent that has no `guest-info` is ready, too; it does not say what it can do then. What it says is kept with
    /// `alloc` only.
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
        let mut ear = Ear { heard: start, bytes: self.traffic[1], patience: LISTEN_SLICE };
        let mut seen: Option<NotReady<T::Error>> = None;
        loop {
            let (found, is_hopeless) = match self.reach(&mut ear, deadline).await {
                Ok(()) => (self.look(deadline.min(self.transport.now() + ear.patience)).await, false),
                Err(error) => {
                    let is_hopeless = is_hopeless::<T>(&error);
                    (Err(error), is_hopeless)
                }
            };
            let error = match found {
                Ok(Some(found)) => return Ok(found.after(self.transport.now() - start)),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let now = self.transport.now();
            let pause = match &error {
                None => FROZEN_PAUSE,
                Some(Error::TimedOut(_)) => Duration::ZERO,
                Some(_) => pace.pause().max(PAUSES[0]),
            };
            // What the deadline has cut short says less than what was seen before.
            let is_cut = now >= deadline && error.as_ref().is_some_and(Error::is_timeout);
            if !is_cut || seen.is_none() {
                let diagnosis = error.as_ref().map_or(Diagnosis::Frozen, Diagnosis::of::<T>);
                seen = Some(NotReady::seen(diagnosis, error));
            }
            if !is_hopeless {
                self.transport.sleep_until(deadline.min(now + pause)).await;
            }
            if (is_hopeless || self.transport.now() >= deadline)
                && let Some(seen) = seen.take()
            {
                return Err(NotReady { waited: self.transport.now() - start, ..seen });
            }
        }
    }

    /// Sees to it that there is a connection, and one that is not deaf.
    async fn reach(&mut self, ear: &mut Ear, deadline: Instant) -> Result<(), Error<T::Error>> {
        let now = self.transport.now();
        if self.is_connected() {
            if self.traffic[1] != ear.bytes {
                // It says something: it is slow, maybe, and what is under way must not be thrown away.
                *ear = Ear { heard: now, bytes: self.traffic[1], patience: ear.patience.saturating_mul(2) };
                return Ok(());
            }
            self.client.begin_sync_anew();
            if now < ear.heard + DEAF || !self.transport.disconnect() {
                ear.patience = LISTEN_SLICE;
                return Ok(());
            }
        }
        self.connect(deadline.min(now + CONNECT_SLICE)).await?;
        *ear = Ear { heard: self.transport.now(), bytes: self.traffic[1], patience: LISTEN_SLICE };
        Ok(())
    }

    /// Looks once: what the agent can do, or `None` while it is frozen.
    async fn look(&mut self, deadline: Instant) -> Result<Option<Found>, Error<T::Error>> {
        let (found, may_be_frozen) = self.ask_what_it_can_do(deadline).await?;
        if may_be_frozen && self.says_that_it_is_frozen(deadline).await? {
            // Whoever thaws it may need the channel.
            if self.transport.disconnect() {
                self.lose();
            }
            return Ok(None);
        }
        #[cfg(feature = "alloc")]
        self.learn(found.0.clone());
        Ok(Some(found))
    }

    /// Asks what the agent can do, which tells whether it may be frozen, too.
    #[cfg(feature = "alloc")]
    async fn ask_what_it_can_do(&mut self, deadline: Instant) -> Result<(Found, bool), Error<T::Error>> {
        let capabilities = match self.call_once(&GuestInfo::new(), deadline).await {
            Ok(info) => Capabilities::new(info),
            Err(Error::Refused(_)) => Capabilities::untold(),
            Err(error) => return Err(error),
        };
        let may_be_frozen = capabilities.may_be_frozen();
        Ok((Found(capabilities), may_be_frozen))
    }

    #[cfg(not(feature = "alloc"))]
    async fn ask_what_it_can_do(&mut self, deadline: Instant) -> Result<(Found, bool), Error<T::Error>> {
        match self.call_view_once(&GuestInfo::new(), deadline).await {
            Ok(info) => {
                let mut commands = info.supported_commands.iter().peekable();
                let is_untold = commands.peek().is_none();
                let may_be_frozen = is_untold || commands.any(|command| !command.is_ok_and(|it| it.enabled));
                Ok((Found, may_be_frozen))
            }
            Err(Error::Refused(_)) => Ok((Found, true)),
            Err(error) => Err(error),
        }
    }

    /// Whether the guest is frozen, if the agent can tell.
    async fn says_that_it_is_frozen(&mut self, deadline: Instant) -> Result<bool, Error<T::Error>> {
        let answer = self.call_view_once(&GuestFsfreezeStatus::new(), deadline).await;
        Ok(status_of(answer)? == Some(true))
    }
}

/// What a look has shown of an agent that is ready.
#[cfg(feature = "alloc")]
struct Found(Capabilities);

#[cfg(not(feature = "alloc"))]
struct Found;

impl Found {
    fn after(self, waited: Duration) -> Ready {
        Ready {
            #[cfg(feature = "alloc")]
            capabilities: self.0,
            waited,
        }
    }
}

impl<E> NotReady<E> {
    #[cfg(feature = "alloc")]
    fn seen(diagnosis: Diagnosis, error: Option<Error<E>>) -> Self {
        Self { diagnosis, error: error.map(Box::new), waited: Duration::ZERO }
    }

    #[cfg(not(feature = "alloc"))]
    fn seen(diagnosis: Diagnosis, _: Option<Error<E>>) -> Self {
        Self { diagnosis, waited: Duration::ZERO, kept: PhantomData }
    }
}

/// What comes over the connection.
struct Ear {
    /// When something came last, or the connection was made.
    heard: Instant,
    bytes: u64,
    /// How long to wait for the answer to a look: longer each time that something comes, but no answer.
    patience: Duration,
}

/// Whether there is no use in trying to connect again: the address is wrong, or the transport knows no way.
fn is_hopeless<T: Transport>(error: &Error<T::Error>) -> bool {
    match error {
        Error::Connect(error) => T::cause(error) == Cause::Invalid,
        error => matches!(error, Error::Closed(_)),
    }
}

impl<E> fmt::Display for NotReady<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waited, diagnosis) = (self.waited.as_secs_f64(), &self.diagnosis);
        write!(f, "no agent is ready after {waited:.1} s: {diagnosis}; {}", diagnosis.advice())
    }
}

impl<E: core::error::Error + 'static> core::error::Error for NotReady<E> {
    #[cfg(feature = "alloc")]
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.as_deref().map(|error| error as _)
    }
}
