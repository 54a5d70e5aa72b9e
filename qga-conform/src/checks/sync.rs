//! The commands with which a client finds out whether it is heard.

use crate::agent::Agent;
use crate::judgement::{Judged, expect};
use crate::probe::{Channel, Sync};

checks! { Sync, writes: false;
    "sync-delimited" => delimited: "guest-sync-delimited is answered with the byte 0xFF, then its number. Proxmox VE and \
        QEMU's own client know where an answer begins by it.";
    "sync" => plain: "guest-sync is answered with its number, without 0xFF. It is the only sync that libvirt uses.";
    "sync-numbers" => numbers: "A sync returns any integer of 64 bits as it came. Clients take random numbers, or the \
        time.";
}

async fn delimited<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    answers(agent, Sync::Delimited).await
}

async fn plain<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    answers(agent, Sync::Plain).await
}

async fn answers<T: Channel>(agent: &mut Agent<'_, T>, sync: Sync) -> Judged {
    agent.knowledge.require_enabled(sync.name())?;
    let number = agent.probe.number();
    let reply = agent.ask(&sync.request(number)).await?;
    reply.returns(number)?;
    let is_right = reply.is_delimited == (sync == Sync::Delimited);
    expect(is_right, || {
        let is = if reply.is_delimited { "there is a 0xFF" } else { "there is no 0xFF" };
        format!("{is} before the answer")
    })
}

async fn numbers<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    const NUMBERS: [i64; 5] = [0, -1, (1 << 53) + 1, i64::MAX, i64::MIN];

    let requests = NUMBERS.map(|number| agent.probe.sync.request(number));
    let replies = agent.ask_all(&requests).await?;
    replies.iter().zip(NUMBERS).try_for_each(|(reply, number)| reply.returns(number))
}
