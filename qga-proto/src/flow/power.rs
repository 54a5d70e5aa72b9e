//! Stopping a guest and putting it to sleep: commands that say nothing when they succeed.

use core::fmt;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::commands::{GuestPing, GuestShutdown, GuestSuspendDisk, GuestSuspendHybrid, GuestSuspendRam};
use crate::error::Error;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// How a guest is stopped (`guest-shutdown`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shutdown {
    /// It goes off, and its virtual machine ends.
    Powerdown,
    /// It stops, and its virtual machine need not end.
    Halt,
    /// It starts anew.
    Reboot,
}

/// How a guest is put to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suspend {
    /// Its memory is written to disk, and it goes off (`guest-suspend-disk`).
    Disk,
    /// Its memory stays powered (`guest-suspend-ram`).
    Ram,
    /// Both (`guest-suspend-hybrid`, Linux only).
    Hybrid,
}

/// A command to stop or sleep that the agent has accepted: it has not refused it, and what was asked behind it was
/// answered, the connection has ended, or the agent fell silent. (Silence is what success looks like: agents since QEMU 1.1
/// say nothing.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepted {
    /// The agent was still there when it was last looked at. It will go in a moment.
    Going,
    /// The agent is gone: the connection is over, or nobody answers any more.
    Gone,
}

/// How long an agent must be silent to be gone, where it has no connection that ends. Guests take some time to stop, and
/// their agents may be slow then.
const SILENCE: Duration = Duration::from_secs(5);

/// The same for guests that may soon be there again.
const SHORT_SILENCE: Duration = Duration::from_secs(2);

/// How long an agent must be silent to sleep: so long it is waited for a refusal. A guest that sleeps says nothing either,
/// so not as long as it might take.
const SLEEP_SILENCE: Duration = Duration::from_secs(15);

/// How long an agent that obeys must take for its next answer to have slept in between.
const NAP: Duration = Duration::from_secs(4);

/// How often it is looked whether the agent is there.
const PAUSE: Duration = Duration::from_millis(250);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Stops the guest, or lets it start anew. Does not wait until it has.
    ///
    /// The agent says nothing when it obeys; that it does is known at once, or after 5 s of silence. Where another client
    /// has frozen the guest this is refused; where this session has, it fails without being sent.
    ///
    /// ```
    /// use core::time::Duration;
    /// use qga_proto::{Error, Session, Shutdown, Transport};
    ///
    /// async fn stop<T: Transport>(session: &mut Session<T, [u8; 4096]>) -> Result<(), Error<T::Error>> {
    ///     let deadline = session.deadline(Duration::from_secs(60));
    ///     session.shutdown(Shutdown::Powerdown, deadline).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Dropping the future gives the call up, and does not take the command back; see [`Session`].
    ///
    /// # Errors
    ///
    /// [`Error::Refused`]: it will not. Where [`Error::is_fate_unknown`] says so nobody knows whether it will.
    pub async fn shutdown(&mut self, how: Shutdown, deadline: Instant) -> Result<Accepted, Error<T::Error>> {
        self.call_view_until(&GuestShutdown::new().mode(how.mode()), deadline).await?;
        Ok(self.going())
    }

    /// Stops the guest, and waits until its agent is gone: until the connection is over, or an agent that has obeyed has
    /// not answered for 5 s (2 s where it starts anew). Agents run a program of the guest to its end before they obey or
    /// refuse; so one that says nothing at all is given [`Timeouts::slow`](crate::Timeouts::slow) for that, and is gone if
    /// nobody answers then either. An agent that answers after a silence on the same connection may be another one, where
    /// the guest was reset at once and the line does not end with it (a virtual serial port, virtio or not); it is taken for
    /// the same. When it is gone the guest may still write to its disks for a moment; when a virtual machine has ended only
    /// its host knows. To wait for a guest that starts anew, call `wait_ready` after this.
    ///
    /// Gives [`Accepted::Going`] if it was still there at the deadline. Where nobody knows what became of the command, it is
    /// waited all the same, and an agent that goes has obeyed.
    ///
    /// Dropping the future does not take the command back.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub async fn shutdown_and_wait(
        &mut self,
        how: Shutdown,
        deadline: Instant,
    ) -> Result<Accepted, Error<T::Error>> {
        let until = deadline.min(self.deadline(self.timeouts.slow));
        // Silence says nothing as long as the guest's program may run, and the agent may still refuse.
        let patient = Patient::new(self, self.timeouts.slow);
        let result = patient.session.shutdown(how, until).await;
        drop(patient);
        self.wait_gone(result, if how == Shutdown::Reboot { SHORT_SILENCE } else { SILENCE }, deadline).await
    }

    /// Puts the guest to sleep. It may be woken at any time: call `wait_ready` then, or just the next command.
    ///
    /// The agent says nothing when it obeys: see [`shutdown`](Self::shutdown). What is sent to a guest that sleeps waits in
    /// the channel until it is woken; a session sends no more than syncs then.
    ///
    /// Dropping the future gives the call up, and does not take the command back; see [`Session`].
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown). Many guests refuse, as they cannot.
    pub async fn suspend(&mut self, how: Suspend, deadline: Instant) -> Result<Accepted, Error<T::Error>> {
        match how {
            Suspend::Disk => self.call_view_until(&GuestSuspendDisk::new(), deadline).await?,
            Suspend::Ram => self.call_view_until(&GuestSuspendRam::new(), deadline).await?,
            Suspend::Hybrid => self.call_view_until(&GuestSuspendHybrid::new(), deadline).await?,
        };
        Ok(self.going())
    }

    /// Puts the guest to sleep, and waits until its agent is gone or silent: see
    /// [`shutdown_and_wait`](Self::shutdown_and_wait). Silence is what sleep looks like: an agent that says nothing at all
    /// for 15 s sleeps, and a refusal that comes later is not seen. One that is woken within 4 s may not be seen to have
    /// slept. The agent is asked first whether it is there (`guest-ping`).
    ///
    /// # Errors
    ///
    /// As [`suspend`](Self::suspend).
    pub async fn suspend_and_wait(
        &mut self,
        how: Suspend,
        deadline: Instant,
    ) -> Result<Accepted, Error<T::Error>> {
        // With a line that is in order, the time that the command takes is the guest's.
        self.call_view_until(&GuestPing::new(), deadline).await?;
        let start = self.transport.now();
        let until = deadline.min(self.deadline(self.timeouts.slow));
        let patient = Patient::new(self, SLEEP_SILENCE);
        let result = patient.session.suspend(how, until).await;
        drop(patient);
        if result.is_ok() && self.transport.now() - start >= NAP {
            return Ok(Accepted::Gone);
        }
        self.wait_gone(result, SHORT_SILENCE, deadline).await
    }

    /// After a call that was accepted: by an answer, by the end of the connection, or by silence.
    fn going(&self) -> Accepted {
        let is_silent = self.client.silence(self.transport.now()) >= SHORT_SILENCE;
        if self.is_connected() && !is_silent { Accepted::Going } else { Accepted::Gone }
    }

    /// Waits until nobody is there any more, over the connection that there is.
    async fn wait_gone(
        &mut self,
        result: Result<Accepted, Error<T::Error>>,
        silence: Duration,
        deadline: Instant,
    ) -> Result<Accepted, Error<T::Error>> {
        match &result {
            Ok(Accepted::Going) => {}
            // A connection that ended while the command was under way is no answer, but that somebody is gone.
            Err(error) if error.is_fate_unknown() && self.is_connected() => {}
            _ => return result,
        }
        loop {
            let until = self.deadline(silence);
            let ping = self.call_view_once(&GuestPing::new(), until.min(deadline)).await;
            let is_unanswered = ping.is_err_and(|error| error.is_timeout());
            // One that is slow answers the sync, at least.
            let is_silent = is_unanswered && self.client.silence(self.transport.now()) >= silence;
            if is_silent || !self.is_connected() {
                return Ok(Accepted::Gone);
            }
            let next = self.deadline(PAUSE);
            if next >= deadline {
                return result;
            }
            self.transport.sleep_until(next).await;
        }
    }
}

/// A session that waits longer for an agent to refuse what it says nothing of when it obeys; as before when this is dropped.
struct Patient<'a, T, Rx: Buffer, Tx: Buffer> {
    session: &'a mut Session<T, Rx, Tx>,
    quiet_time: Duration,
}

impl<'a, T, Rx: Buffer, Tx: Buffer> Patient<'a, T, Rx, Tx> {
    fn new(session: &'a mut Session<T, Rx, Tx>, time: Duration) -> Self {
        let quiet_time = session.client.quiet_time();
        session.client.set_quiet_time(time.max(quiet_time));
        Self { session, quiet_time }
    }
}

impl<T, Rx: Buffer, Tx: Buffer> Drop for Patient<'_, T, Rx, Tx> {
    fn drop(&mut self) {
        self.session.client.set_quiet_time(self.quiet_time);
    }
}

impl Shutdown {
    /// The command's argument.
    const fn mode(self) -> &'static str {
        match self {
            Self::Powerdown => "powerdown",
            Self::Halt => "halt",
            Self::Reboot => "reboot",
        }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Going => "the agent obeys, and is still there",
            Self::Gone => "the agent is gone",
        })
    }
}
