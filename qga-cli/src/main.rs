//! The program `qga`: asks QEMU guest agents, calls their commands, and plays one.

#[cfg(not(unix))]
compile_error!(
    "qga runs on Unix systems: it catches signals, and its simulated guest talks over a socket pair"
);

mod arguments;
mod cli;
mod commands;
mod connection;
mod diagnosis;
mod error;
mod guests;
mod output;
mod record;
mod signals;
mod streams;
mod suggestion;
mod terminal;
mod work;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(end) => return end.report(),
    };
    // Every connection has ended when this returns, and is drained: nothing below can cut one.
    let done = commands::run(&cli);
    // A failure of the guest's says more than one of the record.
    let recorded = record::finish();
    let result = done.and_then(|done| {
        output::print(&done.text)?;
        done.failure.map_or(recorded, Err)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(cli.json);
            failure.exit_code()
        }
    }
}
