//! How much is taken.

use crate::agent::{Agent, call};
use crate::judgement::{Judged, expect};
use crate::probe::Channel;

checks! { Limits, writes: false;
    "long-request" => long_request: "A request of 90 KiB is carried out. Proxmox VE writes files in pieces of 60 KiB, which \
        are 80 KiB as text.";
    "long-string" => long_string: "A string of 90 KiB is taken, and does not cost the next request.";
    "many-requests" => many_requests: "100 requests in one piece are all answered, in order.";
    "deep-nesting" => deep_nesting: "More than 1024 brackets inside each other earn an error, and do not cost the next \
        request behind 0xFF.";
}

/// How long requests are.
const LONG: usize = 90 << 10;

/// One more than QEMU's agent takes.
const DEPTH: usize = 1025;

async fn long_request<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let (name, number, blanks) = (agent.probe.sync.name(), agent.probe.number(), " ".repeat(LONG));
    let request = format!("{{\"execute\":\"{name}\",{blanks}\"arguments\":{{\"id\":{number}}}}}\n");
    agent.ask(&request).await?.returns(number)
}

async fn long_string<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let arguments = format!("\"id\":{},\"qga-conform\":\"{}\"", agent.probe.number(), "A".repeat(LONG));
    let request = call(agent.probe.sync.name(), &arguments);
    // Whether an argument that it does not have is refused is another question.
    agent.ask(&request).await.map(drop)
}

async fn many_requests<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let pairs = [(); 100].map(|()| agent.sync_with(""));
    let replies = agent.ask_all(&pairs.each_ref().map(|(request, _)| request.clone())).await?;
    replies.iter().zip(pairs).try_for_each(|(reply, (_, number))| reply.returns(number))
}

async fn deep_nesting<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let heard = agent.probe.exchange(&[&b"[".repeat(DEPTH)[..], b"\n"].concat()).await?;
    heard.faults()?;
    expect(heard.all().count() <= DEPTH, || format!("it earns {} errors", heard.all().count()))
}
