//! `qga ping`: does the agent answer?

use std::time::Instant;

use qga_proto::commands::GuestPing;
use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output;

pub(super) struct Question;

/// The agent answers.
pub(super) struct Answer {
    address: String,
    /// With the connection and the sync, which may find an agent that takes its time.
    milliseconds: f64,
}

impl ask::Question for Question {
    type Answer = Answer;

    const COLUMNS: Columns<&'static str> = ["answers after", "", "", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Answer, Failure> {
        let start = Instant::now();
        connection.call(&GuestPing::new())?;
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        Ok(Answer { address: connection.address().to_owned(), milliseconds })
    }

    fn document(answer: Answer) -> String {
        let milliseconds = (answer.milliseconds * 1000.0).round() / 1000.0;
        output::document(&json!({ "address": answer.address, "milliseconds": milliseconds }))
    }

    fn text(answer: Answer) -> String {
        let (address, milliseconds) = (output::escape::text(&answer.address), answer.milliseconds);
        format!("the agent at {address} answers, after {milliseconds:.1} ms\n")
    }

    fn cells(answer: Answer) -> Columns<String> {
        let mut cells = Columns::default();
        cells[0] = format!("{:.1} ms", answer.milliseconds);
        cells
    }
}
