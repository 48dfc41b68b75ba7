//! The stream of bats (`--formatter cat`), taken in piece by piece: TAP, with a line in front of each test that says its name.
//!
//! Contract: one plan, then one result for each test, in order. A test can write to this stream itself (its descriptor 3): a
//! result out of its turn, a second result, a second plan or a result beyond the plan is kept as what disturbed the stream, and
//! takes nobody's place.

use super::super::check::Outcome;
use super::super::secrets::Secrets;
use super::super::tail::Tail;
use crate::words::text::printable;
use std::time::Duration;

/// A longer line is cut.
pub(super) const LINE: usize = 4096;
/// What bats reports in a test's place when one of them fails, as `NAME failed`.
const FIXTURES: [&str; 4] = ["setup_file", "teardown_file", "setup_suite", "teardown_suite"];

/// One test as bats tells it.
pub(super) struct Test {
    pub(super) number: usize,
    pub(super) title: String,
    pub(super) outcome: Outcome,
    /// Why it was skipped, or how long it had.
    pub(super) reason: String,
    pub(super) comments: Tail,
    pub(super) duration: Option<Duration>,
}

/// The stream so far.
pub(super) struct Tap<'s> {
    secrets: &'s Secrets,
    line: Vec<u8>,
    /// The line is longer than what is kept of it.
    cut: bool,
    /// How many tests there are.
    pub(super) planned: Option<usize>,
    /// Results so far.
    pub(super) seen: usize,
    pub(super) failed: bool,
    /// A `setup_file` or its like failed: further tests do not report.
    pub(super) fixture_failed: bool,
    /// The first line that bats did not write.
    pub(super) disturbed: Option<String>,
    /// The name of the test that runs, and what it wrote so far.
    running: Option<(String, Tail)>,
    /// The last result, whose comments may still come.
    test: Option<Test>,
    /// What stands before the first test, or is no TAP.
    pub(super) stray: Tail,
}

impl<'s> Tap<'s> {
    pub(super) fn new(secrets: &'s Secrets) -> Self {
        Self {
            secrets,
            line: Vec::new(),
            cut: false,
            planned: None,
            seen: 0,
            failed: false,
            fixture_failed: false,
            disturbed: None,
            running: None,
            test: None,
            stray: Tail::new(secrets),
        }
    }

    /// Takes in the next piece.
    pub(super) fn push(&mut self, piece: &[u8], done: &mut dyn FnMut(Test)) {
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let (part, whole) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
            let room = LINE.saturating_sub(self.line.len());
            self.cut |= part.len() > room;
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if whole {
                self.take_line(done);
            }
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, done: &mut dyn FnMut(Test)) {
        self.take_line(done);
        self.test.take().into_iter().for_each(done);
    }

    fn take_line(&mut self, done: &mut dyn FnMut(Test)) {
        let raw = std::mem::take(&mut self.line);
        let line = self.secrets.hide_piece(&raw, false, std::mem::take(&mut self.cut));
        if line.is_empty() || self.planned.is_none() && self.take_plan(&line) {
            return;
        }
        if let Some(rest) = line.strip_prefix(b"begin ").filter(|_| self.planned.is_some()) {
            match numbered(rest) {
                // The same one again is a retry (BATS_TEST_RETRIES).
                Some((number, title)) if number == self.seen + 1 && self.in_plan(number) => {
                    self.test.take().into_iter().for_each(done);
                    self.running = Some((printable(title), Tail::new(self.secrets)));
                }
                _ => self.disturb(&line),
            }
        } else if let Some((rest, passed)) = result(&line) {
            match numbered(rest).and_then(|(number, rest)| self.test(number, rest, passed)) {
                Some(test) => {
                    self.seen += 1;
                    self.failed |= test.outcome.is_failure();
                    self.test.replace(test).into_iter().for_each(done);
                }
                None => self.disturb(&line),
            }
        } else if line.strip_prefix(b"1..").is_some_and(|count| number(count).is_some())
            || line.starts_with(b"Bail out!")
        {
            self.disturb(&line);
        } else if !(line.starts_with(b"suite ") && self.seen == 0 && self.running.is_none()) {
            self.take_comment(&line);
        }
    }

    fn take_plan(&mut self, line: &[u8]) -> bool {
        self.planned = line.strip_prefix(b"1..").and_then(number);
        self.planned.is_some()
    }

    fn in_plan(&self, number: usize) -> bool {
        self.planned.is_some_and(|all| number <= all)
    }

    fn disturb(&mut self, line: &[u8]) {
        self.disturbed.get_or_insert_with(|| printable(line));
    }

    fn take_comment(&mut self, line: &[u8]) {
        let comment = line.strip_prefix(b"# ").or_else(|| line.strip_prefix(b"#"));
        // bats counts too; what it says of it is said by us.
        if comment.is_some_and(|comment| comment.starts_with(b"bats warning: Executed ")) {
            return;
        }
        let to = match (comment, &mut self.running, &mut self.test) {
            (Some(_), Some((_, comments)), _) => comments,
            (Some(_), None, Some(test)) => &mut test.comments,
            _ => &mut self.stray,
        };
        to.push(comment.unwrap_or(line));
        to.push(b"\n");
    }

    /// The result of this number; none when it is not its turn.
    fn test(&mut self, number: usize, rest: &[u8], passed: bool) -> Option<Test> {
        let rest = printable(rest);
        let fixture = FIXTURES.into_iter().find(|name| rest.strip_prefix(name) == Some(" failed"));
        let fixture = fixture.filter(|_| !passed && self.running.is_none());
        // A failing teardown_file is one more than planned.
        if number != self.seen + 1 || fixture.is_none() && !self.in_plan(number) {
            return None;
        }
        self.fixture_failed |= fixture.is_some();
        let (name, comments) = self.running.take().unzip();
        let (title, end) = match (fixture, name) {
            (Some(fixture), _) => (fixture, End::default()),
            (None, Some(name)) if rest.starts_with(&name) && End::of(&rest[name.len()..]).is_some() => {
                let (title, end) = rest.split_at(name.len());
                (title, End::of(end).unwrap_or_default())
            }
            _ => End::find(&rest),
        };
        let (outcome, reason) = match (passed, end.note) {
            (true, Note::Skip(reason)) => (Outcome::Skip, reason),
            (true, _) => (Outcome::Pass, ""),
            (false, Note::Timeout(time)) => (Outcome::Timeout, time),
            (false, _) => (Outcome::Fail, ""),
        };
        Some(Test {
            number,
            title: title.to_owned(),
            outcome,
            reason: reason.to_owned(),
            comments: comments.unwrap_or_else(|| Tail::new(self.secrets)),
            duration: end.duration,
        })
    }
}

/// What bats writes behind a test's name.
#[derive(Clone, Copy, Default)]
struct End<'a> {
    duration: Option<Duration>,
    note: Note<'a>,
}

#[derive(Clone, Copy, Default)]
enum Note<'a> {
    #[default]
    None,
    /// Why.
    Skip(&'a str),
    /// After how long.
    Timeout(&'a str),
}

impl<'a> End<'a> {
    /// ` in 12ms`, ` in 4ms # skip reason`, ` in 1084ms # timeout after 1s`: all of `text`, or none.
    fn of(text: &'a str) -> Option<Self> {
        let (mut duration, mut rest) = (None, text);
        if let Some((digits, behind)) = text.strip_prefix(" in ").and_then(|text| text.split_once("ms")) {
            (duration, rest) = (Some(Duration::from_millis(digits.parse().ok()?)), behind);
        }
        let note = if rest.is_empty() {
            Note::None
        } else if let Some(time) = rest.strip_prefix(" # timeout after ") {
            Note::Timeout(time)
        } else {
            let reason = rest.strip_prefix(" # skip")?;
            (reason.is_empty() || reason.starts_with(' ')).then_some(Note::Skip(reason.trim()))?
        };
        Some(Self { duration, note })
    }

    /// The name and what stands behind it, where the name is not known: from the first place that can be the end.
    fn find(text: &'a str) -> (&'a str, Self) {
        let at = |mark: &'static str| text.match_indices(mark).map(|(at, _)| at);
        let mut found = at(" in ").chain(at(" # skip")).chain(at(" # timeout"));
        let found = found.find_map(|at| Some((&text[..at], Self::of(&text[at..])?)));
        found.unwrap_or((text, Self::default()))
    }
}

/// A line that any reader of TAP takes for a result: what stands behind `ok` or `not ok`.
fn result(line: &[u8]) -> Option<(&[u8], bool)> {
    let (rest, passed) = match line.strip_prefix(b"not ok") {
        Some(rest) => (rest, false),
        None => (line.strip_prefix(b"ok")?, true),
    };
    match rest {
        [] => Some((rest, passed)),
        [b' ' | b'\t', rest @ ..] => Some((rest, passed)),
        _ => None,
    }
}

/// A number and what stands behind it and a blank.
fn numbered(text: &[u8]) -> Option<(usize, &[u8])> {
    let cut = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
    Some((number(&text[..cut])?, text.get(cut + 1..).unwrap_or_default()))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan, the tests and what is no TAP.
    fn parse(text: &str) -> (Option<usize>, Vec<Test>, String, Option<String>) {
        let secrets = Secrets::default();
        let mut tap = Tap::new(&secrets);
        let mut tests = Vec::new();
        text.as_bytes().chunks(7).for_each(|piece| tap.push(piece, &mut |test| tests.push(test)));
        tap.end(&mut |test| tests.push(test));
        (tap.planned, tests, tap.stray.text(&secrets), tap.disturbed)
    }

    fn told(tests: &[Test]) -> Vec<(usize, &str, Outcome, &str)> {
        tests.iter().map(|t| (t.number, t.title.as_str(), t.outcome, t.reason.as_str())).collect()
    }

    #[test]
    fn every_test_becomes_a_check() {
        let (planned, tests, stray, disturbed) = parse(
            "1..5\nsuite /x.bats\nhello\nbegin 1 passes\nok 1 passes in 2ms\nbegin 2 it fails\n# said\nnot ok 2 it fails in 12ms\n\
             # (in test file x, line 3)\n#   `false' failed\nbegin 3 later\nok 3 later in 4ms # skip no reason\n\
             begin 4 todo # hash\nok 4 todo # hash in 3ms\nbegin 5 slow\nbegin 5 slow\nnot ok 5 slow in 1084ms # timeout after 1s\n",
        );
        assert_eq!((planned, disturbed), (Some(5), None));
        assert_eq!(
            told(&tests),
            [
                (1, "passes", Outcome::Pass, ""),
                (2, "it fails", Outcome::Fail, ""),
                (3, "later", Outcome::Skip, "no reason"),
                (4, "todo # hash", Outcome::Pass, ""),
                (5, "slow", Outcome::Timeout, "1s"),
            ]
        );
        let comments = tests[1].comments.text(&Secrets::default());
        assert_eq!(comments, "said\n(in test file x, line 3)\n  `false' failed");
        assert_eq!(tests[1].duration, Some(Duration::from_millis(12)));
        assert_eq!(stray, "hello");
    }

    #[test]
    fn a_name_may_look_like_anything() {
        let names = [
            ("wait in 5ms", Outcome::Pass),
            ("good # skip me", Outcome::Pass),
            ("x in 5ms # skip y", Outcome::Pass),
            ("", Outcome::Pass),
            ("# skip is not for failures", Outcome::Fail),
            ("x # timeout after 3s", Outcome::Fail),
        ];
        let mut text = format!("1..{}\n", names.len());
        for (number, (name, outcome)) in (1..).zip(names) {
            let result = if outcome == Outcome::Pass { "ok" } else { "not ok" };
            text.extend([format!("begin {number} {name}\n{result} {number} {name} in 28ms\n")]);
        }
        let (_, tests, _, disturbed) = parse(&text);
        let seen: Vec<_> = tests.iter().map(|t| (t.title.as_str(), t.outcome)).collect();
        assert_eq!((seen, disturbed), (names.to_vec(), None));
    }

    #[test]
    fn without_the_name_in_front_the_end_is_found() {
        let (_, tests, ..) =
            parse("1..3\nok 1 a # skip it is away\nok 2 b in 3ms # skip c in 5ms\nok 3 wait in 5ms in 7ms\n");
        assert_eq!(
            told(&tests),
            [
                (1, "a", Outcome::Skip, "it is away"),
                (2, "b", Outcome::Skip, "c in 5ms"),
                (3, "wait in 5ms", Outcome::Pass, "")
            ]
        );
    }

    #[test]
    fn fixtures_are_told_by_their_names() {
        let (_, tests, _, disturbed) = parse(
            "1..1\nbegin 1 a\nok 1 a in 3ms\nnot ok 2 teardown_file failed\n# `false' failed\n# bats warning: Executed 2 instead\n",
        );
        assert_eq!(told(&tests)[1], (2, "teardown_file", Outcome::Fail, ""));
        assert_eq!(
            (tests[1].comments.text(&Secrets::default()).as_str(), disturbed),
            ("`false' failed", None)
        );
    }

    #[test]
    fn what_bats_does_not_write_disturbs() {
        for line in [
            "ok 1 a",
            "not ok 1 a",
            "ok 2 b",
            "ok 3 c",
            "ok",
            "ok then",
            "not ok",
            "1..1",
            "1..9",
            "begin 2 b",
            "begin 3 c",
            "Bail out!",
            "ok 18446744073709551616 x",
        ] {
            let text = format!("1..2\nbegin 1 a\n{line}\nok 1 a in 1ms\nbegin 2 b\nok 2 b in 1ms\n");
            let (.., disturbed) = parse(&text);
            assert!(disturbed.is_some(), "{line:?} passes for what bats writes");
        }
        for line in ["# ok 1 a", "okay", "hello 1..2", " ok 1 a", "nothing", "suite x"] {
            let text = format!("1..1\nbegin 1 a\n{line}\nok 1 a in 1ms\n");
            assert_eq!(parse(&text).3, None, "{line:?}");
        }
        assert!(parse("1..1\nbegin 1 a\nok 1 a in 1ms\nok 2 more\n").3.is_some());
    }

    #[test]
    fn a_line_is_cut_without_showing_half_a_secret() {
        let secrets = Secrets::new([&b"TOPSECRET"[..]]);
        let mut tap = Tap::new(&secrets);
        let mut titles = Vec::new();
        let line = format!("1..1\nok 1 {}TOPSECRET\n", "x".repeat(LINE - 10));
        tap.push(line.as_bytes(), &mut |_| {});
        tap.end(&mut |test| titles.push(test.title));
        assert!(titles[0].ends_with("x***"), "{titles:?}");
    }
}
