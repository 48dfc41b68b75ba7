//! `documentation`: for people. A line a check, grouped by file, in columns: the outcome, the time where it is worth a look,
//! what was looked at and why it did not pass; then the failures in full.
//!
//! ```text
//! pass          image/10-wrapper.sh
//! FAIL  1.204s  image/20-query.sh: exited with code 1
//!               image/30-db.bats
//! pass  0.131s    answers
//! skip            rolls back: needs a second database
//! ```

use super::text::{OneLine, Seconds};
use super::words::{self, reason, subject};
use super::{Style, people};
use crate::testing::check::{Check, Outcome, Run};
use std::io::{self, Write};
use std::time::Duration;

/// From here on a check's time is worth a look.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn write(run: &Run, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut group = None;
    for check in &run.checks {
        let (file, subject) = (words::file(check), subject(check));
        if subject.is_empty() {
            line(check, "", &file, style, out)?;
            group = None;
            continue;
        }
        if group.as_ref() != Some(&file) {
            writeln!(out, "{:14}{}", "", OneLine(&file))?;
            group = Some(file);
        }
        line(check, "  ", &subject, style, out)?;
    }
    people::end(run, style, out)
}

fn line(check: &Check, indent: &str, name: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let outcome = match check.outcome {
        Outcome::Pass => "pass",
        Outcome::Skip => "skip",
        Outcome::Fail | Outcome::Timeout | Outcome::Error => "FAIL",
    };
    style.paint(check.outcome, &outcome, out)?;
    let time = if check.duration < SLOW { String::new() } else { Seconds(check.duration).to_string() };
    write!(out, "{time:>8}  {indent}{}", OneLine(name))?;
    let reason = reason(check);
    if !reason.is_empty() {
        write!(out, ": {}", OneLine(&reason))?;
    }
    writeln!(out)
}
