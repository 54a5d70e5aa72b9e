//! The commands that show the system, trim its disks, and tell its routes.

mod common;

use common::Line;
use qga_sim::Guest;
use qga_sim::proto::owned::{GuestFilesystemInfo, GuestNetworkRoute};
use serde_json::json;

fn mount(mountpoint: &str, kind: &str, used: Option<u64>) -> GuestFilesystemInfo {
    let mut mount = GuestFilesystemInfo::new("sda1", mountpoint, kind, vec![]);
    (mount.used_bytes, mount.total_bytes) = (used, used.map(|_| 1000));
    mount
}

#[test]
fn what_is_free_is_trimmed() {
    let guest = Guest::new()
        .file_system(mount("/", "ext4", Some(400)))
        .file_system(mount("/boot/efi", "vfat", Some(1000)))
        .file_system(mount("/media", "iso9660", Some(1000)))
        .file_system(mount("/run", "tmpfs", Some(0)))
        .file_system(mount("/srv", "xfs", None));
    let mut line = Line::new(guest);
    for _ in 0..2 {
        assert_eq!(
            line.ok("guest-fstrim", "{}"),
            json!({"paths": [
                {"path": "/boot/efi", "trimmed": 0, "minimum": 0},
                {"path": "/", "trimmed": 600, "minimum": 0},
                {"path": "/media", "error": "trim not supported"},
                {"path": "/srv", "trimmed": 0, "minimum": 0},
            ]})
        );
    }
    assert_eq!(line.ok("guest-fstrim", r#"{"minimum":600}"#)["paths"][1]["trimmed"], 600);
    let root = json!({"path": "/", "trimmed": 0, "minimum": 601});
    assert_eq!(line.ok("guest-fstrim", r#"{"minimum":601}"#)["paths"][1], root);
    let root = json!({"path": "/", "error": "failed to trim /: Invalid argument"});
    assert_eq!(line.ok("guest-fstrim", r#"{"minimum":-1}"#)["paths"][1], root);
    for arguments in [r#"{"minimum":null}"#, r#"{"minimum":1.5}"#, r#"{"paths":[]}"#] {
        line.refused("guest-fstrim", arguments);
    }
}

#[test]
fn routes_are_of_two_kinds() {
    let mut line = Line::new(Guest::new());
    let routes = line.ok("guest-network-get-route", "{}");
    assert_eq!(
        routes[0],
        json!({
            "iface": "eth0", "destination": "0.0.0.0", "metric": 0, "gateway": "192.0.2.1", "mask": "0.0.0.0",
            "irtt": 0, "flags": 3, "refcnt": 0, "use": 0, "window": 0, "mtu": 0, "version": 4,
        })
    );
    let last = routes.as_array().unwrap().last().unwrap();
    assert_eq!(
        *last,
        json!({
            "iface": "lo", "destination": "::1", "metric": 0, "desprefixlen": "128", "source": "::",
            "srcprefixlen": "0", "nexthop": "::", "flags": 18446744071564165121_u64, "refcnt": 1, "use": 0,
            "version": 6,
        })
    );
    line.refused("guest-network-get-route", r#"{"version":4}"#);
    let routes = vec![GuestNetworkRoute::new("wg0", "10.0.0.0", 50, 4)];
    let mut line = Line::new(Guest::new().routes(routes));
    assert_eq!(
        line.ok("guest-network-get-route", "{}"),
        json!([{"iface": "wg0", "destination": "10.0.0.0", "metric": 50, "version": 4}])
    );
}

#[test]
fn there_are_no_devices_but_on_windows() {
    let (class, desc) = Line::new(Guest::new()).call("guest-get-devices", "{}").unwrap_err();
    assert_eq!((&*class, &*desc), ("CommandNotFound", "The command guest-get-devices has not been found"));
}
