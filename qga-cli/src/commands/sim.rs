//! `qga sim`: a simulated guest for other programs.

use serde_json::json;

use crate::cli::Cli;
use crate::error::{Failure, Kind, reason};
use crate::{output, signals};

pub(super) fn run(cli: &Cli, listen: &str) -> Result<String, Failure> {
    let failure = |error| {
        Failure::new(Kind::Connection, format!("cannot listen: {}", reason(&error)))
            .at(listen)
            .advise("give an address that is free: unix:PATH, tcp:HOST:PORT or vsock:CID:PORT")
    };
    let server = qga_sim::Server::bind(listen, qga_sim::Guest::new()).map_err(failure)?;
    let address = server.address().to_owned();
    let handle = server.spawn().map_err(failure)?;
    // Whoever started this waits for the line.
    output::print(&match cli.json {
        true => output::document(&json!({ "address": address }), true)?,
        false => format!("a simulated guest listens at {address}\n"),
    })?;
    signals::wait()?;
    drop(handle);
    Ok(String::new())
}
