//! Borrowed replies say what owned ones say: every query of the schema, to every simulated agent, each member of each reply.

use std::collections::BTreeSet;

use qga_proto::commands::{
    GuestFsfreezeStatus, GuestGetCpustats, GuestGetDevices, GuestGetDisks, GuestGetDiskstats, GuestGetFsinfo,
    GuestGetHostName, GuestGetLoad, GuestGetMemoryBlockInfo, GuestGetMemoryBlocks, GuestGetOsinfo,
    GuestGetTime, GuestGetTimezone, GuestGetUsers, GuestGetVcpus, GuestInfo, GuestNetworkGetInterfaces,
    GuestNetworkGetRoute, GuestPing, GuestSshGetAuthorizedKeys, GuestSync, GuestSyncDelimited,
};
use qga_proto::{Command, Error, OwnedCommand, Session, schema};
use qga_sim::{Guest, GuestIsOff, Personality, VirtualLine};
use qga_std::block_on;
use serde::Serialize;
use serde_json::Value;

type Virtual = Session<VirtualLine, Vec<u8>>;

/// What both say of a reply, as JSON; the error's text where there is none.
type Said = [Result<Value, String>; 2];

fn ask<C: OwnedCommand>(session: &mut Virtual, command: &C) -> Said
where
    C::Owned: Serialize,
    for<'v> <C as Command>::View<'v>: Serialize,
{
    let text = |error: Error<GuestIsOff>| error.to_string();
    let value = |value: Result<Value, serde_json::Error>| value.expect("JSON");
    let view =
        block_on(session.call_view(command)).map(|view| value(serde_json::to_value(&view))).map_err(text);
    let owned =
        block_on(session.call(command)).map(|owned| value(serde_json::to_value(&owned))).map_err(text);
    [view, owned]
}

type Ask = fn(&mut Virtual) -> Said;

/// Each query, and how it is asked.
const QUERIES: &[(&str, Ask)] = &[
    ("guest-fsfreeze-status", |session| ask(session, &GuestFsfreezeStatus::new())),
    ("guest-get-cpustats", |session| ask(session, &GuestGetCpustats::new())),
    ("guest-get-devices", |session| ask(session, &GuestGetDevices::new())),
    ("guest-get-disks", |session| ask(session, &GuestGetDisks::new())),
    ("guest-get-diskstats", |session| ask(session, &GuestGetDiskstats::new())),
    ("guest-get-fsinfo", |session| ask(session, &GuestGetFsinfo::new())),
    ("guest-get-host-name", |session| ask(session, &GuestGetHostName::new())),
    ("guest-get-load", |session| ask(session, &GuestGetLoad::new())),
    ("guest-get-memory-block-info", |session| ask(session, &GuestGetMemoryBlockInfo::new())),
    ("guest-get-memory-blocks", |session| ask(session, &GuestGetMemoryBlocks::new())),
    ("guest-get-osinfo", |session| ask(session, &GuestGetOsinfo::new())),
    ("guest-get-time", |session| ask(session, &GuestGetTime::new())),
    ("guest-get-timezone", |session| ask(session, &GuestGetTimezone::new())),
    ("guest-get-users", |session| ask(session, &GuestGetUsers::new())),
    ("guest-get-vcpus", |session| ask(session, &GuestGetVcpus::new())),
    ("guest-info", |session| ask(session, &GuestInfo::new())),
    ("guest-network-get-interfaces", |session| ask(session, &GuestNetworkGetInterfaces::new())),
    ("guest-network-get-route", |session| ask(session, &GuestNetworkGetRoute::new())),
    ("guest-ping", |session| ask(session, &GuestPing::new())),
    ("guest-ssh-get-authorized-keys", |session| ask(session, &GuestSshGetAuthorizedKeys::new("root"))),
    ("guest-sync", |session| ask(session, &GuestSync::new(7))),
    ("guest-sync-delimited", |session| ask(session, &GuestSyncDelimited::new(7))),
];

#[test]
fn every_query_of_the_schema_is_among_them() {
    let queries = schema::COMMANDS.iter().filter(|command| command.query).map(|command| command.name);
    let asked = QUERIES.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
    assert_eq!(queries.collect::<BTreeSet<_>>(), asked);
}

#[test]
fn a_view_says_what_an_owned_reply_says() {
    let mut answered = BTreeSet::new();
    for personality in Personality::ALL {
        let guest = Guest::with(personality)
            .directory("/root/.ssh")
            .file("/root/.ssh/authorized_keys", "ssh-ed25519 AAAA \"a key\" of \u{E9}\n");
        let mut session = VirtualLine::new(guest).session();
        for (name, ask) in QUERIES {
            let [view, owned] = ask(&mut session);
            assert_eq!(view, owned, "{personality}: {name}");
            if view.is_ok() {
                answered.insert(*name);
            }
        }
    }
    let unanswered: Vec<_> = QUERIES.iter().filter(|(name, _)| !answered.contains(name)).collect();
    assert!(unanswered.is_empty(), "no agent answers {unanswered:?}");
}
