//! `qga ping`: does the agent answer?

use std::time::Instant;

use qga_proto::commands::GuestPing;
use serde_json::json;

use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::output;

pub(super) fn run(cli: &Cli) -> Result<String, Failure> {
    let start = Instant::now();
    let mut connection = Connection::open(cli)?;
    connection.call(&GuestPing::new())?;
    // With the connection and the sync, which may find an agent that takes its time.
    let took = start.elapsed().as_secs_f64() * 1000.0;
    let address = connection.address();
    if cli.json {
        let milliseconds = (took * 1000.0).round() / 1000.0;
        return output::document(&json!({ "address": address, "milliseconds": milliseconds }), true);
    }
    Ok(format!("the agent at {address} answers, after {took:.1} ms\n"))
}
