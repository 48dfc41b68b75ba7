//! `tap`, `nagios` and `prometheus`: the formats of single lines.

use super::{all_outcomes, goss, phase, run, shell, text};
use crate::testing::check::{Outcome, Run};
use crate::testing::report::Format;

#[test]
fn tap() {
    let expected = "1..8\n\
        ok 1 - Shell: ready/10-up.sh: exit-status: matches expectation\n\
        not ok 2 - Shell: ready/20-http.sh: exit-status: exited with code 1 curl: (7) refused no answer\n\
        ok 3 - Bats: ready/30-db.bats: answers: matches expectation\n\
        not ok 4 - Bats: ready/30-db.bats: refuses: `[ \"$status\" -eq 1 ]' failed\n\
        ok 5 - # SKIP Bats: ready/30-db.bats: rolls back: skipped: no second database\n\
        not ok 6 - File: /nope: exists: Expected false to equal true\n\
        not ok 7 - TestFile: ready/50-slow.sh: run: timed out after 4s waiting\n\
        not ok 8 - TestFile: ready/60-gone.bats: run: needs bats, which is not installed\n\
        # ready/README.md: not run: not a test\n";
    assert_eq!(text(&all_outcomes(), Format::Tap), expected);
    assert_eq!(text(&run(vec![]), Format::Tap), "1..0\n");
}

#[test]
fn tap_is_not_steered_by_a_test_s_output() {
    let run = run(vec![shell("a #TODO\nok 2", Outcome::Fail, "a \\ b # skip\nBail out!\n1..0")]);
    let expected = "1..1\n\
        not ok 1 - Shell: ready/a ＃TODO ok 2: exit-status: a \\ b ＃ skip Bail out! 1..0\n";
    assert_eq!(text(&run, Format::Tap), expected);
}

#[test]
fn nagios() {
    let passed = run(vec![shell("a.sh", Outcome::Pass, ""), shell("b.sh", Outcome::Skip, "")]);
    assert_eq!(
        text(&passed, Format::Nagios),
        "GOSS OK - Count: 2, Failed: 0, Skipped: 1, Duration: 0.012s|total=2 failed=0 skipped=1 duration=0.012s\n"
    );
    let mut failed = run(vec![shell("a.sh", Outcome::Fail, "a | b\nc"), goss()]);
    failed.notes.push("x|y".into());
    assert_eq!(
        text(&failed, Format::Nagios),
        "GOSS CRITICAL - Count: 2, Failed: 2, Skipped: 0, Duration: 0.012s|total=2 failed=2 skipped=0 duration=0.012s\n\
         Fail 1 - Shell: ready/a.sh: exit-status: a ¦ b c\n\
         Fail 2 - File: /nope: exists: Expected false to equal true\n\
         Note - x¦y\n"
    );
}

#[test]
fn nagios_does_not_know_what_could_not_be_run() {
    let state = |outcomes: &[Outcome]| {
        let checks = outcomes.iter().map(|outcome| shell("a.sh", *outcome, "")).collect();
        text(&run(checks), Format::Nagios).split(" - ").next().unwrap().to_owned()
    };
    assert_eq!(state(&[Outcome::Error, Outcome::Pass]), "GOSS UNKNOWN");
    assert_eq!(state(&[Outcome::Error, Outcome::Fail]), "GOSS CRITICAL");
    assert_eq!(state(&[Outcome::Timeout]), "GOSS CRITICAL");
}

#[test]
fn prometheus() {
    let text = text(&all_outcomes(), Format::Prometheus);
    let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "goss_tests_outcomes_duration_milliseconds{outcome=\"fail\",type=\"bats\"} 1250",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"fail\",type=\"file\"} 12",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"fail\",type=\"shell\"} 12",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"fail\",type=\"testfile\"} 24",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"pass\",type=\"bats\"} 12",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"pass\",type=\"shell\"} 12",
        "goss_tests_outcomes_duration_milliseconds{outcome=\"skip\",type=\"bats\"} 12",
        "goss_tests_outcomes_total{outcome=\"fail\",type=\"bats\"} 1",
        "goss_tests_outcomes_total{outcome=\"fail\",type=\"file\"} 1",
        "goss_tests_outcomes_total{outcome=\"fail\",type=\"shell\"} 1",
        "goss_tests_outcomes_total{outcome=\"fail\",type=\"testfile\"} 2",
        "goss_tests_outcomes_total{outcome=\"pass\",type=\"bats\"} 1",
        "goss_tests_outcomes_total{outcome=\"pass\",type=\"shell\"} 1",
        "goss_tests_outcomes_total{outcome=\"skip\",type=\"bats\"} 1",
        "goss_tests_run_duration_milliseconds{outcome=\"fail\"} 12",
        "goss_tests_run_outcomes_total{outcome=\"fail\"} 1",
    ];
    assert_eq!(samples, expected);
}

#[test]
fn prometheus_says_pass_of_a_run_without_a_failure() {
    let outcome = |run: Run| text(&run, Format::Prometheus).lines().last().unwrap().to_owned();
    let pass = "goss_tests_run_outcomes_total{outcome=\"pass\"} 1";
    assert_eq!(outcome(run(vec![])), pass);
    assert_eq!(outcome(run(vec![shell("a.sh", Outcome::Skip, "")])), pass);
    assert_eq!(outcome(run(vec![phase("live", Outcome::Pass, "maintenance")])), pass);
}
