//! A run of goss's own results is written as goss 0.4.9 wrote it.

use super::text;
use crate::testing::check::{Check, Goss, Origin, Outcome, Run};
use crate::testing::report::Format;
use serde_json::Value;
use std::time::{Duration, SystemTime};

fn report() -> Value {
    serde_json::from_str(include_str!("goss-0.4.9/report.json")).expect("JSON")
}

fn time(value: &Value) -> SystemTime {
    humantime::parse_rfc3339(value.as_str().expect("a string")).expect("RFC 3339")
}

/// The run that goss reported.
fn run() -> Run {
    let report = report();
    let results = report["results"].as_array().expect("results");
    let checks = results.iter().map(|result| Check {
        suite: "image".into(),
        file: "10-all.goss.yaml".into(),
        title: "whatever".into(),
        outcome: match result["result"].as_u64() {
            Some(0) => Outcome::Pass,
            Some(1) => Outcome::Fail,
            Some(2) => Outcome::Skip,
            other => panic!("result {other:?}"),
        },
        message: String::new(),
        started: time(&result["start-time"]),
        duration: Duration::from_nanos(result["duration"].as_u64().expect("a number")),
        origin: Origin::Goss(Box::new(
            serde_json::from_value::<Goss>(result.clone()).expect("goss's result"),
        )),
    });
    Run {
        suites: vec!["image".into()],
        checks: checks.collect(),
        notes: Vec::new(),
        started: time(&results[0]["start-time"]),
        duration: Duration::from_nanos(report["summary"]["total-duration"].as_u64().expect("a number")),
    }
}

#[test]
fn json_is_goss_s_and_our_keys() {
    let mut ours: Value = serde_json::from_str(&text(&run(), Format::Json)).expect("JSON");
    let goss = report();
    assert_eq!(ours["summary"], goss["summary"]);
    for (ours, goss) in
        ours["results"].as_array_mut().unwrap().iter_mut().zip(goss["results"].as_array().unwrap())
    {
        // goss leaves zeros at the end away, and reads its own clock again for the end.
        assert_eq!(time(&ours["start-time"]), time(&goss["start-time"]));
        assert!(time(&ours["end-time"]) >= time(&ours["start-time"]));
        let ours = ours.as_object_mut().unwrap();
        for key in ["suite", "file", "outcome"] {
            assert!(ours.remove(key).is_some_and(|value| value.is_string()), "{key}");
        }
        for key in ["start-time", "end-time"] {
            ours[key] = goss[key].clone();
        }
        assert_eq!(&Value::Object(ours.clone()), goss);
    }
    assert_eq!(ours["results"].as_array().map(Vec::len), goss["results"].as_array().map(Vec::len));
}

/// The lines without their number and sorted: goss's order is another one in each run.
fn tap_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(|line| line.replace(|c: char| c.is_ascii_digit(), "")).collect();
    lines.sort();
    lines
}

#[test]
fn tap_is_goss_s() {
    assert_eq!(tap_lines(&text(&run(), Format::Tap)), tap_lines(include_str!("goss-0.4.9/report.tap")));
}

/// Each test case with what is in it.
fn cases(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let document = roxmltree::Document::parse(xml).expect("XML");
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    let mut cases: Vec<_> = cases
        .map(|case| {
            let inside = case.children().filter(roxmltree::Node::is_element).map(|node| {
                let text = node.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
                (node.tag_name().name().to_owned(), text)
            });
            (case.attribute("name").expect("a name").to_owned(), inside.collect())
        })
        .collect();
    cases.sort();
    cases
}

#[test]
fn junit_has_goss_s_cases() {
    let goss = include_str!("goss-0.4.9/report.xml");
    let ours = text(&run(), Format::Junit);
    // Only a name tells the file too: goss knows one file at a time.
    let named = ours.replace("image/10-all.goss.yaml: ", "");
    assert_eq!(cases(&named), cases(goss));
    let head = |xml: &str| {
        let document = roxmltree::Document::parse(xml).expect("XML");
        let root = document.root_element();
        let counts =
            ["errors", "tests", "failures", "skipped"].map(|name| root.attribute(name).map(str::to_owned));
        (root.attributes().map(|attribute| attribute.name().to_owned()).collect::<Vec<_>>(), counts)
    };
    assert_eq!(head(&ours), head(goss));
}

#[test]
fn prometheus_has_goss_s_samples() {
    let goss = include_str!("goss-0.4.9/report.prom");
    let ours = text(&run(), Format::Prometheus);
    let counts = |text: &str| {
        let counts = text.lines().filter(|line| !line.contains("duration_milliseconds{"));
        counts.filter(|line| !line.contains("run_outcomes_total{")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counts(&ours), counts(goss));
    assert!(ours.contains("goss_tests_run_outcomes_total{outcome=\"fail\"} 1\n"), "{ours}");
}

#[test]
fn rspecish_has_goss_s_letters_and_end() {
    let ours = text(&run(), Format::Rspecish);
    assert_eq!(ours.lines().next(), Some("F....FFSSS"), "in the order of the JSON report");
    let end = "\n\nTotal Duration: 0.002s\nCount: 10, Failed: 3, Skipped: 3\n";
    assert!(include_str!("goss-0.4.9/report.txt").ends_with(end));
    assert!(ours.ends_with(end), "{ours}");
}
