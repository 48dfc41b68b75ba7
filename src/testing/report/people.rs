//! What the two formats for people share: the colours and the end, which shows every failure in full, what was skipped, the
//! notes and goss's last two lines.

use super::Style;
use super::text::{OneLine, Seconds};
use super::words::{self, counts};
use crate::testing::check::{Check, Origin, Outcome, Run};
use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

impl Style {
    /// `text` in the colour of an outcome.
    pub(super) fn paint(self, outcome: Outcome, text: &dyn Display, out: &mut dyn Write) -> io::Result<()> {
        let colour = match outcome {
            Outcome::Pass => 32,
            Outcome::Skip => 33,
            Outcome::Fail | Outcome::Timeout | Outcome::Error => 31,
        };
        if self.colour { write!(out, "\x1b[{colour}m{text}\x1b[0m") } else { write!(out, "{text}") }
    }
}

/// Everything after the lines or letters of the checks.
pub(super) fn end(run: &Run, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !run.checks.is_empty() {
        writeln!(out)?;
    }
    let mut told = run.checks.iter().filter(|check| check.outcome != Outcome::Pass).peekable();
    if told.peek().is_some() {
        write!(out, "Failures/Skipped:\n\n")?;
    }
    while let Some(check) = told.next() {
        block(check, style, out)?;
        // Skips are lines, failures are paragraphs.
        if told.peek().is_none_or(|next| next.outcome.is_failure() || check.outcome.is_failure()) {
            writeln!(out)?;
        }
    }
    for note in &run.notes {
        writeln!(out, "note: {}", OneLine(note))?;
    }
    if !run.notes.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "Total Duration: {}", Seconds(run.duration))?;
    let outcome = match (run.failures(), run.count(|outcome| outcome == Outcome::Skip)) {
        (0, 0) => Outcome::Pass,
        (0, _) => Outcome::Skip,
        _ => Outcome::Fail,
    };
    style.paint(outcome, &counts(run), out)?;
    writeln!(out)
}

/// One check in full.
fn block(check: &Check, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (name, details) = match &check.origin {
        Origin::Goss(goss) => {
            if !goss.title.is_empty() {
                writeln!(out, "Title: {}", OneLine(&goss.title))?;
            }
            if let Some(meta) = goss.meta.as_object().filter(|meta| !meta.is_empty()) {
                writeln!(out, "Meta:")?;
                meta.iter().try_for_each(|(key, value)| writeln!(out, "    {}: {value}", OneLine(key)))?;
            }
            let (first, rest) = goss.summary_line.split_once('\n').unwrap_or((&goss.summary_line, ""));
            (format!("{}: {first}", words::file(check)), Cow::Borrowed(rest))
        }
        _ => (line(check), Cow::Borrowed(words::details(check))),
    };
    style.paint(check.outcome, &OneLine(&name), out)?;
    writeln!(out)?;
    details.lines().try_for_each(|line| writeln!(out, "{}", format!("  {line}").trim_end()))
}

/// Where, what and why, on one line.
fn line(check: &Check) -> String {
    let mut line = words::file(check);
    let skipped = if check.outcome == Outcome::Skip { "skipped" } else { "" };
    for part in [&words::subject(check), skipped, &words::reason(check)] {
        if !part.is_empty() {
            line.push_str(": ");
            line.push_str(part);
        }
    }
    line
}
