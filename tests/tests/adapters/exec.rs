//! Running programs: to the end, past the deadline, and waited for by others.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use qga_proto::Config;
use qga_proto::exec::{Capture, End, Exec, Fate, Killed, Misuse, NotKilled, Output, Reason};
use qga_sim::{Guest, Program, Run};
use qga_tests::shell::with_shell;

use crate::agent::Agent;
use crate::runtime::{Runtime, Session};

cases! {
    a_program_is_run_to_its_end(runner, real);
    exit_codes_signals_and_both_streams_are_told(runner, real);
    what_cannot_be_started_is_told(runner, real);
    a_short_program_is_not_waited_for_long(runner, real);
    more_output_than_the_agent_keeps_is_told(real);
    five_mebibytes_of_input_arrive(runner, real);
    input_longer_than_a_message_goes_through_a_file(runner, real);
    a_program_past_its_deadline_runs_on_and_can_be_waited_for_by_another_client(runner, real);
    a_program_past_its_deadline_is_killed(runner, real);
    a_program_past_its_deadline_is_killed_with_all_that_it_started(real);
    what_ignores_a_polite_signal_is_killed_too(real);
    only_programs_of_this_agent_are_killed(real);
    output_goes_into_the_callers_buffers(runner, real);
    an_environment_replaces_that_of_the_agent(runner, real);
}

const SECOND: Duration = Duration::from_secs(1);

/// Long enough for a machine that is busy with something else.
const AMPLE: Duration = Duration::from_secs(60);

/// What the agent keeps.
const KEPT: usize = 16 << 20;

/// A guest with what these cases run.
pub(crate) fn guest() -> Guest {
    with_shell(Guest::new())
        .program("/opt/seven", Run::new().stdout("out").stderr("err").exit_code(7))
        .program("/opt/killed", Run::new().signal(9))
        .program("/opt/count", Program::new(|run| Run::new().stdout(format!("{}\n", run.input().len()))))
}

/// A program of the simulated guest, or a script that does the same.
fn program(agent: &Agent, name: &str) -> Exec {
    if agent.is_simulated() {
        return Exec::new(format!("/opt/{name}"));
    }
    Exec::new("/bin/sh").arg("-c").arg(match name {
        "seven" => "printf out; printf err >&2; exit 7",
        "killed" => "kill -9 $$",
        "much" => "head -c 20971520 /dev/zero | tr '\\0' x",
        "count" => "wc -c",
        name => panic!("there is no {name}"),
    })
}

async fn a_program_is_run_to_its_end<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    let exec = Exec::new("cat").arg("-").input(&b"a\xffb"[..]);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!((outcome.end, &*outcome.stdout, &*outcome.stderr), (End::Exit(0), &b"a\xffb"[..], &b""[..]));
    assert!(outcome.is_success() && !outcome.is_truncated());
    let exec = Exec::new("cat").arg("/no/such/file").capture(Capture::Err);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!(outcome.end, End::Exit(1));
    assert!(outcome.stdout.is_empty() && outcome.stderr.starts_with(b"cat: /no/such/file"));
}

async fn exit_codes_signals_and_both_streams_are_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    for (capture, out, err) in [
        (Capture::None, "", ""),
        (Capture::Out, "out", ""),
        (Capture::Err, "", "err"),
        (Capture::Separated, "out", "err"),
    ] {
        let exec = program(agent, "seven").capture(capture);
        let outcome = session.run(&exec, deadline).await.expect("it runs");
        assert_eq!(outcome.end, End::Exit(7));
        assert_eq!((&*outcome.stdout, &*outcome.stderr), (out.as_bytes(), err.as_bytes()), "{capture:?}");
        assert_eq!(outcome.capture, capture);
    }
    // Agents before 8.1 cannot, and then it is told.
    let exec = program(agent, "seven").capture(Capture::Merged);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    match outcome.capture {
        Capture::Merged => assert_eq!((&*outcome.stdout, &*outcome.stderr), (&b"outerr"[..], &b""[..])),
        _ => assert_eq!((&*outcome.stdout, &*outcome.stderr), (&b"out"[..], &b"err"[..])),
    }
    let outcome = session.run(&program(agent, "killed"), deadline).await.expect("it runs");
    assert_eq!(outcome.end, End::Signal(9));
}

async fn what_cannot_be_started_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    for capture in [Capture::None, Capture::Separated, Capture::Merged] {
        let error =
            session.run(&Exec::new("/no/such").capture(capture), deadline).await.expect_err("no such");
        assert!(matches!(error.reason, Reason::NotStarted(qga_proto::Error::Refused(_))), "{error:?}");
        assert_eq!((error.fate, error.pid), (Fate::NotStarted, None));
    }
    for exec in [Exec::new("a\0b"), Exec::new("a").arg("\0"), Exec::new("a").env("A", "\0")] {
        let error = session.run(&exec, deadline).await.expect_err("that cannot be");
        assert!(matches!(error.reason, Reason::Misuse(Misuse::Nul)), "{error}");
    }
    let error = session.run(&Exec::new("true").env("", "x"), deadline).await.expect_err("that cannot be");
    assert!(matches!(error.reason, Reason::Misuse(Misuse::Variable)), "{error}");
    let error = session.wait(2_147_483_000, deadline).await.expect_err("there is none");
    assert!(matches!(error.reason, Reason::UnknownPid(_)), "{error:?}");
}

/// On a machine that is busy with something else only the best of many counts.
async fn a_short_program_is_not_waited_for_long<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    let mut best = AMPLE;
    for _ in 0..20 {
        let start = Instant::now();
        session.run(&Exec::new("sleep").arg("0.005"), deadline).await.expect("it runs");
        best = best.min(start.elapsed());
    }
    assert!(best < Duration::from_millis(50), "{best:?}");
}

async fn more_output_than_the_agent_keeps_is_told<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(2 * AMPLE);
    let outcome = session.run(&program(agent, "much"), deadline).await.expect("it runs");
    assert_eq!(outcome.end, End::Exit(0));
    assert_eq!(outcome.stdout.len(), KEPT);
    assert!(outcome.stdout_truncated && !outcome.stderr_truncated);
    assert!(outcome.stdout.iter().all(|byte| *byte == b'x'));
}

async fn five_mebibytes_of_input_arrive<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(2 * AMPLE);
    let exec = program(agent, "count").input(vec![b'x'; 5 << 20]);
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&outcome.stdout).trim(), "5242880");
}

/// The same, where messages must be short.
async fn input_longer_than_a_message_goes_through_a_file<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let mut config = Config::default();
    config.max_command = 1 << 20;
    session.set_config(config);
    let deadline = session.deadline(2 * AMPLE);
    let input = vec![b'x'; 5 << 20];
    let outcome =
        session.run(&program(agent, "count").input(input.clone()), deadline).await.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&outcome.stdout).trim(), "5242880");
    if !agent.is_simulated() {
        let exec = Exec::new("/bin/sh").args(["-c", "readlink /proc/self/fd/0; exit 3"]).input(input.clone());
        let outcome = session.run(&exec, deadline).await.expect("it runs");
        assert_eq!(outcome.end, End::Exit(3));
        let file = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert!(file.starts_with("/tmp/.qga-input-") && file.ends_with(" (deleted)\n"), "{file}");
        let error = session.run(&Exec::new("/no/such").input(input), deadline).await.expect_err("no such");
        assert!(matches!(error.reason, Reason::NoProgram) && error.left.is_none(), "{error}");
        assert_eq!(agent.open_files(), 0);
    }
    assert_eq!(session.remove_inputs(deadline).await, 0);
}

async fn a_program_past_its_deadline_runs_on_and_can_be_waited_for_by_another_client<R: Runtime>(
    agent: &Agent,
) {
    let pid = {
        let mut session = R::connect_lazy(&agent.address());
        let pid = start::<R>(&mut session, &Exec::new("sleep").arg("3600")).await;
        let deadline = session.deadline(SECOND / 2);
        let error = session.wait(pid, deadline).await.expect_err("it takes longer");
        assert!(error.is_timeout() && error.may_run() && error.pid == Some(pid), "{error}");
        pid
    };
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    assert_eq!(session.kill(pid, deadline).await.expect("it runs on"), Killed::Tree);
    let outcome = session.wait(pid, deadline).await.expect("it ends");
    assert_eq!((outcome.pid, outcome.end), (pid, End::Signal(15)));
}

async fn a_program_past_its_deadline_is_killed<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let pid = start::<R>(&mut session, &Exec::new("sleep").arg("3600")).await;
    let deadline = session.deadline(SECOND / 2);
    let error = session.wait_or_kill(pid, deadline).await.expect_err("it takes longer");
    assert!(error.is_timeout() && error.fate == Fate::Killed && error.pid.is_some(), "{error}");
    assert_eq!(error.outcome.expect("its end is told").end, End::Signal(15));
}

/// A time to sleep by which a process is known: no other of this machine sleeps so long.
fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("9000{}.{}", NEXT.fetch_add(1, Ordering::Relaxed), std::process::id())
}

/// How many processes of this machine have a word among their arguments.
fn processes(word: &str) -> usize {
    let folders = std::fs::read_dir("/proc").expect("Linux").flatten();
    let lines = folders.filter_map(|folder| std::fs::read(folder.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes())).count()
}

fn wait_for_processes(word: &str, count: usize) {
    let start = Instant::now();
    while processes(word) < count {
        assert!(start.elapsed() < AMPLE, "there are {}", processes(word));
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn a_program_past_its_deadline_is_killed_with_all_that_it_started<R: Runtime>(agent: &Agent) {
    let mark = mark();
    let mut session = R::connect_lazy(&agent.address());
    let script = format!("echo begun; sleep {mark} & sh -c 'sleep {mark} & sleep {mark}; :'; :");
    let started = start::<R>(&mut session, &Exec::new("sh").args(["-c", &script])).await;
    wait_for_processes(&mark, 3);
    let deadline = session.deadline(SECOND / 2);
    let error = session.wait_or_kill(started, deadline).await.expect_err("it takes longer");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.fate, Fate::Killed, "{error}");
    let outcome = error.outcome.expect("its end is told");
    assert_eq!((outcome.end, &*outcome.stdout), (End::Signal(15), &b"begun\n"[..]));
    assert_eq!(processes(&mark), 0);
}

async fn what_ignores_a_polite_signal_is_killed_too<R: Runtime>(agent: &Agent) {
    let mark = mark();
    let mut session = R::connect_lazy(&agent.address());
    let script = format!("trap '' TERM; sleep {mark}; sleep {mark}");
    let started = start::<R>(&mut session, &Exec::new("sh").args(["-c", &script])).await;
    wait_for_processes(&mark, 1);
    let deadline = session.deadline(AMPLE);
    assert_eq!(session.kill(started, deadline).await.expect("it can be killed"), Killed::Tree);
    let outcome = session.wait(started, deadline).await.expect("its end is told");
    assert_eq!(outcome.end, End::Signal(9));
    assert_eq!(processes(&mark), 0);
    assert_eq!(session.kill(started, deadline).await.expect("it is over"), Killed::WasOver);
}

async fn start<R: Runtime>(session: &mut Session<R>, exec: &Exec) -> i64 {
    let deadline = session.deadline(AMPLE);
    session.start(exec, deadline).await.expect("it starts").pid
}

async fn only_programs_of_this_agent_are_killed<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    for pid in [1, 0, -1, i64::MIN] {
        let error = session.kill(pid, deadline).await.expect_err("that must not be");
        assert!(matches!(error.reason, Reason::Misuse(Misuse::Pid)), "{error}");
    }
    let mut other = std::process::Command::new("sleep").arg("60").spawn().expect("a program");
    let error = session.kill(other.id().into(), deadline).await.expect_err("it is not the agent's");
    assert!(matches!(error.reason, Reason::NotKilled(NotKilled::Foreign)), "{error}");
    assert!(matches!(other.try_wait(), Ok(None)), "it lives");
    other.kill().expect("it lives");
    other.wait().expect("it is ours");
}

async fn output_goes_into_the_callers_buffers<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    let (mut out, mut err) = ([0; 8], [0; 3]);
    let output = Output::new(&mut out, &mut err);
    let filled = session.run_into("echo", &["one", "two", "three"], output, deadline).await.expect("it runs");
    assert_eq!((filled.end, filled.stdout, filled.stdout_missing), (End::Exit(0), 6, 8));
    assert_eq!((&out[..6], filled.stderr, filled.stderr_missing), (&b"one tw"[..], 0, 0));
    let filled = session.run_into("false", &[], Output::default(), deadline).await.expect("it runs");
    assert_eq!((filled.end, filled.stdout, filled.stdout_missing), (End::Exit(1), 0, 0));
}

async fn an_environment_replaces_that_of_the_agent<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(AMPLE);
    let exec = Exec::new("/usr/bin/env").env("A", "1 = 2").env("B", "");
    let outcome = session.run(&exec, deadline).await.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), "A=1 = 2\nB=\n");
    let outcome = session.run(&Exec::new("/usr/bin/env").empty_env(), deadline).await.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), "");
}
