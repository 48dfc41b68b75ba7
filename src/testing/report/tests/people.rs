//! `documentation` and `rspecish`: to the letter, since people read them.

use super::{all_outcomes, bytes, phase, run, shell, text};
use crate::testing::check::Outcome;
use crate::testing::report::{Format, Style};

const END: &str = "
Failures/Skipped:

ready/20-http.sh: exited with code 1
    curl: (7) refused
    no answer

ready/30-db.bats: refuses: `[ \"$status\" -eq 1 ]' failed

ready/30-db.bats: rolls back: skipped: no second database

Title: nope title
Meta:
    severity: 3
ready/40-files.goss.yaml: File: /nope: exists:
  Expected
      false
  to equal
      true

ready/50-slow.sh: timed out after 4s
    waiting

ready/60-gone.bats: needs bats, which is not installed

note: ready/README.md: not run: not a test

Total Duration: 0.012s
Count: 8, Failed: 5, Skipped: 1
";

#[test]
fn documentation() {
    let lines = "\
pass          ready/10-up.sh
FAIL          ready/20-http.sh: exited with code 1
              ready/30-db.bats
pass            answers
FAIL  1.250s    refuses: `[ \"$status\" -eq 1 ]' failed
skip            rolls back: no second database
              ready/40-files.goss.yaml
FAIL            File: /nope: exists: Expected false to equal true
FAIL          ready/50-slow.sh: timed out after 4s
FAIL          ready/60-gone.bats: needs bats, which is not installed
";
    assert_eq!(text(&all_outcomes(), Format::Documentation), format!("{lines}{END}"));
}

#[test]
fn rspecish() {
    assert_eq!(text(&all_outcomes(), Format::Rspecish), format!(".F.FSFFF\n{END}"));
}

#[test]
fn a_run_that_passes_says_no_more_than_that() {
    let run = run(vec![
        shell("10-up.sh", Outcome::Pass, "left 1 process behind, which was killed"),
        phase("startup", Outcome::Pass, "maintenance since noon"),
    ]);
    let end = "\nTotal Duration: 0.012s\nCount: 2, Failed: 0, Skipped: 0\n";
    let lines = "pass          ready/10-up.sh: left 1 process behind, which was killed\n\
                 pass          startup: maintenance since noon\n";
    assert_eq!(text(&run, Format::Documentation), format!("{lines}{end}"));
    assert_eq!(text(&run, Format::Rspecish), format!("..\n{end}"));
}

#[test]
fn an_empty_run() {
    let mut run = run(vec![]);
    run.notes.push("no tests; the app runs".into());
    let end = "note: no tests; the app runs\n\nTotal Duration: 0.012s\nCount: 0, Failed: 0, Skipped: 0\n";
    assert_eq!(text(&run, Format::Documentation), end);
    assert_eq!(text(&run, Format::Rspecish), format!("\n{end}"));
}

#[test]
fn colours_are_only_around_outcomes_names_and_the_count() {
    let run = run(vec![shell("a.sh", Outcome::Pass, ""), shell("b.sh", Outcome::Fail, "no\nwhy")]);
    let coloured =
        String::from_utf8(bytes(&run, Format::Documentation, Style { colour: true })).expect("UTF-8");
    let expected = "\x1b[32mpass\x1b[0m          ready/a.sh\n\
                    \x1b[31mFAIL\x1b[0m          ready/b.sh: no\n\
                    \n\
                    Failures/Skipped:\n\
                    \n\
                    \x1b[31mready/b.sh: no\x1b[0m\n  why\n\
                    \n\
                    Total Duration: 0.012s\n\
                    \x1b[31mCount: 2, Failed: 1, Skipped: 0\x1b[0m\n";
    assert_eq!(coloured, expected);
}
