//! `qga sim`: a simulated guest for other programs.

use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use qga_sim::{Guest, Personality, Power, Server, Sim};
use serde_json::json;

use crate::cli::{self, Cli};
use crate::error::{Failure, Kind, reason};
use crate::{output, signals};

/// How long the guest sleeps when it is told to: nobody could wake it.
const SLEEP_TIME: Duration = Duration::from_secs(5);

pub(super) fn run(cli: &Cli, options: &cli::Sim) -> Result<String, Failure> {
    let failure = |error| failure(&options.listen, &error);
    let mut sim = match (&options.guest, &options.replay) {
        (Some(path), _) => read(path, "guest", Sim::from_toml)?,
        (None, Some(path)) => read(path, "transcript", Sim::replay)?,
        (None, None) => {
            let personality = options.personality.unwrap_or(Personality::Qemu10);
            Guest::with(personality).sleep_time(SLEEP_TIME).into()
        }
    };
    sim = options.faults.iter().cloned().fold(sim, Sim::fault);
    if let Some(seed) = options.seed {
        sim = sim.seed(seed);
    }
    if let Some(useless) = sim.useless_fault() {
        return Err(
            Failure::usage(useless.to_string()).advise("see 'qga sim --help' for what faults there are")
        );
    }
    let server = Server::bind(&options.listen, sim).map_err(failure)?;
    let address = server.address().to_owned();
    let handle = server.spawn().map_err(failure)?;
    // Whoever started this waits for the line, and may end it as soon as that is there.
    let signals = signals::catch()?;
    output::print(&match cli.json {
        true => output::document(&json!({ "address": address })),
        false => format!("a simulated guest listens at {}\n", output::escape::text(&address)),
    })?;
    // Nobody could power it on again: this ends as a virtual machine's process does.
    signals.wait_or(|| handle.power() == Power::Off);
    drop(handle);
    Ok(String::new())
}

fn read<E: Display>(path: &Path, what: &str, parse: fn(&str) -> Result<Sim, E>) -> Result<Sim, Failure> {
    let shown = path.display();
    let unreadable = |error| Failure::usage(format!("cannot read '{shown}': {}", reason(&error)));
    let text = fs::read_to_string(path).map_err(unreadable)?;
    parse(&text).map_err(|error| {
        Failure::usage(format!("'{shown}' is no {what}: {error}"))
            .advise("see the documentation of qga-sim for what it can say")
    })
}

fn failure(listen: &str, error: &io::Error) -> Failure {
    // What has no number of the system's was found in the address itself.
    if error.kind() == ErrorKind::InvalidInput && error.raw_os_error().is_none() {
        return Failure::usage(format!("cannot listen at '{listen}': {}", reason(error)))
            .advise("an example is unix:/tmp/guest.sock");
    }
    Failure::new(Kind::Connection, format!("cannot listen: {}", reason(error)))
        .at(listen)
        .advise(advice_on_listening(error.kind()))
}

fn advice_on_listening(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "it is taken: give another, or end who has it",
        ErrorKind::AddrNotAvailable => "this system does not have that address: give one of its own",
        ErrorKind::NotFound => "see whether the folder or host exists",
        ErrorKind::PermissionDenied => "give one that you may use: a folder of yours, a port from 1024",
        ErrorKind::Unsupported => "this system has no such addresses",
        _ => "give another address",
    }
}
