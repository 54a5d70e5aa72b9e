//! The example without std and without an allocator, against a real agent.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

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

/// A peer that leaves as soon as it has read something.
#[test]
fn it_says_that_the_connection_is_over() {
    let folder = RealAgent::start();
    let socket = folder.folder().join("leaves");
    let listener = UnixListener::bind(&socket).expect("it binds");
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the example connects");
        stream.read(&mut [0; 512]).expect("a sync comes")
    });
    let output = run(&socket);
    assert!(peer.join().expect("no panic") > 0);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the connection is over\n");
}

/// A peer that answers the sync and refuses all else, with words that a terminal must not see.
#[test]
fn it_tells_a_refusal_without_what_a_terminal_obeys() {
    let folder = RealAgent::start();
    let socket = folder.folder().join("refuses");
    let listener = UnixListener::bind(&socket).expect("it binds");
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the example connects");
        let mut answers = stream.try_clone().expect("a second handle");
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            let number = |name: &str| -> u64 {
                let line = String::from_utf8_lossy(&line);
                let (_, rest) = line.rsplit_once(name).expect("it is there");
                rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
            };
            let id = number("\"id\":");
            let answer = if String::from_utf8_lossy(&line).contains("guest-sync-delimited") {
                format!("{{\"return\":{},\"id\":{id}}}\n", number("{\"id\":"))
            } else {
                format!(
                    "{{\"error\":{{\"class\":\"GenericError\",\"desc\":\"no \\u001b[2J\\u00e9\"}},\"id\":{id}}}\n"
                )
            };
            answers.write_all(answer.as_bytes()).expect("the example reads");
        }
    });
    let output = run(&socket);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "GenericError: no ?[2J?\n");
}

/// Builds the example, and runs it.
fn run(socket: &Path) -> Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std-client");
    example::build("no-std-client", &target, &[], &[]);
    Command::new(target.join("release/no-std-client")).arg(socket).output().expect("it starts")
}
