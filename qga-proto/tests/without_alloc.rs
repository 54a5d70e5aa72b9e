//! Flows in a build that has no allocator: what links without one is also carried out here, against an agent whose answers
//! are written down. `cargo test -p qga-proto --no-default-features`; with `alloc` the crate has other code in these places,
//! which the tests over the simulated guest run.
#![cfg(not(feature = "alloc"))]

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use qga_proto::commands::{GuestFileOpen, GuestGetHostName, GuestPing};
use qga_proto::exec::{End, Output};
use qga_proto::json::Raw;
use qga_proto::{
    Agent, Client, Config, Diagnosis, Error, ErrorClass, FileError, INLINE_TEXT, Instant, Session, Transport,
};

/// An agent whose answers are written down: for each command those that it gives one after the other, as JSON or as the text
/// of an error. It goes on giving the last one.
struct Guest {
    agent: Agent<[u8; 2048]>,
    answers: HashMap<&'static str, VecDeque<Result<&'static str, &'static str>>>,
    /// What it was asked for, without syncs.
    asked: Vec<String>,
    now: Instant,
}

type Answers = [Result<&'static str, &'static str>];

/// The buffers that a program without an allocator has: one that fills up, and an array.
type Quiet = Session<Guest, heapless::Vec<u8, 2048>, [u8; 512]>;

const MINUTE: Duration = Duration::from_secs(60);

fn session(answers: &[(&'static str, &Answers)]) -> Quiet {
    session_with(answers)
}

fn session_with<const N: usize>(
    answers: &[(&'static str, &Answers)],
) -> Session<Guest, heapless::Vec<u8, N>, [u8; 512]> {
    let answers = answers.iter().map(|(name, answers)| (*name, answers.iter().copied().collect())).collect();
    let agent = Agent::new([0; 2048], [0; 2048]);
    let guest = Guest { agent, answers, asked: Vec::new(), now: Instant::ZERO };
    Session::new(guest, Client::new(Config::default(), heapless::Vec::new(), [0; 512], 1))
}

impl Guest {
    fn serve(&mut self) {
        while let Some(request) = self.agent.poll_request() {
            let name = request.name().to_string();
            let answers = self.answers.get_mut(name.as_str());
            let answered =
                match answers.map(|all| if all.len() > 1 { all.pop_front() } else { all.front().copied() }) {
                    Some(Some(Ok(value))) => self.agent.respond(&Raw::new(value).expect("JSON")),
                    Some(Some(Err(desc))) => self.agent.refuse(ErrorClass::GenericError, desc),
                    _ => self.agent.refuse(ErrorClass::CommandNotFound, "not here"),
                };
            answered.expect("it fits");
            self.asked.push(name);
        }
    }
}

impl Transport for Guest {
    type Error = Infallible;

    fn now(&self) -> Instant {
        self.now
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        self.serve();
        let Some(bytes) = self.agent.poll_transmit() else {
            self.now = self.now.max(deadline);
            return Ok(None);
        };
        let n = bytes.len().min(buffer.len());
        buffer[..n].copy_from_slice(&bytes[..n]);
        self.agent.handle_transmitted(n);
        Ok(Some(n))
    }

    async fn write(&mut self, bytes: &[u8], _: Instant) -> Result<Option<usize>, Infallible> {
        self.serve();
        let window = self.agent.receive_buffer();
        let n = bytes.len().min(window.len());
        window[..n].copy_from_slice(&bytes[..n]);
        self.agent.handle_received(n);
        Ok(Some(n))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.now = self.now.max(deadline);
    }
}

fn complete<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

const INFO: &str = r#"{"version":"10.0.2","supported_commands":[
    {"name":"guest-ping","enabled":true,"success-response":true},
    {"name":"guest-exec","enabled":false,"success-response":true}]}"#;

#[test]
fn an_agent_is_waited_for_until_it_has_thawed() {
    let status: &Answers = &[Ok("\"frozen\""), Ok("\"frozen\""), Ok("\"thawed\"")];
    let mut session = session(&[("guest-info", &[Ok(INFO)]), ("guest-fsfreeze-status", status)]);
    let deadline = session.deadline(MINUTE);
    let ready = complete(session.wait_ready(deadline)).expect("it thaws");
    assert!(ready.waited >= Duration::from_millis(500) && ready.waited < MINUTE, "{ready:?}");
}

#[test]
fn an_agent_that_stays_frozen_is_told_of() {
    let frozen: &Answers = &[Ok("\"frozen\"")];
    let mut session = session(&[("guest-info", &[Ok(INFO)]), ("guest-fsfreeze-status", frozen)]);
    let deadline = session.deadline(MINUTE);
    let error = complete(session.wait_ready(deadline)).expect_err("it is frozen");
    assert_eq!((error.diagnosis, error.waited), (Diagnosis::Frozen, MINUTE));
}

#[test]
fn a_program_is_run_and_its_output_is_in_the_callers_buffers() {
    let status: &Answers = &[
        Ok(r#"{"exited":false}"#),
        Ok(r#"{"exited":true,"exitcode":3,"out-data":"aGVsbG8gd29ybGQ=","err-data":"b29wcw=="}"#),
    ];
    let mut session = session(&[("guest-exec", &[Ok(r#"{"pid":7}"#)]), ("guest-exec-status", status)]);
    let (mut stdout, mut stderr) = ([0; 6], [0; 64]);
    let deadline = session.deadline(MINUTE);
    let output = Output::new(&mut stdout, &mut stderr);
    let filled = complete(session.run_into("/bin/say", &["hello"], output, deadline)).expect("it ends");
    assert_eq!((filled.pid, filled.end), (7, End::Exit(3)));
    assert_eq!((&stdout[..filled.stdout], filled.stdout_missing), (&b"hello "[..], 5));
    assert_eq!((&stderr[..filled.stderr], filled.stderr_missing), (&b"oops"[..], 0));
}

const OPEN: (&str, &Answers) = ("guest-file-open", &[Ok("1000")]);
const FLUSH: (&str, &Answers) = ("guest-file-flush", &[Ok("{}")]);
const CLOSE: (&str, &Answers) = ("guest-file-close", &[Ok("{}")]);

#[test]
fn a_file_is_read_into_the_callers_buffer() {
    let pieces: &Answers = &[
        Ok(r#"{"count":5,"buf-b64":"aGVsbG8=","eof":false}"#),
        Ok(r#"{"count":4,"buf-b64":"b29wcw==","eof":false}"#),
        Ok(r#"{"count":0,"buf-b64":"","eof":true}"#),
    ];
    let mut file = session(&[OPEN, CLOSE, ("guest-file-read", pieces)]);
    let deadline = file.deadline(MINUTE);
    let mut bytes = [0; 9];
    assert_eq!(complete(file.read_file_into("/etc/motd", &mut bytes, deadline)), Ok(9));
    assert_eq!((&bytes, file.transport().asked.last().unwrap().as_str()), (b"hellooops", "guest-file-close"));

    let ones = [Ok(r#"{"count":1,"buf-b64":"AA==","eof":false}"#)];
    let mut longer = session(&[OPEN, CLOSE, ("guest-file-read", &ones)]);
    let read = complete(longer.read_file_into("/dev/zero", &mut bytes[..7], deadline));
    assert_eq!(read, Err(FileError::TooLong { limit: 7 }));
    assert_eq!(longer.transport().asked.last().unwrap(), "guest-file-close");
}

#[test]
fn a_file_is_written() {
    let written: &Answers = &[Ok(r#"{"count":5,"eof":false}"#)];
    let mut session = session(&[OPEN, FLUSH, CLOSE, ("guest-file-write", written)]);
    let deadline = session.deadline(MINUTE);
    assert_eq!(complete(session.write_file("/tmp/x", b"hello", deadline)), Ok(()));
    let asked = &session.transport().asked;
    assert!(asked.contains(&"guest-file-write".to_owned()) && asked.contains(&"guest-file-flush".to_owned()));
    assert_eq!(asked.last().unwrap(), "guest-file-close");
}

#[test]
fn some_file_systems_are_frozen_and_thawed() {
    let mut session = session(&[
        ("guest-fsfreeze-status", &[Ok("\"thawed\"")]),
        ("guest-fsfreeze-freeze-list", &[Ok("1")]),
        ("guest-fsfreeze-thaw", &[Ok("1"), Ok("0")]),
    ]);
    let work = complete(session.with_some_frozen(&["/home"], Duration::from_secs(9), async || 42));
    assert_eq!(work.map_err(|failed| failed.error), Ok(42));
    let asked = &session.transport().asked;
    let place = |name: &str| asked.iter().position(|asked| asked == name);
    assert!(place("guest-fsfreeze-freeze-list") < place("guest-fsfreeze-thaw"), "{asked:?}");
    assert!(!session.may_be_frozen());
}

#[test]
fn a_refusal_that_is_longer_than_an_error_can_hold_is_cut() {
    let desc = "0123456789".repeat(2 * INLINE_TEXT / 10);
    let mut session = session(&[("guest-get-host-name", &[Err(desc.leak())]), ("guest-ping", &[Ok("{}")])]);
    let error = complete(session.call_view(&GuestGetHostName::new())).expect_err("it is refused");
    let Error::Refused(refusal) = error else { panic!("{error:?}") };
    let text = refusal.desc.as_str();
    assert!(
        text.starts_with("0123456789") && text.len() <= INLINE_TEXT && text.len() > INLINE_TEXT / 2,
        "{text}"
    );
    complete(session.call_view(&GuestPing::new())).expect("it goes on");
}

/// What is asked for, with a reply that is longer than the client of [`session_with`] takes.
fn asked_in_vain<const N: usize>(host_name: usize) -> Error<Infallible> {
    let long = format!("{{\"host-name\":\"{}\"}}", "x".repeat(host_name));
    let answers: [(_, &Answers); 2] =
        [("guest-get-host-name", &[Ok(long.leak())]), ("guest-ping", &[Ok("{}")])];
    let mut session = session_with::<N>(&answers);
    let error = complete(session.call_view(&GuestGetHostName::new())).expect_err("it does not fit");
    if N > 0 {
        complete(session.call_view(&GuestPing::new())).expect("it goes on");
    }
    error
}

/// What stands around the name in a reply, from `{"return"` to the newline, with an `id` of one digit.
const AROUND: usize = r#"{"return":{"host-name":""},"id":1}"#.len();

#[test]
fn what_does_not_fit_says_how_many_bytes_are_missing() {
    let error = asked_in_vain::<256>(1500);
    let Error::ReplyTooLong { len, limit: 255 } = error else { panic!("{error:?}") };
    assert!((1500 + AROUND..1500 + AROUND + 20).contains(&len), "{len}");
    assert_eq!(error.missing_bytes(), Some(len - 255));
    assert!(!error.to_string().is_empty());

    // Where there is no buffer nothing is asked, and nothing is known but that one byte is too many.
    let error = asked_in_vain::<0>(10);
    assert_eq!((&error, error.missing_bytes()), (&Error::ReplyTooLong { len: 1, limit: 0 }, Some(1)));

    let mut session = session(&[("guest-file-open", &[Ok("1")])]);
    let path = "x".repeat(600);
    let error = complete(session.call_view(&GuestFileOpen::new(path.as_str()))).expect_err("it does not fit");
    let Error::CommandTooLong { len, limit: 512 } = error else { panic!("{error:?}") };
    assert_eq!(error.missing_bytes(), Some(len - 512));
    assert!((600..700).contains(&len), "{len}");
    assert!(session.transport().asked.is_empty());
    // A path that is as much shorter fits.
    complete(session.call_view(&GuestFileOpen::new(&path[len - 512..]))).expect("it fits");

    let error = complete(session.call_view(&GuestPing::new())).expect_err("there is none");
    assert_eq!(error.missing_bytes(), None);
}
