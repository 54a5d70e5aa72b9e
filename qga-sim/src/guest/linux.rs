//! What a new guest is made of.

use qga_proto::owned::{
    GuestDiskAddress, GuestDiskBusType, GuestDiskInfo, GuestDiskStats, GuestDiskStatsInfo,
    GuestFilesystemInfo, GuestIpAddress, GuestIpAddressType, GuestLogicalProcessor, GuestNetworkInterface,
    GuestNetworkInterfaceStat, GuestNetworkRoute, GuestOSInfo, GuestPCIAddress, GuestTimezone, GuestUser,
};

pub(super) const DIRECTORIES: [&str; 4] = ["/etc", "/tmp", "/var/log", "/var/tmp"];

const GIB: u64 = 1 << 30;

pub(super) fn os() -> GuestOSInfo {
    let mut os = GuestOSInfo::new();
    os.kernel_release = Some("6.12.48+deb13-amd64".into());
    os.kernel_version = Some("#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)".into());
    os.machine = Some("x86_64".into());
    os.id = Some("debian".into());
    os.name = Some("Debian GNU/Linux".into());
    os.pretty_name = Some("Debian GNU/Linux 13 (trixie)".into());
    os.version = Some("13 (trixie)".into());
    os.version_id = Some("13".into());
    os
}

pub(super) fn timezone() -> GuestTimezone {
    let mut timezone = GuestTimezone::new(0);
    timezone.zone = Some("UTC".into());
    timezone
}

pub(super) fn users() -> Vec<GuestUser> {
    vec![GuestUser::new("alice", 1_767_254_400.25)]
}

pub(super) fn environment() -> Vec<String> {
    ["LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        .map(String::from)
        .into()
}

pub(super) fn interfaces() -> Vec<GuestNetworkInterface> {
    use GuestIpAddressType::{Ipv4, Ipv6};

    let mut lo = GuestNetworkInterface::new("lo");
    lo.hardware_address = Some("00:00:00:00:00:00".into());
    lo.ip_addresses =
        Some(vec![GuestIpAddress::new("127.0.0.1", Ipv4, 8), GuestIpAddress::new("::1", Ipv6, 128)]);
    lo.statistics = Some(statistics((5_704, 64), (5_704, 64)));
    let mut eth0 = GuestNetworkInterface::new("eth0");
    eth0.hardware_address = Some("52:54:00:12:34:56".into());
    eth0.ip_addresses = Some(vec![
        GuestIpAddress::new("192.0.2.15", Ipv4, 24),
        GuestIpAddress::new("2001:db8::15", Ipv6, 64),
        GuestIpAddress::new("fe80::5054:ff:fe12:3456", Ipv6, 64),
    ]);
    eth0.statistics = Some(statistics((8_420_113, 6_120), (1_204_877, 4_096)));
    vec![lo, eth0]
}

/// Bytes and packets, received and sent.
fn statistics(rx: (u64, u64), tx: (u64, u64)) -> GuestNetworkInterfaceStat {
    GuestNetworkInterfaceStat::new().rx_bytes(rx.0).rx_packets(rx.1).tx_bytes(tx.0).tx_packets(tx.1)
}

/// As the real agent words them: for version 4 all members that are numbers, for version 6 few.
pub(super) fn routes() -> Vec<GuestNetworkRoute> {
    vec![
        route_4("0.0.0.0", "0.0.0.0", "192.0.2.1", 3),
        route_4("192.0.2.0", "255.255.255.0", "0.0.0.0", 1),
        route_6("eth0", ("2001:db8::", "64"), "::", 256, 0x1),
        route_6("eth0", ("fe80::", "64"), "::", 256, 0x1),
        route_6("eth0", ("::", "0"), "fe80::1", 1024, 0x3),
        // The kernel's flags are 0x80200001. The real agent extends the sign, seen with QEMU 10.0.
        route_6("lo", ("::1", "128"), "::", 0, 0xFFFF_FFFF_8020_0001),
    ]
}

fn route_4(destination: &str, mask: &str, gateway: &str, flags: u64) -> GuestNetworkRoute {
    let mut route = GuestNetworkRoute::new("eth0", destination, 0, 4);
    route.gateway = Some(gateway.into());
    route.mask = Some(mask.into());
    route.flags = Some(flags);
    (route.irtt, route.refcnt, route.use_) = (Some(0), Some(0), Some(0));
    (route.window, route.mtu) = (Some(0), Some(0));
    route
}

fn route_6(iface: &str, to: (&str, &str), nexthop: &str, metric: i64, flags: u64) -> GuestNetworkRoute {
    let (destination, prefix) = to;
    let mut route = GuestNetworkRoute::new(iface, destination, metric, 6);
    route.desprefixlen = Some(prefix.into());
    (route.source, route.srcprefixlen) = (Some("::".into()), Some("0".into()));
    route.nexthop = Some(nexthop.into());
    route.flags = Some(flags);
    (route.refcnt, route.use_) = (Some(1), Some(0));
    route
}

/// The newest mount first, as the real agent lists them.
pub(super) fn file_systems() -> Vec<GuestFilesystemInfo> {
    let mount = |name: &str, mountpoint, kind, used, total, privileged| {
        let disk = vec![address(&format!("/dev/{name}"))];
        let mut mount = GuestFilesystemInfo::new(name, mountpoint, kind, disk);
        mount.used_bytes = Some(used);
        mount.total_bytes = Some(total);
        mount.total_bytes_privileged = Some(privileged);
        mount
    };
    vec![
        mount("vda15", "/boot/efi", "vfat", 12 << 20, 124 << 20, 124 << 20),
        mount("vda1", "/", "ext4", 2 * GIB, 18 * GIB, 19 * GIB),
    ]
}

pub(super) fn disks() -> Vec<GuestDiskInfo> {
    let partition = |name| {
        let mut partition = GuestDiskInfo::new(name, true);
        partition.dependencies = Some(vec!["/dev/vda".into()]);
        partition
    };
    let mut disk = GuestDiskInfo::new("/dev/vda", false);
    disk.dependencies = Some(vec![]);
    disk.address = Some(address("/dev/vda"));
    vec![disk, partition("/dev/vda1"), partition("/dev/vda15")]
}

fn address(device: &str) -> GuestDiskAddress {
    let controller = GuestPCIAddress::new(0, 4, 0, 0);
    let mut address = GuestDiskAddress::new(controller, GuestDiskBusType::Virtio, 0, 0, 0);
    address.serial = Some("root".into());
    address.dev = Some(device.into());
    address
}

pub(super) fn disk_stats() -> Vec<GuestDiskStatsInfo> {
    let stats = GuestDiskStats::new()
        .read_sectors(402_138)
        .read_ios(9_214)
        .read_merges(2_761)
        .write_sectors(118_560)
        .write_ios(3_402)
        .write_merges(4_115)
        .read_ticks(2_918)
        .write_ticks(4_077)
        .ios_pgr(0)
        .total_ticks(5_240)
        .weight_ticks(7_003);
    vec![GuestDiskStatsInfo::new("vda", 253, 0, stats)]
}

pub(super) fn processors() -> Vec<GuestLogicalProcessor> {
    vec![
        GuestLogicalProcessor::new(0, true).can_offline(false),
        GuestLogicalProcessor::new(1, true).can_offline(true),
    ]
}
