//! `probe`: the verdict first, at most 1 KiB, the most telling things kept.

use super::{all_outcomes, bats, goss, phase, run, shell, text};
use crate::testing::check::{Check, Outcome, Run};
use crate::testing::report::Format;
use crate::testing::report::page::{CUT, LIMIT};

fn probe(run: &Run) -> String {
    let text = text(run, Format::Probe);
    assert!(text.len() <= LIMIT, "{} bytes", text.len());
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
    text
}

fn passes(count: usize) -> Vec<Check> {
    (0..count).map(|n| shell(&format!("{n}.sh"), Outcome::Pass, "")).collect()
}

#[test]
fn a_pass_is_one_line_and_remarks() {
    let mut run = run(passes(3));
    assert_eq!(probe(&run), "ready: pass: 3 checks in 0.012s\n");
    run.checks.truncate(1);
    assert_eq!(probe(&run), "ready: pass: 1 check in 0.012s\n");
    run.checks[0].message = "left 1 process behind, which was killed".into();
    run.checks.push(bats("rolls back", Outcome::Skip, "no second database"));
    run.notes.push("README.md: not run".into());
    run.suites.insert(0, "live".into());
    assert_eq!(
        probe(&run),
        "live, ready: pass: 2 checks in 0.012s, 1 skipped\n\
         live: pass: no tests\n\
         ready: pass: 2 checks in 0.012s, 1 skipped\n\
         ready/0.sh: left 1 process behind, which was killed\n\
         README.md: not run\n"
    );
}

#[test]
fn an_empty_run_says_what_its_notes_say() {
    let mut run = run(vec![]);
    assert_eq!(probe(&run), "ready: pass: no tests\n");
    for note in ["no tests; the app runs", "ready: no tests; the app runs"] {
        run.notes = vec![note.into()];
        assert_eq!(probe(&run), "ready: pass: no tests; the app runs\n");
    }
}

#[test]
fn a_phase_s_verdict_is_on_the_line() {
    let mut run = run(vec![phase("ready", Outcome::Fail, "maintenance since noon: a repair")]);
    assert_eq!(probe(&run), "ready: fail: maintenance since noon: a repair\n");
    run.suites = vec!["live".into(), "startup".into()];
    run.checks =
        ["live", "startup"].map(|suite| phase(suite, Outcome::Pass, "maintenance since noon")).into();
    assert_eq!(
        probe(&run),
        "live, startup: pass: maintenance since noon\nlive: pass: maintenance since noon\nstartup: pass: maintenance since noon\n"
    );
    run.suites[1] = "ready".into();
    run.checks[1] = phase("ready", Outcome::Fail, "draining");
    assert_eq!(
        probe(&run),
        "live, ready: fail: draining\nlive: pass: maintenance since noon\nready: fail: draining\n"
    );
    run.checks.push(shell("a.sh", Outcome::Pass, ""));
    assert_eq!(
        probe(&run),
        "live, ready: fail: 1 of 3 checks: ready: draining\nlive: pass: maintenance since noon\nready: fail: 1 of 2 checks\n"
    );
}

#[test]
fn of_several_suites_each_has_its_line() {
    let of = |suite: &str, check: Check| Check { suite: suite.into(), ..check };
    let mut run = run(vec![
        of("live", shell("a.sh", Outcome::Pass, "")),
        of("ready", shell("b.sh", Outcome::Fail, "exited with code 1\n  refused")),
    ]);
    run.suites = ["live", "ready", "startup"].map(str::to_owned).into();
    run.notes.push("startup: no tests; the app runs".into());
    assert_eq!(
        probe(&run),
        "live, ready, startup: fail: 1 of 2 checks: ready/b.sh: exited with code 1\n\
         live: pass: 1 check in 0.012s\nready: fail: 1 of 1 check\nstartup: pass: no tests; the app runs\n--- ready/b.sh\n  refused\n"
    );
}

/// Long names and reasons leave room for the start of what each of two said.
#[test]
fn of_two_failures_both_outputs_are_shown() {
    let message =
        format!("`{}' failed\n  the output that tells why\n  and more of it", "[ x ] || ".repeat(60));
    let names = ["one", "two"].map(|name| format!("{name} {}", "with a long name ".repeat(8)));
    let text = probe(&run(names.iter().map(|name| bats(name, Outcome::Fail, &message)).collect()));
    assert_eq!(text.matches("the output that tells why").count(), 2, "{text}");
}

#[test]
fn one_failure_has_its_reason_on_the_line_and_its_output_below() {
    let mut run = run(passes(2));
    run.checks.push(shell("20-http.sh", Outcome::Fail, "exited with code 1"));
    assert_eq!(probe(&run), "ready: fail: 1 of 3 checks: 20-http.sh: exited with code 1\n");
    run.checks[2].message.push_str("\ncurl: (7) refused\nno answer\n");
    run.checks[0].outcome = Outcome::Skip;
    assert_eq!(
        probe(&run),
        "ready: fail: 1 of 3 checks, 1 skipped: 20-http.sh: exited with code 1\ncurl: (7) refused\nno answer\n"
    );
}

#[test]
fn several_failures_are_all_named_with_their_reasons_before_any_output() {
    assert_eq!(
        probe(&all_outcomes()),
        "ready: fail: 5 of 8 checks, 1 skipped: 20-http.sh: exited with code 1; \
         30-db.bats: refuses: `[ \"$status\" -eq 1 ]' failed; \
         40-files.goss.yaml: File: /nope: exists: Expected false to equal true; \
         50-slow.sh: timed out after 4s; \
         60-gone.bats: needs bats, which is not installed\n\
         --- 20-http.sh\n  curl: (7) refused\n  no answer\n\
         --- 50-slow.sh\n  waiting\n\
         ready/README.md: not run: not a test\n"
    );
}

#[test]
fn of_long_output_the_end_is_shown() {
    let lines: String =
        (0..500).flat_map(|n| ["\nline ".into(), n.to_string(), " of the ünïcödé output".into()]).collect();
    let one = probe(&run(vec![shell("a.sh", Outcome::Fail, &format!("exited with code 1{lines}"))]));
    assert!(one.starts_with("ready: fail: 1 of 1 check: a.sh: exited with code 1\n[cut] line "), "{one}");
    assert!(one.ends_with("line 499 of the ünïcödé output\n"), "{one}");
    assert!(one.len() > LIMIT - 100);

    let two = ["a.sh", "b.sh"].map(|file| shell(file, Outcome::Fail, &format!("exited with code 1{lines}")));
    let two = probe(&run(two.into()));
    let verdict =
        "ready: fail: 2 of 2 checks: a.sh: exited with code 1; b.sh: exited with code 1\n--- a.sh\n[cut] ";
    assert!(two.starts_with(verdict), "{two}");
    assert_eq!(two.matches("line 499 of the ünïcödé output\n").count(), 2, "{two}");
}

#[test]
fn names_come_before_reasons_when_there_is_no_room_for_both() {
    let reason = "a reason of quite some length ".repeat(4);
    let checks = (0..12).map(|n| shell(&format!("{n:02}-test.sh"), Outcome::Fail, &reason));
    let text = probe(&run(checks.collect()));
    let names: Vec<_> = (0..12).map(|n| format!("{n:02}-test.sh")).collect();
    let verdict = format!("ready: fail: 12 of 12 checks: {}", names.join("; "));
    assert_eq!(text.lines().next(), Some(verdict.as_str()));
    assert!(text.contains("\n--- 00-test.sh: a reason of quite some length"), "{text}");
    assert!(text.ends_with("\n[cut]\n"), "{text}");
}

#[test]
fn two_hundred_failures_are_counted_where_they_cannot_be_named() {
    let message = "exited with code 1\nÄÖÜ 🦀\nmore\n";
    let checks = (0..200).map(|n| shell(&format!("{n:03}-test.sh"), Outcome::Fail, message));
    let text = probe(&run(checks.collect()));
    let verdict =
        "ready: fail: 200 of 200 checks: 000-test.sh: exited with code 1; 001-test.sh; 002-test.sh; ";
    assert!(text.starts_with(verdict), "{text}");
    let named = text.matches("-test.sh").count();
    assert!(text.ends_with(&format!("; {:03}-test.sh; and {} more\n", named - 1, 200 - named)), "{text}");
    assert!(text.len() > LIMIT - 20, "{} bytes", text.len());
}

#[test]
fn a_reason_or_a_name_that_is_too_long_is_cut_visibly() {
    for check in
        [shell("a.sh", Outcome::Fail, &"é".repeat(2000)), shell(&"é".repeat(2000), Outcome::Fail, "no")]
    {
        for count in [1, 3] {
            let text = probe(&run(vec![check.clone(); count]));
            assert!(text.contains(CUT), "{text}");
            assert!(text.starts_with(&format!("ready: fail: {count} of {count} check")), "{text}");
        }
    }
    let exact = "ready: fail: 1 of 1 check: a.sh: \n".len();
    let text = probe(&run(vec![shell("a.sh", Outcome::Fail, &"x".repeat(LIMIT - exact))]));
    assert!(text.len() == LIMIT && !text.contains(CUT));
}

#[test]
fn goss_s_failure_is_one_line() {
    let text = probe(&run(vec![goss()]));
    let line =
        "ready: fail: 1 of 1 check: 40-files.goss.yaml: File: /nope: exists: Expected false to equal true\n";
    assert_eq!(text, line);
}
