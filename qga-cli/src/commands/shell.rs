//! `qga completions` and `qga man`: what shells and `man` want to know of the program.

use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use super::Done;
use crate::cli;
use crate::error::{Failure, Kind, reason};

/// Print what a shell needs to complete command lines
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  qga completions bash > /etc/bash_completion.d/qga
  qga completions zsh > \"${fpath[1]}/_qga\"
  qga completions fish > ~/.config/fish/completions/qga.fish")]
pub(crate) struct Completions {
    /// For which shell
    shell: Shell,
}

/// Write the manual's pages into a directory; - prints the first one
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Where to: qga.1, qga-info.1 and so on
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn completions(args: &Completions) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "qga", &mut script);
    Done::from(text(&script))
}

pub(super) fn man(args: &Man) -> Result<Done, Failure> {
    let cannot = |error| {
        let message = format!("cannot write to '{}': {}", args.folder.display(), reason(&error));
        Failure::new(Kind::Output, message).advise("give a directory that is there")
    };
    if args.folder == Path::new("-") {
        let mut page = Vec::new();
        clap_mangen::Man::new(cli::command()).render(&mut page).map_err(cannot)?;
        return Ok(Done::from(text(&page)));
    }
    if !args.folder.is_dir() {
        return Err(cannot(
            fs::File::open(args.folder.join("."))
                .err()
                .unwrap_or_else(|| std::io::ErrorKind::NotADirectory.into()),
        ));
    }
    clap_mangen::generate_to(cli::command(), &args.folder).map_err(cannot)?;
    Ok(Done::from(String::new()))
}

/// What is ours has no bytes that are no text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
