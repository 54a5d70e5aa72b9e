//! Every agent of the simulated guest: what its report says, and no more.

mod common;

use common::{Pieces, SimLine, misses, run};
use fastrand::Rng;
use qga_conform::Verdict::{Fail, NotRun, NotSupported};
use qga_conform::{Check, Client, Contentment, Ending, Options, Report, Verdict};
use qga_sim::{Guest, Personality};

fn report(personality: Personality, writes: bool, pieces: Pieces) -> Report {
    let mut line = SimLine::new(Guest::with(personality), pieces);
    let report = run(&mut line, &Options::new().writes(writes));
    assert_eq!(report.ending(), &Ending::Complete, "{personality}");
    // What every agent answers is waited for, and nothing else.
    assert_eq!(line.now, common::START, "{personality}");
    report
}

/// The checks that do not pass when nothing is changed; those that would change something are left out.
fn reading(personality: Personality) -> Vec<(&'static str, Verdict)> {
    let report = report(personality, false, Pieces::Whole);
    let (writing, others): (Vec<_>, Vec<_>) =
        report.outcomes().iter().partition(|outcome| outcome.check.writes);
    assert!(writing.iter().all(|outcome| outcome.verdict == NotRun), "{personality}");
    let misses = misses(&report);
    let is_reading = |name: &&str| others.iter().any(|outcome| outcome.check.name == *name);
    misses.into_iter().filter(|(name, _)| is_reading(name)).collect()
}

/// What is not there need not be.
fn unsupported<const N: usize>(names: [&'static str; N]) -> Vec<(&'static str, Verdict)> {
    names.into_iter().map(|name| (name, NotSupported)).collect()
}

#[test]
fn qemu_2_12_knows_no_ids() {
    let expected = unsupported([
        "id-echo",
        "id-kinds",
        "id-exact",
        "id-in-errors",
        "guest-get-cpustats",
        "guest-get-devices",
        "guest-get-disks",
        "guest-get-diskstats",
        "guest-get-load",
        "guest-network-get-route",
    ]);
    assert_eq!(reading(Personality::Qemu2), expected);
}

#[test]
fn later_agents_of_qemu_lack_commands() {
    let expected = unsupported([
        "guest-get-cpustats",
        "guest-get-devices",
        "guest-get-diskstats",
        "guest-get-load",
        "guest-network-get-route",
    ]);
    assert_eq!(reading(Personality::Qemu5), expected);
    let expected = unsupported(["guest-get-devices", "guest-get-load", "guest-network-get-route"]);
    assert_eq!(reading(Personality::Qemu7), expected);
    assert_eq!(reading(Personality::Qemu10), unsupported(["guest-get-devices"]));
    assert_eq!(reading(Personality::Qemu11), unsupported(["guest-get-devices"]));
    let expected = unsupported([
        "guest-get-cpustats",
        "guest-get-diskstats",
        "guest-get-load",
        "guest-get-memory-block-info",
        "guest-get-memory-blocks",
        "guest-network-get-route",
    ]);
    assert_eq!(reading(Personality::Windows), expected);
}

#[test]
fn agents_of_qemu_lack_nothing_when_they_write() {
    for personality in Personality::ALL.into_iter().filter(|personality| personality.is_qemu()) {
        let report = report(personality, true, Pieces::Whole);
        assert!(report.is_clean() && report.count(NotRun) == 0, "{personality}: {:?}", misses(&report));
        for client in Client::ALL {
            assert_eq!(report.contentment(client), Contentment::Yes, "{personality}");
        }
        let writing: Vec<_> = misses(&report).into_iter().filter(|(name, _)| is_writing(name)).collect();
        assert_eq!((writing, report.left()), (Vec::new(), None), "{personality}");
    }
}

fn is_writing(name: &str) -> bool {
    Check::all().any(|check| check.writes && check.name == name)
}

/// It reads lines, has few commands, and a version that is none.
#[test]
fn apple() {
    let mut expected = unsupported([
        "guest-fsfreeze-status",
        "guest-get-cpustats",
        "guest-get-devices",
        "guest-get-disks",
        "guest-get-diskstats",
        "guest-get-fsinfo",
        "guest-get-host-name",
        "guest-get-load",
        "guest-get-memory-block-info",
        "guest-get-memory-blocks",
        "guest-get-osinfo",
        "guest-get-timezone",
        "guest-get-users",
        "guest-get-vcpus",
        "guest-network-get-route",
    ]);
    expected.splice(0..0, [("several-lines", Fail), ("no-newline", Fail), ("info-version", Fail)]);
    expected.extend([("kubevirt-commands", Fail), ("kubevirt-version", Fail)]);
    assert_eq!(reading(Personality::Apple), expected);
    assert_eq!(misses(&report(Personality::Apple, true, Pieces::Whole)), expected);
}

/// It reads lines, passes over what it does not understand, and has no list of commands.
#[test]
fn minimal() {
    let mut expected = vec![("sync", Fail), ("several-lines", Fail), ("no-newline", Fail), ("id-echo", Fail)];
    expected.extend(unsupported(["id-kinds", "id-exact", "id-in-errors"]));
    let failed = [
        "unknown-command",
        "bad-arguments",
        "unknown-member",
        "no-command",
        "no-object",
        "garbage",
        "broken-message",
        "bad-text",
        "deep-nesting",
        "guest-info",
    ];
    expected.extend(failed.map(|name| (name, Fail)));
    expected.extend(["info-names", "info-silent", "info-version"].map(|name| (name, NotRun)));
    expected.extend(unsupported([
        "guest-get-cpustats",
        "guest-get-devices",
        "guest-get-disks",
        "guest-get-diskstats",
        "guest-get-fsinfo",
        "guest-get-load",
        "guest-get-memory-block-info",
        "guest-get-memory-blocks",
        "guest-get-time",
        "guest-get-timezone",
        "guest-get-users",
        "guest-get-vcpus",
        "guest-network-get-route",
    ]));
    let failed = ["libvirt-sync", "libvirt-unsupported", "kubevirt-commands", "kubevirt-version"];
    expected.extend(failed.map(|name| (name, Fail)));
    assert_eq!(reading(Personality::Minimal), expected);

    // It has neither files nor programs, and does not say so.
    let report = report(Personality::Minimal, true, Pieces::Whole);
    let mut writing = misses(&report).into_iter().filter(|(name, _)| is_writing(name));
    assert_eq!(writing.next(), Some(("file-open", NotSupported)));
    assert!(writing.all(|(name, verdict)| match name.starts_with("file-") {
        true => verdict == NotRun,
        false => verdict == NotSupported,
    }));
    assert_eq!(report.left(), None);
}

/// It reads lines, and lists its commands by name only.
#[test]
fn strings() {
    let mut expected =
        vec![("several-lines", Fail), ("no-newline", Fail), ("guest-info", Fail), ("info-silent", NotRun)];
    expected.extend(unsupported([
        "guest-get-cpustats",
        "guest-get-devices",
        "guest-get-disks",
        "guest-get-diskstats",
        "guest-get-load",
        "guest-get-memory-block-info",
        "guest-get-memory-blocks",
        "guest-network-get-route",
    ]));
    expected.push(("kubevirt-commands", Fail));
    assert_eq!(reading(Personality::Strings), expected);
    expected.extend(unsupported(["file-seek", "file-flush"]));
    assert_eq!(misses(&report(Personality::Strings, true, Pieces::Whole)), expected);
}

#[test]
fn which_clients_are_content() {
    for (personality, libvirt, proxmox, kubevirt) in [
        (Personality::Apple, Contentment::Yes, Contentment::Yes, Contentment::No),
        (Personality::Minimal, Contentment::No, Contentment::Yes, Contentment::No),
        (Personality::Strings, Contentment::Yes, Contentment::Yes, Contentment::No),
    ] {
        let report = report(personality, false, Pieces::Whole);
        let content = Client::ALL.map(|client| report.contentment(client));
        assert_eq!(content, [libvirt, proxmox, kubevirt], "{personality}");
    }
}

/// How a channel cuts what goes over it makes no difference.
#[test]
fn pieces_of_any_size() {
    for personality in Personality::ALL {
        let whole = misses(&report(personality, true, Pieces::Whole));
        assert_eq!(misses(&report(personality, true, Pieces::Bytes)), whole, "{personality}");
        for seed in 0..2 {
            let pieces = Pieces::Random(Rng::with_seed(seed));
            assert_eq!(misses(&report(personality, true, pieces)), whole, "{personality} {seed}");
        }
    }
}

#[test]
fn what_an_administrator_has_disabled_fails_nothing() {
    let disabled = ["guest-shutdown", "guest-get-users", "guest-exec", "guest-ping", "guest-file-seek"];
    let guest = disabled.into_iter().fold(Guest::new(), Guest::disable);
    let report = run(&mut SimLine::new(guest, Pieces::Whole), &Options::new().writes(true));
    assert!(report.is_clean(), "{:?}", misses(&report));
    let expected = unsupported([
        "empty-arguments",
        "bad-arguments",
        "guest-get-devices",
        "guest-get-users",
        "guest-ping",
        "libvirt-command",
        "proxmox-pair",
        "proxmox-ping",
        "kubevirt-commands",
        "file-seek",
        "file-removed",
        "exec",
        "exec-once",
        "exec-output",
        "exec-missing-program",
    ]);
    assert_eq!(misses(&report), expected);
    for client in Client::ALL {
        assert_eq!(report.contentment(client), Contentment::NotAsConfigured);
    }
}

#[test]
fn a_sync_that_is_disabled() {
    for (name, expected) in [
        ("guest-sync", vec!["sync", "libvirt-sync"]),
        ("guest-sync-delimited", vec!["sync-delimited", "proxmox-pair", "proxmox-ping"]),
    ] {
        let guest = Guest::new().disable(name);
        let report = run(&mut SimLine::new(guest, Pieces::Whole), &Options::new());
        assert!(report.is_clean(), "{:?}", misses(&report));
        let misses = misses(&report).into_iter().filter(|(_, verdict)| *verdict == NotSupported);
        let names = misses.map(|(name, _)| name).filter(|name| *name != "guest-get-devices");
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }
}

/// A frozen guest does nearly nothing, and that is right.
#[test]
fn a_frozen_guest() {
    // A freeze on Windows ends by itself.
    let is_frozen = |agent: &Personality| agent.is_qemu() && *agent != Personality::Windows;
    for personality in Personality::ALL.into_iter().filter(is_frozen) {
        let mut line = SimLine::new(Guest::with(personality).frozen(), Pieces::Whole);
        let report = run(&mut line, &Options::new().writes(true));
        assert!(report.is_clean(), "{personality}: {:?}", misses(&report));
        assert_eq!(report.contentment(Client::ProxmoxVe), Contentment::Yes, "{personality}");
        assert_eq!(report.contentment(Client::KubeVirt), Contentment::NotAsConfigured, "{personality}");
        assert_eq!((report.left(), line.sim.guest().open_files()), (None, 0), "{personality}");
    }
}
