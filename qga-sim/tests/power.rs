//! The commands that stop the guest.

mod common;

use std::time::Duration;

use common::{Line, START};
use qga_sim::proto::owned::GuestLogicalProcessor;
use qga_sim::{Guest, Power};
use serde_json::json;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn guest() -> Guest {
    Guest::new().shutdown_time(SECOND).boot_time(10 * SECOND)
}

/// Sends a command that must be silent.
#[track_caller]
fn silent(line: &mut Line, name: &str, arguments: &str) {
    let request = format!(r#"{{"execute":"{name}","arguments":{arguments},"id":1}}"#);
    assert_eq!(line.send(request.as_bytes()), b"", "{name}");
}

/// Lets time pass up to the next change, of which the time must be this.
#[track_caller]
fn wait(line: &mut Line, until: Duration) {
    assert_eq!(line.sim.poll_timeout(), Some(START + until));
    line.now = START + until - MILLI;
    let power = line.sim.power();
    line.sim.handle_timeout(line.now);
    assert_eq!(line.sim.power(), power);
    line.now += MILLI;
    line.sim.handle_timeout(line.now);
}

#[test]
fn a_guest_goes_down_and_stays_so() {
    for mode in ["{}", r#"{"mode":"powerdown"}"#, r#"{"mode":"halt"}"#] {
        let mut line = Line::new(guest());
        silent(&mut line, "guest-shutdown", mode);
        // It answers for a moment, and what is asked a second time changes nothing.
        line.now += SECOND - MILLI;
        line.ok("guest-ping", "{}");
        silent(&mut line, "guest-shutdown", r#"{"mode":"reboot"}"#);
        line.refused("guest-suspend-ram", "{}");
        wait(&mut line, SECOND);
        assert_eq!((line.sim.power(), line.sim.poll_timeout()), (Power::Off, None));
        silent(&mut line, "guest-ping", "{}");
        line.now += HOUR;
        line.sim.wake(line.now);
        silent(&mut line, "guest-ping", "{}");
        line.sim.power_on(line.now);
        assert_eq!(line.sim.power(), Power::Booting);
        silent(&mut line, "guest-ping", "{}");
        wait(&mut line, HOUR + 11 * SECOND);
        assert_eq!(line.sim.power(), Power::On);
        assert_eq!(line.ok("guest-ping", "{}"), json!({}));
    }
}

#[test]
fn a_bad_mode_stops_nothing() {
    let mut line = Line::new(guest());
    let desc = line.refused("guest-shutdown", r#"{"mode":"bogus"}"#);
    assert_eq!(desc, "mode is invalid (valid values are: halt|powerdown|reboot");
    for arguments in
        [r#"{"mode":"HALT"}"#, r#"{"mode":""}"#, r#"{"mode":null}"#, r#"{"mode":1}"#, r#"{"delay":1}"#]
    {
        line.refused("guest-shutdown", arguments);
    }
    line.refused("guest-suspend-disk", r#"{"mode":"ram"}"#);
    assert_eq!((line.sim.power(), line.sim.poll_timeout()), (Power::On, None));
}

#[test]
fn a_reboot_forgets_what_was_in_memory() {
    let processors = vec![GuestLogicalProcessor::new(0, true), GuestLogicalProcessor::new(1, true)];
    let mut line = Line::new(guest().processors(processors).clock_behind(HOUR));
    line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#);
    line.ok("guest-file-open", r#"{"path":"/root/kept","mode":"w"}"#);
    let pid = line.ok("guest-exec", r#"{"path":"true"}"#)["pid"].to_string();
    line.ok("guest-set-vcpus", r#"{"vcpus":[{"logical-id":1,"online":false}]}"#);
    line.ok("guest-set-memory-blocks", r#"{"mem-blks":[{"phys-index":15,"online":false}]}"#);
    silent(&mut line, "guest-shutdown", r#"{"mode":"reboot"}"#);
    wait(&mut line, SECOND);
    assert_eq!(line.sim.power(), Power::Booting);
    line.sim.power_on(line.now);
    wait(&mut line, 11 * SECOND);

    line.refused("guest-file-read", r#"{"handle":1000}"#);
    line.refused("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
    assert_eq!(line.ok("guest-file-open", r#"{"path":"/root/kept"}"#), 1002);
    assert_eq!(line.ok("guest-get-users", "{}"), json!([]));
    assert_eq!(line.ok("guest-get-vcpus", "{}")[1]["online"], true);
    assert_eq!(line.ok("guest-get-memory-blocks", "{}")[15]["online"], true);
    assert_eq!(line.ok("guest-get-time", "{}"), (START + 11 * SECOND).as_nanos() as i64);
}

/// Nobody has to look at the time: what is due is done before the next bytes are taken.
#[test]
fn time_may_pass_unseen() {
    let mut line = Line::new(guest());
    silent(&mut line, "guest-shutdown", r#"{"mode":"reboot"}"#);
    line.now += HOUR;
    line.ok("guest-ping", "{}");
    silent(&mut line, "guest-shutdown", "{}");
    line.now += HOUR;
    silent(&mut line, "guest-ping", "{}");
    let mut line = Line::new(guest().sleep_time(SECOND));
    silent(&mut line, "guest-suspend-ram", "{}");
    line.now += HOUR;
    line.ok("guest-ping", "{}");
}

#[test]
fn what_is_half_said_is_lost_when_it_goes_down() {
    let mut line = Line::new(guest());
    silent(&mut line, "guest-shutdown", r#"{"mode":"reboot"}"#);
    assert_eq!(line.send(br#"{"execute":"guest-pi"#), b"");
    wait(&mut line, SECOND);
    assert_eq!(line.send(br#"{"execute":"guest-pi"#), b"");
    wait(&mut line, 11 * SECOND);
    line.ok("guest-ping", "{}");
    // A reply, too.
    let ping = br#"{"execute":"guest-ping"}"#;
    line.sim.receive_buffer()[..ping.len()].copy_from_slice(ping);
    line.sim.handle_received(ping.len(), line.now);
    line.sim.handle_transmitted(3, line.now);
    assert!(line.sim.poll_transmit().is_some());
    line.sim.handle_timeout(line.now);
    assert!(line.sim.poll_transmit().is_some());
    line.sim.handle_eof(line.now);
    silent(&mut line, "guest-shutdown", "{}");
    line.sim.receive_buffer()[..ping.len()].copy_from_slice(ping);
    line.sim.handle_received(ping.len(), line.now);
    line.now += SECOND;
    line.sim.handle_timeout(line.now);
    assert_eq!(line.sim.poll_transmit(), None);
}

#[test]
fn what_is_asked_of_a_sleeping_guest_waits() {
    for (command, piece) in [("guest-suspend-ram", usize::MAX), ("guest-suspend-hybrid", 1)] {
        let mut line = Line::new(Guest::new());
        let pid = line.ok("guest-exec", r#"{"path":"sleep","arg":["10"]}"#)["pid"].to_string();
        line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#);
        let requests = format!(r#"{{"execute":"{command}"}}{{"execute":"guest-ping","id":2}}{{"execute":"#);
        assert_eq!(line.send_pieces(requests.as_bytes(), piece), b"");
        assert_eq!((line.sim.power(), line.sim.poll_timeout()), (Power::Asleep, None));
        line.now += HOUR;
        line.sim.power_on(line.now);
        assert_eq!(line.sim.power(), Power::Asleep);
        assert_eq!(line.send(br#""guest-get-host-name"}"#), b"");
        line.sim.wake(line.now);
        assert_eq!(line.sim.power(), Power::On);
        assert_eq!(
            line.send(b""),
            b"{\"return\": {}, \"id\": 2}\n{\"return\": {\"host-name\": \"guest\"}}\n"
        );
        line.ok("guest-file-close", r#"{"handle":1000}"#);
        // No time has passed for programs, but for the clock.
        let status = format!(r#"{{"pid":{pid}}}"#);
        assert_eq!(line.ok("guest-get-time", "{}"), (START + HOUR).as_nanos() as i64);
        line.now += 10 * SECOND - MILLI;
        assert_eq!(line.ok("guest-exec-status", &status)["exited"], false);
        line.now += MILLI;
        assert_eq!(line.ok("guest-exec-status", &status)["exited"], true);
    }
}

#[test]
fn a_guest_may_wake_by_itself() {
    let mut line = Line::new(Guest::new().sleep_time(5 * SECOND));
    silent(&mut line, "guest-suspend-ram", "{}");
    silent(&mut line, "guest-ping", "{}");
    wait(&mut line, 5 * SECOND);
    assert_eq!(line.send(b""), b"{\"return\": {}, \"id\": 1}\n");
    // When a client leaves nobody notices before it wakes. Then all is done that was asked, and nobody gets the answers.
    silent(&mut line, "guest-suspend-ram", "{}");
    silent(&mut line, "guest-file-open", r#"{"path":"/etc/motd"}"#);
    line.sim.handle_eof(line.now);
    assert!(line.sim.receive_buffer().is_empty());
    wait(&mut line, 10 * SECOND);
    assert_eq!(line.send(b""), b"");
    line.ok("guest-file-close", r#"{"handle":1000}"#);
}

#[test]
fn a_guest_that_sleeps_on_its_disk_goes_on_where_it_was() {
    let mut line = Line::new(guest());
    let pid = line.ok("guest-exec", r#"{"path":"sleep","arg":["1"]}"#)["pid"].to_string();
    line.ok("guest-file-open", r#"{"path":"/etc/motd"}"#);
    silent(&mut line, "guest-suspend-disk", "{}");
    assert_eq!((line.sim.power(), line.sim.poll_timeout()), (Power::Off, None));
    line.now += HOUR;
    silent(&mut line, "guest-ping", "{}");
    line.sim.power_on(line.now);
    wait(&mut line, HOUR + 10 * SECOND);
    line.ok("guest-file-close", r#"{"handle":1000}"#);
    assert_eq!(line.ok("guest-get-users", "{}").as_array().unwrap().len(), 1);
    let status = format!(r#"{{"pid":{pid}}}"#);
    assert_eq!(line.ok("guest-exec-status", &status)["exited"], false);
    line.now += SECOND;
    assert_eq!(line.ok("guest-exec-status", &status)["exited"], true);
}

#[test]
fn a_frozen_guest_cannot_be_stopped() {
    let mut line = Line::new(Guest::new().frozen());
    for command in ["guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"] {
        assert_eq!(line.call(command, "{}").unwrap_err().0, "CommandNotFound");
    }
    let mut line = Line::new(Guest::new().no_suspend());
    for command in ["guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"] {
        line.refused(command, "{}");
    }
    assert_eq!(line.sim.power(), Power::On);
}
