//! The commands about the time.

mod common;

use std::time::Duration;

use common::{Line, START};
use qga_sim::Guest;
use serde_json::json;

/// 2069-12-31 23:59:59.999999.
const LAST: i64 = 3_155_759_999_999_999_000;

#[track_caller]
fn assert_time(line: &mut Line, nanos: i64) {
    assert_eq!(line.ok("guest-get-time", "{}"), nanos);
}

#[test]
fn the_time_is_what_was_set_and_goes_on() {
    let mut line = Line::new(Guest::new());
    assert_time(&mut line, START.as_nanos() as i64);
    for time in [0, 1_000_000_007_654_321_999, LAST] {
        assert_eq!(line.ok("guest-set-time", &format!(r#"{{"time":{time}}}"#)), json!({}));
        assert_time(&mut line, time / 1000 * 1000);
        line.now += Duration::from_nanos(2_000_001_999);
        assert_time(&mut line, time / 1000 * 1000 + 2_000_001_000);
    }
    line.sim.handle_eof(line.now);
    assert_time(&mut line, LAST + 2_000_001_000);
}

#[test]
fn a_time_that_no_clock_shows_is_refused() {
    let mut line = Line::new(Guest::new());
    for time in ["-1", "-1000000000", "3155760000000000000", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(line.refused("guest-set-time", &format!(r#"{{"time":{time}}}"#)), "Invalid time");
    }
    for arguments in [r#"{"time":null}"#, r#"{"time":1.0}"#, r#"{"time":"1"}"#, r#"{"now":1}"#] {
        line.refused("guest-set-time", arguments);
    }
    assert_time(&mut line, START.as_nanos() as i64);
}

#[test]
fn without_a_time_it_is_the_hardware_clocks() {
    let mut line = Line::new(Guest::new().clock_behind(Duration::from_secs(3600)));
    assert_time(&mut line, (START.as_nanos() as i64) - 3_600_000_000_000);
    line.ok("guest-set-time", "{}");
    assert_time(&mut line, START.as_nanos() as i64);
    // What is set goes to the hardware's, too.
    line.ok("guest-set-time", r#"{"time":5000}"#);
    line.ok("guest-set-time", "{}");
    assert_time(&mut line, 5000);
}

#[test]
fn without_a_hardware_clock_the_time_is_set_and_it_fails() {
    let mut line = Line::new(Guest::new().no_hardware_clock());
    line.refused("guest-set-time", "{}");
    assert_time(&mut line, START.as_nanos() as i64);
    line.refused("guest-set-time", r#"{"time":5000}"#);
    assert_time(&mut line, 5000);
}

#[test]
fn programs_do_not_go_by_the_clock() {
    let mut line = Line::new(Guest::new());
    let pid = line.ok("guest-exec", r#"{"path":"sleep","arg":["10"]}"#)["pid"].to_string();
    line.ok("guest-set-time", &format!(r#"{{"time":{LAST}}}"#));
    let status = format!(r#"{{"pid":{pid}}}"#);
    assert_eq!(line.ok("guest-exec-status", &status)["exited"], false);
    line.ok("guest-set-time", r#"{"time":0}"#);
    line.now += Duration::from_secs(10);
    assert_eq!(line.ok("guest-exec-status", &status)["exited"], true);
}
