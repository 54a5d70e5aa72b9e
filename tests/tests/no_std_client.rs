//! The example without std and without an allocator, against a real agent.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

use qga_tests::example;
use qga_tests::real_agent::RealAgent;

#[test]
fn it_asks_and_runs_a_program() {
    let agent = RealAgent::start();
    let output = run(&agent.socket());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("agent ") && said.ends_with("\nhello from the guest\n"), "{said}");
}

#[test]
fn it_says_why_it_cannot() {
    let agent = RealAgent::start();
    let output = run(&agent.folder().join("nothing"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the system stopped it: error 2\n");
}

/// Builds the example, and runs it.
fn run(socket: &Path) -> Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std-client");
    example::build("no-std-client", &target, &[], &[]);
    Command::new(target.join("release/no-std-client")).arg(socket).output().expect("it starts")
}
