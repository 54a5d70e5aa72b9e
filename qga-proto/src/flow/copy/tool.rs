//! Small programs in the guest that copies need.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::commands::{GuestExec, GuestExecStatus};
use crate::error::Error;
use crate::flow::file::Tries;
use crate::json::{List, Str};
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;
use crate::view::GuestExecCaptureOutput;

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

/// The pauses between looks whether a program has ended.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(500)];

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Runs a program to its end. `None`: the agent refuses to start it; it has none of this name, or runs none at all.
    pub(super) async fn run_tool(
        &mut self,
        program: &str,
        arguments: &[&str],
        deadline: Instant,
    ) -> Result<Option<Ran>, Error<T::Error>> {
        let arguments: Vec<Str<'_>> = arguments.iter().map(|&argument| argument.into()).collect();
        let exec = GuestExec::new(program)
            .arg(List::from(&arguments[..]))
            .capture_output(GuestExecCaptureOutput::Flag(true));
        let until = self.patience(GuestExec::NAME, deadline);
        let pid = match self.call_until(&exec, until).await {
            Ok(started) => started.pid,
            Err(Error::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut pause = PAUSES[0];
        let mut tries = Tries::new();
        loop {
            let until = self.patience(GuestExecStatus::NAME, deadline);
            match self.call_until(&GuestExecStatus::new(pid), until).await {
                Ok(status) if status.exited => {
                    return Ok(Some(Ran {
                        is_success: status.exitcode == Some(0),
                        stdout: status.out_data.unwrap_or_default().0,
                        stderr: status.err_data.unwrap_or_default().0,
                    }));
                }
                Ok(_) => {
                    tries = Tries::new();
                    let now = self.transport.now();
                    self.transport.sleep_until(deadline.min(now + pause)).await;
                    pause = (pause * 2).min(PAUSES[1]);
                }
                // What comes late is kept.
                Err(error) if tries.again(&error, self, deadline) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The SHA-256 of a file, if a program in the guest tells it, and which one does.
    pub(super) async fn digest_by_program(
        &mut self,
        path: &str,
        deadline: Instant,
    ) -> Result<Option<(&'static str, [u8; 32])>, Error<T::Error>> {
        for (program, before, behind) in DIGESTS {
            let arguments = [before, &[path], behind].concat();
            let Some(ran) = self.run_tool(program, &arguments, deadline).await? else { continue };
            let digest = ran.is_success.then(|| find_digest(&ran.stdout)).flatten();
            if let Some(digest) = digest {
                return Ok(Some((program, digest)));
            }
        }
        Ok(None)
    }
}

impl Ran {
    /// What it said, for humans.
    pub(super) fn message(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

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
