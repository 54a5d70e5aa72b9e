//! `qga trim`: gives unused blocks back to the host.

use qga_proto::Timeouts;
use qga_proto::commands::GuestFstrim;
use qga_proto::owned::GuestFilesystemTrimResult;
use serde_json::json;

use super::Done;
use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::guests::Guests;
use crate::output::{self, Table, escape, units};
use crate::work;

/// Give unused blocks of the guest's file systems back to the host; that may take minutes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out free ranges of less than so many bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(i64).range(0..))]
    minimum: Option<i64>,
}

pub(super) fn run(cli: &Cli, args: &Args, guests: Guests) -> Result<Done, Failure> {
    let guest = guests.exactly_one("trim")?;
    let mut command = GuestFstrim::new();
    command.minimum = args.minimum;
    let timeout = Timeouts::DEFAULT.of(GuestFstrim::NAME);
    let paths = work::with_guest(cli, &guest, timeout, |work| work.call(&command))?.paths;
    let text = match cli.json {
        true => output::document(&json!({ "paths": paths })),
        false => table(&paths),
    };
    let failed = paths.iter().filter(|path| path.error.is_some()).count();
    // That some cannot be trimmed is usual: what is on a CD, say.
    let failure = (failed > 0 && failed == paths.len()).then(|| {
        let message = "none of the guest's file systems could be trimmed";
        Failure::new(Kind::Refused, message).advise("the disks must have discard=unmap").at(&guest.address)
    });
    Ok(Done { text, failure })
}

fn table(paths: &[GuestFilesystemTrimResult]) -> String {
    if paths.is_empty() {
        return "trimmed; the agent does not tell what\n".to_owned();
    }
    let mut table = Table::new(["mount point", "trimmed", "error"]).right(&[1]);
    for path in paths {
        let trimmed = path.trimmed.and_then(|bytes| u64::try_from(bytes).ok());
        table.row([
            escape::text(&path.path).into_owned(),
            trimmed.map(units::bytes).unwrap_or_default(),
            escape::text(path.error.as_deref().unwrap_or_default()).into_owned(),
        ]);
    }
    table.render()
}
