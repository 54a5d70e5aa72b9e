//! A folder beside the file that is to be: what is in it nobody sees before it is whole, and then it is renamed.
//!
//! The folder is made with mode 0700 in one step, which fails if there is anything of its name, so nobody can put a link
//! there; and a file in it is as private as it is, whatever mode the agent gives new files.

use alloc::format;
use alloc::string::String;

use super::{CopyError, CopyTo, InPlace, Placing};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::Session;
use crate::text::Text;
use crate::time::Instant;
use crate::transport::Transport;

/// What is put behind the file's name. It has no dot before it, as what breaks off should be seen.
const SUFFIX: &str = ".qga-part";

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
}

const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

impl<'a> Stage<'a> {
    /// Makes the folder, or finds the one of an earlier copy that is to be resumed.
    pub(super) async fn begin<T: Transport, Rx: Buffer, Tx: Buffer>(
        session: &mut Session<T, Rx, Tx>,
        what: &CopyTo<'a>,
        deadline: Instant,
    ) -> Result<Result<Self, InPlace>, Error<T::Error>> {
        let folder = Self::folder(what.path);
        let Some(old) = stat(session, what.path, deadline).await? else {
            return Ok(Err(InPlace::NoPrograms));
        };
        if old.is_some_and(|old| old.mode & KIND != REGULAR) {
            return Ok(Err(InPlace::NotRegular));
        }
        let Some(made) = make(session, &folder, what.is_resumed, deadline).await? else {
            return Ok(Err(InPlace::NoFolder));
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
            return Ok(Err(InPlace::Owner));
        }
        Ok(Ok(stage))
    }

    /// The folder beside a path.
    pub(super) fn folder(path: &str) -> String {
        format!("{path}{SUFFIX}")
    }

    /// Where the copy is to be written.
    pub(super) fn part(&self) -> String {
        format!("{}/part", self.folder)
    }

    /// Gives the copy its name.
    pub(super) async fn commit<T: Transport, Rx: Buffer, Tx: Buffer, H>(
        &self,
        session: &mut Session<T, Rx, Tx>,
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
        // What does not know -T is old, and has the same meaning without it, as there is no folder at the path.
        if must::<_, _, _, H>(session, "mv", &["-fT", "--", &part, self.path], deadline).await.is_err() {
            must(session, "mv", &["-f", "--", &part, self.path], deadline).await?;
        }
        self.remove(session, deadline).await;
        Ok(Placing::Renamed { replaced: self.replaces })
    }

    /// Removes the folder and what is in it, as far as that goes.
    pub(super) async fn remove<T: Transport, Rx: Buffer, Tx: Buffer>(
        &self,
        session: &mut Session<T, Rx, Tx>,
        deadline: Instant,
    ) {
        session.remove_part(self.path, deadline).await;
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
        let found = found.filter(|found| found.mode == FOLDER | 0o700);
        if is_new && found.is_some() || is_resumed && is_ours(session, found, deadline).await? {
            return Ok(found);
        }
        // What an earlier copy has left; or somebody else has put there, who may do so again.
        session.run_tool("rm", &["-rf", "--", folder], deadline).await?;
    }
    Ok(None)
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
    let ran = session.run_tool("stat", &["-c", "%f %u %g", "--", path], deadline).await?;
    Ok(ran.map(|ran| if ran.is_success { Stat::parse(&ran.stdout) } else { None }))
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut words = core::str::from_utf8(text).ok()?.split_whitespace();
        let mode = u32::from_str_radix(words.next()?, 16).ok()?;
        let owner = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { mode, owner })
    }
}

/// Runs a program that must succeed.
async fn must<T: Transport, Rx: Buffer, Tx: Buffer, H>(
    session: &mut Session<T, Rx, Tx>,
    program: &'static str,
    arguments: &[&str],
    deadline: Instant,
) -> Result<(), CopyError<T::Error, H>> {
    match session.run_tool_when_thawed(program, arguments, deadline).await? {
        Some(ran) if ran.is_success => Ok(()),
        Some(ran) => Err(CopyError::Program { program, message: Text::new(ran.message()) }),
        None => Err(CopyError::Program { program, message: Text::new("it cannot be run") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stat_says_is_read() {
        assert_eq!(Stat::parse(b"81a4 0 7\n"), Some(Stat { mode: 0o100_644, owner: (0, 7) }));
        for text in [&b""[..], b"81a4", b"81a4 0", b"x 0 0", b"81a4 root root", b"\xff 0 0"] {
            assert_eq!(Stat::parse(text), None);
        }
    }
}
