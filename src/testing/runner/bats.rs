//! bats files: run by the installed `bats`, whose TAP output becomes one check a `@test`.
//!
//! bats writes its working files into a directory of ours, which goes with it: what is killed at a deadline leaves nothing
//! behind that would fill a small tmpfs probe by probe.

use super::super::check::{Check, Origin, Outcome};
use super::super::execute::{Executor, How, Stream};
use super::super::secrets::Secrets;
use super::super::tail::Tail;
use super::super::text::printable;
use super::{Verdicts, joined, reason, remark, with_remark};
use crate::process::command::Command;
use crate::process::exit::Exit;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a writable directory is looked for after `TMPDIR`. The last ones are there in a read-only container too.
const DIRECTORIES: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
/// A longer line of TAP is cut.
const LINE: usize = 4096;

pub(super) fn run(executor: &mut Executor, verdicts: &mut Verdicts<'_>) {
    let env = &verdicts.common.env;
    let path = env.get("PATH").unwrap_or_default();
    let Ok(bats) = which::which_in("bats", Some(path), "/") else {
        return verdicts.file(
            Outcome::Error,
            "bats is not in this image's PATH: install it (Debian: bats), or write the test as *.sh".into(),
        );
    };
    let Some(directory) = Scratch::make(env.get("TMPDIR")) else {
        return verdicts.file(
            Outcome::Error,
            format!(
                "bats needs a writable directory and there is none: mount a tmpfs at /tmp, or name one in TMPDIR (looked at \
                 TMPDIR, {})",
                DIRECTORIES.join(", ")
            ),
        );
    };
    let args: Vec<OsString> = ["--formatter", "tap", "--timing"]
        .into_iter()
        .map(OsString::from)
        .chain([verdicts.file.path.clone().into_os_string()])
        .collect();
    let mut command = Command::new(bats, args);
    command.env = env.clone().with("TMPDIR", directory.0.as_os_str());
    let common = verdicts.common;
    let mut tap = Tap::new(&common.secrets);
    let mut errors = Tail::new(&common.secrets);
    let timeout = verdicts.file.timeout;
    let ended = executor.run(&command, timeout, true, &mut |stream, piece| match stream {
        Stream::Output => tap.push(piece, &mut |test| tell(verdicts, test)),
        Stream::Error => errors.push(piece),
    });
    drop(directory);
    tap.end(&mut |test| tell(verdicts, test));
    let output = [tap.stray.text(&common.secrets), errors.text(&common.secrets)].join("\n");
    if verdicts.unfinished(&ended, output.trim()) {
        return;
    }
    let How::Ended(exit) = ended.how else { return };
    let planned = tap.planned.unwrap_or(0);
    if tap.seen < planned {
        let why = format!("{} of {planned} tests did not report; bats {}", planned - tap.seen, reason(exit));
        verdicts.file(Outcome::Fail, joined(&why, output.trim()));
    } else if let (Exit::Signal(_), false) = (exit, tap.failed) {
        verdicts.file(Outcome::Fail, joined(&format!("bats {}", reason(exit)), output.trim()));
    } else if !exit.success() && !tap.failed {
        verdicts.file(Outcome::Error, joined(&format!("bats {exit}"), output.trim()));
    } else if planned == 0 {
        verdicts.file(Outcome::Error, with_remark("no @test in it".into(), &remark(&ended)));
    } else if ended.left > 0 || ended.held {
        let check = verdicts.check("", Outcome::Pass, remark(&ended), Origin::File);
        verdicts.add(check);
    }
}

/// One test, as soon as bats is done with it.
fn tell(verdicts: &mut Verdicts<'_>, test: Test) {
    let output = test.comments.text(&verdicts.common.secrets);
    let message = match test.outcome {
        Outcome::Pass => String::new(),
        Outcome::Skip => test.reason,
        _ => joined(failed_command(&output), &output),
    };
    let check = verdicts.check(&test.title, test.outcome, message, Origin::Bats(test.number as u32));
    verdicts.add(Check { duration: test.duration.unwrap_or_default(), ..check });
}

/// The line in which bats says which command failed, as the reason.
fn failed_command(output: &str) -> &str {
    let said = |line: &&str| line.starts_with('`') && line.contains("' failed");
    output.lines().map(str::trim).find(said).unwrap_or("failed")
}

/// A directory of our own, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make(tmpdir: Option<OsString>) -> Option<Self> {
        let named = tmpdir.filter(|dir| !dir.is_empty()).map(PathBuf::from);
        named
            .into_iter()
            .chain(DIRECTORIES.map(PathBuf::from))
            .find_map(|directory| nix::unistd::mkdtemp(&directory.join("wrapper-test-XXXXXX")).ok().map(Self))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed belongs to another user: a test that became one.
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}

/// One test as bats tells it.
struct Test {
    number: usize,
    title: String,
    outcome: Outcome,
    /// Why it was skipped.
    reason: String,
    comments: Tail,
    duration: Option<Duration>,
}

/// bats' TAP, taken in piece by piece.
struct Tap<'s> {
    secrets: &'s Secrets,
    line: Vec<u8>,
    /// The line is longer than what is kept of it.
    cut: bool,
    planned: Option<usize>,
    /// Tests so far.
    seen: usize,
    failed: bool,
    /// The last one, whose comments may still come.
    test: Option<Test>,
    /// What stands before the first test, or is no TAP.
    stray: Tail,
}

impl<'s> Tap<'s> {
    fn new(secrets: &'s Secrets) -> Self {
        let stray = Tail::new(secrets);
        Self {
            secrets,
            line: Vec::new(),
            cut: false,
            planned: None,
            seen: 0,
            failed: false,
            test: None,
            stray,
        }
    }

    fn push(&mut self, piece: &[u8], done: &mut dyn FnMut(Test)) {
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
    fn end(&mut self, done: &mut dyn FnMut(Test)) {
        self.take_line(done);
        self.test.take().into_iter().for_each(done);
    }

    fn take_line(&mut self, done: &mut dyn FnMut(Test)) {
        let raw = std::mem::take(&mut self.line);
        let line = self.secrets.hide_piece(&raw, false, std::mem::take(&mut self.cut));
        if line.is_empty() {
            return;
        }
        if let Some(count) = line.strip_prefix(b"1..").and_then(number).filter(|_| self.planned.is_none()) {
            self.planned = Some(count);
        } else if let Some(test) = self.result(&line) {
            self.seen += 1;
            self.failed |= test.outcome.is_failure();
            self.test.replace(test).into_iter().for_each(done);
        } else {
            let comment = line.strip_prefix(b"# ").or_else(|| line.strip_prefix(b"#"));
            let to = match (comment, &mut self.test) {
                (Some(_), Some(test)) => &mut test.comments,
                _ => &mut self.stray,
            };
            to.push(comment.unwrap_or(&line));
            to.push(b"\n");
        }
    }

    /// A line that is the next test's result: a test that prints one itself, out of its turn, does not count.
    fn result(&self, line: &[u8]) -> Option<Test> {
        let (rest, passed) = match line.strip_prefix(b"ok ") {
            Some(rest) => (rest, true),
            None => (line.strip_prefix(b"not ok ")?, false),
        };
        let cut = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        let next = number(&rest[..cut])? == self.seen + 1 && self.planned.is_some_and(|all| self.seen < all);
        next.then(|| self.test(rest[cut..].trim_ascii_start(), passed))
    }

    /// `title in 12ms`, `title in 4ms # skip reason`.
    fn test(&self, rest: &[u8], passed: bool) -> Test {
        let rest = printable(rest);
        let mut outcome = if passed { Outcome::Pass } else { Outcome::Fail };
        let (mut title, mut reason) = (rest.as_str(), "");
        if let Some((before, after)) = rest.rsplit_once(" # skip")
            && passed
            && (after.is_empty() || after.starts_with(' '))
        {
            outcome = Outcome::Skip;
            (title, reason) = (before, after.trim());
        }
        let timed = title.rsplit_once(" in ").and_then(|(name, time)| {
            Some((name, time.strip_suffix("ms")?.parse().ok().map(Duration::from_millis)?))
        });
        let (title, duration) = timed.map_or((title, None), |(name, time)| (name, Some(time)));
        Test {
            number: self.seen + 1,
            title: title.to_owned(),
            outcome,
            reason: reason.to_owned(),
            comments: Tail::new(self.secrets),
            duration,
        }
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan, the tests and what is no TAP.
    fn parse(text: &str) -> (Option<usize>, Vec<Test>, String) {
        let secrets = Secrets::default();
        let mut tap = Tap::new(&secrets);
        let mut tests = Vec::new();
        text.as_bytes().chunks(7).for_each(|piece| tap.push(piece, &mut |test| tests.push(test)));
        tap.end(&mut |test| tests.push(test));
        (tap.planned, tests, tap.stray.text(&secrets))
    }

    #[test]
    fn every_test_becomes_a_check() {
        let (planned, tests, stray) = parse(
            "1..4\nhello\nok 1 passes in 2ms\nnot ok 2 it fails in 12ms\n# (in test file x, line 3)\n#   `false' failed\nok 3 \
             later in 4ms # skip no reason\nok 4 todo # hash in 3ms\n",
        );
        assert_eq!(planned, Some(4));
        let seen: Vec<_> =
            tests.iter().map(|t| (t.number, t.title.as_str(), t.outcome, t.reason.as_str())).collect();
        assert_eq!(
            seen,
            [
                (1, "passes", Outcome::Pass, ""),
                (2, "it fails", Outcome::Fail, ""),
                (3, "later", Outcome::Skip, "no reason"),
                (4, "todo # hash", Outcome::Pass, ""),
            ]
        );
        let comments = tests[1].comments.text(&Secrets::default());
        assert_eq!(comments, "(in test file x, line 3)\n  `false' failed");
        assert_eq!(tests[1].duration, Some(Duration::from_millis(12)));
        assert_eq!(stray, "hello");
    }

    #[test]
    fn a_result_out_of_its_turn_is_none() {
        let (_, tests, stray) = parse("1..2\nok 2 fake\nok 1 one in 1ms\n1..9\nok 2 two in 1ms\nok 3 more\n");
        assert_eq!(tests.iter().map(|test| test.title.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(stray, "ok 2 fake\n1..9\nok 3 more");
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

    #[test]
    fn the_command_that_failed_is_the_reason() {
        let output = "(in test file x, line 3)\n  `[ 1 = 2 ]' failed with status 2\nsome output";
        assert_eq!(failed_command(output), "`[ 1 = 2 ]' failed with status 2");
        assert_eq!(failed_command("no word of it"), "failed");
    }

    #[test]
    fn a_title_may_look_like_anything() {
        let (_, tests, _) =
            parse("1..3\nok 1 wait in 5ms in 7ms\nok 2\nnot ok 3 # skip is not for failures in 1ms\n");
        let titles: Vec<_> = tests.iter().map(|t| (t.title.as_str(), t.outcome)).collect();
        assert_eq!(
            titles,
            [
                ("wait in 5ms", Outcome::Pass),
                ("", Outcome::Pass),
                ("# skip is not for failures", Outcome::Fail)
            ]
        );
    }

    #[test]
    fn a_directory_goes_with_its_last_file() {
        let scratch = Scratch::make(Some("/nonexistent".into())).expect("/tmp is writable");
        let path = scratch.0.clone();
        std::fs::write(path.join("file"), "x").expect("write");
        drop(scratch);
        assert!(!path.exists());
    }
}
