//! `qga conform`: does an agent do what is expected of it?

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use qga_conform::{Client, Contentment, Ending, Options, Outcome, Report, Verdict};
use qga_proto::Diagnosis;
use qga_std::block_on;
use serde_json::{Value, json};

use super::Done;
use crate::cli::Cli;
use crate::connection;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, Table, brief, escape};
use crate::signals::{self, Stoppable};

/// Long enough for an agent that takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer may take: this part of all the time, but no less than the one, and no more than the other.
const PATIENCE_PART: u32 = 30;
const LEAST_PATIENCE: Duration = Duration::from_secs(2);
const MOST_PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn run(cli: &Cli, writes: bool) -> Result<Done, Failure> {
    let guest = Guests::of(cli)?.exactly_one("conform")?;
    signals::guard()?;
    let timeout = cli.timeout.unwrap_or(TIMEOUT);
    let deadline = Instant::now() + timeout;
    let mut line = connection::open(&guest, deadline)?;
    let stoppable = Stoppable::begin();
    let options = Options::new()
        .writes(writes)
        .timeout(deadline.saturating_duration_since(Instant::now()))
        .patience((timeout / PATIENCE_PART).clamp(LEAST_PATIENCE, MOST_PATIENCE))
        .stop(stoppable.flag());
    let report = block_on(qga_conform::check(&mut line, &options));
    drop(line);
    stoppable.end();
    if !report.has_met() {
        return Err(nobody(&report).at(&guest.address));
    }
    let text = match cli.json {
        true => output::document(&document(&report, &guest.address)),
        false => text(&report, &guest.address),
    };
    Ok(Done { text, failure: failure(&report).map(|failure| failure.at(&guest.address)) })
}

/// There was no agent to be checked.
fn nobody(report: &Report) -> Failure {
    let (kind, message, diagnosis) = match report.ending() {
        Ending::Lost(why) => (Kind::Connection, why.clone(), Diagnosis::Lost),
        Ending::NoAgent(Some(seen)) => {
            (Kind::Deadline, format!("what comes is not an agent's: {seen}"), Diagnosis::Foreign)
        }
        _ => (Kind::Deadline, "there is a connection, and nobody answers".to_owned(), Diagnosis::Silent),
    };
    let failure = Failure::new(kind, message).advise(diagnosis.advice());
    let failure = failure.detail("diagnosis", diagnosis.name()).detail("fate_unknown", false);
    if kind == Kind::Deadline { failure.detail("heard", false) } else { failure }
}

/// What went wrong, if anything did.
fn failure(report: &Report) -> Option<Failure> {
    let (failed, all) = (report.count(Verdict::Fail), report.outcomes().len());
    if failed > 0 {
        let names: Vec<_> = report.failed().map(|outcome| outcome.check.name).collect();
        let message = format!("{failed} of {all} checks failed: {}", names.join(", "));
        return Some(Failure::new(Kind::Failed, message));
    }
    if *report.ending() == Ending::Complete {
        return None;
    }
    // Else a check has failed: in one of them the agent fell silent, or was lost.
    let failure = Failure::new(Kind::Deadline, "the deadline passed, and not all was checked")
        .advise("give it more time with -t");
    let failure = failure.detail("diagnosis", Diagnosis::Slow.name()).detail("fate_unknown", false);
    Some(failure.detail("heard", true))
}

fn text(report: &Report, address: &str) -> String {
    let mut text = table(report);
    if report.failed().next().is_some() {
        let mut table = Table::new(["check", "what is expected"]).indented();
        report.failed().for_each(|outcome| table.text(outcome.check.name, outcome.check.expected));
        // Strings take all that is written to them.
        let _ = write!(text, "\nFailed\n{}", table.render());
    }
    let mut clients = Table::new(["client", "is"]).indented();
    for client in Client::ALL {
        clients.text(client.name(), &content(report, client));
    }
    let _ = write!(text, "\nClients\n{}\n", clients.render());
    if let Some(path) = report.left() {
        let _ = writeln!(text, "Left in the guest, as it could not be removed: {}", escape::text(path));
    }
    let _ = writeln!(text, "{}", summary(report, address));
    text
}

/// A row for each check, below one for its group; one for a group of which nothing was checked.
fn table(report: &Report) -> String {
    let mut table = Table::new(["check", "verdict", "seen"]);
    for group in report.outcomes().chunk_by(|one, two| one.check.group == two.check.group) {
        let [first, others @ ..] = group else { continue };
        let name = first.check.group.name();
        let is_alike = |other: &Outcome| (other.verdict, &other.seen) == (Verdict::NotRun, &first.seen);
        if !others.is_empty() && group.iter().all(is_alike) {
            table.note(name, &format!("not run: {}", first.seen));
            continue;
        }
        table.row([name.to_owned(), String::new(), String::new()]);
        for Outcome { check, verdict, seen, .. } in group {
            table.row([format!("  {}", check.name), verdict.name().to_owned(), seen.clone()]);
        }
    }
    table.render()
}

/// Whether a client is content, and if not what it is that it lacks.
fn content(report: &Report, client: Client) -> String {
    let is_lacking = |outcome: &&Outcome| {
        client.needs(&outcome.check) && !matches!(outcome.verdict, Verdict::Pass | Verdict::NotRun)
    };
    let lacking: Vec<_> =
        report.outcomes().iter().filter(is_lacking).map(|outcome| outcome.check.name).collect();
    match lacking.is_empty() {
        true => report.contentment(client).to_string(),
        false => format!("{}: {}", report.contentment(client), lacking.join(", ")),
    }
}

fn summary(report: &Report, address: &str) -> String {
    let counts: Vec<_> = Verdict::ALL
        .into_iter()
        .map(|verdict| (report.count(verdict), counted(verdict)))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let version = report.version().map(|version| format!(", version {}", brief(version))).unwrap_or_default();
    let counts = counts.join(", ");
    let end = ended(report.ending()).map(|end| format!("; {end}")).unwrap_or_default();
    format!("The agent at {}{version}: {counts}{}.", escape::text(address), escape::text(&end))
}

fn counted(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::NotSupported => "not supported",
        Verdict::NotRun => "not run",
    }
}

/// Why not all was checked, if it was not.
fn ended(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Complete => None,
        Ending::Lost(why) => Some(why.clone()),
        Ending::Silent(why) => Some((*why).to_owned()),
        Ending::TimedOut => Some("the deadline passed".to_owned()),
        _ => Some("the checks were stopped".to_owned()),
    }
}

fn document(report: &Report, address: &str) -> Value {
    let checks = report.outcomes().iter().map(|Outcome { check, verdict, seen, .. }| {
        json!({
            "name": check.name,
            "group": check.group.name(),
            "expected": check.expected,
            "writes": check.writes,
            "verdict": key(*verdict),
            "seen": Some(seen).filter(|seen| !seen.is_empty()),
        })
    });
    let clients = Client::ALL.map(|client| {
        let content = report.contentment(client);
        json!({ "name": client.name(), "content": content == Contentment::Yes, "is": content.name() })
    });
    let counts: serde_json::Map<_, _> =
        Verdict::ALL.map(|verdict| (key(verdict), report.count(verdict).into())).into_iter().collect();
    json!({
        "address": address,
        "version": report.version(),
        "checks": checks.collect::<Vec<_>>(),
        "clients": clients,
        "counts": counts,
        "complete": *report.ending() == Ending::Complete,
        "ended": ended(report.ending()),
        "left": report.left(),
    })
}

/// A verdict's name in JSON.
fn key(verdict: Verdict) -> String {
    verdict.name().replace(' ', "_")
}
