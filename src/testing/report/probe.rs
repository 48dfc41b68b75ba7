//! `probe`: what Kubernetes shows of a probe. The first line is the verdict and names every failing check, then comes the end
//! of their output; 1 KiB in all, and what is cut says so. A pass is one line, and remarks when there are any. Of several suites
//! each has a line of its own below the verdict.

use super::page::{CUT, LIMIT, Page, end_of, start_of};
use super::text::{OneLine, Seconds};
use super::words::{details, reason, subject};
use crate::testing::check::{Check, Origin, Outcome, Run};
use std::io::{self, Write};

/// Less than this of a test's output tells nobody anything.
const USEFUL: usize = 48;
/// More of a reason is not shown where there are several: goss's can hold a whole file.
const REASON: usize = 160;
/// How much of a reason is tried, so that half of the page is left for the outputs.
const REASONS: [usize; 3] = [REASON, 80, 40];

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&OneLine(&run.suites.join(", ")).to_string());
    page.push(if run.failures() == 0 { ": pass: " } else { ": fail: " });
    if run.checks.is_empty() {
        page.push(&empty(run));
        return page.write(out);
    }
    if run.checks.iter().all(is_phase) {
        page.push(&decided(run));
        suites(run, &mut page);
    } else {
        page.push(&numbers(run));
        failures(run, &mut page);
        let passed = run.checks.iter().filter(|check| check.outcome == Outcome::Pass);
        let several = run.suites.len() > 1;
        let passed = passed.filter(|check| !(several && is_phase(check)));
        for remark in passed.filter(|check| !check.message.is_empty()) {
            page.push(&format!("\n{}", named(run, remark, REASON)));
        }
    }
    let told = |note: &&String| run.suites.iter().any(|suite| empty_suite(run, suite) == Some(note.as_str()));
    let notes = run.notes.iter().filter(|note| !told(note));
    notes.for_each(|note| page.push(&format!("\n{}", OneLine(note))));
    page.write(out)
}

/// A line for each suite, where there are several.
fn suites(run: &Run, page: &mut Page) {
    if run.suites.len() < 2 {
        return;
    }
    for suite in &run.suites {
        let checks: Vec<Check> = run.checks.iter().filter(|check| check.suite == *suite).cloned().collect();
        let own = Run { suites: vec![suite.clone()], checks, notes: Vec::new(), ..*run };
        let verdict = if own.failures() == 0 { "pass" } else { "fail" };
        let said = match &own.checks[..] {
            [] => empty_suite(run, suite)
                .and_then(|note| note.strip_prefix(&format!("{suite}: ")))
                .unwrap_or("no tests")
                .to_owned(),
            checks if checks.iter().all(is_phase) => decided(&own),
            _ => numbers(&own).trim_end_matches([':', ' ']).to_owned(),
        };
        page.push(&format!("\n{suite}: {verdict}: {said}"));
    }
}

/// The note about a suite without tests, which the suite's own line says.
fn empty_suite<'a>(run: &'a Run, suite: &str) -> Option<&'a str> {
    let begin = format!("{suite}: no tests");
    run.notes.iter().find(|note| run.suites.len() > 1 && note.starts_with(&begin)).map(String::as_str)
}

/// Of a run without checks the notes say what there is to say.
fn empty(run: &Run) -> String {
    let prefix = if let [suite] = &run.suites[..] { format!("{suite}: ") } else { String::new() };
    let notes: Vec<_> = run.notes.iter().map(|note| note.strip_prefix(&prefix).unwrap_or(note)).collect();
    if notes.is_empty() { "no tests".into() } else { OneLine(&notes.join("; ")).to_string() }
}

/// What the phase decided, each reason once.
fn decided(run: &Run) -> String {
    let failed = run.failures() > 0;
    let said = run.checks.iter().filter(|check| check.outcome.is_failure() == failed).map(Check::reason);
    let mut reasons: Vec<_> = said.collect();
    reasons.dedup();
    OneLine(&reasons.join("; ")).to_string()
}

/// `3 checks in 0.012s`, `1 of 3 checks, 1 skipped`.
fn numbers(run: &Run) -> String {
    let total = run.checks.len();
    let checks = if total == 1 { "check" } else { "checks" };
    let skipped = match run.count(|outcome| outcome == Outcome::Skip) {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    match run.failures() {
        0 => format!("{total} {checks} in {}{skipped}", Seconds(run.duration)),
        failures => format!("{failures} of {total} {checks}{skipped}: "),
    }
}

fn is_phase(check: &Check) -> bool {
    check.origin == Origin::Phase
}

/// The failing checks with their reasons and then their output; by their names first when there is no room for all reasons, and
/// as many as fit, the first one with its reason, when there is none for all names.
fn failures(run: &Run, page: &mut Page) {
    let failing = || run.checks.iter().filter(|check| check.outcome.is_failure());
    let count = run.failures();
    let silent = failing().all(|check| details(check).is_empty());
    let fits = |most: &usize| {
        let length: usize = failing().map(|check| named(run, check, *most).len() + SEPARATOR.len()).sum();
        length <= LIMIT / 2
    };
    let most = match count {
        0 | 1 => LIMIT,
        _ if silent => REASON,
        _ => REASONS.into_iter().find(fits).unwrap_or(REASON),
    };
    let named = |check: &Check| named(run, check, most);
    if count == 1 || page.has_room_for(failing().map(named), SEPARATOR) {
        page.join(failing().map(named), SEPARATOR);
        suites(run, page);
        let shown = failing().filter(|check| !details(check).is_empty());
        let header = |check: &Check| {
            if count == 1 && run.suites.len() == 1 { String::new() } else { name(run, check) }
        };
        outputs(shown.map(|check| (header(check), details(check))), page);
    } else if page.has_room_for(failing().map(|check| name(run, check)), SEPARATOR) {
        page.join(failing().map(|check| name(run, check)), SEPARATOR);
        suites(run, page);
        outputs(failing().map(|check| (named(check), details(check))), page);
    } else {
        let mut failing = failing();
        failing.next().into_iter().for_each(|first| page.push(&named(first)));
        let more = format!("; and {count} more");
        let mut left = count - 1;
        for name in failing.map(|check| format!("{SEPARATOR}{}", name(run, check))) {
            if !page.has_room_for([&name, &more].into_iter(), "") {
                break;
            }
            page.push(&name);
            left -= 1;
        }
        page.push(&format!("; and {left} more"));
        suites(run, page);
    }
}

const SEPARATOR: &str = "; ";

/// The end of each output below its header, in equal shares of the room.
fn outputs<'a>(entries: impl Iterator<Item = (String, &'a str)> + Clone, page: &mut Page) {
    let mut waiting = entries.clone().count();
    for (header, output) in entries {
        let room = page.room().saturating_sub(CUT.len() + 1);
        let share = room / waiting;
        waiting -= 1;
        let begin = if header.is_empty() { "\n".to_owned() } else { format!("\n--- {header}\n") };
        if output.is_empty() && begin.len() <= room {
            page.push(begin.trim_end());
        } else if begin.len() + output.len() <= share {
            page.push(&begin);
            page.push(output);
        } else if begin.len() + CUT.len() + USEFUL <= share {
            let output = end_of(output, share - begin.len() - CUT.len() - 1);
            page.push(&format!("{begin}{CUT} {}", output.trim_start()));
        } else if room > 0 {
            page.push(&format!("\n{CUT}"));
            return;
        }
    }
}

/// What a check is called below the name of the suite, or of the suites.
fn name(run: &Run, check: &Check) -> String {
    let suite = if run.suites.len() == 1 && !is_phase(check) { "" } else { &check.suite };
    let subject = subject(check);
    let inside = if check.file.is_empty() || subject.is_empty() { "" } else { ": " };
    let below = if suite.is_empty() || check.file.is_empty() { "" } else { "/" };
    OneLine(&format!("{suite}{below}{}{inside}{subject}", check.file)).to_string()
}

/// The name and the reason, of which no more than `most` bytes.
fn named(run: &Run, check: &Check, most: usize) -> String {
    format!("{}: {}", name(run, check), start_of(&reason(check), most))
}
