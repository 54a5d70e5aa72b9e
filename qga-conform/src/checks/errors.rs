//! What is answered to what cannot be done, and to what is no request.

use super::UNKNOWN;
use crate::agent::{Agent, call};
use crate::excerpt;
use crate::judgement::{Judged, expect};
use crate::probe::Channel;
use crate::reply::NOT_FOUND;

checks! { Errors, writes: false;
    "unknown-command" => unknown_command: "A command that the agent does not have is refused with the class \
        CommandNotFound. Clients find out by it what an agent can do, and wait in vain for one that says nothing.";
    "missing-argument" => missing_argument: "A command without an argument that it needs is refused.";
    "wrong-type" => wrong_type: "An argument of another type is refused.";
    "unknown-argument" => unknown_argument: "An argument that a command does not have is refused. Clients find out by it \
        what an agent can do.";
    "bad-arguments" => bad_arguments: "Arguments that are no object are refused.";
    "unknown-member" => unknown_member: "A member that a request does not have is refused.";
    "no-command" => no_command: "An object without a command is refused.";
    "no-object" => no_object: "JSON that is no object earns an error.";
    "garbage" => garbage: "A line that is no JSON, such as a login prompt, earns an error, and does not cost the next \
        request behind 0xFF.";
    "broken-message" => broken_message: "A message with a fault earns an error, and does not cost the next request behind \
        0xFF.";
    "bad-text" => bad_text: "A string that is no UTF-8 earns an error, and does not cost the next request behind 0xFF.";
}

pub(super) async fn unknown_command<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let reply = agent.ask(&call(UNKNOWN, "")).await?;
    let class = &reply.error()?.class;
    expect(class == NOT_FOUND, || format!("the class is another: {}", reply.excerpt))
}

async fn missing_argument<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let request = call(agent.probe.sync.name(), "");
    agent.ask(&request).await?.refusal()?;
    Ok(())
}

async fn wrong_type<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for value in ["\"5\"", "5.5", "null", "[5]"] {
        let request = call(agent.probe.sync.name(), &format!("\"id\":{value}"));
        let reply = agent.ask(&request).await;
        reply.and_then(|reply| reply.refusal().map(drop)).map_err(|miss| miss.about(value))?;
    }
    Ok(())
}

async fn unknown_argument<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let arguments = format!("\"id\":{},\"qga-conform\":1", agent.probe.number());
    let request = call(agent.probe.sync.name(), &arguments);
    agent.ask(&request).await?.refusal()?;
    Ok(())
}

async fn bad_arguments<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    // A command that needs none must not take them for none.
    agent.knowledge.require("guest-ping")?;
    for arguments in ["[]", "null", "7"] {
        let request = format!("{{\"execute\":\"guest-ping\",\"arguments\":{arguments}}}\n");
        let reply = agent.ask(&request).await;
        reply.and_then(|reply| reply.refusal().map(drop)).map_err(|miss| miss.about(arguments))?;
    }
    Ok(())
}

async fn unknown_member<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (request, _) = agent.sync_with(",\"qga-conform\":1");
    agent.ask(&request).await?.refusal()?;
    Ok(())
}

async fn no_command<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.ask("{\"arguments\":{}}\n").await?.refusal()?;
    Ok(())
}

async fn no_object<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for text in ["[]", "\"guest-ping\"", "12", "null", "[{\"execute\":\"guest-ping\"}]"] {
        fault(agent, text.as_bytes()).await?;
    }
    Ok(())
}

async fn garbage<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for line in ["localhost login: ", "[    0.000000] Linux version 6.1.0", "@@@ \"quoted"] {
        fault(agent, line.as_bytes()).await?;
    }
    Ok(())
}

async fn broken_message<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for message in [
        "{\"execute\":\"guest-ping\",}",
        "{\"execute\" \"guest-ping\"}",
        "{\"a\":[1 2]}",
        "{]",
        "}",
        "{\"a\":01}",
    ] {
        fault(agent, message.as_bytes()).await?;
    }
    Ok(())
}

async fn bad_text<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for text in [&b"\xC3("[..], b"\\ud83d", b"a\x01b"] {
        fault(agent, &[b"{\"execute\":\"guest-ping\",\"id\":\"", text, b"\"}"].concat()).await?;
    }
    Ok(())
}

/// Says what is no message, on a line, which must earn an error and not cost the next request.
async fn fault<T: Channel>(agent: &mut Agent<'_, T>, line: &[u8]) -> Judged {
    let heard = agent.probe.exchange(&[line, b"\n"].concat()).await?;
    heard.faults().map_err(|miss| miss.about(&excerpt::bytes(line)))
}
