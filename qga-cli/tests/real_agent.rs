//! The program against a real `qemu-ga`, also right after a client that behaved badly.

use std::io::Write;
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

#[test]
fn works_right_after_a_client_that_was_killed() {
    let mut agent = RealAgent::start();
    let handle = open_endless_file(&agent);
    let mut child = start(&agent, &["call", "guest-file-read", &handle, "count=40000000"]);
    thread::sleep(Duration::from_millis(300));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // An agent on a Unix socket may exit at that, and no client can help it; what starts in its place must answer.
    thread::sleep(Duration::from_millis(300));
    if !agent.is_alive() {
        agent = RealAgent::start();
    }
    succeed(&agent, &["ping"]);
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
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
}
