//! How messages are told from each other.

use super::UNKNOWN;
use crate::agent::{Agent, call};
use crate::judgement::{Judged, expect, fail};
use crate::probe::Channel;
use crate::reply::Line;

checks! { Framing, writes: false;
    "blank-lines" => blank_lines: "Blank lines and spaces between requests are answered with nothing.";
    "white-space" => white_space: "Spaces and tabs may stand between all parts of a request, and CR before its newline.";
    "several-lines" => several_lines: "A request may stand on several lines.";
    "no-newline" => no_newline: "A request is carried out when its last bracket has come; it needs no newline behind it. \
        Not all clients send one.";
    "pieces" => pieces: "A request may come in several pieces, as channels cut it.";
    "pipeline" => pipeline: "Requests that come in one piece are answered one after the other, each once. Proxmox VE sends \
        two at a time.";
    "member-order" => member_order: "The members of a request may stand in any order. Proxmox VE's come in another one \
        each time.";
    "empty-arguments" => empty_arguments: "An empty object of arguments is the same as none. Proxmox VE always sends one.";
    "brackets-in-strings" => brackets_in_strings: "Brackets and quotes in strings end nothing.";
    "reset" => reset: "0xFF makes what is half said void, wherever it ends, and the next request is answered. Clients get \
        by with it on a line on which another was cut off.";
    "reset-cost" => reset_cost: "0xFF where nothing is half said earns no more than one error.";
}

async fn blank_lines<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let [] = agent.probe.exchange(b"\n\n  \r\n\t\n").await?.replies()?;
    Ok(())
}

async fn white_space<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (name, number) = (agent.probe.sync.name(), agent.probe.number());
    let request =
        format!(" \t{{ \"execute\" :\t\"{name}\" ,  \"arguments\" : {{\t\"id\" : {number} }} }} \t\r\n");
    agent.ask(&request).await?.returns(number)
}

async fn several_lines<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (name, number) = (agent.probe.sync.name(), agent.probe.number());
    let request = format!("{{\n\"execute\":\"{name}\",\r\n\"arguments\":\n{{\"id\":{number}}}\n}}\n");
    agent.ask(&request).await?.returns(number)
}

async fn no_newline<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    // Where brackets end a request, the next may stand right behind it. To find that out needs no waiting.
    let (request, number) = agent.sync_with("");
    let reply = agent.ask(request.trim_end()).await;
    let judged = reply.and_then(|reply| reply.returns(number));
    judged.map_err(|miss| miss.about("with the next request right behind it"))?;
    let (request, _) = agent.sync_with("");
    let is_prompt = agent.probe.provoke(request.trim_end().as_bytes()).await?;
    expect(is_prompt, || "it is answered only when another byte comes".to_owned())
}

async fn pieces<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (request, number) = agent.sync_with("");
    let (head, rest) = request.as_bytes().split_at(6);
    let (middle, tail) = rest.split_at(rest.len() / 2);
    agent.probe.exchange_in(&[head, middle], tail).await?.reply()?.returns(number)
}

async fn pipeline<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let pairs = [(); 4].map(|()| agent.sync_with(""));
    let replies = agent.ask_all(&pairs.each_ref().map(|(request, _)| request.clone())).await?;
    replies.iter().zip(pairs).try_for_each(|(reply, (_, number))| reply.returns(number))
}

async fn member_order<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (name, number) = (agent.probe.sync.name(), agent.probe.number());
    let request = format!("{{\"arguments\":{{\"id\":{number}}},\"execute\":\"{name}\"}}\n");
    agent.ask(&request).await?.returns(number)
}

async fn empty_arguments<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require("guest-ping")?;
    agent.ask("{\"execute\":\"guest-ping\",\"arguments\":{}}\n").await?.done()
}

async fn brackets_in_strings<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let request = call(&format!("{UNKNOWN}-}}]\\\"{{[\\\\"), "");
    let heard = agent.probe.exchange(request.as_bytes()).await?;
    // That there is no such command, some do not say.
    if heard.has(0) && heard.before(0).next().is_none() {
        return Ok(());
    }
    heard.reply()?.error()?;
    Ok(())
}

async fn reset<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    for half in ["{\"execute\":\"guest-p", "[{\"a\":[1,2,", "{\"a\":\"open ", "{\"a\":\"\\", "12"] {
        let (request, number) = agent.sync_with("");
        let said = [half.as_bytes(), b"\xFF", request.as_bytes()].concat();
        let heard = agent.probe.exchange(&said).await?;
        let last = heard.before(0).last();
        if !heard.has(0) || last.and_then(Line::number) != Some(number) {
            return fail(format!("a request behind {half}\\xff is not answered"));
        }
        // Before it there may be errors.
        let count = heard.before(0).count();
        let mut others = heard.before(0).take(count - 1);
        if let Some(other) = others.find(|line| !line.is_error()) {
            return fail(format!("behind {half}\\xff comes {}", other.excerpt));
        }
    }
    Ok(())
}

async fn reset_cost<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (request, number) = agent.sync_with("");
    let heard = agent.probe.exchange(&[b"\xFF\xFF\xFF", request.as_bytes()].concat()).await?;
    let errors = heard.before(0).filter(|line| line.is_error()).count();
    let last = heard.before(0).last().and_then(Line::number);
    expect(heard.has(0) && last == Some(number), || "the request behind it is not answered".to_owned())?;
    expect(errors <= 3, || format!("three of them earn {errors} errors"))
}
