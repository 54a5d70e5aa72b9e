//! `qga time`: the guest's clock, and setting it to this computer's.

use std::time::Duration;

use qga_proto::{ClockReading, ClockSet};
use qga_std::wall_clock;
use serde_json::{Value, json};

use super::Done;
use super::ask::{self, Columns};
use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::guests::Guests;
use crate::output::{self, units};
use crate::work;

/// Show the guest's clock, or set it to this computer's
#[derive(Debug, clap::Args)]
#[command(after_help = "\
How exact the difference is depends on how long the agent takes to answer.

After a guest was stopped, its clock is behind for as long as that was: --set
mends that. Where the guest has no hardware clock that could be set, too, some
agents say so though they have set the clock; that is told, and no failure.")]
pub(crate) struct Args {
    /// Set the guest's clock to what this computer's shows
    #[arg(long)]
    set: bool,
}

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    if !args.set {
        return ask::run(cli, guests, &Question);
    }
    let guest = guests.exactly_one("time --set")?;
    let set = work::with_guest(cli, &guest, super::TIMEOUT, |work| {
        work.flow(false, async |session, deadline| session.set_clock(wall_clock(), deadline).await)
    })?;
    Ok(Done::from(match cli.json {
        true => output::document(&set_document(&set)),
        false => set_text(&set),
    }))
}

struct Question;

impl ask::Question for Question {
    type Answer = ClockReading;

    const COLUMNS: Columns<&'static str> = ["time", "clock", "", ""];

    fn ask(&self, connection: &mut Connection) -> Result<ClockReading, Failure> {
        connection.flow(true, async |session, deadline| session.read_clock(wall_clock(), deadline).await)
    }

    fn document(reading: ClockReading) -> String {
        output::document(&document(&reading))
    }

    fn text(reading: ClockReading) -> String {
        format!("{}, {}\n", time(reading.guest), difference(&reading))
    }

    fn cells(reading: ClockReading) -> Columns<String> {
        [time(reading.guest), difference(&reading), String::new(), String::new()]
    }
}

fn time(nanoseconds: i64) -> String {
    units::time(nanoseconds).unwrap_or_else(|| format!("{nanoseconds} ns since 1970"))
}

/// How far the guest's clock is off, where that is more than can be told.
fn difference(reading: &ClockReading) -> String {
    let off = Duration::from_nanos(reading.ahead.unsigned_abs());
    let exact = format!("± {}", seconds(reading.precision));
    match reading.ahead.is_negative() {
        _ if off <= reading.precision => format!("the same as this computer's ({exact})"),
        true => format!("{} behind this computer's ({exact})", seconds(off)),
        false => format!("{} ahead of this computer's ({exact})", seconds(off)),
    }
}

/// A length of time, exact where it is short.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        1..120 => format!("{:.1} s", time.as_secs_f64()),
        seconds => units::duration(seconds),
    }
}

fn set_text(set: &ClockSet) -> String {
    let hardware = match set.refusal {
        Some(_) => "; its hardware clock could not be set, so it will start with a wrong time",
        None => "",
    };
    let (now, before) = (time(set.after.guest), difference(&set.before));
    format!("the guest's clock is set: {now}, {}; it was {before}{hardware}\n", difference(&set.after))
}

fn document(reading: &ClockReading) -> Value {
    json!({
        "time": units::time(reading.guest),
        "time_ns": reading.guest,
        "ahead_ns": reading.ahead,
        "precision_ns": u64::try_from(reading.precision.as_nanos()).unwrap_or(u64::MAX),
    })
}

fn set_document(set: &ClockSet) -> Value {
    json!({
        "before": document(&set.before),
        "after": document(&set.after),
        "hardware_clock_refused": set.refusal.as_ref().map(|refusal| refusal.desc.as_str()),
    })
}
