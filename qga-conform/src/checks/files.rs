//! The commands on files.

use crate::agent::{Agent, call};
use crate::checks::commands::has_shape;
use crate::guest;
use crate::judgement::{Judged, Miss, expect, fail, not_supported};
use crate::probe::Channel;
use crate::reply::{Answer, Reply};
use crate::value::Value;

checks! { Files, writes: true;
    "file-open" => open: "guest-file-open makes a file and gives an integer, with which guest-file-close closes it.";
    "file-modes" => modes: "A file opens in all modes of C's fopen, with and without b, and in no other.";
    "file-missing" => missing: "To open a file for reading that is not there is refused.";
    "file-write" => write: "guest-file-write says how many bytes it has taken, which are all.";
    "file-count" => count: "With a count that is smaller than the data only so much of it is written.";
    "file-bad-count" => bad_count: "A count that is negative, or more than the data has, is refused.";
    "file-base64" => base64: "Data that is no base64 is refused.";
    "file-read" => read: "guest-file-read gives what was written, as much as its count says, and goes on from there.";
    "file-end" => end: "Behind the last byte guest-file-read gives nothing, and says that it is the end. Clients read until \
        then.";
    "file-seek" => seek: "guest-file-seek goes to any position, by numbers and by names, and says where that is; before the \
        beginning there is none.";
    "file-append" => append: "What is written in the mode a stands at the end.";
    "file-flush" => flush: "What was written can be read elsewhere after guest-file-flush.";
    "file-close" => close: "A handle that is closed is refused.";
    "file-long-write" => long_write: "60 KiB can be written and read at once, as Proxmox VE does.";
    "file-removed" => removed: "The file that was written for these checks is removed again, by a program of the guest.";
}

/// What is written, and how it travels.
const TEXT: &str = "cWdhLWNvbmZvcm0K";
const TEXT_LEN: i64 = 12;

/// How much Proxmox VE writes at once, and how long that is as text.
const LONG: i64 = 60 << 10;
const LONG_TEXT: usize = 80 << 10;

const MODES: [&str; 15] =
    ["r", "rb", "r+", "rb+", "r+b", "w", "wb", "w+", "wb+", "w+b", "a", "ab", "a+", "ab+", "a+b"];

async fn open<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-open")?;
    agent.knowledge.require("guest-file-close")?;
    let folder = if agent.is_windows().await? { "C:\\Windows\\Temp\\" } else { "/tmp/" };
    let path = format!("{folder}qga-conform-{}", agent.probe.number());
    agent.begun.file = Some(path.clone());
    let reply = agent.try_open(&path, "w").await;
    let refusal = match &reply {
        Ok(Reply { answer: Answer::Error(error), .. }) => Some(error.words()),
        Err(Miss::NotSupported(seen)) => Some(seen.clone()),
        _ => None,
    };
    if let Some(seen) = refusal {
        // There is none to be removed.
        agent.begun.file = None;
        return not_supported(seen);
    }
    let reply = reply?;
    match reply.success()?.int() {
        Some(handle) => agent.use_up(handle, &[]).await.map(drop),
        None => fail(format!("the handle is no integer: {}", reply.excerpt)),
    }
}

async fn modes<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    // Windows does not know it.
    let left_out = if agent.is_windows().await? { "ab" } else { "" };
    for mode in MODES.into_iter().filter(|mode| *mode != left_out) {
        agent.with_file(mode, |_| Vec::new()).await.map_err(|miss| miss.about(mode))?;
    }
    let path = agent.begun.file()?;
    for mode in ["x", "rw", "R"] {
        does_not_open(agent, &path, mode).await.map_err(|miss| miss.about(mode))?;
    }
    Ok(())
}

async fn missing<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let path = format!("{}-missing", agent.begun.file()?);
    does_not_open(agent, &path, "r").await
}

async fn does_not_open<T: Channel>(agent: &mut Agent<'_, T>, path: &str, mode: &str) -> Judged {
    let reply = agent.try_open(path, mode).await?;
    if let Some(handle) = reply.success().ok().and_then(Value::int) {
        agent.use_up(handle, &[]).await?;
    }
    reply.refusal().map(drop)
}

async fn write<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    let replies = agent.with_file("w", |handle| vec![write_text(handle, "")]).await?;
    replies.iter().try_for_each(|reply| {
        has_shape(reply, "guest-file-write")?;
        counts(reply, TEXT_LEN)
    })
}

async fn count<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    let replies = agent.with_file("w", |handle| vec![write_text(handle, ",\"count\":4")]).await?;
    replies.iter().try_for_each(|reply| counts(reply, 4))?;
    agent.knowledge.require("guest-file-read")?;
    let replies = agent.with_file("r", |handle| vec![read_some(handle, "")]).await?;
    replies.iter().try_for_each(|reply| gives(reply, 4, "cWdhLQ=="))
}

async fn bad_count<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    agent.knowledge.require("guest-file-read")?;
    let requests = |handle| {
        let write = |count| write_text(handle, count);
        vec![write(",\"count\":13"), write(",\"count\":-1"), read_some(handle, ",\"count\":-1")]
    };
    let replies = agent.with_file("w+", requests).await?;
    let names = ["more than the data has", "a negative one to write", "a negative one to read"];
    replies.iter().zip(names).try_for_each(|(reply, name)| refuses(reply, name))
}

async fn base64<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    let requests =
        |handle| vec![call("guest-file-write", &format!("\"handle\":{handle},\"buf-b64\":\"!!!!\""))];
    let replies = agent.with_file("w", requests).await?;
    replies.iter().try_for_each(|reply| reply.refusal().map(drop))
}

async fn read<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    fill(agent).await?;
    let requests = |handle| vec![read_some(handle, ",\"count\":4"), read_some(handle, "")];
    let replies = agent.with_file("r", requests).await?;
    replies.iter().zip([(4, "cWdhLQ=="), (8, "Y29uZm9ybQo=")]).try_for_each(|(reply, (count, text))| {
        has_shape(reply, "guest-file-read")?;
        gives(reply, count, text)
    })
}

async fn end<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    fill(agent).await?;
    let requests = |handle| vec![read_some(handle, &format!(",\"count\":{TEXT_LEN}")), read_some(handle, "")];
    let replies = agent.with_file("r", requests).await?;
    let [whole, nothing] = &replies[..] else { return fail("there are no replies") };
    gives(whole, TEXT_LEN, TEXT)?;
    gives(nothing, 0, "")?;
    let is_end = nothing.success()?.get("eof").and_then(Value::bool);
    expect(is_end == Some(true), || format!("behind the last byte: {}", nothing.excerpt))
}

async fn seek<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-seek")?;
    fill(agent).await?;
    // Where to, from where, and what comes of it.
    let steps = [
        (4, "0", 4),
        (1, "\"cur\"", 5),
        (-1, "\"end\"", TEXT_LEN - 1),
        (0, "1", TEXT_LEN - 1),
        (0, "2", TEXT_LEN),
        (0, "\"set\"", 0),
    ];
    let seek = |handle: i64, offset: i64, whence: &str| {
        call("guest-file-seek", &format!("\"handle\":{handle},\"offset\":{offset},\"whence\":{whence}"))
    };
    let requests = |handle| {
        let good = steps.iter().map(|(offset, whence, _)| seek(handle, *offset, whence));
        good.chain([seek(handle, -1, "0"), seek(handle, 0, "3")]).collect()
    };
    let mut replies = agent.with_file("r", requests).await?.into_iter();
    for (offset, whence, position) in steps {
        let Some(reply) = replies.next() else { break };
        has_shape(&reply, "guest-file-seek")?;
        let told = reply.success()?.get("position").and_then(Value::int);
        expect(told == Some(position), || format!("{offset} from {whence} leads to {}", reply.excerpt))?;
    }
    replies
        .zip(["a place before the beginning", "an unknown whence"])
        .try_for_each(|(reply, name)| refuses(&reply, name))
}

async fn append<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    fill(agent).await?;
    let replies = agent.with_file("a", |handle| vec![write_text(handle, "")]).await?;
    replies.iter().try_for_each(|reply| counts(reply, TEXT_LEN))?;
    let replies = agent.with_file("r", |handle| vec![read_some(handle, "")]).await?;
    replies.iter().try_for_each(|reply| gives(reply, 2 * TEXT_LEN, &TEXT.repeat(2)))
}

async fn flush<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-flush")?;
    agent.knowledge.require("guest-file-write")?;
    agent.knowledge.require("guest-file-read")?;
    let handle = agent.open(&agent.begun.file()?, "w").await?;
    let flush = call("guest-file-flush", &format!("\"handle\":{handle}"));
    let replies = agent.ask_all(&[write_text(handle, ""), flush]).await?;
    replies.last().map_or(Ok(()), Reply::done)?;
    let replies = agent.with_file("r", |handle| vec![read_some(handle, "")]).await?;
    agent.use_up(handle, &[]).await?;
    replies.iter().try_for_each(|reply| gives(reply, TEXT_LEN, TEXT))
}

async fn close<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-read")?;
    let handle = agent.open(&agent.begun.file()?, "r").await?;
    agent.use_up(handle, &[]).await?;
    let replies = agent.ask_all(&[read_some(handle, ""), guest::close(handle)]).await?;
    replies
        .iter()
        .zip(["to read from it", "to close it again"])
        .try_for_each(|(reply, name)| refuses(reply, name))
}

async fn long_write<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    let text = "A".repeat(LONG_TEXT);
    let write = |handle| call("guest-file-write", &format!("\"handle\":{handle},\"buf-b64\":\"{text}\""));
    let replies = agent.with_file("w", |handle| vec![write(handle)]).await?;
    replies.iter().try_for_each(|reply| counts(reply, LONG))?;
    agent.knowledge.require("guest-file-read")?;
    let replies =
        agent.with_file("r", |handle| vec![read_some(handle, &format!(",\"count\":{LONG}"))]).await?;
    replies.iter().try_for_each(|reply| gives(reply, LONG, &text))
}

async fn removed<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.remove().await
}

/// Writes what is to be read.
async fn fill<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-file-write")?;
    agent.knowledge.require("guest-file-read")?;
    let replies = agent.with_file("w", |handle| vec![write_text(handle, "")]).await?;
    replies.iter().try_for_each(|reply| reply.success().map(drop))
}

fn write_text(handle: i64, members: &str) -> String {
    call("guest-file-write", &format!("\"handle\":{handle},\"buf-b64\":\"{TEXT}\"{members}"))
}

fn read_some(handle: i64, members: &str) -> String {
    call("guest-file-read", &format!("\"handle\":{handle}{members}"))
}

/// Whether so many bytes were taken or given.
fn counts(reply: &Reply, count: i64) -> Judged {
    let told = reply.success()?.get("count").and_then(Value::int);
    expect(told == Some(count), || format!("{} in place of the count {count}", reply.excerpt))
}

/// Whether so many bytes are given, and these.
fn gives(reply: &Reply, count: i64, text: &str) -> Judged {
    counts(reply, count)?;
    let got = reply.success()?.get("buf-b64").and_then(Value::text);
    expect(got == Some(text), || format!("it gives something else: {}", reply.excerpt))
}

fn refuses(reply: &Reply, what: &str) -> Judged {
    reply.refusal().map(drop).map_err(|miss| miss.about(what))
}
