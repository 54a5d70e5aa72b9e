//! Small programs in the guest that copies need.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::error::{Error, Refusal, Sent, TimedOut};
use crate::flow::exec::{self, Capture, End, Reason, Silence, Start};
use crate::json::Base64;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) is_success: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// The programs that tell the SHA-256 of a file, and their arguments before the file: GNU and BusyBox, macOS, the BSDs.
/// Windows wants its own behind it.
const DIGESTS: [(&str, &[&str], &[&str]); 4] = [
    ("sha256sum", &["--"], &[]),
    ("certutil.exe", &["-hashfile"], &["SHA256"]),
    ("shasum", &["-a", "256", "--"], &[]),
    ("sha256", &["-q", "--"], &[]),
];

/// How often to look whether a guest has been thawed.
const FROZEN_PAUSE: Duration = Duration::from_millis(250);

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Runs a program to its end; a guest that is frozen meanwhile is waited for. `None`: the agent refuses to start it; it
    /// has none of this name, or runs none at all, or the guest is frozen already.
    pub(super) async fn run_tool(
        &mut self,
        program: &str,
        arguments: &[&str],
        deadline: Instant,
    ) -> Result<Option<Ran>, Error<T::Error>> {
        self.try_tool(program, arguments, deadline).await.map(Result::ok)
    }

    /// The same, but a guest that is frozen already is waited for, too: for what ends a copy that is whole.
    pub(super) async fn run_tool_when_thawed(
        &mut self,
        program: &str,
        arguments: &[&str],
        deadline: Instant,
    ) -> Result<Option<Ran>, Error<T::Error>> {
        let mut was_frozen = true;
        loop {
            let refusal = match self.try_tool(program, arguments, deadline).await? {
                Ok(ran) => return Ok(Some(ran)),
                Err(refusal) => refusal,
            };
            if !refusal.is_command_not_found() {
                return Ok(None);
            }
            let is_frozen = self.is_frozen_now(deadline).await;
            // It may have been thawed in between: then once more.
            if !is_frozen && !was_frozen {
                return Ok(None);
            }
            was_frozen = is_frozen;
            let now = self.transport.now();
            if now >= deadline {
                return Err(Error::TimedOut(LATE));
            }
            if is_frozen {
                self.transport.sleep_until(deadline.min(now + FROZEN_PAUSE)).await;
            }
        }
    }

    /// Runs a program to its end, or gives how the agent refuses to start it.
    async fn try_tool(
        &mut self,
        program: &str,
        arguments: &[&str],
        deadline: Instant,
    ) -> Result<Result<Ran, Refusal>, Error<T::Error>> {
        let started = match self.launch(Start::new(program, arguments), Capture::Separated, deadline).await {
            Ok(started) => started,
            Err(exec::Error { reason: Reason::NotStarted(Error::Refused(refusal)), .. }) => {
                return Ok(Err(refusal));
            }
            Err(error) => return Err(call_error(error)),
        };
        let end = self.await_end(started.pid, Silence::FewLooks, deadline, Ran::read).await;
        end.map(Ok).map_err(call_error)
    }

    /// The SHA-256 of a file, if a program in the guest tells it, and which one does.
    pub(super) async fn digest_by_program(
        &mut self,
        path: &str,
        deadline: Instant,
    ) -> Result<Option<(&'static str, [u8; 32])>, Error<T::Error>> {
        for (program, before, behind) in DIGESTS {
            let arguments = [before, &[path], behind].concat();
            let Some(ran) = self.run_tool_when_thawed(program, &arguments, deadline).await? else { continue };
            let digest = ran.is_success.then(|| find_digest(&ran.stdout)).flatten();
            if let Some(digest) = digest {
                return Ok(Some((program, digest)));
            }
        }
        Ok(None)
    }
}

impl Ran {
    /// Reads an end. Output that is no base64 is none.
    fn read(status: &view::GuestExecStatus<'_>) -> Self {
        let decode = |data: Option<Base64<'_>>| {
            let mut bytes = Vec::new();
            let is_read = data.is_none_or(|data| data.decode_onto(&mut bytes).is_ok());
            if is_read { bytes } else { Vec::new() }
        };
        Self {
            is_success: End::of(status).is_success(),
            stdout: decode(status.out_data),
            stderr: decode(status.err_data),
        }
    }

    /// What it said, for humans.
    pub(super) fn message(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// What copies say of a program that has no outcome.
fn call_error<E>(error: exec::Error<E>) -> Error<E> {
    error.into_call().unwrap_or(Error::TimedOut(LATE))
}

/// The deadline passed while the program ran, or while the guest was frozen.
const LATE: TimedOut = TimedOut { sent: Sent::All, heard: true, noise: false };

/// Finds the 64 digits: at the start of a line, before which GNU may put a backslash, and among which old versions of
/// certutil put spaces.
fn find_digest(text: &[u8]) -> Option<[u8; 32]> {
    text.split(|&byte| byte == b'\n').find_map(|line| {
        let line = line.strip_prefix(b"\\").unwrap_or(line);
        let mut digits = line.iter().filter(|&&byte| byte != b' ');
        let mut digest = [0; 32];
        for byte in &mut digest {
            let mut digit = || char::from(*digits.next()?).to_digit(16);
            *byte = u8::try_from(digit()? << 4 | digit()?).ok()?;
        }
        Some(digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_what_programs_print() {
        let (mut digest, digits) = ([0xab; 32], "ab".repeat(31));
        digest[31] = 0x01;
        for text in [
            alloc::format!("{digits}01  /etc/motd\n"),
            alloc::format!("\\{digits}01  a\\nb\n"),
            alloc::format!("{digits}01\n"),
            alloc::format!("SHA256 hash of x:\r\n{digits}01\r\nCertUtil: done.\r\n"),
            alloc::format!("SHA256 hash of file x:\r\n{}01\r\n", "ab ".repeat(31)),
        ] {
            assert_eq!(find_digest(text.as_bytes()), Some(digest), "{text}");
        }
        assert_eq!(find_digest(digits.as_bytes()), None);
        assert_eq!(find_digest(b"nothing"), None);
    }
}
