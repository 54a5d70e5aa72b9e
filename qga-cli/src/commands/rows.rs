//! What came of many guests: a row for each.

use std::collections::BTreeMap;

use serde_json::json;

use super::Done;
use super::ask::Columns;
use super::many::Row;
use crate::error::{Failure, Kind};
use crate::output::{Table, escape};

/// Where each answer is a JSON document, one array of them all.
pub(super) fn array(rows: Vec<Row<String>>) -> Done {
    let failure = verdict(&rows);
    // Each member says all there is.
    let members: Vec<_> = rows.into_iter().map(member).collect();
    Done { text: format!("[{}]\n", members.join(",")), failure }
}

fn member(row: Row<String>) -> String {
    let Row { guest, result } = row;
    let (name, value) = match &result {
        Ok(document) => ("result", document.trim_end().to_owned()),
        Err(failure) => ("error", failure.document().to_string()),
    };
    let head = format!(r#"{{"guest":{},"address":{}"#, json!(guest.name), json!(guest.address));
    escape::json(&format!(r#"{head},"{name}":{value}}}"#)).into_owned()
}

/// How wide the guests' names are at least. Longer ones are broken where there is no room.
const NAMES: u16 = 20;

/// Where each answer is a table's cells, the table. Guests that failed have a row, too.
pub(super) fn table(heads: Columns<&str>, rows: Vec<Row<Columns<String>>>, is_query: bool) -> Done {
    let failure = verdict(&rows).map(|failure| advise(failure, &rows, is_query));
    let [a, b, c, d] = heads;
    let is_text = [b, c, d] == [""; 3];
    let mut table = Table::new(["guest", a, b, c, d]).names(NAMES);
    for Row { guest, result } in rows {
        // A file's name may have several lines.
        let name = escape::text(&guest.name).into_owned();
        match result {
            Ok([ref text, ..]) if is_text => table.text(&name, text),
            Ok([a, b, c, d]) => table.row([name, a, b, c, d]),
            Err(failure) => table.note(&name, &failure.brief()),
        }
    }
    Done { text: table.render(), failure }
}

/// The failure of them all: of the kind that all have which failed, if it is one.
fn verdict<T>(rows: &[Row<T>]) -> Option<Failure> {
    let mut counts = BTreeMap::new();
    for failure in rows.iter().filter_map(|row| row.result.as_ref().err()) {
        *counts.entry(failure.kind()).or_insert(0) += 1;
    }
    let kind = match counts.keys().collect::<Vec<_>>()[..] {
        [] => return None,
        [kind] => *kind,
        _ => Kind::Several,
    };
    let parts: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    let failed: usize = counts.values().sum();
    let message = format!("{failed} of {} guests failed ({})", rows.len(), parts.join(", "));
    Some(Failure::new(kind, message))
}

/// Says where there is more to be told; but to nobody who might have a command carried out twice for it.
fn advise<T>(failure: Failure, rows: &[Row<T>], is_query: bool) -> Failure {
    let failures = rows.iter().filter_map(|row| row.result.as_ref().err());
    match failures.filter(|failure| failure.is_fate_unknown()).count() {
        0 if is_query => failure.advise("--json tells more of each"),
        0 => failure,
        count => failure.advise(format!("the command may have been carried out by {count} of these")),
    }
}
