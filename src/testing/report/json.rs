//! `json`: goss's object, on one line. Every result has goss's keys and three of ours, `suite`, `file` and `outcome`; beside
//! `results` and `summary` stand the run's `notes`.

use super::text::{OneLine, Seconds, writable};
use super::words::{self, Words, counts};
use crate::testing::check::{Check, Origin, Outcome, Run};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::SystemTime;

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"results\":[")?;
    for (index, check) in run.checks.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        result(check, out)?;
    }
    out.write_all(b"],\"summary\":")?;
    let summary = Totals {
        failed_count: run.failures(),
        skipped_count: run.count(|outcome| outcome == Outcome::Skip),
        summary_line: format!("{}, Duration: {}", counts(run), Seconds(run.duration)),
        test_count: run.checks.len(),
        total_duration: run.duration.as_nanos(),
    };
    serde_json::to_writer(&mut *out, &summary)?;
    out.write_all(b",\"notes\":")?;
    serde_json::to_writer(&mut *out, &run.notes)?;
    out.write_all(b"}\n")
}

/// In the order in which goss has its keys.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Totals {
    failed_count: usize,
    skipped_count: usize,
    summary_line: String,
    test_count: usize,
    total_duration: u128,
}

/// The same; ours come last.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Object<'a> {
    duration: u128,
    end_time: Text<humantime::Rfc3339Timestamp>,
    err: Cow<'a, Value>,
    matcher_result: Cow<'a, Value>,
    meta: &'a Value,
    property: &'a str,
    resource_id: &'a str,
    resource_type: &'a str,
    result: u8,
    skipped: bool,
    start_time: Text<humantime::Rfc3339Timestamp>,
    successful: bool,
    summary_line: &'a str,
    summary_line_compact: Text<OneLine<'a>>,
    title: &'a str,
    suite: &'a str,
    file: &'a str,
    outcome: &'static str,
}

/// Something that is printed, as a string.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn result(check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let words = Words::of(check);
    let goss = if let Origin::Goss(goss) = &check.origin { Some(goss) } else { None };
    let skipped = check.outcome == Outcome::Skip;
    let object = Object {
        duration: check.duration.as_nanos(),
        end_time: time(check.started.checked_add(check.duration).unwrap_or(check.started)),
        err: goss.map_or_else(|| Cow::Owned(error(check)), |goss| Cow::Borrowed(&goss.err)),
        matcher_result: goss
            .map_or_else(|| Cow::Owned(matched(check)), |goss| Cow::Borrowed(&goss.matcher_result)),
        meta: goss.map_or(&Value::Null, |goss| &goss.meta),
        property: words.property,
        resource_id: &words.id,
        resource_type: words.kind,
        result: if skipped { 2 } else { u8::from(check.outcome.is_failure()) },
        skipped,
        start_time: time(check.started),
        successful: !check.outcome.is_failure(),
        summary_line: &words.summary,
        summary_line_compact: Text(words.compact()),
        title: goss.map_or(&check.title, |goss| &goss.title),
        suite: &check.suite,
        file: &check.file,
        outcome: words::outcome(check.outcome),
    };
    Ok(serde_json::to_writer(out, &object)?)
}

fn time(time: SystemTime) -> Text<humantime::Rfc3339Timestamp> {
    Text(humantime::format_rfc3339_nanos(writable(time)))
}

/// What kept a check that is not goss's from being looked at, or null.
fn error(check: &Check) -> Value {
    match check.outcome {
        Outcome::Timeout | Outcome::Error => check.reason().into(),
        Outcome::Pass | Outcome::Fail | Outcome::Skip => Value::Null,
    }
}

/// The matcher's result of a check that is not goss's: as if the outcome had been compared with `pass`.
fn matched(check: &Check) -> Value {
    let (actual, expected) = match check.outcome {
        Outcome::Skip => (Value::Null, Value::Null),
        outcome => (words::outcome(outcome).into(), "pass".into()),
    };
    let message = match (check.outcome, check.message.as_str()) {
        (Outcome::Pass, "") => "matches expectation",
        (_, message) => message,
    };
    json!({
        "actual": actual,
        "expected": expected,
        "extra-elements": null,
        "found-elements": null,
        "message": message,
        "missing-elements": null,
        "transform-chain": null,
        "untransformed-value": null,
    })
}
