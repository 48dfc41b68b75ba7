//! The verdicts: one `Check` for each thing that was looked at, and the `Run` that they make up.
//!
//! Contract: every text in here is printable (control characters and what is no UTF-8 stand as escapes, lines end in `\n`),
//! bounded, and free of secrets: whoever makes a check sees to it, whoever reports it need not.

use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// What became of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It was not looked at, by the test's own wish or because something else failed first.
    Skip,
    /// It took too long and was killed, or was never begun because the time was up.
    Timeout,
    /// It could not be run: the file is wrong, or a program that it needs is missing.
    Error,
}

impl Outcome {
    /// Whether a run with it does not pass.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Timeout | Self::Error)
    }
}

/// Where a verdict comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// The phase of the container decided in the suite's place; the check has no file.
    Phase,
    /// A test file as a whole, when it is the file that failed: not understood, not run, too late.
    File,
    /// A shell script, or any program: its exit status.
    Shell,
    /// One `@test` of a bats file, by its number from 1.
    Bats(u32),
    /// One property of a goss resource.
    Goss(Box<Goss>),
}

/// What goss knows of one of its results, by goss's own names.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Goss {
    /// `File`, `Command`...
    pub resource_type: String,
    /// `/etc/passwd`.
    pub resource_id: String,
    /// `exists`.
    pub property: String,
    /// The resource's title; can be empty.
    #[serde(default)]
    pub title: String,
    /// The resource's own key-values, or null.
    #[serde(default)]
    pub meta: serde_json::Value,
    /// What was found, expected and missing.
    #[serde(default)]
    pub matcher_result: serde_json::Value,
    /// What kept the matcher from being asked, or null.
    #[serde(default)]
    pub err: serde_json::Value,
    /// The result in words, over several lines.
    pub summary_line: String,
    /// The same in one line.
    pub summary_line_compact: String,
}

/// One verdict.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// The suite.
    pub suite: String,
    /// The file's name; empty for [`Origin::Phase`].
    pub file: String,
    /// What is looked at inside the file; empty where the file is all there is to name.
    pub title: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it did not just pass: the first line says it, further lines are the end of the test's output. For a pass it
    /// is empty or a remark (`left 1 process behind, which was killed`).
    pub message: String,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// What made the verdict.
    pub origin: Origin,
}

impl Check {
    /// What people call it: `ready/10-query.sh`, `ready/20-db.bats: answers`.
    pub fn name(&self) -> String {
        let mut name = self.suite.clone();
        for (before, part) in [("/", &self.file), (": ", &self.title)] {
            if !part.is_empty() {
                name.push_str(before);
                name.push_str(part);
            }
        }
        name
    }

    /// The first line of the message.
    pub fn reason(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// Everything that one command looked at.
#[derive(Clone, Debug)]
pub struct Run {
    /// The suites asked for, in the order in which they are reported.
    pub suites: Vec<String>,
    /// The verdicts, suite by suite in that order, in each by the names of the files, in each file in its own order.
    pub checks: Vec<Check>,
    /// What else people should know: an empty suite, files passed over.
    pub notes: Vec<String>,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
}

impl Run {
    /// How many checks of an outcome there are.
    pub fn count(&self, wanted: impl Fn(Outcome) -> bool) -> usize {
        self.checks.iter().filter(|check| wanted(check.outcome)).count()
    }

    /// How many fail.
    pub fn failures(&self) -> usize {
        self.count(Outcome::is_failure)
    }
}
