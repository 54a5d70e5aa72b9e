//! Agents that are right but for one thing: the checks that are about it fail, and no others. Every check can fail.

mod common;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use common::{Pieces, SimLine, complete};
use qga_conform::{Check, Options, Report, check};
use qga_proto::{Instant, Transport};
use qga_sim::{Fault, FaultKind, Guest, Personality, Sim};

/// A text in which each character is a byte.
type Latin = String;

fn latin(bytes: &[u8]) -> Latin {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// A line on which somebody alters what is said.
struct Altered {
    line: SimLine,
    /// Alters what leaves in one write.
    requests: fn(Latin) -> Latin,
    /// Alters a line that the agent says, with its end.
    replies: fn(Latin) -> Latin,
    said: Vec<u8>,
}

impl Transport for Altered {
    type Error = Infallible;

    fn now(&self) -> Instant {
        self.line.now()
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        while self.said.is_empty() {
            let mut line = Vec::new();
            let mut byte = [0];
            while !line.ends_with(b"\n") {
                match self.line.read(&mut byte, deadline).await? {
                    Some(0) | None => return Ok(None),
                    Some(_) => line.push(byte[0]),
                }
            }
            self.said = bytes(&(self.replies)(latin(&line)));
        }
        let n = buffer.len().min(self.said.len());
        buffer.iter_mut().zip(self.said.drain(..n)).for_each(|(place, byte)| *place = byte);
        Ok(Some(n))
    }

    async fn write(&mut self, said: &[u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        let altered = bytes(&(self.requests)(latin(said)));
        let mut rest = &altered[..];
        while !rest.is_empty() {
            let n = self.line.write(rest, deadline).await?.expect("there is room");
            rest = &rest[n..];
        }
        Ok(Some(said.len()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        self.line.sleep_until(deadline).await;
    }
}

fn same(text: Latin) -> Latin {
    text
}

fn report_of(sim: Sim, requests: fn(Latin) -> Latin, replies: fn(Latin) -> Latin) -> Report {
    let mut line = Altered { line: SimLine::new(sim, Pieces::Whole), requests, replies, said: Vec::new() };
    // Nobody is to fall silent for being slow.
    let options =
        Options::new().writes(true).patience(Duration::from_secs(10)).timeout(Duration::from_secs(600));
    complete(check(&mut line, &options))
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.failed().map(|outcome| outcome.check.name).collect()
}

fn guest() -> Sim {
    Sim::new(Guest::with(Personality::Qemu10))
}

/// One thing that is wrong with what an agent says, and the checks that are about it.
type Reply = (&'static [&'static str], fn(Latin) -> Latin);

/// A reply is another where the agent's says this.
fn instead(line: Latin, of: &str, other: &str) -> Latin {
    if line.contains(of) { format!("{other}\n") } else { line }
}

#[rustfmt::skip]
const REPLIES: &[Reply] = &[
    (&["sync-delimited", "proxmox-pair", "proxmox-ping"], |line| line.replace('\u{FF}', "")),
    (&["sync", "sync-delimiter", "libvirt-sync"], |line| format!("\u{FF}{line}")),
    (&["sync-delimiter"], |line| if line.contains("error") { format!("\u{FF}{line}") } else { line }),
    (&["sync-numbers"], |line| line.replace("\"return\": 9007199254740993", "\"return\": 9007199254740992")),
    (&["reply-lines", "guest-get-users", "libvirt-lines"], |line| match line.contains("login-time") {
        true => format!("{line}{{\"event\": \"LOGIN\"}}\n"),
        false => line,
    }),
    (&["reply-ascii"], |line| line.replace("\"desc\": \"", "\"desc\": \"\u{C3}\u{A9}")),
    (&["reply-ascii"], |line| line.replace('\n', "\r\n")),
    (&["id-echo"], |line| line.replace(", \"id\": 61}", "}")),
    (&["id-kinds"], |line| line.replace("\"id\": null", "\"id\": 0")),
    (&["id-kinds"], |line| line.replace(", \"b\": 1}", "}")),
    (&["id-exact"], |line| line.replace("\"id\": 18446744073709551615", "\"id\": 1.8446744073709552e19")),
    (&["id-in-errors"], |line| line.replace("\"id\": 61, \"error\"", "\"error\"")),
    (&["unknown-command", "libvirt-unsupported"], |line| line.replace("CommandNotFound", "GenericError")),
    (&["id-in-errors", "missing-argument"], |line| instead(line, "Parameter 'id' is missing", "{\"return\": 0, \"id\": 61}")),
    (&["wrong-type"], |line| instead(line, "Invalid parameter type for 'id'", "{\"return\": 5}")),
    (&["unknown-argument"], |line| instead(line, "Parameter 'qga-conform' is unexpected", "{\"return\": 1}")),
    (&["bad-arguments"], |line| instead(line, "'arguments' must be an object", "{\"return\": {}}")),
    (&["unknown-member"], |line| instead(line, "member 'qga-conform' is unexpected", "{\"return\": 1}")),
    (&["id-in-errors", "no-command"], |line| instead(line, "lacks member 'execute'", "{\"return\": {}, \"id\": 61}")),
    (&["no-object"], |line| if line.contains("must be a JSON object") { String::new() } else { line }),
    (&["garbage", "broken-message", "bad-text"], |line| if line.contains("parse error") { String::new() } else { line }),
    (&["bad-text"], |line| if line.contains("invalid UTF-8") { String::new() } else { line }),
    (&["deep-nesting"], |line| if line.contains("nesting depth") { String::new() } else { line }),
    (&["error-shape"], |line| line.replace("\"desc\": \"", "\"code\": 5, \"desc\": \"")),
    (&["error-classes"], |line| line.replace("GenericError", "InvalidParameter")),
    (&["guest-info", "kubevirt-version"], |line| line.replace("\"version\": \"10.0.2\"", "\"release\": \"10.0.2\"")),
    (&["info-names"], |line| line.replace("\"name\": \"guest-get-load\"", "\"name\": \"guest-ping\"")),
    (&["info-silent"], |line| line.replace("\"success-response\": false", "\"success-response\": true")),
    (&["info-version", "kubevirt-version"], |line| line.replace("10.0.2", "10.0")),
    (&["kubevirt-commands"], |line| line.replace("\"name\": \"guest-get-timezone\"", "\"name\": \"guest-get-zone\"")),
    (&["file-open"], |line| instead(line, "{\"return\": 1000}", "{\"return\": \"1000\"}")),
    (&["file-modes"], |line| instead(line, "invalid file open mode 'rw'", "{\"return\": \"rw\"}")),
    (&["file-missing"], |line| instead(line, "-missing'", "{\"return\": \"file\"}")),
    (&["file-write", "file-append"], |line| line.replace("{\"count\": 12, \"eof\": false}", "{\"count\": 11, \"eof\": false}")),
    (&["file-count"], |line| line.replace("{\"count\": 4, \"eof\": false}", "{\"count\": 12, \"eof\": false}")),
    (&["file-bad-count"], |line| instead(line, "value '13' is invalid", "{\"return\": {\"count\": 12, \"eof\": false}}")),
    (&["file-bad-count"], |line| instead(line, "value '-1' is invalid", "{\"return\": {\"count\": 0, \"eof\": false}}")),
    (&["file-base64"], |line| instead(line, "invalid characters", "{\"return\": {\"count\": 0, \"eof\": false}}")),
    (&["file-read"], |line| line.replace("Y29uZm9ybQo=", "Y29uZm9ybQ==")),
    (&["file-end"], |line| line.replace("\"buf-b64\": \"\", \"eof\": true", "\"buf-b64\": \"\", \"eof\": false")),
    (&["file-seek"], |line| line.replace("\"position\": 5", "\"position\": 1")),
    (&["file-append"], |line| line.replace("cWdhLWNvbmZvcm0KcWdhLWNvbmZvcm0K", "cWdhLWNvbmZvcm0K")),
    (&["file-long-write"], |line| line.replace("\"count\": 61440", "\"count\": 61439")),
    (&["file-close"], |line| instead(line, "\"handle '", "{\"return\": {}}")),
    (&["exec", "exec-output"], |line| line.replace("\"exited\": true", "\"exited\": 1")),
    (&["exec"], |line| line.replace("\"exitcode\": 0", "\"exitcode\": 1")),
    (&["exec-once", "exec-unknown-pid"], |line| instead(line, "does not exist", "{\"return\": {\"exited\": false}}")),
    (&["exec-output"], |line| line.replace("\"out-data\": \"cWdhLWNvbmZvcm0K\"", "\"out-data\": \"\"")),
    (&["exec-missing-program"], |line| instead(line, "Failed to execute", "{\"return\": {}}")),
];

/// One thing that is wrong with how an agent reads, and the checks that are about it.
type Request = (&'static [&'static str], fn(Latin) -> Latin);

#[rustfmt::skip]
const REQUESTS: &[Request] = &[
    (&["blank-lines"], |said| said.replace("\n\n", "\n[]\n")),
    (&["blank-lines", "white-space"], |said| said.replace('\t', "@")),
    (&["white-space"], |said| said.replace("} \t\r\n", "} \t@\n")),
    (&["pieces"], |said| if said == "{\"exec" { String::new() } else { said }),
    (&["sync-numbers", "pipeline", "id-kinds", "id-exact", "many-requests"], |said| {
        let mut lines: Vec<_> = said.split_inclusive('\n').collect();
        // Six are the four of a check, and the two behind them.
        if lines.iter().filter(|line| line.contains("guest-sync")).count() >= 6 {
            lines.remove(1);
        }
        lines.concat()
    }),
    (&["member-order", "proxmox-pair", "proxmox-ping"], |said| said.replace("{\"arguments\":{\"id\"", "{\"argument\":{\"id\"")),
    (&["empty-arguments"], |said| said.replace("\"guest-ping\",\"arguments\":{}", "\"guest-ping\",\"arguments\":{\"a\":1}")),
    (&["brackets-in-strings"], |said| said.replace("}]\\\"{[", "}]\"{[")),
    (&["reset"], |said| said.replace("guest-p\u{FF}", "guest-p")),
    (&["reset"], |said| said.replace("open \u{FF}", "open ")),
    (&["reset-cost"], |said| said.replace("\u{FF}\u{FF}\u{FF}", "\u{FF}\u{FF}\u{FF}\u{FF}")),
    (&["long-request", "long-string", "file-long-write"], |said| {
        said.split_inclusive('\n').filter(|line| line.len() < 65536).collect()
    }),
    (&["file-flush"], |said| said.replace("guest-file-flush", "guest-file-flash")),
    (&["empty-arguments", "guest-ping", "libvirt-command", "proxmox-pair", "proxmox-ping"],
        |said| said.replace("\"guest-ping\"", "\"guest-info\"")),
];

#[test]
fn an_agent_that_is_right_fails_nothing() {
    assert_eq!(failed(&report_of(guest(), same, same)), [""; 0]);
}

/// Each report fails what is expected. All that do not are told of.
#[track_caller]
fn assert_fails(rows: impl Iterator<Item = (&'static [&'static str], Report)>) {
    let mut wrong = String::new();
    for (at, (expected, report)) in rows.enumerate() {
        if failed(&report) != expected {
            let seen = report.failed().map(|outcome| format!("  {}: {}\n", outcome.check.name, outcome.seen));
            wrong += &format!("{at}: {expected:?}\n{}", seen.collect::<String>());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_wrong_with_replies() {
    let rows = REPLIES.iter().map(|(expected, alter)| (*expected, report_of(guest(), same, *alter)));
    assert_fails(rows);
}

#[test]
fn what_is_wrong_with_reading() {
    let rows = REQUESTS.iter().map(|(expected, alter)| (*expected, report_of(guest(), *alter, same)));
    assert_fails(rows);
}

/// What an agent is too slow for.
const SLOW: [(&str, u64, &[&str]); 2] =
    [("guest-ping", 4, &["proxmox-ping"]), ("guest-sync", 6, &["libvirt-sync"])];

#[test]
fn what_is_too_slow() {
    for (command, seconds, expected) in SLOW {
        let delay = FaultKind::Delay(Duration::from_secs(seconds));
        let report = report_of(guest().fault(Fault::new(delay).of(command)), same, same);
        assert_eq!(failed(&report), expected, "{:?}", report.failed().collect::<Vec<_>>());
    }
}

/// The replies of commands that only ask, each of another type.
fn wrong_types() -> Vec<&'static str> {
    let report = report_of(guest().fault(Fault::new(FaultKind::WrongType)), same, same);
    let is_command = |name: &&str| name.starts_with("guest-");
    failed(&report).into_iter().filter(is_command).collect()
}

#[test]
fn every_check_can_fail() {
    let lists = REPLIES.iter().chain(REQUESTS).map(|(names, _)| *names).chain(SLOW.map(|(.., names)| names));
    let mut failing: BTreeSet<_> = lists.flatten().copied().collect();
    failing.extend(wrong_types());
    // Agents that read lines fail these.
    failing.extend(["several-lines", "no-newline"]);
    // Linux does not have the one, and the other fails only with those that it is made of.
    failing.extend(["guest-get-devices", "file-removed"]);
    let missing: Vec<_> =
        Check::all().map(|check| check.name).filter(|name| !failing.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}
