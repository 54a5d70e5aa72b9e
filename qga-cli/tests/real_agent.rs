//! The program against a real `qemu-ga`, also right after a client that behaved badly.

use std::fs::{self, DirEntry};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use qga_tests::real_agent::RealAgent;

fn qga(agent: &RealAgent, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qga"));
    command.arg("-c").arg(agent.address()).args(arguments).stdin(Stdio::null());
    command
}

fn run(agent: &RealAgent, arguments: &[&str]) -> Output {
    qga(agent, arguments).output().expect("qga runs")
}

/// Runs `qga`, which must succeed; gives what it printed.
fn succeed(agent: &RealAgent, arguments: &[&str]) -> String {
    let output = run(agent, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn start(agent: &RealAgent, arguments: &[&str]) -> Child {
    qga(agent, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("qga runs")
}

/// Opens a file that never ends; handles outlive connections.
fn open_endless_file(agent: &RealAgent) -> String {
    let handle = succeed(agent, &["--json", "call", "guest-file-open", "path=/dev/zero"]);
    format!("handle={}", handle.trim())
}

#[test]
fn what_only_asks_works() {
    let agent = RealAgent::start();
    for command in ["net", "fs", "users", "cpu", "time"] {
        succeed(&agent, &[command]);
        let json = succeed(&agent, &["--json", command]);
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
    let top = succeed(&agent, &["top", "--once", "--interval", "0.5"]);
    assert!(top.lines().nth(1).is_some_and(|line| line.contains("B/s") && line.contains('%')), "{top}");
    assert!(succeed(&agent, &["time"]).contains("this computer's"));
}

#[test]
fn every_command_works() {
    let agent = RealAgent::start();

    let info = succeed(&agent, &["info"]);
    assert!(info.contains("guest-shutdown"), "what is disabled is missing in: {info}");
    succeed(&agent, &["ping"]);
    let os: serde_json::Value =
        serde_json::from_str(&succeed(&agent, &["--json", "call", "guest-get-osinfo"])).expect("JSON");
    assert!(os["kernel-release"].is_string(), "{os}");
    let handle = succeed(&agent, &["call", "guest-file-open", "path=/etc/os-release"]);
    assert!(handle.trim().parse::<i64>().is_ok_and(|handle| handle >= 1000), "{handle}");
    assert!(succeed(&agent, &["commands"]).contains("guest-fsfreeze-thaw"));
    assert!(succeed(&agent, &["commands", "guest-exec"]).contains("capture-output"));
}

/// What the agent's process has open.
fn open_files(agent: &RealAgent) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{}/fd", agent.pid())).expect("the agent runs");
    let paths = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
    paths.retain(|path| !path.starts_with("socket:"));
    paths.sort();
    paths
}

/// The files that checks have written and not removed.
fn written_files() -> Vec<PathBuf> {
    let entries = fs::read_dir("/tmp").expect("the folder for all").filter_map(Result::ok);
    let is_written = |entry: &DirEntry| entry.file_name().to_string_lossy().starts_with("qga-conform-");
    entries.filter(is_written).map(|entry| entry.path()).collect()
}

/// None is left of the files that were not there before. Those of others are there for a moment.
#[track_caller]
fn assert_removed(before: &[PathBuf]) {
    let limit = Instant::now() + Duration::from_secs(20);
    for path in written_files().into_iter().filter(|path| !before.contains(path)) {
        while path.exists() {
            assert!(Instant::now() < limit, "{} is left", path.display());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn it_passes_all_checks_and_is_left_as_it_was() {
    let mut agent = RealAgent::start();
    succeed(&agent, &["ping"]);
    let (before, written) = (open_files(&agent), written_files());
    for options in [&["--json", "conform"][..], &["--json", "conform", "--write"]] {
        let document: serde_json::Value = serde_json::from_str(&succeed(&agent, options)).expect("JSON");
        let checks = document["checks"].as_array().expect("checks");
        assert!(checks.iter().all(|check| check["verdict"] != "fail"), "{document}");
        assert_eq!((&document["complete"], &document["left"]), (&true.into(), &serde_json::Value::Null));
        let passed = document["counts"]["pass"].as_u64().expect("a count");
        let least = if options.len() == 3 { 84 } else { 64 };
        assert!(passed >= least, "{document}");
        succeed(&agent, &["ping"]);
        assert_eq!(open_files(&agent), before);
        assert_removed(&written);
        assert!(agent.is_alive());
    }
    // It recovers from what others leave half said, and leaves nothing half said itself.
    let mut other = agent.connect();
    other.write_all(b"[[[{\"a\": \"").expect("the agent reads");
    drop(other);
    succeed(&agent, &["conform"]);
    let mut next = agent.connect();
    next.write_all(b"{\"execute\":\"guest-ping\"}").expect("the agent reads");
    let mut answer = [0; 15];
    next.read_exact(&mut answer).expect("the agent answers");
    assert_eq!(&answer, b"{\"return\": {}}\n");
}

#[test]
fn it_survives_checks_that_are_interrupted() {
    let mut agent = RealAgent::start();
    succeed(&agent, &["ping"]);
    let (before, written) = (open_files(&agent), written_files());
    for milliseconds in [2, 5, 10, 15, 20, 30, 45, 60, 80, 100, 130] {
        let mut child = start(&agent, &["conform", "--write"]);
        thread::sleep(Duration::from_millis(milliseconds));
        // It may be over already.
        let sent =
            Command::new("kill").arg("-INT").arg(child.id().to_string()).stderr(Stdio::null()).status();
        sent.expect("kill runs");
        // Nothing was said yet where the signal is not caught.
        let code = child.wait().expect("qga ends").code();
        assert!(matches!(code, Some(0 | 130) | None), "{milliseconds}: {code:?}");
        succeed(&agent, &["ping"]);
        assert_eq!(open_files(&agent), before, "{milliseconds}");
        assert_removed(&written);
    }
    assert!(agent.is_alive());
}

#[test]
fn a_refusal_is_exit_code_1() {
    let agent = RealAgent::start();
    let output = run(&agent, &["call", "guest-shutdown"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let output = run(&agent, &["call", "guest-file-open", "path=/no/such/file"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn works_right_after_a_deadline_midway_through_a_large_reply() {
    let mut agent = RealAgent::start();
    let handle = open_endless_file(&agent);
    for seconds in ["0.02", "0.1", "0.3", "0.6"] {
        let output = run(&agent, &["-t", seconds, "call", "guest-file-read", &handle, "count=40000000"]);
        assert_eq!(output.status.code(), Some(4), "{seconds}: {output:?}");
        succeed(&agent, &["ping"]);
    }
    assert!(agent.is_alive());
}

#[test]
fn works_right_after_an_interrupt_midway_through_a_large_reply() {
    let mut agent = RealAgent::start();
    let handle = open_endless_file(&agent);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = start(&agent, &["call", "guest-file-read", &handle, "count=40000000"]);
        thread::sleep(Duration::from_millis(300));
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("qga ends").code(), Some(code));
        succeed(&agent, &["ping"]);
    }
    assert!(agent.is_alive());
}

#[test]
fn works_right_after_what_others_left() {
    let mut agent = RealAgent::start();
    for leftover in ["[[[[", r#"{"execute":"guest-get-os"#, r#"{"a": "open"#, r#"{"execute":"guest-sy"#] {
        let mut other = agent.connect();
        other.write_all(leftover.as_bytes()).expect("the agent reads");
        // As when the client is killed: nothing is said, the connection is gone.
        drop(other);
        assert!(succeed(&agent, &["info"]).contains("guest-shutdown"), "{leftover}");
    }
    assert!(agent.is_alive());
}

/// How many bytes the agent has read in its life.
fn bytes_read(agent: &RealAgent) -> u64 {
    let counts = fs::read_to_string(format!("/proc/{}/io", agent.pid())).expect("the agent runs");
    let count = counts.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("what it has read");
    count.parse().expect("a number")
}

#[test]
fn works_right_after_a_client_that_was_killed_midway_through_a_command() {
    const BODY: usize = 8_000_000;
    const PART: u64 = 500_000;
    const TRIES: u32 = 5;

    let mut agent = RealAgent::start();
    let handle = succeed(&agent, &["--json", "call", "guest-file-open", "path=/dev/null", "mode=w"]);
    let arguments = format!(r#"{{"handle":{},"buf-b64":"{}"}}"#, handle.trim(), "A".repeat(BODY));
    let cut_in_time = (0..TRIES).any(|_| {
        let before = bytes_read(&agent);
        let mut child = qga(&agent, &["-t", "60", "call", "guest-file-write", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("qga runs");
        child.stdin.take().expect("a pipe").write_all(arguments.as_bytes()).expect("qga reads");
        let limit = Instant::now() + Duration::from_secs(60);
        while bytes_read(&agent) - before < PART {
            assert!(Instant::now() < limit, "the command does not get to the agent");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("kill works");
        let was_killed = child.wait().expect("it ends").signal() == Some(9);
        // The agent can have got what it has read by now, and what a socket holds.
        let part = bytes_read(&agent) - before;
        was_killed && part < BODY as u64 - PART
    });
    assert!(cut_in_time, "each time the command was sent whole");
    assert!(succeed(&agent, &["info"]).contains("guest-shutdown"));
    assert!(agent.is_alive());
}

/// A real agent on a Unix socket exits when its client goes with a reply unread in the socket: a bug of its own, which
/// a client that is killed cannot spare it. What starts in its place must answer; so must the agent itself, if it has
/// survived.
#[test]
fn works_after_a_client_killed_midway_through_a_large_reply_and_a_restart_of_the_agent_if_it_exits() {
    let mut agent = RealAgent::start();
    let handle = open_endless_file(&agent);
    let mut child = start(&agent, &["-t", "60", "call", "guest-file-read", &handle, "count=40000000"]);
    thread::sleep(Duration::from_millis(300));
    child.kill().expect("it runs");
    assert_eq!(child.wait().expect("it ends").signal(), Some(9), "it was not killed, but ended");

    let limit = Instant::now() + Duration::from_secs(2);
    while agent.is_alive() && Instant::now() < limit {
        thread::sleep(Duration::from_millis(10));
    }
    let exited = !agent.is_alive();
    if exited {
        let output = run(&agent, &["ping"]);
        assert_eq!(output.status.code(), Some(3), "nobody should listen: {output:?}");
        agent = RealAgent::start();
    }
    succeed(&agent, &["ping"]);
    assert!(agent.is_alive(), "the agent, restarted: {exited}");
}

#[test]
fn a_silent_agent_is_exit_code_4_in_time() {
    let agent = RealAgent::start();
    // Taken by another: the second waits in silence.
    let mut first = agent.connect();
    first.write_all(b"{\"execute\":\"guest-ping\"}\n").expect("the agent reads");
    thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    let output = run(&agent, &["-t", "0.7", "call", "guest-info"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("never heard"), "{message}");
    assert!(message.contains("another client holds the channel"), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");

    let output = run(&agent, &["-t", "0.7", "--json", "wait"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!(error["error"]["diagnosis"], "silent");
    // The reply must be read, or the agent exits.
    first.shutdown(Shutdown::Write).expect("a connection");
    first.read_to_end(&mut Vec::new()).expect("the agent's last words");
    drop(first);
    succeed(&agent, &["wait"]);
}

#[test]
fn wait_ends_as_soon_as_the_agent_is_there() {
    let mut agent = RealAgent::start();
    let begin = Instant::now();
    let out = succeed(&agent, &["wait"]);
    assert!(out.contains(", version ") && out.contains(", is ready, after "), "{out}");
    let ready: serde_json::Value = serde_json::from_str(&succeed(&agent, &["--json", "wait"])).expect("JSON");
    assert!(ready["commands"].as_u64().is_some_and(|count| count > 20), "{ready}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(agent.is_alive());
}

#[test]
fn one_command_over_several_agents() {
    let mut agents = [RealAgent::start(), RealAgent::start(), RealAgent::start()];
    let addresses = agents.each_ref().map(RealAgent::address);
    let rows = succeed(&agents[0], &["-c", &addresses[1], "-c", &addresses[2], "--json", "info"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).expect("JSON");
    for (row, address) in rows.iter().zip(&addresses) {
        assert_eq!(row["address"], *address);
        assert!(row["result"]["system"]["kernel-release"].is_string(), "{row}");
    }
    assert_eq!(rows.len(), addresses.len());

    // Interrupted midway through large replies of all of them.
    let read: Vec<_> = agents.iter().map(open_endless_file).collect();
    assert!(read.iter().all(|handle| *handle == read[0]), "one handle for all: {read:?}");
    let arguments =
        ["-c", &addresses[1], "-c", &addresses[2], "call", "guest-file-read", &read[0], "count=40000000"];
    let mut child = start(&agents[0], &arguments);
    thread::sleep(Duration::from_millis(300));
    let sent = Command::new("kill").arg("-INT").arg(child.id().to_string()).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("qga ends").code(), Some(130));
    for agent in &mut agents {
        succeed(agent, &["ping"]);
        assert!(agent.is_alive());
    }
}
