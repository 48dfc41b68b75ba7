//! A check in goss's words (type, id, property, summaries): goss's own where it has some, words of the same form for the
//! other kinds of tests.

use super::text::OneLine;
use crate::testing::check::{Check, Origin, Outcome};
use std::borrow::Cow;

/// A check as goss would describe it.
pub(super) struct Words<'a> {
    /// `resource-type`.
    pub(super) kind: &'a str,
    /// `resource-id`.
    pub(super) id: Cow<'a, str>,
    /// `property`.
    pub(super) property: &'a str,
    /// `summary-line`: over several lines.
    pub(super) summary: Cow<'a, str>,
}

impl<'a> Words<'a> {
    /// The words for `check`.
    pub(super) fn of(check: &'a Check) -> Self {
        let (id, property) = match &check.origin {
            Origin::Goss(goss) => {
                return Self {
                    kind: &goss.resource_type,
                    id: Cow::Borrowed(&goss.resource_id),
                    property: &goss.property,
                    summary: Cow::Borrowed(&goss.summary_line),
                };
            }
            Origin::Phase => (Cow::Borrowed(check.suite.as_str()), "phase"),
            Origin::File => (Cow::Owned(file(check)), "run"),
            Origin::Shell => (Cow::Owned(file(check)), "exit-status"),
            Origin::Bats(_) => (Cow::Owned(file(check)), check.title.as_str()),
        };
        let kind = kind(check);
        let said = match (check.outcome, check.message.as_str()) {
            (Outcome::Pass, "") => "matches expectation",
            (Outcome::Fail, "") => "failed",
            (Outcome::Skip, "") => "skipped",
            (Outcome::Timeout, "") => "timed out",
            (Outcome::Error, "") => "could not be run",
            (Outcome::Skip, message) => {
                let summary = Cow::Owned(format!("{kind}: {id}: {property}: skipped: {message}"));
                return Self { kind, id, property, summary };
            }
            (_, message) => message,
        };
        let summary = Cow::Owned(format!("{kind}: {id}: {property}: {said}"));
        Self { kind, id, property, summary }
    }

    /// `summary-line-compact`: the summary on one line.
    pub(super) fn compact(&self) -> OneLine<'_> {
        OneLine(&self.summary)
    }
}

/// `resource-type`.
pub(super) fn kind(check: &Check) -> &str {
    match &check.origin {
        Origin::Phase => "Suite",
        Origin::File => "TestFile", // goss's own File is a file of the image
        Origin::Shell => "Shell",
        Origin::Bats(_) => "Bats",
        Origin::Goss(goss) => &goss.resource_type,
    }
}

/// The file with its suite, or the suite alone.
pub(super) fn file(check: &Check) -> String {
    if check.file.is_empty() { check.suite.clone() } else { format!("{}/{}", check.suite, check.file) }
}

/// What became of a check, as a word for programs.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Skip => "skip",
        Outcome::Timeout => "timeout",
        Outcome::Error => "error",
    }
}

/// What is looked at inside the file; empty when it is the file itself.
pub(super) fn subject(check: &Check) -> Cow<'_, str> {
    match &check.origin {
        Origin::Goss(goss) => {
            Cow::Owned(format!("{}: {}: {}", goss.resource_type, goss.resource_id, goss.property))
        }
        _ => Cow::Borrowed(&check.title),
    }
}

/// Why, without the names; empty when there is nothing to say.
pub(super) fn reason(check: &Check) -> Cow<'_, str> {
    match &check.origin {
        Origin::Goss(_) if check.outcome == Outcome::Skip && check.message == "skipped" => Cow::Borrowed(""),
        // Of a pass goss says what it found, which the message does not repeat.
        Origin::Goss(goss) if check.message.is_empty() => {
            let name = OneLine(&subject(check)).to_string();
            let compact = OneLine(&goss.summary_line).to_string();
            let said = compact.strip_prefix(&name).unwrap_or(&compact);
            Cow::Owned(said.trim_start_matches([':', ' ']).to_owned())
        }
        _ => Cow::Borrowed(check.reason()),
    }
}

/// What there is to read beyond the reason: the end of the test's output.
pub(super) fn details(check: &Check) -> &str {
    match &check.origin {
        // goss says in its summary what it has to say, and the reason is that on one line.
        Origin::Goss(_) => "",
        _ => check.message.split_once('\n').map_or("", |(_, rest)| rest).trim_end_matches('\n'),
    }
}

/// The counts of a run, in goss's form.
pub(super) fn counts(run: &crate::testing::check::Run) -> String {
    format!(
        "Count: {}, Failed: {}, Skipped: {}",
        run.checks.len(),
        run.failures(),
        run.count(|outcome| outcome == Outcome::Skip)
    )
}
