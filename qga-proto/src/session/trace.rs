//! Spans and events for whoever watches many sessions (feature `tracing`): never an argument, never a reply.

#[cfg(not(feature = "tracing"))]
pub(super) use off::{Call, event};
#[cfg(feature = "tracing")]
pub(super) use on::{Call, event};

/// How many bytes a session has sent and received.
pub(super) type Traffic = [u64; 2];

#[cfg(feature = "tracing")]
mod on {
    use core::future::Future;

    use tracing::field::Empty;
    use tracing::{Instrument, Span, debug, debug_span};

    use super::Traffic;
    use crate::error::Error;
    use crate::session::Event;
    use crate::time::Instant;
    use crate::transport::Transport;

    /// A call's span.
    pub(in crate::session) struct Call {
        span: Span,
        start: Instant,
        traffic: Traffic,
        is_over: bool,
    }

    impl Call {
        pub(in crate::session) fn begin(
            command: &str,
            transport: &impl Transport,
            traffic: &Traffic,
        ) -> Self {
            let span = debug_span!(
                "call",
                command,
                outcome = Empty,
                duration_us = Empty,
                bytes_sent = Empty,
                bytes_received = Empty,
            );
            Self { span, start: transport.now(), traffic: *traffic, is_over: false }
        }

        pub(in crate::session) fn follow<F: Future>(
            &self,
            call: F,
        ) -> impl Future<Output = F::Output> + use<F> {
            call.instrument(self.span.clone())
        }

        pub(in crate::session) fn end<R, E>(
            mut self,
            result: &Result<R, Error<E>>,
            transport: &impl Transport,
            traffic: &Traffic,
        ) {
            self.is_over = true;
            let duration = (transport.now() - self.start).as_micros();
            self.span.record("outcome", outcome(result));
            self.span.record("duration_us", u64::try_from(duration).unwrap_or(u64::MAX));
            self.span.record("bytes_sent", traffic[0] - self.traffic[0]);
            self.span.record("bytes_received", traffic[1] - self.traffic[1]);
        }
    }

    impl Drop for Call {
        fn drop(&mut self) {
            if !self.is_over {
                self.span.record("outcome", "dropped");
            }
        }
    }

    fn outcome<R, E>(result: &Result<R, Error<E>>) -> &'static str {
        match result {
            Ok(_) => "ok",
            Err(Error::Refused(_)) => "refused",
            Err(Error::TimedOut(_)) => "timed out",
            Err(Error::Protocol(_)) => "protocol broken",
            Err(Error::ReplyTooLong { .. }) => "reply too long",
            Err(Error::CommandTooLong { .. }) => "command too long",
            Err(Error::Misuse(_)) => "misuse",
            Err(Error::Closed(_) | Error::Transport { .. }) => "connection lost",
            Err(Error::Connect(_)) => "no connection",
            Err(Error::MayBeFrozen) => "may be frozen",
            // Not of a call that has begun.
            Err(Error::QueueFull { .. }) => "queue full",
        }
    }

    pub(in crate::session) fn event(event: Event) {
        debug!(?event, "connection");
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use core::future::Future;

    use super::Traffic;
    use crate::error::Error;
    use crate::session::Event;
    use crate::transport::Transport;

    /// Nothing.
    pub(in crate::session) struct Call;

    impl Call {
        pub(in crate::session) fn begin(_: &str, _: &impl Transport, _: &Traffic) -> Self {
            Self
        }

        pub(in crate::session) fn follow<F: Future>(
            &self,
            call: F,
        ) -> impl Future<Output = F::Output> + use<F> {
            call
        }

        pub(in crate::session) fn end<R, E>(self, _: &Result<R, Error<E>>, _: &impl Transport, _: &Traffic) {}
    }

    pub(in crate::session) fn event(_: Event) {}
}
