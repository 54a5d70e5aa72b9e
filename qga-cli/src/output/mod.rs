//! Everything that is printed.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use qga_proto::json::RawBuf;
use serde_json::Value;

use crate::error::{Failure, Kind, reason};
use crate::streams::Patience;

pub(crate) mod escape;
mod reply;
mod style;
mod table;
pub(crate) mod units;

pub(crate) use style::wants_colours;
pub(crate) use table::{Table, brief, paragraph};

/// Prints a result. That nobody reads it to its end (`qga ... | head`) is nobody's fault.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    // Guests' words are escaped where they are put into a text; this holds where that was forgotten.
    let text = escape::marked_lines(text, style::is_mark);
    let text = style::apply(&text);
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {}", reason(&error));
            Err(Failure::new(Kind::Output, message))
        }
        _ => Ok(()),
    }
}

/// Prints one line to standard error.
pub(crate) fn print_error(line: &str) {
    /// How long a terminal may take to show it.
    const TIME: Duration = Duration::from_secs(2);

    let line = style::error_line(line).to_string();
    let print = move || writeln!(io::stderr(), "{line}");
    // Where nobody can be told, nobody is.
    let _ = match io::stderr().is_terminal() {
        true => Patience::since(Instant::now(), Some(TIME)).perform(print),
        false => print(),
    };
}

/// A value as one JSON document, in one line.
pub(crate) fn document(value: &Value) -> String {
    format!("{}\n", escape::json(&value.to_string()))
}

/// An agent's reply as one JSON document, in one line or for humans.
pub(crate) fn reply(reply: &RawBuf, one_line: bool) -> String {
    let document = if one_line { reply::compact(reply.as_str()) } else { reply::pretty(reply.as_str()) };
    format!("{}\n", escape::json(&document))
}
