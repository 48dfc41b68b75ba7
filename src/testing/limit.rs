//! The time that a whole command has.

use std::fmt;
use std::time::{Duration, Instant};

/// When a command must be over, and who said so.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The moment.
    pub at: Instant,
    /// How long that was from the command's start.
    pub time: Duration,
    /// The option that set it, `--timeout`; empty for the suite's own time.
    pub by: &'static str,
}

/// What workers leave to the front, which has to hear of it and to print.
const MARGIN: Duration = Duration::from_millis(50);

impl Limit {
    /// When workers end what runs: a little earlier, so that what they learned is heard in time.
    pub fn for_workers(self) -> Instant {
        self.at.checked_sub(MARGIN.min(self.time / 10)).unwrap_or(self.at)
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        self.at <= Instant::now()
    }
}

impl fmt::Display for Limit {
    /// `4s (--timeout)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spell(self.time))?;
        if self.by.is_empty() { Ok(()) } else { write!(f, " ({})", self.by) }
    }
}

/// `4s`, `1.5s`, `250ms`, as people write it.
pub fn spell(time: Duration) -> String {
    match time.as_millis() {
        ms if ms.is_multiple_of(60_000) && ms > 0 => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms if ms > 1000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        ms => format!("{ms}ms"),
    }
}
