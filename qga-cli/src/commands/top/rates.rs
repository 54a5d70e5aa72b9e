//! From what agents count to rates.

use std::time::{Duration, Instant};

use qga_proto::OwnedCommand;
use qga_proto::commands::{GuestGetCpustats, GuestGetDiskstats, GuestGetLoad, GuestNetworkGetInterfaces};
use qga_proto::owned::{GuestCpuStats, GuestDiskStatsInfo, GuestNetworkInterface};
use qga_std::Error;

use crate::connection::Connection;
use crate::error::Failure;

/// What a guest did between two looks, in bytes a second. `None` is what its agent does not tell, or not yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// The load of the last minute.
    pub(super) load: Option<f64>,
    /// Which part of the processors' time was used, from 0 to 1.
    pub(super) cpu: Option<f64>,
    pub(super) read: Option<f64>,
    pub(super) written: Option<f64>,
    pub(super) received: Option<f64>,
    pub(super) sent: Option<f64>,
}

/// What an agent counts, as it was at one time.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Instant,
    load: Option<f64>,
    /// Time used, and all time, of all processors together, in milliseconds.
    cpu: Option<[u64; 2]>,
    /// Bytes read and written.
    disk: Option<[u64; 2]>,
    /// Bytes received and sent.
    network: Option<[u64; 2]>,
}

/// Linux counts sectors of this size, whatever the disk has.
const SECTOR: u64 = 512;

/// How long to wait at the most for what not every agent tells.
const PATIENCE: Duration = Duration::from_secs(1);

impl Sample {
    /// Looks once. Fails when the agent does not answer at all, not when it refuses one of the questions or says nothing
    /// to it, as some do that lack the command; but it must know one.
    pub(super) fn take(connection: &mut Connection) -> Result<Self, Failure> {
        let mut refused = None;
        // This one every agent knows.
        let network = ask(connection, &GuestNetworkGetInterfaces::new(), None, &mut refused)?;
        let patience = |connection: &Connection| Some(PATIENCE.min(connection.left() / 4));
        let load = ask(connection, &GuestGetLoad::new(), patience(connection), &mut refused)?;
        let cpu = ask(connection, &GuestGetCpustats::new(), patience(connection), &mut refused)?;
        let disk = ask(connection, &GuestGetDiskstats::new(), patience(connection), &mut refused)?;
        let sample = Self {
            at: Instant::now(),
            load: load.map(|load| load.load1m),
            cpu: cpu.and_then(|cpus| processors(&cpus)),
            disk: disk.and_then(|disks| disks_of(&disks)),
            network: network.and_then(|interfaces| networks(&interfaces)),
        };
        match (sample.is_empty(), refused) {
            (true, Some(failure)) => Err(failure),
            _ => Ok(sample),
        }
    }

    fn is_empty(&self) -> bool {
        self.load.is_none() && self.cpu.is_none() && self.disk.is_none() && self.network.is_none()
    }

    /// What was done since an earlier look.
    pub(super) fn since(&self, earlier: &Self) -> Rates {
        let time = self.at.saturating_duration_since(earlier.at);
        let rates = |now: Option<[u64; 2]>, then: Option<[u64; 2]>| {
            let (now, then) = now.zip(then).unzip();
            let rate = |at: usize| rate(now?[at], then?[at], time);
            [rate(0), rate(1)]
        };
        let ([read, written], [received, sent]) =
            (rates(self.disk, earlier.disk), rates(self.network, earlier.network));
        let cpu = self.cpu.zip(earlier.cpu).and_then(|(now, then)| {
            let (used, all) = (now[0].checked_sub(then[0])?, now[1].checked_sub(then[1])?);
            (all > 0 && used <= all).then(|| used as f64 / all as f64)
        });
        Rates { load: self.load, cpu, read, written, received, sent }
    }

    /// What can be told from one look.
    pub(super) fn first(&self) -> Rates {
        Rates { load: self.load, ..Rates::default() }
    }
}

/// Asks one thing, for as long as there is time, or no longer than is said; then that nothing comes is no failure. `None`:
/// the agent refuses, or answers what cannot be read.
fn ask<C: OwnedCommand>(
    connection: &mut Connection,
    command: &C,
    patience: Option<Duration>,
    refused: &mut Option<Failure>,
) -> Result<Option<C::Owned>, Failure> {
    match connection.try_call_for(command, patience.unwrap_or(Duration::MAX)) {
        Ok(reply) => Ok(Some(reply)),
        Err(error @ (Error::Refused(_) | Error::Protocol(_) | Error::ReplyTooLong { .. })) => {
            refused.get_or_insert_with(|| connection.failure(&error, true));
            Ok(None)
        }
        Err(error @ Error::TimedOut(_)) if patience.is_some() => {
            refused.get_or_insert_with(|| connection.failure(&error, true));
            Ok(None)
        }
        Err(error) => Err(connection.failure(&error, true)),
    }
}

/// How much a second. A count that has become less has begun anew: the guest was restarted.
fn rate(now: u64, then: u64, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    (seconds > 0.0).then(|| now.checked_sub(then).map(|count| count as f64 / seconds))?
}

/// Sums of pairs. `None`: there are none.
fn sum(pairs: impl Iterator<Item = [u64; 2]>) -> Option<[u64; 2]> {
    pairs.reduce(|[a, b], [c, d]| [a.saturating_add(c), b.saturating_add(d)])
}

fn processors(all: &[GuestCpuStats]) -> Option<[u64; 2]> {
    sum(all.iter().filter_map(|one| {
        let GuestCpuStats::Linux(one) = one else { return None };
        let idle = one.idle.saturating_add(one.iowait.unwrap_or(0));
        // The time of guests inside the guest is part of the user's.
        let parts = [Some(one.user), Some(one.nice), Some(one.system), one.irq, one.softirq, one.steal];
        let used = parts.into_iter().flatten().fold(0, u64::saturating_add);
        Some([used, used.saturating_add(idle)])
    }))
}

/// All disks together. Partitions and what lies above disks count the same bytes again.
fn disks_of(all: &[GuestDiskStatsInfo]) -> Option<[u64; 2]> {
    const VIRTUAL: [&str; 6] = ["loop", "ram", "zram", "dm-", "md", "sr"];

    let is_disk = |one: &&GuestDiskStatsInfo| {
        !VIRTUAL.iter().any(|beginning| one.name.starts_with(beginning)) && !is_partition(&one.name)
    };
    let bytes = |sectors: Option<u64>| sectors.unwrap_or(0).saturating_mul(SECTOR);
    let disks = all.iter().filter(is_disk).map(|one| &one.stats);
    sum(disks.map(|stats| [bytes(stats.read_sectors), bytes(stats.write_sectors)]))
}

/// Linux calls partitions `sda1` and `nvme0n1p1`, and the disks `sda` and `nvme0n1`.
fn is_partition(name: &str) -> bool {
    let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if disk.len() == name.len() {
        return false;
    }
    if name.starts_with("nvme") || name.starts_with("mmcblk") {
        return disk.ends_with('p');
    }
    ["sd", "vd", "xvd", "hd"].iter().any(|beginning| disk.starts_with(beginning))
}

fn networks(all: &[GuestNetworkInterface]) -> Option<[u64; 2]> {
    const INNER: [&str; 6] = ["lo", "Loopback", "docker", "veth", "virbr", "br-"];

    let is_outer =
        |one: &&GuestNetworkInterface| !INNER.iter().any(|beginning| one.name.starts_with(beginning));
    let statistics = all.iter().filter(is_outer).filter_map(|one| one.statistics.as_ref());
    sum(statistics.map(|one| [one.rx_bytes, one.tx_bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: Instant, counts: [u64; 2]) -> Sample {
        Sample { at, load: Some(1.5), cpu: Some(counts), disk: Some(counts), network: Some(counts) }
    }

    #[test]
    fn rates_are_differences_over_time() {
        let start = Instant::now();
        let (then, now) = (sample(start, [100, 200]), sample(start + Duration::from_secs(2), [150, 300]));
        let rates = now.since(&then);
        assert_eq!((rates.load, rates.cpu), (Some(1.5), Some(0.5)));
        assert_eq!(
            [rates.read, rates.written, rates.received, rates.sent],
            [25.0, 50.0, 25.0, 50.0].map(Some)
        );
    }

    #[test]
    fn counts_that_begin_anew_give_no_rate() {
        let start = Instant::now();
        let (then, now) = (sample(start, [100, 200]), sample(start + Duration::from_secs(2), [1, 2]));
        assert_eq!(now.since(&then), Rates { load: Some(1.5), ..Rates::default() });
        assert_eq!(then.since(&then), Rates { load: Some(1.5), ..Rates::default() }, "no time has passed");
    }

    #[test]
    fn disks_and_partitions() {
        for name in ["sda1", "vda15", "nvme0n1p2", "mmcblk0p1", "xvda1"] {
            assert!(is_partition(name), "{name}");
        }
        for name in ["sda", "vda", "nvme0n1", "mmcblk0", "sr0", ""] {
            assert!(!is_partition(name), "{name}");
        }
    }
}
