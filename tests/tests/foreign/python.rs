//! Python's package `qemu.qmp`, which QEMU's own tools are made with.

use std::process::Command;

use qga_sim::Guest;
use qga_tests::needs;
use serde_json::{Value, json};

use crate::guest::{RELEASES, Served};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/client.py");

#[test]
fn qemus_own_package() {
    // The first release knows no ids, without which this client is lost.
    for personality in &RELEASES[1..] {
        let guest = Served::new(Guest::with(*personality).file("/etc/motd", "Welcome.\n"));
        let heard = run(&guest);
        assert_eq!(heard["ping"], json!({}));
        assert_eq!(heard["sync"], 77);
        let commands = heard["info"]["supported_commands"].as_array().expect("a list");
        assert!(commands.iter().any(|command| command["name"] == "guest-exec" && command["enabled"] == true));
        assert_eq!(heard["os"]["id"], "debian");
        assert_eq!(heard["file"], "Welcome.\n");
        assert_eq!([&heard["unknown"], &heard["incomplete"]], ["CommandNotFound", "GenericError"]);
        assert_eq!(heard["syncs"], (0..20).collect::<Value>());
    }
}

/// Runs the client; gives what it has heard.
fn run(guest: &Served) -> Value {
    let output = Command::new("timeout")
        .arg("30")
        .arg(needs::made("python/bin/python"))
        .arg(CLIENT)
        .arg(guest.socket())
        .output()
        .expect("timeout runs");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
