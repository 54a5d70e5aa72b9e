//! Starting a program.

use core::time::Duration;

use serde::Serialize;

use super::capture::Capture;
use super::error::{Error, Fate, Reason};
use crate::buffer::Buffer;
use crate::command::Command;
use crate::commands::GuestExec;
use crate::json::Base64;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// A program that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// Its number, by which any client may ask for it: the agent's memory keeps it until its end has been told, but not
    /// beyond the agent's own end.
    pub pid: i64,
    /// What is kept of its output.
    pub capture: Capture,
}

impl From<i64> for Started {
    /// The program of this number, whoever started it, with all that was kept of its output.
    fn from(pid: i64) -> Self {
        Self { pid, capture: Capture::Separated }
    }
}

/// `guest-exec` over plain strings.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Start<'a, S> {
    pub(super) path: &'a str,
    pub(super) arg: &'a [S],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) env: Option<&'a [S]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_data: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capture_output: Option<view::GuestExecCaptureOutput<'static>>,
}

impl<S: Serialize> Command for Start<'_, S> {
    type View<'v> = view::GuestExec;

    fn name(&self) -> &str {
        GuestExec::NAME
    }
}

impl<'a, S> Start<'a, S> {
    pub(crate) fn new(path: &'a str, arg: &'a [S]) -> Self {
        Self { path, arg, env: None, input_data: None, capture_output: None }
    }
}

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Starts a program, with the best that the agent has for what is to be captured.
    pub(crate) async fn launch<S: Serialize>(
        &mut self,
        mut start: Start<'_, S>,
        capture: Capture,
        deadline: Instant,
    ) -> Result<Started, Error<T::Error>> {
        start.capture_output = capture.wire();
        let mut kept = capture;
        // The input is part of the command, and lines may be slow.
        let input = start.input_data.map_or(0, |input| input.decoded_len() as u64);
        let bringing = Duration::from_secs(input / SLOWEST_LINE);
        let limit = deadline.min(self.patience(GuestExec::NAME, deadline) + bringing);
        let mut result = self.call_view_until(&start, limit).await.map(|exec| exec.pid);
        // The agent may lack the mode; which it is, its words do not tell for sure. A refusal has started nothing.
        if let Err(crate::Error::Refused(refusal)) = &result
            && capture == Capture::Merged
            && !refusal.is_command_not_found()
        {
            kept = Capture::Separated;
            start.capture_output = kept.wire();
            let limit = deadline.min(self.patience(GuestExec::NAME, deadline) + bringing);
            result = self.call_view_until(&start, limit).await.map(|exec| exec.pid);
        }
        match result {
            Ok(pid) => Ok(Started { pid, capture: kept }),
            Err(error) if error.is_fate_unknown() => {
                Err(Error::new(None, Reason::StartUnknown(error), Fate::Unknown))
            }
            Err(error) => Err(Error::new(None, Reason::NotStarted(error), Fate::NotStarted)),
        }
    }
}

/// How many bytes of input are given a second each, beside the usual time of `guest-exec`.
const SLOWEST_LINE: u64 = 8 * 1024;
