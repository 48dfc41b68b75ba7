//! The formats as their readers meet them: parsed back by a parser of the format, compared with what goss 0.4.9 itself wrote
//! (`goss-0.4.9/`), and whatever the texts are.

mod goss;
mod json;
mod junit;
mod lines;
mod people;
mod probe;
mod properties;
mod writing;

use super::{Format, Style, write};
use crate::testing::check::{Check, Goss, Origin, Outcome, Run};
use serde_json::json;
use std::time::{Duration, SystemTime};

/// 2026-11-24T11:27:28Z.
const BEGIN: Duration = Duration::from_secs(1_795_519_648);

const FORMATS: [Format; 9] = [
    Format::Probe,
    Format::Documentation,
    Format::Rspecish,
    Format::Tap,
    Format::Json,
    Format::Junit,
    Format::Nagios,
    Format::Prometheus,
    Format::Silent,
];

fn check(file: &str, title: &str, outcome: Outcome, message: &str, origin: Origin) -> Check {
    Check {
        suite: "ready".into(),
        file: file.into(),
        title: title.into(),
        outcome,
        message: message.into(),
        started: SystemTime::UNIX_EPOCH + BEGIN,
        duration: Duration::from_millis(12),
        origin,
    }
}

fn shell(file: &str, outcome: Outcome, message: &str) -> Check {
    check(file, "", outcome, message, Origin::Shell)
}

fn bats(title: &str, outcome: Outcome, message: &str) -> Check {
    check("30-db.bats", title, outcome, message, Origin::Bats(1))
}

fn phase(suite: &str, outcome: Outcome, message: &str) -> Check {
    Check { suite: suite.into(), ..check("", "", outcome, message, Origin::Phase) }
}

fn goss() -> Check {
    let goss = Goss {
        resource_type: "File".into(),
        resource_id: "/nope".into(),
        property: "exists".into(),
        title: "nope title".into(),
        meta: json!({"severity": 3}),
        matcher_result: json!({"actual": false, "expected": true, "message": "to equal"}),
        err: serde_json::Value::Null,
        summary_line: "File: /nope: exists:\nExpected\n    false\nto equal\n    true".into(),
        summary_line_compact: "File: /nope: exists: Expected false to equal true".into(),
    };
    let title = "File: /nope: exists";
    let origin = Origin::Goss(Box::new(goss));
    check("40-files.goss.yaml", title, Outcome::Fail, "Expected false to equal true", origin)
}

fn run(checks: Vec<Check>) -> Run {
    Run {
        suites: vec!["ready".into()],
        checks,
        notes: Vec::new(),
        started: SystemTime::UNIX_EPOCH + BEGIN,
        duration: Duration::from_micros(12_345),
    }
}

/// Every outcome and every origin.
fn all_outcomes() -> Run {
    let mut run = run(vec![
        shell("10-up.sh", Outcome::Pass, ""),
        shell("20-http.sh", Outcome::Fail, "exited with code 1\n  curl: (7) refused\n  no answer"),
        bats("answers", Outcome::Pass, ""),
        Check {
            duration: Duration::from_millis(1250),
            ..bats("refuses", Outcome::Fail, "`[ \"$status\" -eq 1 ]' failed")
        },
        bats("rolls back", Outcome::Skip, "no second database"),
        goss(),
        check("50-slow.sh", "", Outcome::Timeout, "timed out after 4s\n  waiting", Origin::File),
        check("60-gone.bats", "", Outcome::Error, "needs bats, which is not installed", Origin::File),
    ]);
    run.notes.push("ready/README.md: not run: not a test".into());
    run
}

fn bytes(run: &Run, format: Format, style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    write(run, format, style, &mut out).expect("a Vec takes everything");
    out
}

fn text(run: &Run, format: Format) -> String {
    String::from_utf8(bytes(run, format, Style::default())).expect("UTF-8")
}
