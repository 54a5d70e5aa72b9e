//! What is done in the guest, and put back: files, and programs.

use std::time::Duration;

use crate::agent::{Agent, call};
use crate::judgement::{Halt, Judged, Miss, expect, fail, not_supported};
use crate::probe::Channel;
use crate::reply::{Line, Reply};
use crate::value::Value;

/// What this client has begun in a guest. It is written down before it is asked for, as the answer may not come.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// The guest's system, once it is known.
    is_windows: Option<bool>,
    /// The file that was written.
    pub(crate) file: Option<String>,
    /// Whether there is no way to remove it.
    is_left: bool,
    /// Whether a file was asked for whose handle was not heard.
    is_opening: bool,
    handles: Vec<i64>,
    /// Whether a program was asked for whose number was not heard.
    is_starting: bool,
    programs: Vec<i64>,
}

impl Begun {
    /// The path of the file, which there must be.
    pub(crate) fn file(&self) -> Judged<String> {
        self.file.clone().ok_or_else(|| Miss::NotRun("there is no file to try it on".to_owned()))
    }
}

/// The pauses between two looks whether a program has ended.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Files.
impl<T: Channel> Agent<'_, T> {
    /// Whether the guest runs Windows. Where nobody says, it does not.
    pub(crate) async fn is_windows(&mut self) -> Judged<bool> {
        if let Some(is_windows) = self.begun.is_windows {
            return Ok(is_windows);
        }
        let heard = self.probe.exchange(call("guest-get-osinfo", "").as_bytes()).await?;
        let reply = heard.reply().ok();
        let id = reply.as_ref().and_then(|reply| reply.success().ok()?.get("id")?.text());
        Ok(*self.begun.is_windows.insert(id == Some("mswindows")))
    }

    /// Asks for a file; keeps its handle in mind if it opens.
    pub(crate) async fn try_open(&mut self, path: &str, mode: &str) -> Judged<Reply> {
        let arguments = format!("\"path\":{},\"mode\":{}", quoted(path), quoted(mode));
        self.begun.is_opening = true;
        let heard = self.probe.exchange(call("guest-file-open", &arguments).as_bytes()).await?;
        self.begun.is_opening = false;
        // Also those that come with something that must not be there.
        self.begun.handles.extend(heard.all().filter_map(Line::number));
        self.knowledge.reply_to("guest-file-open", heard).map_err(|miss| miss.about("guest-file-open"))
    }

    /// Opens a file; gives its handle.
    pub(crate) async fn open(&mut self, path: &str, mode: &str) -> Judged<i64> {
        let reply = self.try_open(path, mode).await?;
        match reply.success()?.int() {
            Some(handle) => Ok(handle),
            None => fail(format!("the handle is no integer: {}", reply.excerpt)),
        }
    }

    /// Does something with an open file, and closes it: in one write, so that it is closed whatever happens meanwhile.
    pub(crate) async fn use_up(&mut self, handle: i64, requests: &[String]) -> Judged<Vec<Reply>> {
        let mut replies = self.ask_all(&[requests, &[close(handle)]].concat()).await?;
        if let Some(closed) = replies.pop() {
            closed.done()?;
            self.begun.handles.retain(|open| *open != handle);
        }
        Ok(replies)
    }

    /// Opens a file, does something with it, and closes it.
    pub(crate) async fn with_file(
        &mut self,
        mode: &str,
        requests: impl FnOnce(i64) -> Vec<String>,
    ) -> Judged<Vec<Reply>> {
        let path = self.begun.file()?;
        let handle = self.open(&path, mode).await?;
        self.use_up(handle, &requests(handle)).await
    }
}

/// Programs.
impl<T: Channel> Agent<'_, T> {
    /// Starts a program; gives the reply, and keeps its number in mind if it has started.
    pub(crate) async fn start(&mut self, path: &str, arguments: &[&str], is_heard: bool) -> Judged<Reply> {
        let list: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
        // Nothing but true and false: agents that are asked for one stream alone never recover.
        let members =
            format!("\"path\":{},\"arg\":[{}],\"capture-output\":{is_heard}", quoted(path), list.join(","));
        self.begun.is_starting = true;
        let heard = self.probe.exchange(call("guest-exec", &members).as_bytes()).await?;
        self.begun.is_starting = false;
        self.begun.programs.extend(heard.all().filter_map(number_of_program));
        self.knowledge.reply_to("guest-exec", heard).map_err(|miss| miss.about("guest-exec"))
    }

    /// Waits for the end of a program; gives the reply that tells it, which comes once.
    pub(crate) async fn end(&mut self, pid: i64) -> Judged<Reply> {
        let limit = self.probe.patience_with_program();
        let mut pause = FIRST_PAUSE;
        loop {
            let reply = self.ask(&status(pid)).await?;
            let exited = reply.success()?.get("exited").and_then(Value::bool);
            match exited {
                Some(false) if self.probe.now() < limit => self.probe.pause(pause).await?,
                Some(false) => return fail("it does not end"),
                _ => {
                    self.begun.programs.retain(|running| *running != pid);
                    return Ok(reply);
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Runs a program to its end, of which there must be a number.
    pub(crate) async fn run(&mut self, path: &str, arguments: &[&str], is_heard: bool) -> Judged<Reply> {
        let reply = self.start(path, arguments, is_heard).await?;
        reply.success()?;
        match pid(&reply) {
            Some(pid) => self.end(pid).await,
            None => fail(format!("there is no pid: {}", reply.excerpt)),
        }
    }
}

/// Putting back.
impl<T: Channel> Agent<'_, T> {
    /// Removes the file, if there is a way.
    pub(crate) async fn remove(&mut self) -> Judged {
        let path = self.begun.file()?;
        // Emptied in any case: nothing may be able to remove it.
        let handle = self.open(&path, "w").await?;
        self.use_up(handle, &[]).await?;
        let ended = match self.is_windows().await? {
            true => self.run("cmd.exe", &["/c", "del", "/f", "/q", &path], false).await,
            false => self.run("rm", &["-f", "--", &path], false).await,
        };
        if let Err(Miss::Halt(halt)) = ended {
            return Err(halt.into());
        }
        let is_done = ended.is_ok_and(|end| exits_with(&end, 0).is_ok());
        let reply = self.try_open(&path, "r").await?;
        if let Some(handle) = reply.success().ok().and_then(Value::int) {
            self.use_up(handle, &[]).await?;
        }
        if is_done && reply.error().is_ok() {
            self.begun.file = None;
            return Ok(());
        }
        self.begun.is_left = true;
        not_supported(format!("{path} is left in the guest, empty"))
    }

    /// Puts back what is left. Gives the path of a file that could not be removed.
    pub(crate) async fn tidy(&mut self) -> Option<String> {
        self.probe.tidy();
        // Whoever is not there any more cannot be helped.
        let _ = self.put_back().await;
        self.begun.file.take()
    }

    async fn put_back(&mut self) -> Result<(), Halt> {
        if self.probe.is_unsettled() {
            // What was asked for last may have been answered, or may be now.
            let cut_off = self.probe.take_cut_off();
            let late = self.probe.exchange(b"").await?;
            let lines = || cut_off.all().chain(late.all());
            if self.begun.is_opening {
                self.begun.handles.extend(lines().filter_map(Line::number));
            }
            if self.begun.is_starting {
                self.begun.programs.extend(lines().filter_map(number_of_program));
            }
        }
        let closing: String = std::mem::take(&mut self.begun.handles).into_iter().map(close).collect();
        if !closing.is_empty() {
            self.probe.exchange(closing.as_bytes()).await?;
        }
        for pid in std::mem::take(&mut self.begun.programs) {
            // The agent forgets a program that has told its end.
            without_miss(self.end(pid).await)?;
        }
        if self.begun.file.is_some() && !self.begun.is_left {
            without_miss(self.remove().await)?;
        }
        Ok(())
    }
}

/// That something cannot be put back is no reason to leave the rest.
fn without_miss<R>(judged: Judged<R>) -> Result<(), Halt> {
    match judged {
        Err(Miss::Halt(halt)) => Err(halt),
        _ => Ok(()),
    }
}

/// The request that closes a file.
pub(crate) fn close(handle: i64) -> String {
    call("guest-file-close", &format!("\"handle\":{handle}"))
}

/// The request that asks after a program.
pub(crate) fn status(pid: i64) -> String {
    call("guest-exec-status", &format!("\"pid\":{pid}"))
}

/// The number of a program that has started.
fn number_of_program(line: &Line) -> Option<i64> {
    line.reply.as_ref().ok().and_then(pid)
}

/// The number that the reply gives to a program.
pub(crate) fn pid(reply: &Reply) -> Option<i64> {
    reply.success().ok()?.get("pid")?.int()
}

/// A program's exit code, which must be this.
pub(crate) fn exits_with(reply: &Reply, code: i64) -> Judged {
    let value = reply.success()?;
    let told = value.get("exitcode").and_then(Value::int);
    expect(told == Some(code), || format!("{} in place of the exit code {code}", reply.excerpt))
}

/// A string of JSON. Nothing is quoted here but what stands in this crate, and numbers.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
