//! `json`: what other kinds of tests look like in goss's object.

use super::{all_outcomes, phase, run, text};
use crate::testing::check::Outcome;
use crate::testing::report::Format;
use serde_json::{Value, json};

fn parsed(run: &crate::testing::check::Run) -> Value {
    serde_json::from_str(&text(run, Format::Json)).expect("JSON")
}

#[test]
fn every_result_has_the_same_keys_in_the_same_order_on_one_line() {
    let out = text(&all_outcomes(), Format::Json);
    assert_eq!(out.matches('\n').count(), 1);
    let keys = "duration end-time err matcher-result meta property resource-id resource-type result skipped start-time \
                successful summary-line summary-line-compact title suite file outcome";
    let results = parsed(&all_outcomes())["results"].as_array().unwrap().len();
    // No text of this run holds `,"word":`.
    let mut rest = out.as_str();
    for _ in 0..results {
        for key in keys.split(' ') {
            let place = rest.find(&format!("\"{key}\":"));
            rest = &rest[place.unwrap_or_else(|| panic!("no {key} in {rest}"))..];
        }
    }
    for result in parsed(&all_outcomes())["results"].as_array().unwrap() {
        let mut expected: Vec<_> = keys.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(result.as_object().unwrap().keys().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_shell_check_is_told_in_goss_s_words() {
    let run = all_outcomes();
    assert_eq!(
        parsed(&run)["results"][1],
        json!({
            "duration": 12_000_000,
            "start-time": "2026-11-24T11:27:28.000000000Z",
            "end-time": "2026-11-24T11:27:28.012000000Z",
            "err": null,
            "matcher-result": {
                "actual": "fail",
                "expected": "pass",
                "message": "exited with code 1\n  curl: (7) refused\n  no answer",
                "extra-elements": null,
                "found-elements": null,
                "missing-elements": null,
                "transform-chain": null,
                "untransformed-value": null,
            },
            "meta": null,
            "property": "exit-status",
            "resource-id": "ready/20-http.sh",
            "resource-type": "Shell",
            "result": 1,
            "skipped": false,
            "successful": false,
            "summary-line": "Shell: ready/20-http.sh: exit-status: exited with code 1\n  curl: (7) refused\n  no answer",
            "summary-line-compact": "Shell: ready/20-http.sh: exit-status: exited with code 1 curl: (7) refused no answer",
            "title": "",
            "suite": "ready",
            "file": "20-http.sh",
            "outcome": "fail",
        })
    );
}

#[test]
fn the_outcomes_are_goss_s_three_and_ours() {
    let report = parsed(&all_outcomes());
    let results = report["results"].as_array().unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|result| {
            let word = |key: &str| result[key].as_str().unwrap().to_owned();
            (result["result"].as_u64().unwrap(), word("outcome"), word("resource-type"), word("property"))
        })
        .collect();
    let expected = [
        (0, "pass", "Shell", "exit-status"),
        (1, "fail", "Shell", "exit-status"),
        (0, "pass", "Bats", "answers"),
        (1, "fail", "Bats", "refuses"),
        (2, "skip", "Bats", "rolls back"),
        (1, "fail", "File", "exists"),
        (1, "timeout", "TestFile", "run"),
        (1, "error", "TestFile", "run"),
    ];
    assert_eq!(seen, expected.map(|(n, a, b, c)| (n, a.to_owned(), b.to_owned(), c.to_owned())));
    assert_eq!(results[6]["err"], "timed out after 4s");
    assert_eq!(results[4]["successful"], true);
    assert_eq!(results[4]["summary-line"], "Bats: ready/30-db.bats: rolls back: skipped: no second database");
    assert_eq!(
        report["summary"],
        json!({
            "failed-count": 5,
            "skipped-count": 1,
            "summary-line": "Count: 8, Failed: 5, Skipped: 1, Duration: 0.012s",
            "test-count": 8,
            "total-duration": 12_345_000,
        })
    );
    assert_eq!(report["notes"], json!(["ready/README.md: not run: not a test"]));
}

#[test]
fn an_empty_run_and_a_phase() {
    let empty = parsed(&run(vec![]));
    assert_eq!((&empty["results"], &empty["notes"]), (&json!([]), &json!([])));
    let decided = parsed(&run(vec![phase("ready", Outcome::Fail, "maintenance since noon")]));
    assert_eq!(decided["results"][0]["summary-line"], "Suite: ready: phase: maintenance since noon");
    assert_eq!(decided["results"][0]["file"], "");
}
