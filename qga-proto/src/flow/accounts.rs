//! Who may log in.

use crate::buffer::Buffer;
use crate::commands::{GuestSshGetAuthorizedKeys, GuestSshRemoveAuthorizedKeys};
use crate::error::Error;
use crate::json::Str;
use crate::session::Session;
use crate::time::Instant;
use crate::transport::Transport;

/// The class of the refusal to tell keys of which there is no file.
const NO_FILE: &str = "GenericError";

impl<T: Transport, Rx: Buffer, Tx: Buffer> Session<T, Rx, Tx> {
    /// Removes SSH keys, so that nobody who has one of them is let in as this user, and makes sure of it. Gives how many
    /// of them are still there.
    ///
    /// Why any could be: the agent removes lines that are the key to the last byte, but tells of keys without the spaces
    /// around them. A line with such a space says the same to the guest's SSH server, and success is all that the agent
    /// says. So it is asked for the keys again. Where there is no file of keys any more it refuses that with `GenericError`:
    /// then there are none.
    ///
    /// Dropping the future gives the call up; keys may be removed. The command is there since QEMU 5.2, on Windows since
    /// 9.1.
    ///
    /// # Errors
    ///
    /// As [`call_view_until`](Self::call_view_until). So is every other refusal to tell the keys, such as of an agent that has
    /// no command for it: then they may be removed, and nobody knows.
    pub async fn remove_authorized_keys(
        &mut self,
        user: &str,
        keys: &[Str<'_>],
        deadline: Instant,
    ) -> Result<usize, Error<T::Error>> {
        self.call_view_until(&GuestSshRemoveAuthorizedKeys::new(user, keys), deadline).await?;
        let there = match self.call_view_until(&GuestSshGetAuthorizedKeys::new(user), deadline).await {
            Ok(there) => there,
            Err(Error::Refused(refusal)) if refusal.class.as_str() == NO_FILE => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut left = 0;
        for key in there.keys.iter() {
            let key = key.map_err(Error::undecodable)?;
            left += usize::from(keys.iter().any(|removed| is_same_line(*removed, key)));
        }
        Ok(left)
    }
}

/// Whether two lines are the same but for spaces around them.
fn is_same_line(one: Str<'_>, other: Str<'_>) -> bool {
    trimmed(one).eq(trimmed(other))
}

fn trimmed(line: Str<'_>) -> impl Iterator<Item = char> {
    let is_space = |c: &char| c.is_ascii_whitespace();
    let begin = line.chars().take_while(is_space).count();
    let len = line.chars().enumerate().filter(|(_, c)| !is_space(c)).last().map_or(0, |(at, _)| at + 1);
    line.chars().take(len).skip(begin)
}
