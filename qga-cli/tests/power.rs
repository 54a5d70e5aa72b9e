//! Stopping a guest and putting it to sleep.

use serde_json::json;

mod common;
use common::{Simulation, run};

#[test]
fn a_guest_that_shuts_down() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    assert_eq!(
        run(&["-c", &address, "-t", "30", "shutdown", "--wait"]).ok(),
        "the guest shuts down; its agent is gone\n"
    );
    run(&["-c", &address, "-t", "2", "ping"]).failed(3);

    let simulation = Simulation::new();
    let reply = run(&["-c", &simulation.folder.address(), "--json", "shutdown", "--halt"]).json();
    assert_eq!(reply["accepted"], true);
}

#[test]
fn a_guest_that_starts_anew() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let line = run(&["-c", &address, "-t", "30", "reboot", "--wait"]).ok();
    assert!(line.starts_with("the guest has started anew"), "{line}");
    assert_eq!(run(&["-c", &address, "--json", "status"]).json()["frozen"], false);
    assert_eq!(run(&["-c", &address, "reboot"]).ok(), "the guest starts anew\n");
}

#[test]
fn a_guest_that_falls_asleep() {
    let simulation = Simulation::new();
    let line = run(&["-c", &simulation.folder.address(), "-t", "60", "suspend", "--wait"]).ok();
    assert_eq!(line, "the guest falls asleep; its agent is gone\n");
    let simulation = Simulation::new();
    let reply =
        run(&["-c", &simulation.folder.address(), "-t", "60", "--json", "suspend", "disk", "--wait"]).json();
    assert_eq!(reply, json!({ "accepted": true, "gone": true }));
}

#[test]
fn refusals_are_told() {
    let folder = common::Folder::new();
    let guest = folder.path().join("guest.toml");
    std::fs::write(&guest, "disabled = [\"guest-shutdown\"]\n").unwrap();
    let simulation = Simulation::with(&["--guest", guest.to_str().unwrap()]);
    let address = simulation.folder.address();
    for command in ["shutdown", "reboot"] {
        let error = run(&["-c", &address, "--json", command, "--wait"]).failed_json(1);
        assert_eq!(error["diagnosis"], "disabled", "{error}");
    }
    // A frozen guest refuses, too.
    run(&["-c", &address, "freeze"]).ok();
    let error = run(&["-c", &address, "--json", "suspend"]).failed_json(1);
    assert_eq!(error["diagnosis"], "frozen", "{error}");
}

/// The guest's program runs to its end before the agent refuses.
#[test]
fn a_refusal_that_comes_late_is_told() {
    let folder = common::Folder::new();
    let guest = folder.path().join("guest.toml");
    std::fs::write(&guest, "disabled = [\"guest-shutdown\"]\n").unwrap();
    let options = ["--guest", guest.to_str().unwrap(), "--fault", "delay=8s@guest-shutdown"];
    let simulation = Simulation::with(&options);
    let ran = run(&["-c", &simulation.folder.address(), "-t", "60", "reboot", "--wait"]);
    assert!(ran.failed(1).contains("disabled"));
}

#[test]
fn one_guest_at_a_time() {
    for command in ["shutdown", "reboot", "suspend", "freeze", "thaw"] {
        run(&["-c", "sim:", "-c", "sim:", command]).failed(2);
        run(&[command]).failed(2);
    }
}
