//! Input that is longer than a message: through a file of the guest.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

use super::error::{Error, Fate, Reason};
use super::kill::{NotKilled, SHELL, System};
use super::program::Exec;
use super::start::{Start, Started};
use crate::buffer::Buffer;
use crate::flow::Mode;
use crate::json::Base64;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// A file of the guest that holds a program's input, for its owner only. It displays as its path.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputFile(NonZeroU64);

/// How much input goes in the message that starts the program. The real agent reads requests of up to 64 MiB, in which one
/// text can hold 48 MiB as base64; the rest is for arguments and environment.
const MAX_INLINE: usize = 40 * 1024 * 1024;

/// How long removing a file may take beyond the deadline.
const REMOVE_TIME: Duration = Duration::from_secs(5);

/// How many files are remembered.
const MANY: usize = 8;

/// Makes the file, which must not be there yet, for its owner only. Exit codes: 0 done, 3 there is no such program.
const PREPARE: &str = r#"command -v "$1" >/dev/null 2>&1 || exit 3
umask 077; set -C; true >"$0""#;

/// Opens the file and removes it, before the program begins.
const RUN: &str = r#"exec <"$0" || exit 126
PATH="${PATH-}:/usr/bin:/bin" rm -f -- "$0"
exec "$@""#;

const REMOVE: &str = r#"PATH="${PATH-}:/usr/bin:/bin" rm -f -- "$0""#;

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Removes the files with the input of programs that futures which were dropped have left in the guest. The next
    /// program that needs such a file does so, too.
    ///
    /// Gives how many are left, as that failed. Dropping the future is safe: they are remembered, the 8 newest.
    pub async fn remove_inputs(&mut self, deadline: Instant) -> usize {
        for file in self.inputs.clone() {
            self.remove(file, deadline).await;
        }
        self.inputs.len()
    }

    /// Starts a program, and sees to it that it gets its input.
    pub(super) async fn start_with_input(
        &mut self,
        exec: &Exec,
        deadline: Instant,
    ) -> Result<Started, Error<T::Error>> {
        let mut start = Start::new(&exec.program, &exec.arguments);
        start.env = exec.environment.as_deref().map(Vec::as_slice);
        let Some(input) = exec.input.as_deref() else {
            return self.launch(start, exec.capture, deadline).await;
        };
        if input.len() <= MAX_INLINE {
            start.input_data = Some(Base64::from(input));
            let result = self.launch(start, exec.capture, deadline).await;
            match result {
                Err(Error { reason: Reason::NotStarted(crate::Error::CommandTooLong { .. }), .. }) => {}
                result => return result,
            }
        }
        self.start_from_file(exec, input, deadline).await
    }

    async fn start_from_file(
        &mut self,
        exec: &Exec,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Started, Error<T::Error>> {
        if !self.inputs.is_empty() {
            self.remove_inputs(deadline).await;
        }
        if self.system(deadline).await == System::Windows {
            return Err(not_started(Reason::InputTooLong { len: input.len() }));
        }
        let file = InputFile(NonZeroU64::MIN | self.client.fresh_number());
        self.remember(file);
        let error = match self.fill_and_launch(exec, file, input, deadline).await {
            Ok(started) => {
                self.forget(file);
                return Ok(started);
            }
            Err(error) => error,
        };
        let limit = self.transport.now() + REMOVE_TIME;
        let is_removed = self.remove(file, limit).await;
        Err(Error { left: (!is_removed).then_some(file), ..error })
    }

    async fn fill_and_launch(
        &mut self,
        exec: &Exec,
        file: InputFile,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Started, Error<T::Error>> {
        let path = file.to_string();
        let environment = exec.environment.as_deref().map(Vec::as_slice);
        let mut arguments: Vec<String> = ["-c", PREPARE, &path].map(String::from).into();
        arguments.push(exec.program.clone());
        let mut prepare = Start::new(SHELL, &arguments);
        prepare.env = environment;
        match self.run_helper(prepare, deadline).await {
            Ok(0) => {}
            Ok(3) => return Err(not_started(Reason::NoProgram)),
            Ok(_) | Err(NotKilled::NoMeans) => {
                return Err(not_started(Reason::InputTooLong { len: input.len() }));
            }
            // If it was not made, it cannot be opened.
            Err(_) => {}
        }
        self.fill(&path, input, deadline).await.map_err(|error| not_started(Reason::Input(error)))?;
        arguments[1] = RUN.into();
        arguments.extend(exec.arguments.iter().cloned());
        let mut run = Start::new(SHELL, &arguments);
        run.env = environment;
        self.launch(run, exec.capture, deadline).await
    }

    async fn fill(
        &mut self,
        path: &str,
        input: &[u8],
        deadline: Instant,
    ) -> Result<(), crate::Error<T::Error>> {
        // Only a file that is there: the agent would make one for everybody to read.
        let mut file = self.open(path, Mode::ReadWrite, deadline).await?;
        file.write_all(input, deadline).await?;
        file.close(deadline).await
    }

    /// Removes a file; gives whether it is gone. A handle on it that was left open is closed beside the call.
    async fn remove(&mut self, file: InputFile, deadline: Instant) -> bool {
        let path = file.to_string();
        let result = self.run_helper(Start::new(SHELL, &["-c", REMOVE, &path]), deadline).await;
        // Without a shell there never was a file.
        let is_gone = matches!(result, Ok(0) | Err(NotKilled::NoMeans));
        if is_gone {
            self.forget(file);
        }
        is_gone
    }

    fn remember(&mut self, file: InputFile) {
        if self.inputs.len() >= MANY {
            self.inputs.remove(0);
        }
        self.inputs.push(file);
    }

    fn forget(&mut self, file: InputFile) {
        self.inputs.retain(|other| *other != file);
    }
}

fn not_started<E>(reason: Reason<E>) -> Error<E> {
    Error::new(None, reason, Fate::NotStarted)
}

impl fmt::Display for InputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/tmp/.qga-input-{:014x}", self.0)
    }
}
