//! The commands that run programs.

use crate::agent::Agent;
use crate::checks::commands::has_shape;
use crate::guest::{exits_with, pid, status};
use crate::judgement::{Judged, Miss, expect, fail, not_supported};
use crate::probe::Channel;
use crate::reply::{Answer, Reply};
use crate::value::Value;

checks! { Exec, writes: true;
    "exec" => exec: "guest-exec gives a program's number, and guest-exec-status in the end that it has exited, and its exit \
        code.";
    "exec-once" => once: "The end of a program is told once. Clients need not say that they have heard it, and the agent \
        keeps nothing of it.";
    "exec-output" => output: "What a program writes is given in base64 when it has ended, if that was asked for.";
    "exec-unknown-pid" => unknown_pid: "guest-exec-status of a program that was not started here is refused.";
    "exec-missing-program" => missing_program: "guest-exec of a program that is not there is refused.";
}

/// A number that no process has: systems do not go so far.
const NO_PID: i64 = i32::MAX as i64;

async fn exec<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let pid = start_harmless(agent).await?;
    let reply = agent.end(pid).await?;
    has_shape(&reply, "guest-exec-status")?;
    exits_with(&reply, 0)
}

async fn once<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let pid = start_harmless(agent).await?;
    agent.end(pid).await?;
    agent.ask(&status(pid)).await?.refusal()?;
    Ok(())
}

async fn output<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    require(agent)?;
    // "qga-conform" and the end of a line, as the system has it.
    let (reply, text) = match agent.is_windows().await? {
        true => (agent.start("cmd.exe", &["/c", "echo qga-conform"], true).await?, "cWdhLWNvbmZvcm0NCg=="),
        false => (agent.start("echo", &["qga-conform"], true).await?, "cWdhLWNvbmZvcm0K"),
    };
    let pid = started(&reply)?;
    let reply = agent.end(pid).await?;
    has_shape(&reply, "guest-exec-status")?;
    let got = reply.success()?.get("out-data").and_then(Value::text);
    expect(got == Some(text), || format!("the output is another: {}", reply.excerpt))
}

async fn unknown_pid<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-exec-status")?;
    let heard = agent.probe.exchange(status(NO_PID).as_bytes()).await?;
    agent.knowledge.reply_to("guest-exec-status", heard)?.refusal().map(drop)
}

async fn missing_program<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    require(agent)?;
    let reply = agent.start("/qga-conform/no-such-program", &[], false).await?;
    if let Some(number) = pid(&reply) {
        // It must not be left unasked for.
        let end = agent.end(number).await?;
        return fail(format!("it starts, and ends with {}", end.excerpt));
    }
    reply.refusal()?;
    Ok(())
}

fn require<T>(agent: &Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-exec")?;
    agent.knowledge.require("guest-exec-status")
}

/// Starts a program that does nothing.
async fn start_harmless<T: Channel>(agent: &mut Agent<'_, T>) -> Judged<i64> {
    require(agent)?;
    let reply = match agent.is_windows().await? {
        true => agent.start("cmd.exe", &["/c", "exit 0"], false).await?,
        false => agent.start("true", &[], false).await?,
    };
    started(&reply)
}

/// The number of a program, if the guest has it.
fn started(reply: &Reply) -> Judged<i64> {
    match &reply.answer {
        Answer::Error(error) => not_supported(error.words()),
        Answer::Return(_) => {
            has_shape(reply, "guest-exec")?;
            pid(reply).ok_or_else(|| Miss::Fail(format!("there is no pid: {}", reply.excerpt)))
        }
    }
}
