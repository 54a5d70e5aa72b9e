//! `qga exec`: against a real agent, and simulated ones.
#![cfg(unix)]

use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use qga_tests::real_agent::RealAgent;
use serde_json::json;

mod common;
use common::{
    Agent, Answer, Folder, Simulation, fed, has_signal, qga, qga_heeding_signals, ran, run, signal, wait,
    wait_until,
};

/// Runs `exec` with these words, at an address.
fn exec(address: &str, words: &[&str]) -> common::Ran {
    run(&[&["-c", address, "exec"], words].concat())
}

#[test]
fn output_and_exit_code_are_passed_on() {
    let agent = RealAgent::start();
    let address = agent.address();
    let ran = exec(&address, &["--", "sh", "-c", "printf 'a\\tb\\n\\033[2J'; printf oops >&2; exit 7"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(7), "a\tb\n\x1b[2J", "oops"));
    assert_eq!(exec(&address, &["true"]).ok(), "");
    let ran = exec(&address, &["--shell", "kill -9 $$"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(137), "", ""));
    let output = qga(&["-c", &address, "exec", "printf", "\\377\\376\\000"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"\xff\xfe\0".to_vec()));
}

#[test]
fn a_shell_reads_what_a_program_gets_as_it_is() {
    let agent = RealAgent::start();
    let address = agent.address();
    assert_eq!(exec(&address, &["echo", "$HOME", "&&", "-n"]).ok(), "$HOME && -n\n");
    assert_eq!(exec(&address, &["--shell", "echo", "a  b", "|", "tr", "ab", "cd"]).ok(), "c d\n");
    assert_eq!(exec(&address, &["-e", "A=b c", "-e", "D=", "/usr/bin/env"]).ok(), "A=b c\nD=\n");
}

#[test]
fn input_comes_from_a_file_or_from_here() {
    let (agent, folder) = (RealAgent::start(), Folder::new());
    let file = folder.path().join("in");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(exec(&agent.address(), &["-i", file, "--", "tail", "-n", "1"]).ok(), "two\n");
    let counted = ["-c", &agent.address(), "exec", "-i", "-", "--", "wc", "-c"];
    assert_eq!(fed(&counted, &[b'x'; 300_000]).ok(), "300000\n");
    let line = exec(&agent.address(), &["-i", "/no/such/file", "cat"]).failed(125);
    assert!(line.contains("cannot read /no/such/file"), "{line}");
}

#[test]
fn input_that_never_comes_is_waited_for_until_the_deadline_or_a_signal() {
    for (options, code, message) in [
        (&["-t", "3"][..], 124, "qga: cannot read -: the deadline passed\n"),
        (&["-t", "300"], 143, ""),
        (&[], 130, ""),
    ] {
        let words = [&["-c", "sim:"], options, &["exec", "-i", "-", "cat"]].concat();
        let mut command = qga_heeding_signals(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"begun").unwrap();
        if code != 124 {
            // Once that has been read, signals are heeded.
            wait_until("it reads", Duration::from_secs(60), || {
                rustix::io::ioctl_fionread(&stdin).unwrap() == 0
            });
            signal(&child, if code == 143 { "TERM" } else { "INT" });
        }
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", message));
        drop(stdin);
    }
}

#[test]
fn streams_are_merged_where_the_agent_can_and_else_it_says_so() {
    for (personality, out, err) in [
        ("qemu-10.0", "cat: /x: No such file or directory\nWelcome\n", ""),
        (
            "qemu-7.2",
            "Welcome\n",
            "cat: /x: No such file or directory\nqga: this agent cannot put both streams into one; they are separate\n",
        ),
    ] {
        let simulation = Simulation::with(&["--personality", personality]);
        let folder = Folder::new();
        let file = folder.path().join("in");
        std::fs::write(&file, "Welcome\n").unwrap();
        let ran = exec(
            &simulation.folder.address(),
            &["--merge", "-i", file.to_str().unwrap(), "--", "cat", "/x", "-"],
        );
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(1), out, err));
    }
}

#[test]
fn a_program_can_be_left_and_waited_for_later() {
    let agent = RealAgent::start();
    let address = agent.address();
    let pid = exec(&address, &["--detach", "--", "sh", "-c", "sleep 0.3; echo done; exit 3"]).ok();
    let ran = exec(&address, &["--attach", pid.trim_end()]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(3), "done\n", ""));
    let line = exec(&address, &["--attach", pid.trim_end()]).failed(125);
    assert!(line.contains("its end was told before"), "{line}");
    let document = run(&["-c", &address, "--json", "exec", "--detach", "true"]).json();
    assert!(document["pid"].is_i64(), "{document}");
}

#[test]
fn results_are_json_if_that_is_wanted() {
    let agent = RealAgent::start();
    let script = "echo text; printf '\\377' >&2; exit 4";
    let ran = run(&["-c", &agent.address(), "--json", "exec", "--", "sh", "-c", script]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), ""));
    let mut document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(document.as_object_mut().unwrap().remove("pid").is_some());
    assert_eq!(
        document,
        json!({
            "exit_code": 4,
            "stdout": "text\n",
            "stderr_base64": "/w==",
            "stdout_truncated": false,
            "stderr_truncated": false,
            "merged": false,
        })
    );
    let error = run(&["-c", &agent.address(), "--json", "exec", "/no/such"]).failed_json(125);
    assert_eq!((&error["kind"], &error["may_run"]), (&json!("refused"), &json!(false)));
}

/// A time to sleep by which a process is known.
fn mark(number: u32) -> String {
    format!("80{number}.{}", std::process::id())
}

/// How many processes of this machine sleep so long.
fn sleepers(mark: &str) -> usize {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|folder| std::fs::read(folder.path().join("cmdline")).ok());
    lines.filter(|line| *line == [b"sleep\0", mark.as_bytes(), b"\0"].concat()).count()
}

#[track_caller]
fn wait_for_sleepers(mark: &str, count: usize) {
    wait_until(&format!("{count} sleep"), Duration::from_secs(30), || sleepers(mark) == count);
}

#[test]
fn past_the_deadline_the_program_runs_on_or_is_killed() {
    let agent = RealAgent::start();
    let (address, mark) = (agent.address(), mark(1));
    let script = format!("echo begun; sleep {mark} & sleep {mark}; :");
    // Both at once, at agents of their own: each takes its 10 s.
    let other = RealAgent::start();
    let (second, other_mark) = (other.address(), self::mark(3));
    let (killed, left) = thread::scope(|scope| {
        let killed =
            scope.spawn(|| run(&["-c", &address, "-t", "10", "exec", "--kill", "--", "sh", "-c", &script]));
        let left = run(&["-c", &second, "-t", "10", "exec", "sleep", &other_mark]);
        (killed.join().unwrap(), left)
    });
    assert_eq!((killed.code, killed.out.as_str()), (Some(124), "begun\n"), "{}", killed.err);
    assert!(killed.err.contains("the deadline passed; the program was killed (process "), "{}", killed.err);
    assert_eq!((killed.err.lines().count(), sleepers(&mark)), (1, 0));

    let line = left.failed(124);
    let pid = line.split("--attach ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(line.contains(&format!("the deadline passed; the program runs on (process {pid} of the guest)")));
    assert_eq!(sleepers(&other_mark), 1);
    let ran = run(&["-c", &second, "-t", "0.5", "exec", "--attach", &pid, "--kill"]);
    assert_eq!((ran.code, sleepers(&other_mark)), (Some(124), 0), "{}", ran.err);
}

fn sleep(address: &str, options: &[&str], mark: &str) -> Child {
    let words = [&["-c", address, "exec"], options, &["sleep", mark]].concat();
    let mut command = qga_heeding_signals(&words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_signal_kills_the_program_or_tells_its_number() {
    let agent = RealAgent::start();
    let (address, mark) = (agent.address(), mark(2));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let child = sleep(&address, &["--kill"], &mark);
        wait_for_sleepers(&mark, 1);
        signal(&child, name);
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), "", ""));
        assert_eq!(sleepers(&mark), 0);

        let child = sleep(&address, &[], &mark);
        wait_for_sleepers(&mark, 1);
        signal(&child, name);
        let ran = wait(child);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(code), 1), "{}", ran.err);
        assert!(ran.err.contains("the program runs on, as process "), "{}", ran.err);
        let pid = ran.err.split("--attach ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        run(&["-c", &address, "-t", "0.2", "exec", "--kill", "--attach", &pid]).failed(124);
        assert_eq!(sleepers(&mark), 0);
    }
}

#[test]
fn what_is_not_the_programs_fault_has_a_code_of_its_own() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let line = exec(&address, &["/no/such"]).failed(125);
    assert!(line.contains("cannot start the program") && line.contains("it was not started"), "{line}");
    exec("unix:/no/such/socket", &["true"]).failed(125);
    let silent = Simulation::with(&["--fault", "deaf"]);
    run(&["-c", &silent.folder.address(), "-t", "0.5", "exec", "true"]).failed(124);
    let lost = Simulation::with(&["--fault", "lost@guest-exec"]);
    let line = run(&["-c", &lost.folder.address(), "-t", "10", "exec", "true"]).failed(124);
    assert!(line.contains("nobody knows whether the program was started"), "{line}");
    let line = exec(&address, &["--attach", "99"]).failed(125);
    assert!(line.contains("the agent knows no such program"), "{line}");
}

#[test]
fn usage_is_checked_before_anything_is_sent() {
    for words in [
        &["exec"][..],
        &["exec", "-e", "A", "true"],
        &["exec", "--detach", "--kill", "true"],
        &["exec", "--attach", "3", "true"],
        &["exec", "--attach", "x"],
    ] {
        run(&[&["-c", "sim:"], words].concat()).failed(2);
    }
    ran(&mut qga(&["exec", "true"])).failed(2);
}

#[test]
fn a_signal_before_the_start_is_answered_tells_what_may_have_been_started() {
    const UNKNOWN: &str = "the program may have been started; nobody knows its number\n";
    for (answer, options, message) in [
        (Answer::Silence, &[][..], UNKNOWN),
        (Answer::Silence, &["--detach"], UNKNOWN),
        (Answer::Close, &[], UNKNOWN),
        (Answer::Return(json!({ "pid": 7 })), &[], "the program runs on, as process 7 of the guest"),
        (
            Answer::Return(json!({ "pid": 7 })),
            &["--detach"],
            "the program runs on, as process 7 of the guest",
        ),
        (Answer::Refuse("GenericError"), &[], "it was not started\n"),
    ] {
        let (sender, called) = mpsc::channel();
        let (go_on, may_answer) = mpsc::channel();
        let answer = Mutex::new(Some(answer));
        let agent = Agent::new(move |name| match name {
            "guest-exec" => {
                sender.send(()).unwrap();
                may_answer.recv().unwrap();
                answer.lock().unwrap().take().unwrap()
            }
            "guest-ping" => Answer::Return(json!({})),
            _ => Answer::Silence,
        });
        let address = agent.address();
        let words = [&["-c", &address, "-t", "60", "exec"], options, &["true"]].concat();
        let child =
            qga_heeding_signals(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        called.recv_timeout(Duration::from_secs(60)).unwrap();
        // Shells often send two.
        signal(&child, "INT");
        signal(&child, "INT");
        wait_until("the signal is caught", Duration::from_secs(60), || !is_pending(&child));
        // Nothing tells that it has been heeded, and the answer is waited for no longer than 4 s.
        thread::sleep(Duration::from_millis(300));
        go_on.send(()).unwrap();
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str()), (Some(130), ""), "{options:?}: {}", ran.err);
        assert!(ran.err.contains(message), "{options:?}: {}", ran.err);
        assert!(ran.err.lines().count() == 1, "{}", ran.err);
    }
}

#[test]
fn two_signals_while_the_program_runs_do_not_lose_its_number() {
    for options in [&[][..], &["--attach", "7"]] {
        let (sender, asked) = mpsc::channel();
        let agent = Agent::new(move |name| match name {
            "guest-exec" => Answer::Return(json!({ "pid": 7 })),
            "guest-exec-status" => {
                // It may ask again.
                let _ = sender.send(());
                Answer::Return(json!({ "exited": false }))
            }
            _ => Answer::Return(json!({})),
        });
        let address = agent.address();
        let program = if options.is_empty() { &["true"][..] } else { &[] };
        let words = [&["-c", &address, "-t", "60", "exec"], options, program].concat();
        let child =
            qga_heeding_signals(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        asked.recv_timeout(Duration::from_secs(60)).unwrap();
        // Two of the same may be seen as one.
        signal(&child, "INT");
        signal(&child, "TERM");
        let ran = wait(child);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (Some(130), "", 1), "{}", ran.err);
        assert!(ran.err.contains("the program runs on, as process 7 of the guest"), "{}", ran.err);
    }
}

/// Whether SIGINT was sent to a program, and not caught yet.
fn is_pending(child: &Child) -> bool {
    has_signal(child, "ShdPnd", 2)
}
