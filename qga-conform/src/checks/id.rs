//! The member `id` of requests, which replies repeat.

use qga_proto::json;

use super::UNKNOWN;
use crate::agent::Agent;
use crate::judgement::{Judged, Miss, expect, fail, not_supported};
use crate::probe::Channel;
use crate::reply::{Answer, Reply};
use crate::value::Value;

checks! { Id, writes: false;
    "id-echo" => echo: "A reply repeats the id of its request, so that clients know whose it is. Agents before QEMU 4.0 \
        refuse the member.";
    "id-kinds" => kinds: "An id may be any JSON value, and comes back as it was.";
    "id-exact" => exact: "Integers come back exactly, also beyond 2^53.";
    "id-in-errors" => in_errors: "Errors repeat the id, too, whatever is wrong with a request that is an object.";
}

async fn echo<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    match echoes(agent).await? {
        Ids::Repeated => Ok(()),
        Ids::Refused => not_supported("it refuses requests with an id"),
        Ids::Ignored => fail("the reply has no id"),
    }
}

/// What an agent does with an id.
enum Ids {
    Repeated,
    Refused,
    Ignored,
}

async fn echoes<T: Channel>(agent: &mut Agent<'_, T>) -> Judged<Ids> {
    let (request, number) = agent.sync_with(",\"id\":61");
    let reply = agent.ask(&request).await?;
    match (&reply.answer, &reply.id) {
        (Answer::Error(_), _) => Ok(Ids::Refused),
        (Answer::Return(_), None) => Ok(Ids::Ignored),
        (Answer::Return(_), Some(_)) => {
            reply.returns(number)?;
            repeats(&reply, "61").map(|()| Ids::Repeated)
        }
    }
}

/// Says that a check is not for agents without ids.
async fn require<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    match echoes(agent).await {
        Ok(Ids::Repeated) => Ok(()),
        Ok(Ids::Refused | Ids::Ignored) | Err(Miss::Fail(_)) => not_supported("it does not repeat ids"),
        Err(miss) => Err(miss),
    }
}

async fn kinds<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    const KINDS: [&str; 7] = [
        "\"abc\"",
        "\"\\u00e9 \\\" \\\\ \\n \\ud83d\\ude00 }\"",
        "null",
        "true",
        "[1, \"x\", []]",
        "{\"b\": 1, \"a\": [1, 2, {\"c\": null}]}",
        "0.5",
    ];
    come_back(agent, &KINDS).await
}

async fn exact<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    const NUMBERS: [&str; 4] =
        ["9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615"];
    come_back(agent, &NUMBERS).await
}

async fn come_back<T: Channel>(agent: &mut Agent<'_, T>, ids: &[&str]) -> Judged {
    require(agent).await?;
    let requests: Vec<_> = ids.iter().map(|id| agent.sync_with(&format!(",\"id\":{id}")).0).collect();
    let replies = agent.ask_all(&requests).await?;
    replies.iter().zip(ids).try_for_each(|(reply, id)| {
        reply.success()?;
        repeats(reply, id)
    })
}

async fn in_errors<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    require(agent).await?;
    let sync = agent.probe.sync.name();
    for (what, request) in [
        ("an unknown command", format!("{{\"execute\":\"{UNKNOWN}\",\"id\":61}}\n")),
        ("a missing argument", format!("{{\"execute\":\"{sync}\",\"id\":61}}\n")),
        ("a missing command", "{\"id\":61}\n".to_owned()),
        ("an unknown member", format!("{{\"execute\":\"{UNKNOWN}\",\"other\":1,\"id\":61}}\n")),
    ] {
        let reply = agent.ask(&request).await;
        let judged = reply.and_then(|reply| {
            reply.error()?;
            repeats(&reply, "61")
        });
        judged.map_err(|miss| miss.about(what))?;
    }
    Ok(())
}

/// Whether a reply has this id.
fn repeats(reply: &Reply, id: &str) -> Judged {
    let sent: Option<Value> = json::from_slice(id.as_bytes()).ok();
    let is_same = sent.zip(reply.id.as_ref()).is_some_and(|(sent, got)| sent.is_same(got));
    expect(is_same, || format!("the id {id} comes back in {}", reply.excerpt))
}
