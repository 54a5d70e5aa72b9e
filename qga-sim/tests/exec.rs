//! The commands that run programs.

mod common;

use std::time::Duration;

use common::Line;
use qga_sim::{Guest, Program, Run};
use serde_json::{Value, json};

fn line() -> Line {
    let both = Run::new().stdout("1").stderr("2").stdout("3");
    Line::new(
        Guest::new()
            .program("/opt/both", both)
            .program("/opt/killed", Run::new().signal(9))
            .program("/opt/much", Run::new().stdout(vec![0; 16 * 1024 * 1024 + 1]))
            .program("/opt/count", Program::new(|run| Run::new().exit_code(run.arguments().len() as u8))),
    )
}

/// Runs a program to its end; gives its status.
#[track_caller]
fn run(line: &mut Line, exec: &str) -> Value {
    let pid = &line.ok("guest-exec", exec)["pid"];
    line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#))
}

#[test]
fn the_end_is_told_once() {
    let mut line = line();
    let pid = line.ok("guest-exec", r#"{"path":"true"}"#)["pid"].to_string();
    let status = format!(r#"{{"pid":{pid}}}"#);
    line.sim.handle_eof(line.now);
    assert_eq!(line.sim.guest().untold_programs(), 1);
    assert_eq!(line.ok("guest-exec-status", &status), json!({"exited": true, "exitcode": 0}));
    assert_eq!(line.sim.guest().untold_programs(), 0);
    assert_eq!(line.refused("guest-exec-status", &status), "PID ld does not exist");
    line.refused("guest-exec-status", "{}");
}

#[test]
fn nothing_is_seen_before_the_end() {
    let mut line = line();
    let pid = line.ok("guest-exec", r#"{"path":"/bin/sleep","arg":["1.5"]}"#)["pid"].to_string();
    let status = format!(r#"{{"pid":{pid}}}"#);
    for _ in 0..3 {
        assert_eq!(line.ok("guest-exec-status", &status), json!({"exited": false}));
        line.now += Duration::from_millis(499);
    }
    line.now += Duration::from_millis(3);
    assert_eq!(line.ok("guest-exec-status", &status), json!({"exited": true, "exitcode": 0}));
}

#[test]
fn output_is_kept_as_asked() {
    for (capture, out, err) in [
        ("false", None, None),
        (r#""none""#, None, None),
        ("true", Some("MTM="), Some("Mg==")),
        (r#""separated""#, Some("MTM="), Some("Mg==")),
        (r#""merged""#, Some("MTIz"), None),
        (r#""stdout""#, Some("MTM="), None),
        (r#""stderr""#, None, Some("Mg==")),
    ] {
        let status = run(&mut line(), &format!(r#"{{"path":"/opt/both","capture-output":{capture}}}"#));
        assert_eq!(status.get("out-data").and_then(Value::as_str), out, "{capture}");
        assert_eq!(status.get("err-data").and_then(Value::as_str), err, "{capture}");
        assert_eq!(status.get("out-truncated"), None);
    }
    let mut line = line();
    assert_eq!(
        line.refused("guest-exec", r#"{"path":"true","capture-output":"all"}"#),
        "Parameter 'capture-output' does not accept value 'all'"
    );
    line.refused("guest-exec", r#"{"path":"true","capture-output":1}"#);
    line.refused("guest-exec", r#"{"path":"true","capture-output":null}"#);
    assert_eq!(run(&mut line, r#"{"path":"true","capture-output":true}"#).as_object().unwrap().len(), 2);
}

#[test]
fn long_output_is_cut() {
    let status = run(&mut line(), r#"{"path":"/opt/much","capture-output":true}"#);
    assert_eq!(status["out-data"].as_str().unwrap().len(), 22_369_624);
    // So say the agents before QEMU 10.2.
    assert_eq!(status["out-truncated"], false);
}

#[test]
fn a_program_ends_by_itself_or_is_killed() {
    let mut line = line();
    assert_eq!(run(&mut line, r#"{"path":"false"}"#), json!({"exited": true, "exitcode": 1}));
    assert_eq!(run(&mut line, r#"{"path":"/opt/killed"}"#), json!({"exited": true, "signal": 9}));
    assert_eq!(run(&mut line, r#"{"path":"/opt/count","arg":["a","b"]}"#)["exitcode"], 2);
}

#[test]
fn programs_are_found_as_the_system_finds_them() {
    let mut line = line();
    run(&mut line, r#"{"path":"count","env":["PATH=/tmp:/opt"]}"#);
    run(&mut line, r#"{"path":"true","env":[]}"#);
    for (path, why) in [
        ("count", "No such file or directory"),
        ("/usr/bin/count", "No such file or directory"),
        ("/etc/motd", "Permission denied"),
        ("/etc", "Permission denied"),
        ("/etc/motd/x", "Not a directory"),
        ("", "No such file or directory"),
    ] {
        let desc = line.refused("guest-exec", &format!(r#"{{"path":"{path}"}}"#));
        assert_eq!(desc, format!("Failed to execute child process “{path}” ({why})"));
    }
    line.refused("guest-exec", r#"{"path":"true","env":["PATH=/opt"]}"#);
    line.refused("guest-exec", r#"{"path":"true","argv":[]}"#);
    line.refused("guest-exec", r#"{"path":"true","arg":[1]}"#);
}

#[test]
fn the_built_in_programs_do_what_they_are_known_for() {
    let mut line = line();
    let mut output = |exec: &str| {
        let status = run(&mut line, &format!(r#"{{{exec},"capture-output":"merged"}}"#));
        (status["out-data"].as_str().unwrap_or_default().to_owned(), status["exitcode"].clone())
    };
    let said = |base64: &str, code: i64| (base64.to_owned(), json!(code));
    assert_eq!(output(r#""path":"echo","arg":["a","b"]"#), said("YSBiCg==", 0));
    assert_eq!(output(r#""path":"echo","arg":["-n","é"]"#), said("w6k=", 0));
    assert_eq!(output(r#""path":"cat","input-data":"AP8=""#), said("AP8=", 0));
    assert_eq!(output(r#""path":"cat","input-data":"""#), said("", 0));
    assert_eq!(output(r#""path":"cat","input-data":"Mg==","arg":["/etc/motd","-","/x"]"#).1, 1);
    assert_eq!(output(r#""path":"env","env":["A=1","B="]"#), said("QT0xCkI9Cg==", 0));
    assert_eq!(output(r#""path":"sleep""#).1, 1);
    for time in ["x", "-1", "NaN", "inf", "1e300"] {
        assert_eq!(output(&format!(r#""path":"sleep","arg":["{time}"]"#)).1, 1, "{time}");
    }
}

/// The real agent closes its own standard input for it, and never learns of the end of the next such program.
#[test]
fn one_stream_alone_does_harm() {
    let mut line = line();
    let cat = r#"{"path":"cat","input-data":"QUJD","capture-output":true}"#;
    assert_eq!(run(&mut line, cat)["out-data"], "QUJD");
    assert_eq!(run(&mut line, r#"{"path":"/opt/both","capture-output":"stdout"}"#)["out-data"], "MTM=");
    assert_eq!(run(&mut line, cat).get("out-data"), None);
    let pid = line.ok("guest-exec", r#"{"path":"/opt/both","capture-output":"stderr"}"#)["pid"].to_string();
    line.now += Duration::from_secs(3600);
    assert_eq!(line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#)), json!({"exited": false}));
}
