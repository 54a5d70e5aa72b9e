//! Agents that do their worst, and lines that do: nothing panics, and all ends in time.

mod common;

use std::convert::Infallible;
use std::time::Duration;

use common::{Pieces, START, SimLine, complete, misses, run};
use qga_conform::{Ending, Options, Report, Verdict, check};
use qga_proto::{Instant, Transport};
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};

/// The limit of all, with which every run here is made.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whoever says the same for ever, whatever it is asked.
struct Babbler {
    words: &'static [u8],
    now: Instant,
    /// How long each part takes.
    pace: Duration,
    /// Whether it takes anything.
    reads: bool,
}

impl Transport for Babbler {
    type Error = Infallible;

    fn now(&self) -> Instant {
        self.now
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        if self.words.is_empty() || self.now + self.pace > deadline {
            self.now = self.now.max(deadline);
            return Ok(None);
        }
        self.now += self.pace;
        let whole = buffer.len() - buffer.len() % self.words.len();
        let words = self.words.iter().cycle();
        Ok(Some(buffer[..whole].iter_mut().zip(words).map(|(place, word)| *place = *word).count()))
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        if !self.reads {
            self.now = self.now.max(deadline);
            return Ok(None);
        }
        Ok(Some(bytes.len()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.now = self.now.max(deadline);
    }
}

fn check_babbler(words: &'static [u8], pace: Duration, reads: bool) -> (Report, Duration) {
    let mut babbler = Babbler { words, now: Instant::ZERO, pace, reads };
    let report = complete(check(&mut babbler, &Options::new().writes(true).timeout(TIMEOUT)));
    (report, babbler.now.since_epoch())
}

#[test]
fn nobody_answers() {
    let (report, took) = check_babbler(b"", Duration::ZERO, true);
    assert_eq!(report.ending(), &Ending::NoAgent(None));
    assert!(!report.has_met() && report.count(Verdict::NotRun) == report.outcomes().len());
    // A few tries, and no more for each check.
    assert!(took <= Duration::from_secs(10), "{took:?}");
    let (report, took) = check_babbler(b"", Duration::ZERO, false);
    assert_eq!(report.ending(), &Ending::NoAgent(None));
    assert!(took <= Duration::from_secs(10), "{took:?}");
}

#[test]
fn what_comes_is_not_an_agents() {
    let assert_foreign = |words: &'static [u8], pace| {
        let (report, took) = check_babbler(words, pace, true);
        assert!(!report.has_met() && took <= TIMEOUT, "{}: {took:?}", words.escape_ascii());
        assert!(matches!(report.ending(), Ending::NoAgent(_)), "{}", words.escape_ascii());
    };
    for words in
        [&b"localhost login: \n"[..], b"\n", b"\xFF", b"{\"QMP\": {}}\n", b"{\"return\": 7}\n", b"x", b"[\n"]
    {
        assert_foreign(words, Duration::from_millis(100));
    }
    // Without end, and in no time at all.
    assert_foreign(b"x", Duration::ZERO);
    assert_foreign(b"\n", Duration::ZERO);
    let (report, _) = check_babbler(b"login: \x1b[2J\n", Duration::from_millis(900), true);
    let Ending::NoAgent(Some(seen)) = report.ending() else { panic!("{:?}", report.ending()) };
    assert!(seen.starts_with("login: \\x1b"), "{seen}");
}

fn faulty(personality: Personality, faults: &[Fault]) -> SimLine {
    let sim = faults.iter().cloned().fold(Sim::new(Guest::with(personality)), Sim::fault);
    SimLine::new(sim.seed(7), Pieces::Whole)
}

/// Everything ends in time, and says of each check how it ended.
#[track_caller]
fn assert_ends(line: &mut SimLine, what: &str) -> Report {
    let report = run(line, &Options::new().writes(true).timeout(TIMEOUT));
    let took = line.now - START;
    assert!(took <= TIMEOUT, "{what}: {took:?}");
    assert!(
        report.outcomes().iter().all(|outcome| (outcome.verdict == Verdict::Pass) == outcome.seen.is_empty())
    );
    assert!(
        report.outcomes().iter().all(|outcome| outcome.seen.len() < 1000 && outcome.seen.is_ascii()),
        "{what}"
    );
    report
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_fault_everywhere() {
    for &kind in FaultKind::EXAMPLES {
        for personality in [Personality::Qemu10, Personality::Minimal] {
            let what = format!("{personality} {kind:?}");
            let fault = Fault::new(kind);
            let report = assert_ends(&mut faulty(personality, std::slice::from_ref(&fault)), &what);
            if matches!(kind, FaultKind::Pieces(_) | FaultKind::Stale) && personality == Personality::Qemu10 {
                // What a line may do to everybody is no fault of the agent's.
                assert!(report.is_clean(), "{what}: {:?}", misses(&report));
            }
            if !kind.is_of_connection() {
                let of_sync = Fault::new(kind).of("sync");
                assert_ends(&mut faulty(personality, std::slice::from_ref(&of_sync)), &what);
                assert_ends(&mut faulty(personality, &[fault, of_sync]), &what);
            }
        }
    }
}

#[test]
fn every_fault_now_and_then() {
    for kind in FaultKind::EXAMPLES.iter().copied().filter(|kind| !kind.is_of_connection()) {
        for command in ["guest-info", "guest-file-open", "guest-exec", "guest-exec-status", "sync"] {
            let fault = Fault::new(kind).of(command).percent(30);
            let what = format!("{kind:?} {command}");
            assert_ends(&mut faulty(Personality::Qemu11, &[fault]), &what);
        }
    }
}

/// Replies that are not what commands return are told as such, and nothing else is.
#[test]
fn wrong_types_fail_what_is_about_them() {
    let fault = Fault::new(FaultKind::WrongType).of("guest-get-users");
    let report = assert_ends(&mut faulty(Personality::Qemu10, &[fault]), "guest-get-users");
    let failed: Vec<_> = report.failed().map(|outcome| (outcome.check.name, outcome.seen.as_str())).collect();
    assert_eq!(failed, [("guest-get-users", "the value is 0, not an array")]);
}

#[test]
fn a_reply_that_is_too_long_costs_itself_alone() {
    let fault = Fault::new(FaultKind::Oversized(8 << 20)).of("guest-get-users");
    let report = assert_ends(&mut faulty(Personality::Qemu10, &[fault]), "guest-get-users");
    let failed: Vec<_> = report.failed().map(|outcome| (outcome.check.name, outcome.seen.as_str())).collect();
    assert!(failed.contains(&("guest-get-users", "more than 4 MiB came")), "{failed:?}");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn an_agent_that_dies_midway() {
    for at in (0..60).map(|step| 1 + step * 331) {
        let fault = Fault::new(FaultKind::Close(at));
        let report = assert_ends(&mut faulty(Personality::Qemu10, &[fault]), &format!("{at}"));
        match report.ending() {
            Ending::Lost(_) => {}
            Ending::Complete => panic!("it says more than {at} bytes"),
            ending => panic!("{at}: {ending:?}"),
        }
        // Of one check it is said that it was lost in it, if there was any; the others were not made.
        assert!(report.count(Verdict::NotRun) > 0, "{at}");
        assert_eq!(report.failed().count(), usize::from(report.has_met()), "{at}");
    }
}

#[test]
fn an_agent_that_falls_silent_costs_little_time() {
    let fault = Fault::new(FaultKind::Half).of("guest-get-time");
    let mut line = faulty(Personality::Qemu10, &[fault]);
    let report = assert_ends(&mut line, "half");
    assert_eq!(report.ending(), &Ending::Silent("it answers nothing any more"));
    assert_eq!(report.failed().map(|outcome| outcome.check.name).collect::<Vec<_>>(), ["guest-get-time"]);
    assert!(line.now - START <= Duration::from_secs(12), "{:?}", line.now - START);
}

/// The host takes a request at once, and passes it on as fast as a serial line goes. Nothing but time is to be seen of that.
#[test]
fn a_line_that_takes_longer_than_an_answer_may() {
    let mut line = faulty(Personality::Qemu10, &[]);
    line.rate = Some(8 * 1024);
    let report = run(&mut line, &Options::new());
    assert!(report.is_clean(), "{:?}", misses(&report));
}

/// One that is slow at first is waited for.
#[test]
fn an_agent_that_comes_up_late() {
    let faults = [Fault::new(FaultKind::Delay(Duration::from_secs(5))).of("sync").nth(1)];
    let mut line = faulty(Personality::Qemu10, &faults);
    let report = assert_ends(&mut line, "late");
    assert!(report.is_clean(), "{:?}", misses(&report));
}

#[test]
fn a_timeout_of_nothing() {
    for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1)] {
        let mut line = faulty(Personality::Qemu10, &[Fault::new(FaultKind::Delay(SECOND)).of("sync")]);
        let report = run(&mut line, &Options::new().timeout(timeout));
        assert_eq!(report.ending(), &Ending::NoAgent(None));
        assert!(line.now - START <= timeout, "{timeout:?}");
    }
    let options = Options::new().timeout(Duration::MAX).patience(Duration::MAX);
    let report = run(&mut faulty(Personality::Minimal, &[]), &options);
    assert_eq!(report.ending(), &Ending::Complete);
}
