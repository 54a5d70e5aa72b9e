//! Asking one guest, or many at once.

use std::time::{Duration, Instant};

use super::{Done, many, rows};
use crate::cli::Cli;
use crate::connection::Connection;
use crate::error::Failure;
use crate::guests::{Guest, Guests};
use crate::signals;

/// What can be asked of one guest, or of many at once.
pub(super) trait Question: Sync {
    type Answer;

    /// The heads of a table in which each guest has a row. A column that has none is not used.
    const COLUMNS: Columns<&'static str>;

    /// How long it may take where the command line does not say.
    fn timeout(&self) -> Duration {
        super::TIMEOUT
    }

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure>;

    /// The answer as JSON, in one line.
    fn document(answer: Self::Answer) -> Result<String, Failure>;

    /// The answer for humans, of the only guest.
    fn text(answer: Self::Answer) -> Result<String, Failure>;

    /// The answer for humans, in a row.
    fn cells(answer: Self::Answer) -> Result<Columns<String>, Failure>;
}

/// What a row has beside the guest's name.
pub(super) type Columns<T> = [T; 4];

/// Asks whom the command line names.
pub(super) fn run<Q: Question>(cli: &Cli, question: &Q) -> Result<Done, Failure> {
    let guests = Guests::of(cli)?;
    signals::guard()?;
    let deadline = Instant::now() + cli.timeout.unwrap_or_else(|| question.timeout());
    // The connection has ended when this returns.
    let ask = |guest: &Guest| question.ask(&mut Connection::new(guest, deadline));
    match guests {
        Guests::None => Err(Failure::usage("no agent's address is given")
            .advise("say -c unix:PATH (or set QGA_CONNECT), or -c sim: for a simulated guest")),
        Guests::One(guest) if cli.json => ask(&guest).and_then(Q::document).map(Done::from),
        Guests::One(guest) => ask(&guest).and_then(Q::text).map(Done::from),
        Guests::Many(guests) if cli.json => {
            Ok(rows::array(many::each(guests, cli.jobs, deadline, |guest| ask(guest).and_then(Q::document))))
        }
        Guests::Many(guests) => {
            let rows = many::each(guests, cli.jobs, deadline, |guest| ask(guest).and_then(Q::cells));
            Ok(rows::table(Q::COLUMNS, rows))
        }
    }
}
