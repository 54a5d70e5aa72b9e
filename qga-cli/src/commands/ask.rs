//! Asking one guest, or many at once.

use std::time::{Duration, Instant};

use super::{Done, many, rows};
use crate::cli::Cli;
use crate::connection::{Connection, MOST_OF_MANY};
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

    /// When it began, from which the time that the command line gives is counted.
    fn begin(&self) -> Instant {
        Instant::now()
    }

    /// Whether to ask again does no harm.
    fn is_query(&self) -> bool {
        true
    }

    /// How many bytes a reply of one guest of many may have.
    fn max_reply_of_many(&self) -> usize {
        MOST_OF_MANY
    }

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure>;

    /// The answer as JSON, in one line.
    fn document(answer: Self::Answer) -> String;

    /// The answer for humans, of the only guest.
    fn text(answer: Self::Answer) -> String;

    /// The answer for humans, in a row.
    fn cells(answer: Self::Answer) -> Columns<String>;
}

/// What a row has beside the guest's name.
pub(super) type Columns<T> = [T; 4];

/// Asks the guests.
pub(super) fn run<Q: Question>(cli: &Cli, guests: Guests, question: &Q) -> Result<Done, Failure> {
    signals::guard()?;
    let deadline =
        cli.timeout.map_or_else(|| Instant::now() + question.timeout(), |timeout| question.begin() + timeout);
    let is_many = matches!(guests, Guests::Many(_));
    let ask = |guest: &Guest| {
        guest.check()?;
        let mut connection = Connection::new(guest, deadline);
        if is_many {
            connection.limit_replies(question.max_reply_of_many());
        }
        // The connection has ended when this returns.
        question.ask(&mut connection)
    };
    match guests {
        Guests::None => Ok(Done::from(String::new())),
        Guests::One(guest) if cli.json => ask(&guest).map(Q::document).map(Done::from),
        Guests::One(guest) => ask(&guest).map(Q::text).map(Done::from),
        Guests::Many(guests) if cli.json => {
            Ok(rows::array(many::each(guests, cli.jobs, deadline, |guest| ask(guest).map(Q::document))))
        }
        Guests::Many(guests) => {
            let rows = many::each(guests, cli.jobs, deadline, |guest| ask(guest).map(Q::cells));
            Ok(rows::table(Q::COLUMNS, rows, question.is_query()))
        }
    }
}
