//! Running programs where replies are lost, late or wrong, and where it takes hours: in virtual time.

use std::time::Duration;

use qga_proto::commands::{GuestFsfreezeFreeze, GuestPing};
use qga_proto::exec::{Capture, End, Exec, Fate, InputFile, Misuse, NotKilled, Output, Reason};
use qga_proto::{Client, Config, Error, Reconnect, Session, Transport};
use qga_sim::{Fault, Guest, Personality, Program, Run, Sim, VirtualLine};
use qga_std::block_on;
use qga_tests::shell::with_shell;
use qga_tests::virtual_line::{Peer, VirtualLine as SlowLine, complete, poll_up_to, session as slow_session};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

type Line = Session<VirtualLine, Vec<u8>>;

fn session(guest: Guest, fault: &str) -> Line {
    let fault: Option<Fault> = (!fault.is_empty()).then(|| fault.parse().expect("a fault"));
    VirtualLine::new(fault.into_iter().fold(Sim::new(guest), Sim::fault)).session()
}

/// A session over a line that keeps what was sent, and makes futures pending.
fn recorded(guest: Guest) -> Session<SlowLine, Vec<u8>> {
    slow_session(SlowLine::new(Peer::agent(guest), usize::MAX))
}

/// A guest with programs that take their time.
fn guest(personality: Personality) -> Guest {
    let both = || Run::new().stdout("1").stderr("2").stdout("3").exit_code(3);
    Guest::with(personality)
        .program("/opt/at-once", both())
        .program("/opt/long", both().time(20 * SECOND))
        .program("/opt/hour", Run::new().time(HOUR))
}

type ExecError = qga_proto::exec::Error<qga_sim::GuestIsOff>;

fn run(session: &mut Line, exec: &Exec, timeout: Duration) -> Result<qga_proto::exec::Outcome, ExecError> {
    let deadline = session.deadline(timeout);
    block_on(session.run(exec, deadline))
}

fn fails(session: &mut Line, exec: &Exec, timeout: Duration) -> ExecError {
    let before = session.transport().now();
    let error = run(session, exec, timeout).expect_err("that cannot end well");
    assert!(session.transport().now() - before <= timeout, "{error}");
    // It can be displayed in one line.
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    error
}

#[test]
fn a_long_program_is_asked_for_once_a_second() {
    let mut session = recorded(guest(Personality::Qemu10));
    let deadline = session.deadline(2 * HOUR);
    let outcome = complete(session.run(&Exec::new("/opt/hour"), deadline)).expect("it ends");
    assert_eq!(outcome.end, End::Exit(0));
    let polls = session.transport().count("\"guest-exec-status\"");
    assert!((3600..3720).contains(&polls), "{polls}");
    assert!(session.transport().now().since_epoch() < HOUR + 2 * SECOND);
}

#[test]
fn a_program_is_never_waited_for_much_longer_than_it_runs() {
    for millis in [0, 1, 5, 20, 100, 700, 3000, 9000, 60_000] {
        let time = Duration::from_millis(millis);
        let guest = Guest::new().program("/opt/p", Run::new().time(time));
        let mut session = session(guest, "");
        let begin = session.transport().now();
        run(&mut session, &Exec::new("/opt/p"), HOUR).expect("it ends");
        let took = session.transport().now() - begin;
        let limit = time + (time / 7 + Duration::from_millis(2)).min(SECOND);
        assert!((time..=limit).contains(&took), "{took:?}");
    }
}

#[test]
fn what_an_agent_cannot_capture_is_captured_otherwise_and_told() {
    for (personality, capture, out, err) in [
        (Personality::Qemu10, Capture::Merged, "123", ""),
        (Personality::Qemu7, Capture::Separated, "13", "2"),
        (Personality::Qemu2, Capture::Separated, "13", "2"),
        (Personality::Windows, Capture::Separated, "13", "2"),
    ] {
        let path = if personality == Personality::Windows { r"C:\p.exe" } else { "/opt/p" };
        let program = Run::new().stdout("1").stderr("2").stdout("3");
        let mut session = session(Guest::with(personality).program(path, program), "");
        let outcome = run(&mut session, &Exec::new(path).capture(Capture::Merged), SECOND).expect("it runs");
        assert_eq!(outcome.capture, capture, "{personality}");
        assert_eq!((&*outcome.stdout, &*outcome.stderr), (out.as_bytes(), err.as_bytes()), "{personality}");
        let error = fails(&mut session, &Exec::new("/none").capture(Capture::Merged), SECOND);
        assert!(matches!(error.reason, Reason::NotStarted(Error::Refused(_))), "{error}");
    }
}

/// The real agent breaks when it is asked for one stream alone.
#[test]
fn one_stream_alone_is_never_asked_for() {
    for capture in [Capture::None, Capture::Out, Capture::Err, Capture::Separated, Capture::Merged] {
        let mut session = recorded(guest(Personality::Qemu11));
        let deadline = session.deadline(SECOND);
        complete(session.run(&Exec::new("/opt/at-once").capture(capture), deadline)).expect("it runs");
        for mode in ["\"stdout\"", "\"stderr\""] {
            assert_eq!(session.transport().count(mode), 0, "{capture:?}");
        }
    }
}

/// By what the agent says, or by how much came: up to QEMU 10.1 it says that nothing was cut exactly when it was.
#[test]
fn output_that_was_cut_is_told_whatever_the_agent_says() {
    const KEPT: usize = 16 << 20;
    for personality in [Personality::Qemu10, Personality::Qemu11] {
        let program = Run::new().stdout(vec![b'x'; KEPT + 1]).stderr("short");
        let mut session = session(Guest::with(personality).program("/opt/p", program), "");
        let outcome = run(&mut session, &Exec::new("/opt/p"), HOUR).expect("it runs");
        assert_eq!((outcome.stdout_truncated, outcome.stderr_truncated), (true, false), "{personality}");
        assert_eq!(outcome.stdout.len(), KEPT);
    }
}

/// The agent tells it once.
#[test]
fn an_end_whose_answer_is_lost_is_told_as_lost_with_the_number() {
    for fault in ["lost@guest-exec-status#1", "wrong-type@guest-exec-status#1", "garbage@guest-exec-status#1"]
    {
        let mut session = session(guest(Personality::Qemu10), fault);
        let result = run(&mut session, &Exec::new("/opt/at-once"), 60 * SECOND);
        if fault.starts_with("garbage") {
            // The reply is behind the garbage, and is its call's all the same if it names it.
            if let Ok(outcome) = result {
                assert_eq!(outcome.end, End::Exit(3));
                continue;
            }
        }
        let error = result.expect_err("its end is lost");
        assert!(matches!(error.reason, Reason::Lost(_)), "{fault}: {error}");
        assert_eq!(error.fate, Fate::Ended, "{fault}");
        assert!(error.pid.is_some() && error.to_string().contains("(process "), "{fault}: {error}");
    }
}

#[test]
fn an_end_whose_answer_is_too_long_is_told_as_lost() {
    let mut session = session(Guest::new().program("/opt/p", Run::new().stdout(vec![b'x'; 9000])), "");
    let mut config = Config::default();
    config.max_reply = 8000;
    session.set_config(config);
    let error = fails(&mut session, &Exec::new("/opt/p"), 60 * SECOND);
    assert!(matches!(error.reason, Reason::Lost(Error::ReplyTooLong { .. })), "{error}");
}

#[test]
fn an_end_whose_answer_is_late_is_picked_up() {
    for fault in ["delay=8s@guest-exec-status#1", "delay=58s@guest-exec-status#1"] {
        let mut session = session(guest(Personality::Qemu10), fault);
        let outcome = run(&mut session, &Exec::new("/opt/at-once"), 90 * SECOND).expect("it comes");
        assert_eq!((outcome.end, &*outcome.stdout), (End::Exit(3), &b"13"[..]), "{fault}");
    }
}

/// Without ids a late answer would be thrown away with the sync that follows a timeout.
#[test]
fn an_end_whose_answer_is_late_is_waited_for_where_there_are_no_ids() {
    let mut session = session(guest(Personality::Qemu2), "delay=30s@guest-exec-status#1");
    let outcome = run(&mut session, &Exec::new("/opt/at-once"), 90 * SECOND).expect("it comes");
    assert_eq!(outcome.end, End::Exit(3));
}

/// Between two looks at a program that runs nothing is lost that matters.
#[test]
fn one_answer_that_says_nothing_new_may_be_missing() {
    for fault in
        ["lost", "garbage", "wrong-type", "bad-utf8", "nul", "doubled", "delay=3s", "late=30s", "foreign"]
    {
        let mut session = session(guest(Personality::Qemu10), &format!("{fault}@guest-exec-status#2"));
        let outcome = run(&mut session, &Exec::new("/opt/long"), 60 * SECOND);
        assert_eq!(outcome.unwrap_or_else(|error| panic!("{fault}: {error}")).end, End::Exit(3));
    }
}

#[test]
fn an_agent_whose_answers_cannot_be_read_is_not_asked_for_ever() {
    let mut session = session(guest(Personality::Qemu10), "wrong-type@guest-exec-status");
    let before = session.transport().now();
    let error = fails(&mut session, &Exec::new("/opt/hour"), HOUR);
    assert!(matches!(error.reason, Reason::Lost(Error::Protocol(_))), "{error}");
    assert!(error.may_run() && session.transport().now() - before < 60 * SECOND);
}

#[test]
fn a_start_that_is_not_answered_may_have_happened() {
    let mut session = session(guest(Personality::Qemu10), "lost@guest-exec#1");
    let error = fails(&mut session, &Exec::new("/opt/at-once"), 2 * SECOND);
    assert!(matches!(error.reason, Reason::StartUnknown(Error::TimedOut(_))), "{error}");
    assert_eq!((error.pid, error.fate, error.is_timeout()), (None, Fate::Unknown, true));
    assert_eq!(session.transport().sim().guest().untold_programs(), 1);
}

#[test]
fn an_agent_that_is_not_there_has_started_nothing() {
    let mut session = session(guest(Personality::Qemu10), "deaf");
    let error = fails(&mut session, &Exec::new("/opt/at-once"), 2 * SECOND);
    assert!(matches!(error.reason, Reason::NotStarted(Error::TimedOut(_))), "{error}");
    assert_eq!((error.fate, error.is_timeout()), (Fate::NotStarted, true));
}

#[test]
fn a_lost_connection_is_made_anew_where_that_is_allowed() {
    let mut session = session(guest(Personality::Qemu10), "restart@guest-exec-status#2");
    session.set_reconnect(Reconnect::BACKOFF);
    let error = fails(&mut session, &Exec::new("/opt/long"), 60 * SECOND);
    // The agent was started anew, and knows nothing: which of the two it is nobody can say.
    assert!(matches!(error.reason, Reason::Lost(Error::Closed(_))), "{error}");
    let mut session = crate::session(guest(Personality::Qemu10), "restart@guest-exec-status#2");
    let error = fails(&mut session, &Exec::new("/opt/long"), 60 * SECOND);
    assert!(matches!(error.reason, Reason::Call(Error::Closed(_))), "{error}");
    assert!(error.may_run() && error.pid.is_some());
}

#[test]
fn a_guest_that_is_frozen_meanwhile_is_told() {
    for personality in [Personality::Qemu2, Personality::Qemu5, Personality::Qemu7, Personality::Qemu10] {
        let mut session = session(guest(personality), "");
        let deadline = session.deadline(SECOND);
        let started = block_on(session.start(&Exec::new("/opt/long"), deadline)).expect("it starts");
        block_on(session.call(&GuestFsfreezeFreeze::new())).expect("it freezes");
        let deadline = session.deadline(30 * SECOND);
        let error = block_on(session.wait(started, deadline)).expect_err("it is frozen");
        assert_eq!(error.reason, Reason::Frozen, "{personality}");
        assert!(error.is_timeout() && error.pid == Some(started.pid));
    }
}

/// Windows thaws by itself, after 10 s.
#[test]
fn a_guest_that_thaws_is_waited_for() {
    let guest = Guest::with(Personality::Windows).program(r"C:\p.exe", Run::new().time(5 * SECOND));
    let mut session = session(guest, "");
    let deadline = session.deadline(60 * SECOND);
    let started = block_on(session.start(&Exec::new(r"C:\p.exe"), deadline)).expect("it starts");
    block_on(session.call(&GuestFsfreezeFreeze::new())).expect("it freezes");
    let outcome = block_on(session.wait(started, deadline)).expect("it thaws");
    assert_eq!(outcome.end, End::Exit(0));
}

#[test]
fn a_program_is_killed_as_its_system_does_it() {
    let hour = || Run::new().stdout("begun").time(HOUR);
    for (guest, path, fate, end) in [
        (with_shell(Guest::new()), "/opt/p", Fate::Killed, End::Signal(15)),
        (Guest::new(), "/opt/p", Fate::KilledAlone, End::Signal(15)),
        // Apple's agent has a command of its own for it, and the simulated guest has no shell.
        (Guest::with(Personality::Apple), "/opt/p", Fate::KilledAlone, End::Signal(15)),
        (Guest::with(Personality::Windows), r"C:\p.exe", Fate::Killed, End::Exit(1)),
    ] {
        let mut session = session(guest.program(path, hour()), "");
        let deadline = session.deadline(5 * SECOND);
        let exec = Exec::new(path).kill_at_deadline();
        let error = block_on(session.run(&exec, deadline)).expect_err("it takes longer");
        assert!(error.is_timeout() && error.pid.is_some(), "{error}");
        let outcome = error.outcome.expect("its end is told");
        assert_eq!((error.fate, outcome.end, &*outcome.stdout), (fate, end, &b"begun"[..]));
        assert!(session.transport().now() <= deadline + 15 * SECOND);
    }
}

/// One answer that is lost on the way leaves time for what matters.
#[test]
fn a_lost_answer_does_not_keep_from_killing() {
    for fault in ["lost@guest-get-osinfo#1", "wrong-type@guest-get-osinfo#1"] {
        let mut session = session(with_shell(guest(Personality::Qemu10)), fault);
        let deadline = session.deadline(5 * SECOND);
        let exec = Exec::new("/opt/hour").kill_at_deadline();
        let error = block_on(session.run(&exec, deadline)).expect_err("it takes longer");
        assert_eq!(error.fate, Fate::Killed, "{fault}: {error}");
        assert!(session.transport().now() <= deadline + 15 * SECOND);
    }
}

#[test]
fn a_start_is_not_waited_for_as_long_as_the_program() {
    let mut session = session(guest(Personality::Qemu10), "lost@guest-exec#1");
    let before = session.transport().now();
    let error = fails(&mut session, &Exec::new("/opt/at-once"), HOUR);
    assert!(matches!(error.reason, Reason::StartUnknown(Error::TimedOut(_))), "{error}");
    assert!(session.transport().now() - before <= 60 * SECOND);
}

/// The agent of a frozen guest runs nothing.
#[test]
fn a_program_that_cannot_be_killed_may_run_on() {
    let mut session = session(with_shell(guest(Personality::Qemu10)), "");
    let deadline = session.deadline(5 * SECOND);
    let started = block_on(session.start(&Exec::new("/opt/hour"), deadline)).expect("it starts");
    block_on(session.call(&GuestFsfreezeFreeze::new())).expect("it freezes");
    let error = block_on(session.wait_or_kill(started, deadline)).expect_err("it takes longer");
    let told = (&error.reason, error.fate);
    assert_eq!(told, (&Reason::Frozen, Fate::NotKilled(NotKilled::NoMeans)), "{error}");
    assert!(error.may_run());
    let error = block_on(session.kill(1, deadline)).expect_err("that is the system");
    assert_eq!(error.reason, Reason::Misuse(Misuse::Pid));
}

fn limit_commands<T: Transport>(session: &mut Session<T, Vec<u8>>, len: usize) {
    let mut config = Config::default();
    config.max_command = len;
    session.set_config(config);
}

#[test]
fn input_that_is_longer_than_a_message_arrives_through_a_file() {
    let input: Vec<u8> = (0..50_000_u32).map(|number| (number % 251) as u8).collect();
    let mut session = session(with_shell(Guest::new()), "");
    limit_commands(&mut session, 4000);
    let outcome = run(&mut session, &Exec::new("cat").input(input.clone()), 60 * SECOND).expect("it runs");
    assert_eq!(outcome.stdout, input);
    assert_nothing_is_left(session.transport().sim().guest(), "");
}

#[track_caller]
fn assert_nothing_is_left(guest: &Guest, what: &str) {
    assert_eq!(guest.open_files(), 0, "{what}");
    assert_eq!(guest.files().find(|(path, _)| path.contains("qga-input")), None, "{what}");
}

#[test]
fn a_guest_that_takes_no_long_input_says_so() {
    for personality in [Personality::Windows, Personality::Qemu10] {
        let mut session = session(Guest::with(personality), "");
        limit_commands(&mut session, 4000);
        let error = fails(&mut session, &Exec::new("cat").input(vec![0; 50_000]), 60 * SECOND);
        assert_eq!((error.reason, error.left), (Reason::InputTooLong { len: 50_000 }, None));
    }
}

#[test]
fn a_file_with_input_is_closed_and_removed_when_writing_fails_and_told_when_that_fails() {
    let exec = Exec::new("cat").input(vec![0; 50_000]);
    let mut session = session(with_shell(Guest::new()).disable("guest-file-write"), "");
    limit_commands(&mut session, 4000);
    let error = fails(&mut session, &exec, 60 * SECOND);
    assert!(matches!(error.reason, Reason::Input(Error::Refused(_))), "{error}");
    assert_eq!((error.left, error.fate), (None, Fate::NotStarted));
    assert_nothing_is_left(session.transport().sim().guest(), "");

    let removal_fails = Program::new(|call| match call.arguments() {
        [_, script, ..] if script.starts_with("PATH") => Run::new().exit_code(1),
        _ => Run::new(),
    });
    let guest = Guest::new().program("/bin/sh", removal_fails).disable("guest-file-write");
    let mut session = crate::session(guest, "");
    limit_commands(&mut session, 4000);
    let error = fails(&mut session, &exec, 60 * SECOND);
    let left: InputFile = error.left.expect("it is told");
    assert!(error.to_string().ends_with(&format!("its input is left in the guest, in {left}")), "{error}");
    let deadline = session.deadline(SECOND);
    assert_eq!(block_on(session.remove_inputs(deadline)), 1);
}

/// Whenever the future is dropped, what it had begun is put in order by the next.
#[test]
fn a_start_with_long_input_may_be_dropped_anywhere() {
    let exec = Exec::new("cat").input(vec![b'x'; 4000]);
    for polls in 0..100_000 {
        let mut session = recorded(with_shell(Guest::new()));
        limit_commands(&mut session, 1500);
        let deadline = session.deadline(60 * SECOND);
        let outcome = poll_up_to(polls, session.run(&exec, deadline));
        assert_eq!(complete(session.remove_inputs(deadline)), 0);
        // What was still open is closed beside the calls that follow.
        for _ in 0..2 {
            complete(session.call(&GuestPing::new())).expect("it is there");
        }
        let guest = session.transport().guest().expect("it is there");
        assert_nothing_is_left(guest, &format!("{polls} polls"));
        if let Some(outcome) = outcome {
            assert_eq!(outcome.expect("it runs").stdout.len(), 4000);
            return;
        }
    }
    panic!("it ends");
}

#[test]
fn programs_are_run_into_buffers_of_fixed_length() {
    let client = Client::new(Config::default(), [0_u8; 4096], [0_u8; 512], 1);
    let mut session = Session::new(VirtualLine::new(guest(Personality::Qemu10)), client);
    let deadline = session.deadline(60 * SECOND);
    let (mut out, mut err) = ([0; 16], [0; 16]);
    let output = Output::new(&mut out, &mut err);
    let filled = block_on(session.run_into("/opt/long", &["a"], output, deadline)).expect("it runs");
    assert_eq!((filled.end, filled.stdout, filled.stderr), (End::Exit(3), 2, 1));
    assert_eq!((&out[..2], &err[..1]), (&b"13"[..], &b"2"[..]));
    let error =
        block_on(session.run_into("/opt/x\0", &[], Output::default(), deadline)).expect_err("no name");
    assert_eq!(error.reason, Reason::Misuse(Misuse::Nul));
}
