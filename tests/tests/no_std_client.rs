//! The example without std and without an allocator, against a real agent.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
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
    let output = run_with(|mut stream| {
        assert!(stream.read(&mut [0; 512]).expect("a sync comes") > 0);
    });
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the connection is over\n");
}

/// A peer that answers the sync and refuses all else, with words that a terminal must not see.
#[test]
fn it_tells_a_refusal_without_what_a_terminal_obeys() {
    let output = run_with(|stream| {
        let mut answers = stream.try_clone().expect("a second handle");
        for line in BufReader::new(stream).split(b'\n') {
            // 0xFF comes before a sync.
            let line = String::from_utf8_lossy(&line.expect("a line")).into_owned();
            let number = |name: &str| -> u64 {
                let (_, rest) = line.rsplit_once(name).expect("it is there");
                rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
            };
            let id = number("\"id\":");
            let answer = if line.contains("guest-sync-delimited") {
                format!("{{\"return\":{},\"id\":{id}}}\n", number("{\"id\":"))
            } else {
                let error = r#"{"class":"GenericError","desc":"no \u001b[2J\u00e9"}"#;
                format!("{{\"error\":{error},\"id\":{id}}}\n")
            };
            answers.write_all(answer.as_bytes()).expect("the example reads");
        }
    });
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "GenericError: no ?[2J?\n");
}

/// Runs the example against a peer of the test's own, on a socket in a real agent's folder.
fn run_with(peer: impl FnOnce(UnixStream) + Send + 'static) -> Output {
    let agent = RealAgent::start();
    let socket = agent.folder().join("peer");
    let listener = UnixListener::bind(&socket).expect("it binds");
    let peer = thread::spawn(move || peer(listener.accept().expect("the example connects").0));
    let output = run(&socket);
    peer.join().expect("the peer got what it expects");
    output
}

/// Builds the example, and runs it.
fn run(socket: &Path) -> Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std-client");
    example::build("no-std-client", &target, &[], &[]);
    Command::new(target.join("release/no-std-client")).arg(socket).output().expect("it starts")
}
