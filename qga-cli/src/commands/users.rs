//! `qga users`: who is logged in.

use qga_proto::commands::GuestGetUsers;
use qga_proto::owned::GuestUser;
use serde_json::json;

use super::ask::{self, Columns};
use crate::connection::Connection;
use crate::error::Failure;
use crate::output::{self, Table, brief, escape, units};

pub(super) struct Question;

impl ask::Question for Question {
    type Answer = Vec<GuestUser>;

    const COLUMNS: Columns<&'static str> = ["count", "users", "", ""];

    fn ask(&self, connection: &mut Connection) -> Result<Self::Answer, Failure> {
        connection.call(&GuestGetUsers::new())
    }

    fn document(users: Self::Answer) -> String {
        output::document(&json!(users))
    }

    fn text(users: Self::Answer) -> String {
        if users.is_empty() {
            return "nobody is logged in\n".to_owned();
        }
        let mut table = Table::new(["user", "domain", "logged in since"]);
        for user in &users {
            table.row([
                escape::text(&user.user).into_owned(),
                escape::text(user.domain.as_deref().unwrap_or_default()).into_owned(),
                since(user),
            ]);
        }
        table.render()
    }

    fn cells(users: Self::Answer) -> Columns<String> {
        let names: Vec<_> = users.iter().take(NAMES).map(|user| brief(&user.user)).collect();
        [users.len().to_string(), names.join(", "), String::new(), String::new()]
    }
}

/// How many names a row has.
const NAMES: usize = 8;

/// The agent tells seconds, as a number with a fraction; a whole one is exact enough.
fn since(user: &GuestUser) -> String {
    // What does not fit becomes the nearest that does, which is no time that could be shown.
    let nanoseconds = (user.login_time.floor() as i64).saturating_mul(1_000_000_000);
    units::time(nanoseconds).unwrap_or_default()
}
