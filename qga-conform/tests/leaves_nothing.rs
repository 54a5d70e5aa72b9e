//! Whatever happens, nothing is left in a guest, and nothing half said.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Pieces, START, SimLine, complete, misses, run};
use qga_conform::{Ending, Options, Verdict, check};
use qga_proto::metadata;
use qga_proto::schema::COMMANDS;
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};

/// Says something to a guest's agent, and gives what it answers.
fn say(sim: &mut Sim, mut bytes: &[u8], now: Duration) -> String {
    let mut said = Vec::new();
    loop {
        if let Some(part) = sim.poll_transmit() {
            said.extend_from_slice(part);
            let n = part.len();
            sim.handle_transmitted(n, now);
            continue;
        }
        let window = sim.receive_buffer();
        let n = window.len().min(bytes.len());
        if n == 0 {
            return String::from_utf8_lossy(&said).into_owned();
        }
        window[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        sim.handle_received(n, now);
    }
}

/// All that a guest says of itself, and what is in it.
fn state(sim: &mut Sim) -> (String, Vec<(String, Vec<u8>)>) {
    let queries = COMMANDS.iter().filter(|command| command.query);
    let answers = queries.map(|command| {
        let request = format!("{{\"execute\":\"{}\",\"arguments\":{{}}}}\n", command.name);
        say(sim, request.as_bytes(), START)
    });
    let answers = answers.collect();
    let files = sim.guest().files().map(|(path, content)| (path.to_owned(), content.to_vec()));
    (answers, files.collect())
}

/// The next client is answered, though it says no 0xFF, and nothing is open in the guest.
#[track_caller]
fn assert_tidy(line: &mut SimLine, what: &str) {
    let request = b"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":7}}\n";
    let answer = say(&mut line.sim, request, line.now);
    let answer = answer.replace(' ', "");
    assert!(line.is_quiet() && answer == "\u{FFFD}{\"return\":7}\n", "{what}: {answer}");
    let guest = line.sim.guest();
    assert_eq!((guest.open_files(), guest.untold_programs()), (0, 0), "{what}");
}

#[test]
fn a_guest_that_was_only_asked_is_unchanged() {
    for personality in Personality::ALL {
        let before = state(&mut Sim::new(Guest::with(personality)));
        let mut line = SimLine::new(Guest::with(personality), Pieces::Whole);
        run(&mut line, &Options::new());
        assert_tidy(&mut line, personality.name());
        assert!(state(&mut line.sim) == before, "{personality}");
    }
}

#[test]
fn of_a_guest_that_was_changed_all_is_put_back_but_one_empty_file() {
    for personality in Personality::ALL {
        let (before, files) = state(&mut Sim::new(Guest::with(personality)));
        let mut line = SimLine::new(Guest::with(personality), Pieces::Whole);
        let report = run(&mut line, &Options::new().writes(true));
        assert_tidy(&mut line, personality.name());
        let (after, mut changed) = state(&mut line.sim);
        assert!(before == after, "{personality}");
        changed.retain(|file| !files.contains(file));
        let left = report.left().map(|path| (path.replace('\\', "/"), Vec::new()));
        let left = left.map(|(path, content)| (path.trim_start_matches('/').to_owned(), content));
        let changed = changed.pop().map(|(path, content)| (path.trim_start_matches('/').to_owned(), content));
        assert_eq!(changed, left, "{personality}");
    }
}

/// No command is ever sent but those that are known to be harmless, and none that makes an agent lose a descriptor.
#[test]
fn nothing_harmful_is_sent() {
    const HARMLESS: [&str; 8] = [
        "guest-file-open",
        "guest-file-close",
        "guest-file-read",
        "guest-file-write",
        "guest-file-seek",
        "guest-file-flush",
        "guest-exec",
        "guest-exec-status",
    ];
    for personality in Personality::ALL {
        for writes in [false, true] {
            let mut line = SimLine::new(Guest::with(personality), Pieces::Whole);
            run(&mut line, &Options::new().writes(writes));
            let sent = String::from_utf8_lossy(&line.sent);
            for (at, _) in sent.match_indices("guest-") {
                let end = sent[at..].find('"').map_or(sent.len(), |end| at + end);
                let name = &sent[at..end];
                // Half a name is no command.
                let Some(command) = metadata::command(name) else { continue };
                assert!(command.query || writes && HARMLESS.contains(&name), "{personality}: {name}");
            }
            for (at, word) in sent.match_indices("\"capture-output\":") {
                let value = &sent[at + word.len()..];
                assert!(value.starts_with("true") || value.starts_with("false"), "{personality}");
            }
            for word in
                ["stdout", "stderr", "guest-shutdown", "guest-suspend", "guest-set", "fsfreeze-freeze"]
            {
                assert!(!sent.contains(word), "{personality}: {word}");
            }
        }
    }
}

/// Stops at one point after the other, at each of which something is said or heard.
#[test]
fn a_run_that_is_stopped_is_left_in_order() {
    for (personality, stride) in
        [(Personality::Qemu10, 3), (Personality::Qemu11, 11), (Personality::Apple, 13)]
    {
        let mut steps = 0;
        loop {
            let flag = Arc::new(AtomicBool::new(false));
            let mut line = SimLine::new(Guest::with(personality), Pieces::Whole);
            let (stop, mut left) = (Arc::clone(&flag), steps);
            line.meddler = Some(Box::new(move |_| match left {
                0 => stop.store(true, Ordering::Relaxed),
                _ => left -= 1,
            }));
            let options = Options::new().writes(true).stop(flag);
            let report = run(&mut line, &options);
            line.meddler = None;
            assert_tidy(&mut line, &format!("{personality} {steps}"));
            if report.ending() == &Ending::Complete {
                break;
            }
            assert_eq!(report.ending(), &Ending::Stopped, "{personality} {steps}");
            // That it was stopped makes no check fail.
            let is_own = |name: &str| matches!(name, "several-lines" | "no-newline" | "info-version");
            let mut failed = report.failed().map(|outcome| outcome.check.name);
            let other = failed.find(|name| !is_own(name) && !name.starts_with("kubevirt-"));
            assert_eq!(other, None, "{personality} {steps}");
            steps += stride;
        }
        assert!(steps > 300, "{steps}");
    }
}

/// An agent that takes its time for each answer, and time that is over at any point.
#[test]
fn a_run_whose_time_is_over_is_left_in_order() {
    let slow = Duration::from_millis(7);
    for personality in [Personality::Qemu5, Personality::Qemu11, Personality::Windows] {
        let mut timeout = Duration::from_millis(20);
        loop {
            let mut sim = Sim::new(Guest::with(personality));
            sim = sim
                .fault(Fault::new(FaultKind::Delay(slow)))
                .fault(Fault::new(FaultKind::Delay(slow)).of("sync"));
            let mut line = SimLine::new(sim, Pieces::Whole);
            let report = run(&mut line, &Options::new().writes(true).timeout(timeout));
            let took = line.now - START;
            assert!(took <= timeout, "{personality} {timeout:?}: {took:?}");
            // What was still on its way when it ended.
            line.now += Duration::from_secs(10);
            line.drain();
            let guest = line.sim.guest();
            let open = (guest.open_files(), guest.untold_programs());
            assert_eq!(open, (0, 0), "{personality} {timeout:?}: {:?}", report.ending());
            if report.ending() == &Ending::Complete {
                assert_eq!(report.count(Verdict::Fail), 0, "{:?}", misses(&report));
                break;
            }
            timeout += Duration::from_millis(97);
        }
    }
}

/// The futures of such a line are ready at once, and so is this one.
#[test]
fn the_checks_need_no_runtime() {
    let mut line = SimLine::new(Guest::new(), Pieces::Whole);
    let report = complete(check(&mut line, &Options::default()));
    assert!(report.is_clean() && report.has_met() && report.version() == Some("10.0.2"));
}
