//! `prometheus`: goss's metrics in the text form. The outcome of the run is what it is (goss 0.4.9 says `skip` of a failed
//! run when a skip came last); a timeout and an error are of the outcome `fail`, since goss has no other.

use super::text::escaped;
use super::words::kind;
use crate::testing::check::{Outcome, Run};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::time::Duration;

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let mut sums = BTreeMap::<(&str, String), (u64, Duration)>::new();
    for check in &run.checks {
        let (count, duration) = sums.entry((outcome(check.outcome), kind(check).to_lowercase())).or_default();
        *count += 1;
        *duration += check.duration;
    }
    let labels = |(outcome, kind): &(&str, String)| format!("outcome=\"{outcome}\",type=\"{}\"", Label(kind));
    let whole = format!("outcome=\"{}\"", if run.failures() == 0 { "pass" } else { "fail" });

    let help = "The duration of tests from this run. Note; tests run concurrently.";
    let durations = sums.iter().map(|(key, (_, duration))| (labels(key), duration.as_millis()));
    metric(out, "goss_tests_outcomes_duration_milliseconds", help, durations)?;
    let help = "The number of test-outcomes from this run.";
    let counts = sums.iter().map(|(key, (count, _))| (labels(key), u128::from(*count)));
    metric(out, "goss_tests_outcomes_total", help, counts)?;
    let help = "The end-to-end duration of this run.";
    let duration = [(whole.clone(), run.duration.as_millis())];
    metric(out, "goss_tests_run_duration_milliseconds", help, duration.into_iter())?;
    let help = "The outcomes of this run as a whole.";
    metric(out, "goss_tests_run_outcomes_total", help, [(whole, 1)].into_iter())
}

fn metric(
    out: &mut dyn Write,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (String, u128)>,
) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter")?;
    for (labels, value) in samples {
        writeln!(out, "{name}{{{labels}}} {value}")?;
    }
    Ok(())
}

/// The value of the label.
const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Skip => "skip",
        Outcome::Fail | Outcome::Timeout | Outcome::Error => "fail",
    }
}

/// A label's value, escaped.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, f, |c| match c {
            '\\' => Some("\\\\"),
            '"' => Some("\\\""),
            '\n' => Some("\\n"),
            _ => None,
        })
    }
}
