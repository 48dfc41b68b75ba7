//! What only a terminal gets: colours, and how far a long run is.

use crate::sys::fd::write_nowait;
use crate::testing::pool::Progress;
use crate::testing::report::{Format, Style};
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

/// Colours only on a terminal, and never with `NO_COLOR`.
pub(super) fn style() -> Style {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Style { colour: io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
}

/// The line on a terminal that says how far we are, for what takes longer than a second.
pub(super) struct Line {
    since: Instant,
    wanted: bool,
    shown: bool,
}

impl Line {
    pub(super) fn new(format: Format) -> Self {
        let wanted = format != Format::Silent && format != Format::Probe && io::stderr().is_terminal();
        Self { since: Instant::now(), wanted, shown: false }
    }

    pub(super) fn show(&mut self, now: &Progress<'_>) {
        if !self.wanted || self.since.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.shown = true;
        let failed = if now.failed == 0 { String::new() } else { format!(", {} failed", now.failed) };
        let current = now.current.map(|file| format!("  {}/{}", file.suite, file.name)).unwrap_or_default();
        let text = format!(
            "{} of {} files{failed}, {}s{current}",
            now.done,
            now.all,
            self.since.elapsed().as_secs()
        );
        let text: String = text.chars().take(78).collect();
        // A terminal that was stopped must not stop us.
        write_nowait(2, format!("\r\x1b[K{text}").as_bytes());
    }

    pub(super) fn clear(&mut self) {
        if self.shown {
            write_nowait(2, b"\r\x1b[K");
        }
    }
}
