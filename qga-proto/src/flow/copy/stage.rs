//! A folder beside the file that is to be: what is in it nobody sees before it is whole, and then it is renamed.
//!
//! The folder is made with mode 0700 in one step, which fails if there is anything of its name, so nobody can put a link
//! there; and a file in it is as private as it is, whatever mode the agent gives new files.

use alloc::format;
use alloc::string::String;

use super::tool::Ran;
use super::{CopyError, CopyTo, InPlace, Placing};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::Session;
use crate::text::Text;
use crate::time::Instant;
use crate::transport::Transport;

/// What is put behind the file's name. It has no dot before it, as what breaks off should be seen.
const SUFFIX: &str = ".qga-part";

/// The only thing in the folder.
const PART: &str = "part";

/// A folder for one copy.
#[derive(Clone, Debug)]
pub(super) struct Stage<'a> {
    path: &'a str,
    folder: String,
    /// Mode and owner for the file.
    mode: u32,
    owner: Option<(u32, u32)>,
    replaces: bool,
}

/// What `stat` says of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    /// Kind and mode, as the kernel has them.
    mode: u32,
    owner: (u32, u32),
    size: u64,
}

const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// What a new folder inherits.
const SETGID: u32 = 0o2000;

/// Why nothing is put beside a file.
pub(super) struct NoStage {
    pub(super) why: InPlace,
    /// Whether there is nothing at the path yet.
    pub(super) is_new: bool,
}

impl<'a> Stage<'a> {
    /// Makes the folder, or finds the one of an earlier copy that is to be resumed.
    pub(super) async fn begin<T: Transport, Rx: Buffer, Tx: Buffer>(
        session: &mut Session<T, Rx, Tx>,
        what: &CopyTo<'a>,
        deadline: Instant,
    ) -> Result<Result<Self, NoStage>, Error<T::Error>> {
        let mark = if what.is_resumed { None } else { Some(session.client.mark()) };
        let folder = Self::folder(what.path, mark);
        let Some(old) = stat(session, what.path, deadline).await? else {
            return Ok(Err(NoStage { why: InPlace::NoPrograms, is_new: false }));
        };
        let is_new = old.is_none();
        if old.is_some_and(|old| old.mode & KIND != REGULAR) {
            return Ok(Err(NoStage { why: InPlace::NotRegular, is_new }));
        }
        let Some(made) = make(session, &folder, what.is_resumed, deadline).await? else {
            return Ok(Err(NoStage { why: InPlace::NoFolder, is_new }));
        };
        let stage = Self {
            path: what.path,
            folder,
            mode: old.map_or(what.mode, |old| old.mode & 0o7777),
            owner: old.map(|old| old.owner).filter(|&owner| owner != made.owner),
            replaces: old.is_some(),
        };
        if stage.owner.is_some() && made.owner.0 != 0 {
            stage.remove(session, deadline).await;
            return Ok(Err(NoStage { why: InPlace::Owner, is_new }));
        }
        Ok(Ok(stage))
    }

    /// The folder beside a path: one that can be found again, or with a mark nobody else's.
    pub(super) fn folder(path: &str, mark: Option<u32>) -> String {
        match mark {
            Some(mark) => format!("{path}{SUFFIX}-{mark:08x}"),
            None => format!("{path}{SUFFIX}"),
        }
    }

    /// Where the copy is to be written.
    pub(super) fn part(&self) -> String {
        format!("{}/{PART}", self.folder)
    }

    /// Gives the copy its name, if it has this size: another one that is resumed may have begun to write to it.
    pub(super) async fn commit<T: Transport, Rx: Buffer, Tx: Buffer, H>(
        &self,
        session: &mut Session<T, Rx, Tx>,
        len: u64,
        deadline: Instant,
    ) -> Result<Placing, CopyError<T::Error, H>> {
        let part = self.part();
        if let Some((user, group)) = self.owner {
            let owner = format!("{user}:{group}");
            must(session, "chown", &[&owner, "--", &part], deadline).await?;
        }
        // Behind the owner, as a change of that takes some bits away.
        let mode = format!("{:04o}", self.mode);
        must(session, "chmod", &[&mode, "--", &part], deadline).await?;
        let there = stat(session, &part, deadline).await?.flatten();
        if there.is_none_or(|there| there.mode & KIND != REGULAR || there.size != len) {
            return Err(CopyError::Differs);
        }
        self.rename(session, &part, deadline).await?;
        self.remove(session, deadline).await;
        Ok(Placing::Renamed { replaced: self.replaces })
    }

    async fn rename<T: Transport, Rx: Buffer, Tx: Buffer, H>(
        &self,
        session: &mut Session<T, Rx, Tx>,
        part: &str,
        deadline: Instant,
    ) -> Result<(), CopyError<T::Error, H>> {
        let ran = session.run_tool_when_thawed("mv", &["-fT", "--", part, self.path], deadline).await?;
        if !ran.as_ref().is_some_and(|ran| is_unknown_option(ran, self.path)) {
            return succeeded("mv", ran);
        }
        // What does not know -T has the same meaning without it, where there is no folder at the path.
        let there = stat(session, self.path, deadline).await?.flatten();
        if there.is_some_and(|there| there.mode & KIND != REGULAR) {
            let message = Text::new("something else than a file has come to its path");
            return Err(CopyError::Program { program: "mv", message });
        }
        must(session, "mv", &["-f", "--", part, self.path], deadline).await
    }

    /// Removes the folder and what is in it, as far as that goes.
    pub(super) async fn remove<T: Transport, Rx: Buffer, Tx: Buffer>(
        &self,
        session: &mut Session<T, Rx, Tx>,
        deadline: Instant,
    ) {
        clear(session, &self.folder, deadline).await;
    }
}

/// Makes a folder that only the agent's user can look into; gives its owner. `None`: it cannot be made.
async fn make<T: Transport, Rx: Buffer, Tx: Buffer>(
    session: &mut Session<T, Rx, Tx>,
    folder: &str,
    is_resumed: bool,
    deadline: Instant,
) -> Result<Option<Stat>, Error<T::Error>> {
    for _ in 0..2 {
        let ran = session.run_tool("mkdir", &["-m", "0700", "--", folder], deadline).await?;
        let is_new = ran.is_some_and(|ran| ran.is_success);
        let found = stat(session, folder, deadline).await?.flatten();
        let found = found.filter(|found| found.mode & !SETGID == FOLDER | 0o700);
        if !is_new && !is_ours(session, found, deadline).await? {
            // Somebody else's, or there is no room for one.
            return Ok(None);
        }
        if found.is_some() && (is_new || is_resumed) {
            return Ok(found);
        }
        // What an earlier copy has left; or a folder that is not private, as the system knows no modes.
        clear(session, folder, deadline).await;
    }
    Ok(None)
}

/// Removes a folder of ours, as far as that goes: never more than what a copy has put there.
pub(super) async fn clear<T: Transport, Rx: Buffer, Tx: Buffer>(
    session: &mut Session<T, Rx, Tx>,
    folder: &str,
    deadline: Instant,
) {
    // That one is not there, or fails, leaves what is there.
    let part = format!("{folder}/{PART}");
    let _ = session.run_tool("rm", &["-f", "--", &part], deadline).await;
    let _ = session.run_tool("rmdir", &["--", folder], deadline).await;
}

/// Whether something belongs to the user that the agent runs as: most often that is root.
async fn is_ours<T: Transport, Rx: Buffer, Tx: Buffer>(
    session: &mut Session<T, Rx, Tx>,
    found: Option<Stat>,
    deadline: Instant,
) -> Result<bool, Error<T::Error>> {
    let Some(found) = found else { return Ok(false) };
    if found.owner.0 == 0 {
        return Ok(true);
    }
    let program = stat(session, "/proc/self/", deadline).await?.flatten();
    Ok(program.is_some_and(|program| program.owner.0 == found.owner.0))
}

/// Looks at a path. `None`: there is no `stat`; `Some(None)`: there is nothing.
async fn stat<T: Transport, Rx: Buffer, Tx: Buffer>(
    session: &mut Session<T, Rx, Tx>,
    path: &str,
    deadline: Instant,
) -> Result<Option<Option<Stat>>, Error<T::Error>> {
    let ran = session.run_tool("stat", &["-c", "%f %u %g %s", "--", path], deadline).await?;
    Ok(ran.map(|ran| if ran.is_success { Stat::parse(&ran.stdout) } else { None }))
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut words = core::str::from_utf8(text).ok()?.split_whitespace();
        let mode = u32::from_str_radix(words.next()?, 16).ok()?;
        let owner = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { mode, owner, size: words.next()?.parse().ok()? })
    }
}

/// Runs a program that must succeed.
async fn must<T: Transport, Rx: Buffer, Tx: Buffer, H>(
    session: &mut Session<T, Rx, Tx>,
    program: &'static str,
    arguments: &[&str],
    deadline: Instant,
) -> Result<(), CopyError<T::Error, H>> {
    succeeded(program, session.run_tool_when_thawed(program, arguments, deadline).await?)
}

fn succeeded<E, H>(program: &'static str, ran: Option<Ran>) -> Result<(), CopyError<E, H>> {
    match ran {
        Some(ran) if ran.is_success => Ok(()),
        Some(ran) => Err(CopyError::Program { program, message: Text::new(ran.message()) }),
        None => Err(CopyError::Program { program, message: Text::new("it cannot be run") }),
    }
}

/// Whether a program has failed because it does not know an option, and not because of the path.
fn is_unknown_option(ran: &Ran, path: &str) -> bool {
    let message = ran.message();
    !ran.is_success && !message.contains(path) && (message.contains("option") || message.contains("sage:"))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn what_stat_says_is_read() {
        let stat = Stat { mode: 0o100_644, owner: (0, 7), size: 3 };
        assert_eq!(Stat::parse(b"81a4 0 7 3\n"), Some(stat));
        for text in [&b""[..], b"81a4", b"81a4 0 7", b"x 0 0 3", b"81a4 root root 3", b"\xff 0 0 3"] {
            assert_eq!(Stat::parse(text), None);
        }
    }

    #[test]
    fn an_option_that_is_not_known_is_no_other_failure() {
        let ran = |stderr: &str| Ran { is_success: false, stdout: Vec::new(), stderr: stderr.into() };
        for text in ["mv: illegal option -- T\n", "mv: invalid option -- 'T'\n", "Usage: mv SOURCE DEST\n"] {
            assert!(is_unknown_option(&ran(text), "/opt/a"), "{text}");
        }
        for text in
            ["mv: cannot move 'x' to '/options/a': Permission denied", "mv: No space left on device", ""]
        {
            assert!(!is_unknown_option(&ran(text), "/options/a"), "{text}");
        }
    }
}
