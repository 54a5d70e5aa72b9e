//! What the clients in the field need, said as they say it.

use std::time::Duration;

use super::commands::{gaps, is_version};
use super::errors;
use crate::agent::{Agent, call};
use crate::excerpt;
use crate::judgement::{Judged, Miss, expect, fail, not_supported};
use crate::probe::Channel;

checks! { Clients, writes: false;
    "libvirt-sync" => libvirt_sync: "libvirt's guest-sync, whose number is the time in milliseconds, is answered within 5 s, \
        without 0xFF.";
    "libvirt-command" => libvirt_command: "A command on a line of its own is answered on a line of its own.";
    "libvirt-unsupported" => libvirt_unsupported: "A command that the agent does not have is refused with the class \
        CommandNotFound, which libvirt takes for one that is not supported.";
    "proxmox-pair" => proxmox_pair: "Proxmox VE's guest-sync-delimited and the command behind it, which come in one piece, \
        are answered with 0xFF and two lines that follow each other.";
    "proxmox-ping" => proxmox_ping: "guest-ping is answered so within 3 s, or the guest's agent is taken not to run.";
    "kubevirt-commands" => kubevirt_commands: "guest-info lists the ten commands that KubeVirt asks for, each of them \
        enabled.";
    "kubevirt-version" => kubevirt_version: "The version is a semantic version.";
}

const LIBVIRT_PATIENCE: Duration = Duration::from_secs(5);

const PROXMOX_PATIENCE: Duration = Duration::from_secs(3);

/// The commands without which KubeVirt calls an agent unsupported.
const KUBEVIRT: [&str; 10] = [
    "guest-ping",
    "guest-get-time",
    "guest-info",
    "guest-shutdown",
    "guest-network-get-interfaces",
    "guest-get-fsinfo",
    "guest-get-host-name",
    "guest-get-users",
    "guest-get-timezone",
    "guest-get-osinfo",
];

async fn libvirt_sync<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require_enabled("guest-sync")?;
    let number = agent.probe.number();
    let request = format!("{{\"execute\":\"guest-sync\", \"arguments\":{{\"id\":{number}}}}}\n");
    let heard = agent.probe.exchange(request.as_bytes()).await?;
    let took = heard.took;
    let reply = heard.reply()?;
    reply.returns(number)?;
    expect(!reply.is_delimited, || "there is a 0xFF before the answer".to_owned())?;
    in_time(took, LIBVIRT_PATIENCE)
}

async fn libvirt_command<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    agent.knowledge.require_enabled("guest-ping")?;
    agent.ask(&call("guest-ping", "")).await?.done()
}

async fn libvirt_unsupported<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    errors::unknown_command(agent).await
}

async fn proxmox_pair<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    pair(agent).await.map(drop)
}

async fn proxmox_ping<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let took = pair(agent).await?;
    in_time(took, PROXMOX_PATIENCE)
}

/// Calls `guest-ping` as Proxmox VE does.
async fn pair<T: Channel>(agent: &mut Agent<'_, T>) -> Judged<Duration> {
    agent.knowledge.require_enabled("guest-sync-delimited")?;
    agent.knowledge.require_enabled("guest-ping")?;
    let number = agent.probe.number();
    let requests = format!(
        "{{\"arguments\":{{\"id\":{number}}},\"execute\":\"guest-sync-delimited\"}}\n\
         {{\"arguments\":{{}},\"execute\":\"guest-ping\"}}\n"
    );
    let heard = agent.probe.exchange(requests.as_bytes()).await?;
    let took = heard.took;
    let [sync, ping] = heard.replies()?;
    sync.returns(number)?;
    expect(sync.is_delimited, || "there is no 0xFF before the answer".to_owned())?;
    ping.done()?;
    Ok(took)
}

async fn kubevirt_commands<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    let knowledge = &agent.knowledge;
    let reply = knowledge.info.as_ref().map_err(Miss::clone)?;
    reply.success()?;
    if knowledge.commands.is_empty() {
        return fail("there is no list of commands");
    }
    if let Some(told) = knowledge.commands.iter().find(|told| told.enabled.is_none()) {
        return fail(format!("of {} it is not said whether it is enabled", excerpt::text(&told.name)));
    }
    match gaps(knowledge, &KUBEVIRT) {
        (Some(missing), _) => fail(format!("it does not have {missing}")),
        (None, Some(disabled)) => not_supported(format!("disabled: {disabled}")),
        (None, None) => Ok(()),
    }
}

async fn kubevirt_version<T: Channel>(agent: &mut Agent<'_, T>) -> Judged {
    match &agent.knowledge.version {
        Some(version) => expect(is_version(version), || excerpt::text(version)),
        None => fail("there is no version"),
    }
}

fn in_time(took: Duration, limit: Duration) -> Judged {
    expect(took <= limit, || format!("it takes {:.1} s", took.as_secs_f64()))
}
