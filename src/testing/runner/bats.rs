//! bats files: run by the installed `bats`, whose TAP output becomes one check a `@test`.
//!
//! bats writes its working files into a directory of ours, which goes with it: what is killed at a deadline leaves nothing
//! behind that would fill a small tmpfs probe by probe.

use super::super::check::{Check, Origin, Outcome};
use super::super::execute::{Executor, How, Stream};
use super::super::text::{Tail, printable};
use super::{Verdicts, joined, remark, with_remark};
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
    let mut tap = Tap::default();
    let mut errors = Tail::default();
    let timeout = verdicts.file.timeout;
    let ended = executor.run(&command, timeout, true, &mut |stream, piece| match stream {
        Stream::Output => tap.push(piece),
        Stream::Error => errors.push(piece),
    });
    drop(directory);
    tap.end();
    let seen = tap.tests.len();
    let failed = tap.tests.iter().any(|test| test.outcome.is_failure());
    for (index, test) in tap.tests.into_iter().enumerate() {
        let output = test.comments.text(&verdicts.common.secrets);
        let message = match test.outcome {
            Outcome::Pass => String::new(),
            Outcome::Skip => test.reason,
            _ => joined(failed_command(&output), &output),
        };
        let origin = Origin::Bats(index as u32 + 1);
        let check = verdicts.check(&test.title, test.outcome, message, origin);
        verdicts.add(Check { duration: test.duration.unwrap_or_default(), ..check });
    }
    let stray = tap.stray.text(&verdicts.common.secrets);
    let output = [stray, errors.text(&verdicts.common.secrets)].join("\n");
    if verdicts.unfinished(&ended, output.trim()) {
        return;
    }
    let How::Ended(exit) = ended.how else { return };
    let planned = tap.planned.unwrap_or(0);
    if seen < planned {
        let reason = format!("{} of {planned} tests did not report; bats {}", planned - seen, exit);
        verdicts.file(Outcome::Fail, joined(&reason, output.trim()));
    } else if let (Exit::Signal(_), false) = (exit, failed) {
        verdicts.file(Outcome::Fail, joined(&format!("bats {exit}"), output.trim()));
    } else if !exit.success() && !failed {
        verdicts.file(Outcome::Error, joined(&format!("bats {exit}"), output.trim()));
    } else if planned == 0 {
        verdicts.file(Outcome::Error, with_remark("no @test in it".into(), &remark(&ended)));
    } else if ended.left > 0 || ended.held {
        let check = verdicts.check("", Outcome::Pass, remark(&ended), Origin::File);
        verdicts.add(check);
    }
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
    title: String,
    outcome: Outcome,
    /// Why it was skipped.
    reason: String,
    comments: Tail,
    duration: Option<Duration>,
}

/// bats' TAP, taken in piece by piece.
#[derive(Default)]
struct Tap {
    line: Vec<u8>,
    planned: Option<usize>,
    tests: Vec<Test>,
    /// What stands before the first test, or is no TAP.
    stray: Tail,
}

impl Tap {
    fn push(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let (part, whole) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
            let room = LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if whole {
                self.end();
            }
        }
    }

    /// The line is complete.
    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        if let Some(count) = line.strip_prefix(b"1..").and_then(number) {
            self.planned = Some(count);
        } else if let Some(rest) = line.strip_prefix(b"ok ").and_then(after_number) {
            self.tests.push(test(rest, true));
        } else if let Some(rest) = line.strip_prefix(b"not ok ").and_then(after_number) {
            self.tests.push(test(rest, false));
        } else {
            let comment = line.strip_prefix(b"# ").or_else(|| line.strip_prefix(b"#"));
            let to = match (comment, self.tests.last_mut()) {
                (Some(_), Some(test)) => &mut test.comments,
                _ => &mut self.stray,
            };
            to.push(comment.unwrap_or(&line));
            to.push(b"\n");
        }
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

/// `12 title` without its number.
fn after_number(rest: &[u8]) -> Option<&[u8]> {
    let cut = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    number(&rest[..cut])?;
    Some(rest[cut..].trim_ascii_start())
}

/// `title in 12ms`, `title in 4ms # skip reason`.
fn test(rest: &[u8], passed: bool) -> Test {
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
    Test { title: title.to_owned(), outcome, reason: reason.to_owned(), comments: Tail::default(), duration }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text::Secrets;

    fn parse(text: &str) -> Tap {
        let mut tap = Tap::default();
        text.as_bytes().chunks(7).for_each(|piece| tap.push(piece));
        tap.end();
        tap
    }

    #[test]
    fn every_test_becomes_a_check() {
        let tap = parse(
            "1..4\nhello\nok 1 passes in 2ms\nnot ok 2 it fails in 12ms\n# (in test file x, line 3)\n#   `false' failed\nok 3 \
             later in 4ms # skip no reason\nok 4 todo # hash in 3ms\n",
        );
        assert_eq!(tap.planned, Some(4));
        let seen: Vec<_> =
            tap.tests.iter().map(|t| (t.title.as_str(), t.outcome, t.reason.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("passes", Outcome::Pass, ""),
                ("it fails", Outcome::Fail, ""),
                ("later", Outcome::Skip, "no reason"),
                ("todo # hash", Outcome::Pass, ""),
            ]
        );
        let none = Secrets::default();
        assert_eq!(tap.tests[1].comments.text(&none), "(in test file x, line 3)\n  `false' failed");
        assert_eq!(tap.tests[1].duration, Some(Duration::from_millis(12)));
        assert_eq!(tap.stray.text(&none), "hello");
    }

    #[test]
    fn the_command_that_failed_is_the_reason() {
        let output = "(in test file x, line 3)\n  `[ 1 = 2 ]' failed with status 2\nsome output";
        assert_eq!(failed_command(output), "`[ 1 = 2 ]' failed with status 2");
        assert_eq!(failed_command("no word of it"), "failed");
    }

    #[test]
    fn a_title_may_look_like_anything() {
        let tap = parse("1..3\nok 1 wait in 5ms in 7ms\nok 2\nnot ok 3 # skip is not for failures in 1ms\n");
        let titles: Vec<_> = tap.tests.iter().map(|t| (t.title.as_str(), t.outcome)).collect();
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
