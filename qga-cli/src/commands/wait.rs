//! `qga wait`: until the agent is ready.

use std::time::Duration;

use qga_proto::Ready;
use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output;

pub(super) struct Question;

/// The agent is ready.
pub(super) struct Answer {
    address: String,
    ready: Ready,
}

impl ask::Question for Question {
    type Answer = Answer;

    const COLUMNS: Columns<&'static str> = ["version", "ready after", "", ""];

    /// Long enough for a guest that boots.
    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn ask(&self, connection: &mut Connection) -> Result<Answer, Failure> {
        let ready = connection.wait_ready()?;
        Ok(Answer { address: connection.address().to_owned(), ready })
    }

    fn document(Answer { address, ready }: Answer) -> String {
        let document = json!({
            "address": address,
            "version": ready.capabilities.version(),
            "milliseconds": u64::try_from(ready.waited.as_millis()).unwrap_or(u64::MAX),
            "commands": ready.capabilities.info().supported_commands.len(),
        });
        output::document(&document)
    }

    fn text(Answer { address, ready }: Answer) -> String {
        let version = match ready.capabilities.version() {
            "" => String::new(),
            version => format!(", version {},", output::escape::text(version)),
        };
        let address = output::escape::text(&address);
        format!("the agent at {address}{version} is ready, after {}\n", seconds(&ready))
    }

    fn cells(answer: Answer) -> Columns<String> {
        let mut cells = Columns::default();
        cells[0] = output::brief(answer.ready.capabilities.version());
        cells[1] = seconds(&answer.ready);
        cells
    }
}

fn seconds(ready: &Ready) -> String {
    format!("{:.1} s", ready.waited.as_secs_f64())
}
