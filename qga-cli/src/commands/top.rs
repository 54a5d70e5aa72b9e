//! `qga top`: what guests do, again and again.

use std::io::{self, IsTerminal};
use std::time::Duration;

use serde_json::{Value, json};

use super::Done;
use crate::cli::Cli;
use crate::error::{Failure, Kind, reason};
use crate::guests::{Guest, Guests};
use crate::output::{self, Table, brief, units};
use crate::signals;

mod rates;
mod sampler;
mod screen;

use rates::Rates;
use sampler::{Row, Sampler};

/// Show load, and rates of CPU, disk and network, of one or many guests, again and again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
q ends it, the arrows move. Where there is no terminal, with --once and with
--json the guests are looked at twice, and each has one row. A dash stands for
what an agent does not tell: load since QEMU 10.0; CPU and disks since 7.1, on
Linux only. The CPU's share is that of all processors together; disks are counted without
their partitions, and the network without loopback and the networks of
containers. Between two looks other clients can talk to the agents.")]
pub(crate) struct Args {
    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,

    /// Print one row for each guest, and end
    #[arg(long)]
    once: bool,
}

/// How often may be looked: more would keep agents from others.
const SHORTEST: f64 = 0.2;
const LONGEST: f64 = 3600.0;

fn interval(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (SHORTEST..=LONGEST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("it must be a number of seconds from {SHORTEST} to {LONGEST}")),
    }
}

/// How long a look may take, if the command line does not say: a guest that does not answer is told soon.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guests = match guests {
        Guests::One(guest) => vec![guest],
        Guests::Many(guests) => guests,
        Guests::None => Vec::new(),
    };
    signals::guard()?;
    let sampler = |rounds| {
        Sampler::start(guests.clone(), cli.jobs, args.interval, cli.timeout.unwrap_or(TIMEOUT), rounds)
    };
    if args.once || cli.json || !io::stdout().is_terminal() {
        let sampler = sampler(Some(2));
        sampler.wait();
        return Ok(once(cli, &guests, &sampler.rows()));
    }
    let shown = screen::show(&sampler(None), args.interval);
    // Threads may be in the middle of a look.
    signals::leave();
    shown.map_err(|error| {
        Failure::new(Kind::Output, format!("cannot draw on the terminal: {}", reason(&error)))
    })?;
    Ok(Done::from(String::new()))
}

/// What was seen, as a table or JSON.
fn once(cli: &Cli, guests: &[Guest], rows: &[Row]) -> Done {
    let failed: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    let failure = failed.first().map(|first| {
        let kinds_differ = failed.iter().any(|failed| failed.kind != first.kind);
        let kind = if kinds_differ { Kind::Several } else { first.kind };
        Failure::new(kind, format!("{} of {} guests failed", failed.len(), guests.len()))
    });
    let text = match cli.json {
        true => {
            let member = |(guest, row): (&Guest, &Row)| match row {
                Ok(rates) => {
                    json!({ "guest": guest.name, "address": guest.address, "result": document(rates) })
                }
                Err(failed) => {
                    json!({ "guest": guest.name, "address": guest.address, "error": failed.document })
                }
            };
            output::document(&guests.iter().zip(rows).map(member).collect())
        }
        false => {
            let mut table = Table::new(HEADS).right(&[1, 2, 3, 4, 5, 6]);
            for (guest, row) in guests.iter().zip(rows) {
                let name = brief(&guest.name);
                match row {
                    Ok(rates) => {
                        let [a, b, c, d, e, f] = cells(rates);
                        table.row([name, a, b, c, d, e, f]);
                    }
                    Err(failed) => table.note(&name, &failed.brief),
                }
            }
            table.render()
        }
    };
    Done { text, failure }
}

const HEADS: [&str; 7] = ["guest", "load", "cpu", "disk read", "disk written", "received", "sent"];

/// What a guest's row has beside its name.
fn cells(rates: &Rates) -> [String; 6] {
    let rate =
        |bytes: Option<f64>| bytes.map_or_else(nothing, |bytes| format!("{}/s", units::bytes(bytes as u64)));
    [
        rates.load.map_or_else(nothing, |load| format!("{load:.2}")),
        rates.cpu.map_or_else(nothing, |share| format!("{:.0}%", share * 100.0)),
        rate(rates.read),
        rate(rates.written),
        rate(rates.received),
        rate(rates.sent),
    ]
}

fn nothing() -> String {
    "-".to_owned()
}

fn document(rates: &Rates) -> Value {
    json!({
        "load1m": rates.load,
        "cpu": rates.cpu,
        "disk_read_bytes_per_second": rates.read,
        "disk_written_bytes_per_second": rates.written,
        "received_bytes_per_second": rates.received,
        "sent_bytes_per_second": rates.sent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!(interval("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "0.1", "-1", "3601", "nan", "inf", "often", ""] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!(cells(&Rates::default()), ["-"; 6]);
        let rates = Rates { load: Some(0.126), cpu: Some(0.5), read: Some(2048.0), ..Rates::default() };
        assert_eq!(cells(&rates), ["0.13", "50%", "2.0 KiB/s", "-", "-", "-"]);
    }
}
