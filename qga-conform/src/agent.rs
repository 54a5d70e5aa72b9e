//! The agent that is checked: the line to it, and what is known of it.

use crate::guest::Begun;
use crate::judgement::{Halt, Judged};
use crate::knowledge::Knowledge;
use crate::probe::{Channel, Probe};
use crate::reply::Reply;

pub(crate) struct Agent<'a, T> {
    pub(crate) probe: Probe<'a, T>,
    pub(crate) knowledge: Knowledge,
    /// What is to be put back in its guest.
    pub(crate) begun: Begun,
}

impl<'a, T: Channel> Agent<'a, T> {
    pub(crate) fn new(probe: Probe<'a, T>) -> Self {
        Self { probe, knowledge: Knowledge::none(), begun: Begun::default() }
    }

    /// Finds out how to talk to it, and what it says of itself.
    pub(crate) async fn meet(&mut self) -> Result<(), Halt> {
        self.probe.open().await?;
        let heard = self.probe.exchange(call("guest-info", "").as_bytes()).await?;
        self.knowledge = Knowledge::read(heard.reply());
        Ok(())
    }

    /// Says one request, and gives the reply that there must be.
    pub(crate) async fn ask(&mut self, request: &str) -> Judged<Reply> {
        self.probe.exchange(request.as_bytes()).await?.reply()
    }

    /// Says requests in one write, and gives the replies that there must be, in order.
    pub(crate) async fn ask_all(&mut self, requests: &[String]) -> Judged<Vec<Reply>> {
        self.probe.exchange(requests.concat().as_bytes()).await?.replies_to(requests.len())
    }

    /// The request of a sync that the agent knows, with further members behind its arguments, and its number.
    pub(crate) fn sync_with(&mut self, members: &str) -> (String, i64) {
        let number = self.probe.number();
        let name = self.probe.sync.name();
        (format!("{{\"execute\":\"{name}\",\"arguments\":{{\"id\":{number}}}{members}}}\n"), number)
    }
}

/// A request: a command, and its arguments as the members of an object.
pub(crate) fn call(command: &str, arguments: &str) -> String {
    match arguments {
        "" => format!("{{\"execute\":\"{command}\"}}\n"),
        arguments => format!("{{\"execute\":\"{command}\",\"arguments\":{{{arguments}}}}}\n"),
    }
}
