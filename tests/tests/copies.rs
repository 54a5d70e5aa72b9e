//! Files and copies on lines on which replies are lost, late or spoilt: nothing is lost or doubled, nothing stays open, and
//! nothing goes on for ever. Time is virtual.

use std::time::Duration;

use qga_proto::{
    Client, Config, CopyError, CopyFrom, CopyTo, Error, Instant, Misuse, Mode, Placing, Seek, Session,
    Transport,
};
use qga_sim::{Fault, FaultKind, Guest, GuestIsOff, Sim, VirtualLine};
use qga_tests::bytes::bytes;
use qga_tests::virtual_line::{Peer, VirtualLine as SlowLine, complete, poll_up_to, session as slow_session};

type Virtual = Session<VirtualLine, Vec<u8>>;

const FILE: &str = "/file";
const COPY: &str = "/copy";
const LEN: usize = 300_000;

fn session(fault: Option<Fault>) -> Virtual {
    let sim = Sim::new(Guest::new().file(FILE, bytes(LEN)));
    let mut config = Config::default();
    config.max_reply = 4 << 20;
    let line = VirtualLine::new(fault.into_iter().fold(sim, Sim::fault));
    let mut session = Session::new(line, Client::new(config, Vec::new(), Vec::new(), 1));
    session.set_timeout(Duration::from_secs(10));
    session
}

/// Runs a future over a line that never keeps anybody waiting.
fn run<F: Future>(future: F) -> F::Output {
    poll_up_to(1, future).expect("it is ready at once")
}

fn content(session: &Virtual, path: &str) -> Option<Vec<u8>> {
    let files = session.transport().sim().guest().files();
    files.into_iter().find(|(at, _)| *at == path).map(|(_, content)| content.to_vec())
}

fn open_files(session: &Virtual) -> usize {
    session.transport().sim().guest().open_files()
}

fn copy_from(session: &mut Virtual) -> Result<Vec<u8>, String> {
    let (mut copy, deadline) = (Vec::new(), session.deadline(Duration::from_secs(600)));
    let what = CopyFrom::new(FILE).verify();
    run(session.copy_from(&what, &mut copy, &mut vec![0; 200_000], |_| {}, deadline))
        .map(|_| copy)
        .map_err(|error| error.to_string())
}

fn copy_to(session: &mut Virtual) -> Result<(), String> {
    let (content, deadline) = (bytes(LEN), session.deadline(Duration::from_secs(600)));
    let what = CopyTo::new(COPY).verify();
    run(session.copy_to(&what, &mut &content[..], &mut vec![0; 200_000], |_| {}, deadline))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// What can happen to one reply, so that the same can be asked again.
fn faults() -> [FaultKind; 10] {
    let late = Duration::from_secs(15);
    [
        FaultKind::Lost,
        FaultKind::Late(late),
        FaultKind::Delay(late),
        FaultKind::Reordered,
        FaultKind::Garbage,
        FaultKind::Deep,
        FaultKind::InvalidUtf8,
        FaultKind::WrongType,
        FaultKind::Oversized(8 << 20),
        FaultKind::Doubled,
    ]
}

#[test]
fn a_reply_to_a_read_that_is_spoilt_costs_no_data() {
    for kind in faults() {
        for nth in 1..=2 {
            let fault = Fault::new(kind).of("guest-file-read").nth(nth);
            let mut session = session(Some(fault));
            let copy = copy_from(&mut session);
            assert!(copy.as_ref().is_ok_and(|copy| *copy == bytes(LEN)), "{kind:?} {nth}: {:?}", copy.err());
            assert_eq!(open_files(&session), 0, "{kind:?} {nth}");
        }
    }
}

#[test]
fn a_reply_to_a_write_that_is_spoilt_costs_no_data() {
    for kind in faults() {
        for nth in 1..=2 {
            let fault = Fault::new(kind).of("guest-file-write").nth(nth);
            let mut session = session(Some(fault));
            let result = copy_to(&mut session);
            assert_eq!(result, Ok(()), "{kind:?} {nth}");
            assert!(content(&session, COPY).is_some_and(|found| found == bytes(LEN)), "{kind:?} {nth}");
            assert_eq!(open_files(&session), 0, "{kind:?} {nth}");
        }
    }
}

#[test]
fn seeks_and_flushes_that_are_spoilt_cost_no_data() {
    for kind in faults() {
        for command in ["guest-file-seek", "guest-file-flush"] {
            for nth in 1..=2 {
                let fault = Fault::new(kind).of(command).nth(nth);
                let mut session = session(Some(fault.clone()));
                let copy = copy_from(&mut session);
                assert!(copy.as_ref().is_ok_and(|copy| *copy == bytes(LEN)), "{fault:?}: {:?}", copy.err());
                let result = copy_to(&mut session);
                assert_eq!(result, Ok(()), "{fault:?}");
                assert!(content(&session, COPY).is_some_and(|found| found == bytes(LEN)), "{fault:?}");
            }
        }
    }
}

/// Others freeze a guest for a backup while a copy goes on: what is whole by then is verified and renamed when it is thawed.
#[test]
fn a_guest_that_is_frozen_at_the_end_of_a_copy_is_waited_for() {
    for moment in ["\"sha256sum\"", "\"chmod\"", "\"mv\""] {
        let line = Freezing { line: VirtualLine::new(Sim::new(Guest::new())), moment, questions: 0 };
        let mut session = Session::new(line, Client::new(Config::default(), Vec::new(), Vec::new(), 1));
        let (content, deadline) = (bytes(LEN), session.deadline(Duration::from_secs(60)));
        let what = CopyTo::new(COPY).verify();
        let copied = run(session.copy_to(&what, &mut &content[..], &mut vec![0; LEN], |_| {}, deadline));
        let copied = copied.unwrap_or_else(|error| panic!("{moment}: {error}"));
        assert_eq!(copied.placing, Placing::Renamed { replaced: false }, "{moment}");
        assert_eq!(session.transport().questions, 4, "{moment}");
    }
}

/// A line on which another freezes the guest at a moment, just before the client sends this, and thaws it when the client has
/// asked four times whether it is frozen.
struct Freezing {
    line: VirtualLine,
    moment: &'static str,
    questions: u32,
}

impl Transport for Freezing {
    type Error = GuestIsOff;

    fn now(&self) -> Instant {
        self.line.now()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, GuestIsOff> {
        self.line.read(buffer, deadline).await
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, GuestIsOff> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains("guest-fsfreeze-status") {
            self.questions += 1;
            if self.questions == 4 {
                self.line.write(b"{\"execute\": \"guest-fsfreeze-thaw\", \"id\": 1}\n", deadline).await?;
            }
        } else if self.questions == 0 && text.contains(self.moment) {
            self.line.write(b"{\"execute\": \"guest-fsfreeze-freeze\", \"id\": 1}\n", deadline).await?;
        }
        self.line.write(bytes, deadline).await
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.line.sleep_until(deadline).await;
    }
}

/// When nothing is ever answered, it ends all the same, long before the deadline.
#[test]
fn replies_that_never_come_are_not_waited_for_without_end() {
    for command in
        ["guest-file-read", "guest-file-seek", "guest-file-write", "guest-file-flush", "guest-exec-status"]
    {
        for kind in [FaultKind::Lost, FaultKind::Garbage, FaultKind::WrongType] {
            let mut session = session(Some(Fault::new(kind).of(command)));
            let start = session.deadline(Duration::ZERO);
            let (from, to) = (copy_from(&mut session), copy_to(&mut session));
            assert!(from.is_err() || to.is_err(), "{command} {kind:?}");
            assert!(
                session.deadline(Duration::ZERO) - start < Duration::from_secs(300),
                "{command} {kind:?}"
            );
            let is_whole = content(&session, COPY).is_none_or(|found| found == bytes(LEN));
            assert!(is_whole, "no half file: {command} {kind:?}");
            let soon = session.deadline(Duration::from_secs(60));
            assert_eq!(run(session.close_abandoned(soon)), 0);
            assert_eq!(open_files(&session), 0, "{command} {kind:?}");
        }
    }
}

#[test]
fn a_file_whose_opening_is_answered_late_is_closed() {
    for kind in [FaultKind::Late(Duration::from_secs(15)), FaultKind::Delay(Duration::from_secs(15))] {
        let mut session = session(Some(Fault::new(kind).of("guest-file-open").nth(1)));
        let soon = session.deadline(Duration::from_secs(10));
        let error = run(session.open(FILE, Mode::Read, soon)).expect_err("it is late");
        assert!(error.is_timeout());
        assert_eq!(open_files(&session), 1);
        let later = session.deadline(Duration::from_secs(20));
        run(Transport::sleep_until(session.transport_mut(), later));
        // What has come is seen beside the next calls.
        for _ in 0..2 {
            assert!(copy_from(&mut session).is_ok());
        }
        assert_eq!(open_files(&session), 0, "{kind:?}");
    }
}

#[test]
fn a_lost_reply_in_append_mode_leaves_the_fate_unknown() {
    let mut session = session(Some(Fault::new(FaultKind::Lost).of("guest-file-write").nth(1)));
    let deadline = session.deadline(Duration::from_secs(600));
    let mut file = run(session.open(COPY, Mode::Append, deadline)).expect("it opens");
    let error = run(file.write(b"once", deadline)).expect_err("nobody knows");
    assert!(error.is_fate_unknown());
    run(file.close(deadline)).expect("room");
    assert_eq!(content(&session, COPY).as_deref(), Some(&b"once"[..]));
}

/// What cannot be put back to where it was, such as a pipe, is not written again: whether it was, nobody knows.
#[test]
fn a_lost_reply_where_there_are_no_positions_leaves_the_fate_unknown() {
    let fault = Fault::new(FaultKind::Lost).of("guest-file-write").nth(1);
    let sim = Sim::new(Guest::new().disable("guest-file-seek")).fault(fault);
    let mut session = VirtualLine::new(sim).session();
    let deadline = session.deadline(Duration::from_secs(600));
    let mut file = run(session.open(COPY, Mode::Create, deadline)).expect("it opens");
    let error = run(file.write(b"once", deadline)).expect_err("nobody knows");
    assert!(error.is_timeout() && error.is_fate_unknown(), "{error}");
    run(file.close(deadline)).expect("room");
    assert_eq!(content(&session, COPY).as_deref(), Some(&b"once"[..]));
}

/// Written where it is, a file is gone on with only if it is the start of what comes.
#[test]
fn nothing_is_appended_to_another_file() {
    let wanted = bytes(5_000);
    for (there, is_part) in [(&wanted[..1_000], true), (&b"something else"[..], false)] {
        let guest = Guest::new().file(COPY, there).disable("guest-exec");
        let mut session = VirtualLine::new(Sim::new(guest)).session();
        let deadline = session.deadline(Duration::from_secs(600));
        let what = CopyTo::new(COPY).resume();
        let copied = run(session.copy_to(&what, &mut &wanted[..], &mut [0; 700], |_| {}, deadline));
        match copied {
            Ok(copied) => assert!(is_part && copied.resumed == 1_000, "{copied:?}"),
            Err(error) => assert!(!is_part && matches!(error, CopyError::Differs), "{error}"),
        }
        let left = content(&session, COPY);
        assert_eq!(left.as_deref(), Some(if is_part { &wanted } else { there }));
        assert_eq!(open_files(&session), 0);
    }
}

/// After a seek that failed nothing is read from where the handle happens to be.
#[test]
fn a_failed_seek_loses_no_chunk() {
    let mut session = session(Some(Fault::new(FaultKind::Lost).of("guest-file-seek")));
    let deadline = session.deadline(Duration::from_secs(3600));
    let mut file = run(session.open(FILE, Mode::Read, deadline)).expect("it opens");
    let mut buffer = [0; 1000];
    assert_eq!(run(file.read(&mut buffer, deadline)), Ok(1000));
    assert!(run(file.seek(Seek::Start(7), deadline)).is_err());
    let result = run(file.read(&mut buffer, deadline));
    assert!(matches!(result, Err(Error::TimedOut(_))), "{result:?}");
}

#[test]
fn copies_fit_limits_of_messages() {
    for limit in [600, 5_000, 70_000] {
        let mut config = Config::default();
        (config.max_reply, config.max_command) = (limit, limit);
        let line = VirtualLine::new(Sim::new(Guest::new().file(FILE, bytes(LEN)).disable("guest-exec")));
        let mut session = Session::new(line, Client::new(config, Vec::new(), Vec::new(), 1));
        let copy = copy_from(&mut session);
        assert!(copy.as_ref().is_ok_and(|copy| *copy == bytes(LEN)), "{limit}: {:?}", copy.err());
        assert_eq!(copy_to(&mut session), Ok(()), "{limit}");
        assert!(content(&session, COPY).is_some_and(|found| found == bytes(LEN)), "{limit}");
    }
}

/// With memory of the caller's only.
#[test]
fn files_and_copies_need_no_memory_that_grows() {
    let line = VirtualLine::new(Sim::new(Guest::new().file(FILE, bytes(5_000)).disable("guest-exec")));
    let client: Client<[u8; 2048]> = Client::new(Config::default(), [0; 2048], [0; 2048], 1);
    let mut session = Session::new(line, client);
    let deadline = session.deadline(Duration::from_secs(600));
    let mut whole = [0; 5_000];
    assert_eq!(run(session.read_file_into(FILE, &mut whole, deadline)).ok(), Some(5_000));
    assert_eq!(whole[..], bytes(5_000)[..]);
    let what = CopyTo::new(COPY).verify();
    let copied = run(session.copy_over(&what, &mut &whole[..], &mut [0; 700], |_| {}, deadline));
    assert_eq!(copied.expect("room").len, 5_000);
}

/// Without a buffer nothing could be copied, and nothing is touched.
#[test]
fn a_copy_without_a_buffer_is_refused_before_anything_is_done() {
    let mut session = session(None);
    let deadline = session.deadline(Duration::from_secs(600));
    let is_misuse = |error: Option<&Error<_>>| matches!(error, Some(Error::Misuse(Misuse::NoBuffer)));
    let from = run(session.copy_from(&CopyFrom::new(FILE), &mut Vec::new(), &mut [], |_| {}, deadline));
    assert!(from.is_err_and(|error| is_misuse(error.call())));
    let what = CopyTo::new(FILE);
    let over = run(session.copy_over(&what, &mut &b"new"[..], &mut [], |_| {}, deadline));
    assert!(over.is_err_and(|error| is_misuse(error.call())));
    let to = run(session.copy_to(&what, &mut &b"new"[..], &mut [], |_| {}, deadline));
    assert!(to.is_err_and(|error| is_misuse(error.call())));
    assert!(content(&session, FILE).is_some_and(|found| found == bytes(LEN)));
}

/// Drops a file's operations after 0, 1, 2... polls: the next goes on from where it should.
#[test]
fn operations_dropped_anywhere_lose_nothing() {
    let guest = Guest::new().file(FILE, bytes(3_000));
    let mut session = slow_session(SlowLine::new(Peer::agent(guest), 7));
    session.set_timeout(Duration::from_secs(10));
    let deadline = session.deadline(Duration::from_secs(36_000));
    let mut read = Vec::new();
    let mut file = complete(session.open(FILE, Mode::Read, deadline)).expect("it opens");
    let mut polls = 0;
    while read.len() < 3_000 {
        let mut buffer = [0; 100];
        polls = (polls + 1) % 97;
        if let Some(n) = poll_up_to(polls, file.read(&mut [0; 100], deadline)) {
            // It was ready before: that is read, too.
            let n = n.expect("a read");
            read.extend(vec![0; n]);
        }
        let n = complete(file.read(&mut buffer, deadline)).expect("a read");
        read.extend(&buffer[..n]);
    }
    complete(file.close(deadline)).expect("a close");
    let wanted = bytes(3_000);
    assert_eq!(read.len(), wanted.len());
    assert!(read.iter().zip(&wanted).all(|(read, wanted)| read == wanted || *read == 0));
}

/// Opening that is dropped after any number of polls: what was opened is closed beside what follows.
#[test]
fn an_opening_dropped_anywhere_leaves_nothing_open() {
    for polls in 0.. {
        let mut session = slow_session(SlowLine::new(Peer::agent(Guest::new().file(FILE, b"x")), 7));
        let deadline = session.deadline(Duration::from_secs(36_000));
        let opened = poll_up_to(polls, session.open(FILE, Mode::Read, deadline));
        let is_over = opened.is_some();
        drop(opened);
        for _ in 0..2 {
            assert_eq!(complete(session.read_file(FILE, 10, deadline)).ok().as_deref(), Some(&b"x"[..]));
        }
        assert_eq!(complete(session.close_abandoned(deadline)), 0);
        assert_eq!(session.transport().guest().map(Guest::open_files), Some(0), "{polls}");
        if is_over {
            assert!(polls > 20, "{polls}");
            break;
        }
    }
}
