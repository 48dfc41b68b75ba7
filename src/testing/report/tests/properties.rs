//! What holds for every run, whatever its texts are.

use super::{BEGIN, bytes, text};
use crate::testing::check::{Check, Goss, Origin, Outcome, Run};
use crate::testing::report::page::{CUT, LIMIT};
use crate::testing::report::{Format, Style};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::{Duration, SystemTime};

/// Short or long, over several lines, with all that formats give a meaning to.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "\n", "\"", "'", "<", "&", ">", "]]>", "#", "\\", "|", "{", "}", ",", "\r", "\t", " ", "é", "🦀",
            ": "
        ])
        .prop_map(str::to_owned),
        "[^\\x00]{0,12}",
        any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn origin() -> impl Strategy<Value = Origin> {
    let goss =
        (words(), words(), words(), words(), words()).prop_map(|(kind, id, property, title, summary)| {
            Origin::Goss(Box::new(Goss {
                resource_type: kind,
                resource_id: id,
                property,
                title,
                meta: serde_json::json!({ summary.as_str(): 1 }),
                matcher_result: serde_json::Value::Null,
                err: serde_json::Value::Null,
                summary_line: summary.clone(),
                summary_line_compact: summary,
            }))
        });
    prop_oneof![
        Just(Origin::Phase),
        Just(Origin::File),
        Just(Origin::Shell),
        any::<u32>().prop_map(Origin::Bats),
        goss
    ]
}

fn check() -> impl Strategy<Value = Check> {
    let outcomes = [Outcome::Pass, Outcome::Fail, Outcome::Skip, Outcome::Timeout, Outcome::Error];
    let names = (select(vec!["live", "ready"]), words(), words());
    let message = prop_oneof![words(), (words(), 0..20usize).prop_map(|(line, n)| line.repeat(n))];
    (names, select(outcomes.to_vec()), message, 0..10_000_000u64, origin()).prop_map(
        |((suite, file, title), outcome, message, micros, origin)| Check {
            suite: suite.into(),
            file,
            title,
            outcome,
            message,
            started: SystemTime::UNIX_EPOCH + BEGIN,
            duration: Duration::from_micros(micros),
            origin,
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    let suites = prop_oneof![Just(vec!["live".into()]), Just(vec!["live".into(), "ready".into()])];
    (suites, vec(check(), 0..8), vec(words(), 0..3)).prop_map(|(suites, checks, notes)| Run {
        suites,
        checks,
        notes,
        started: SystemTime::UNIX_EPOCH + BEGIN,
        duration: Duration::from_millis(7),
    })
}

/// Whether `line` is `name{label="value",...} number`.
fn is_sample(line: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let Some((name, mut rest)) = line.split_once('{') else { return false };
    loop {
        let Some((label, value)) = rest.split_once("=\"") else { return false };
        let mut escaped = false;
        let end = value.find(|c| {
            let end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        let Some(end) = end else { return false };
        if !word(label) {
            return false;
        }
        rest = &value[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    word(name) && rest.strip_prefix("} ").is_some_and(|number| number.parse::<u64>().is_ok())
}

proptest! {
    #[test]
    fn a_probe_s_report_is_at_most_1_kib_and_its_first_line_the_verdict(run in run()) {
        let text = text(&run, Format::Probe);
        prop_assert!(text.len() <= LIMIT);
        prop_assert_eq!(text.matches('\n').count(), text.lines().count());
        let verdict = if run.failures() == 0 { ": pass: " } else { ": fail: " };
        let first = text.lines().next().unwrap_or_default();
        let expected = run.suites.join(", ") + verdict;
        prop_assert!(first.starts_with(&expected), "{}", first);
    }

    #[test]
    fn a_probe_s_report_says_when_output_is_missing(lines in 1..100usize, failures in 1..4usize) {
        let output = "\nline é".repeat(lines);
        let message = format!("exited with code 1{output}");
        let checks = (0..failures).map(|n| super::shell(&format!("{n}.sh"), Outcome::Fail, &message));
        let text = text(&super::run(checks.collect()), Format::Probe);
        let whole = text.matches("line ").count() == lines * failures;
        prop_assert_eq!(!whole, text.contains(CUT));
    }

    #[test]
    fn json_and_xml_are_understood(run in run()) {
        let json: serde_json::Value = serde_json::from_slice(&bytes(&run, Format::Json, Style::default()))?;
        prop_assert_eq!(json["results"].as_array().map(Vec::len), Some(run.checks.len()));
        for (result, check) in json["results"].as_array().into_iter().flatten().zip(&run.checks) {
            prop_assert_eq!(result["file"].as_str(), Some(check.file.as_str()));
        }
        let xml = text(&run, Format::Junit);
        let document = roxmltree::Document::parse(&xml)?;
        let cases = document.root_element().children().filter(|node| node.has_tag_name("testcase")).count();
        prop_assert_eq!(cases, run.checks.len());
    }

    #[test]
    fn tap_has_a_line_a_check(run in run()) {
        let text = text(&run, Format::Tap);
        let mut lines = text.split_terminator('\n');
        let plan = format!("1..{}", run.checks.len());
        prop_assert_eq!(lines.next(), Some(plan.as_str()));
        for (number, check) in (1..).zip(&run.checks) {
            let line = lines.next().unwrap_or_default();
            let rest = if check.outcome.is_failure() { line.strip_prefix("not ok ") } else { line.strip_prefix("ok ") };
            let description = rest.and_then(|rest| rest.strip_prefix(&format!("{number} - ")));
            prop_assert!(description.is_some(), "{line}");
            // A directive begins at a `#` that no `\` escapes.
            let bare = description.unwrap_or_default().replace("\\\\", "").replace("\\#", "");
            prop_assert_eq!(bare.contains('#'), check.outcome == Outcome::Skip, "{}", line);
        }
        prop_assert!(lines.all(|line| line.starts_with("# ")));
    }

    #[test]
    fn prometheus_keeps_to_its_grammar(run in run()) {
        let text = text(&run, Format::Prometheus);
        for line in text.split_terminator('\n') {
            let comment = line.starts_with("# HELP goss_tests_") || line.starts_with("# TYPE goss_tests_");
            prop_assert!(comment || is_sample(line), "{line}");
        }
        let total: u64 = text
            .split('\n')
            .filter(|line| line.starts_with("goss_tests_outcomes_total{"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum();
        prop_assert_eq!(total, run.checks.len() as u64);
    }

    #[test]
    fn nagios_has_one_bar(run in run()) {
        let text = text(&run, Format::Nagios);
        prop_assert_eq!(text.matches('|').count(), 1);
        prop_assert_eq!(text.matches('\n').count(), 1 + run.failures() + run.notes.len());
    }

    #[test]
    fn documentation_has_a_line_a_check(run in run()) {
        let text = text(&run, Format::Documentation);
        let lines = text.split('\n').take_while(|line| !line.is_empty());
        let checks = lines.filter(|line| ["pass", "FAIL", "skip"].iter().any(|word| line.starts_with(word)));
        prop_assert_eq!(checks.count(), run.checks.len());
    }
}
