//! How far a copy is, for humans who watch.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use qga_proto::Progress;

use super::is_watched;
use crate::cli::Cli;
use crate::output::escape;

/// A bar on standard error, if that is a terminal.
pub(super) struct Bar(Option<ProgressBar>);

const WITH_TOTAL: &str =
    "{wide_msg} {bytes:>11} of {total_bytes} {bar:20} {binary_bytes_per_sec}, {eta} left";
const WITHOUT: &str = "{wide_msg} {bytes:>11} {binary_bytes_per_sec}";

impl Bar {
    pub(super) fn new(cli: &Cli, name: &str) -> Self {
        Self(is_watched(cli).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            // It is drawn as soon as it can be.
            bar.set_style(style(WITHOUT));
            bar.set_message(escape::text(name).into_owned());
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
            bar
        }))
    }

    /// Another file is copied.
    pub(super) fn rename(&mut self, name: &str) {
        if let Some(bar) = &self.0 {
            bar.reset();
            bar.set_message(escape::text(name).into_owned());
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        let Some(bar) = &self.0 else { return };
        if bar.length() != progress.total {
            match progress.total {
                Some(total) => bar.set_length(total.max(progress.done)),
                None => bar.unset_length(),
            }
            bar.set_style(style(if progress.total.is_some() { WITH_TOTAL } else { WITHOUT }));
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        bar.set_position(progress.done);
    }

    pub(super) fn clear(&mut self) {
        if let Some(bar) = &self.0 {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // Ours are right; a test has looked at them.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_are_right() {
        for template in [WITH_TOTAL, WITHOUT] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
