//! `nagios`: goss's line with its performance data, then the failures as the long output that plugins may have. Where nothing
//! failed but something could not be looked at, the state is unknown.

use super::text::{OneLine, Seconds, escaped};
use super::words::{Words, counts};
use crate::testing::check::{Outcome, Run};
use std::fmt::{self, Display};
use std::io::{self, Write};

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let (failed, skipped) = (run.failures(), run.count(|outcome| outcome == Outcome::Skip));
    let state = match run.count(|outcome| outcome == Outcome::Error) {
        _ if failed == 0 => "OK",
        errors if errors == failed => "UNKNOWN",
        _ => "CRITICAL",
    };
    let (total, duration) = (run.checks.len(), Seconds(run.duration));
    write!(out, "GOSS {state} - {}, Duration: {duration}", counts(run))?;
    writeln!(out, "|total={total} failed={failed} skipped={skipped} duration={duration}")?;
    let failures = run.checks.iter().filter(|check| check.outcome.is_failure());
    for (number, check) in (1..).zip(failures) {
        writeln!(out, "Fail {number} - {}", Unpiped(&Words::of(check).compact().to_string()))?;
    }
    run.notes.iter().try_for_each(|note| writeln!(out, "Note - {}", Unpiped(&OneLine(note).to_string())))
}

/// A text without `|`, after which Nagios reads performance data.
struct Unpiped<'a>(&'a str);

impl Display for Unpiped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, f, |c| (c == '|').then_some("¦"))
    }
}
