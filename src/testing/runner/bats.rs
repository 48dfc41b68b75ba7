//! bats files: run by the installed `bats`, whose output becomes one check a `@test`, and one for a `setup_file` or
//! `teardown_file` that fails.
//!
//! bats writes its working files into a directory of ours, which goes with it: what is killed at a deadline leaves nothing
//! behind that would fill a small tmpfs probe by probe.

use super::super::check::{Check, Origin, Outcome};
use super::super::execute::{Executor, How, Stream};
use super::super::tail::Tail;
use super::tap::{Tap, Test};
use super::{Verdicts, installed, joined, reason, remark, with_remark};
use crate::process::command::Command;
use crate::process::exit::Exit;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a writable directory is looked for after `TMPDIR`. The last ones are there in a read-only container too.
const DIRECTORIES: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];

pub(super) fn run(executor: &mut Executor, verdicts: &mut Verdicts<'_>) {
    let env = &verdicts.common.env;
    let Some(bats) = installed("bats", env) else {
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
    // This form names each test before it runs, so that no name is taken for what stands behind it.
    let args: Vec<OsString> = ["--formatter", "cat", "--timing", "--print-output-on-failure"]
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
    match verdict(&tap, exit, &remark(&ended)) {
        Some((outcome, why)) => verdicts.file(outcome, joined(&why, output.trim())),
        None if ended.left > 0 || ended.held => {
            let check = verdicts.check("", Outcome::Pass, remark(&ended), Origin::File);
            verdicts.add(check);
        }
        None => {}
    }
}

/// What is to be said of the file beside its tests: a stream that does not hold together says nothing for sure.
fn verdict(tap: &Tap<'_>, exit: Exit, remark: &str) -> Option<(Outcome, String)> {
    let Some(planned) = tap.planned.filter(|planned| *planned > 0 || tap.seen > 0) else {
        return Some(if exit.success() {
            (Outcome::Error, with_remark("no @test in it".into(), remark))
        } else {
            (Outcome::Error, format!("bats {exit}"))
        });
    };
    let missing = planned.saturating_sub(tap.seen);
    if let Some(line) = &tap.disturbed {
        let why = "is out of its turn; on descriptor 3 a test may write comments (# …) and no results";
        Some((Outcome::Fail, format!("the results cannot be trusted: `{line}` {why}")))
    } else if missing > 0 && !tap.fixture_failed {
        Some((Outcome::Fail, format!("{missing} of {planned} tests did not report; bats {}", reason(exit))))
    } else if !exit.success() && !tap.failed {
        Some((Outcome::Fail, format!("bats {}, and no test says why", reason(exit))))
    } else {
        None
    }
}

/// One test, as soon as bats is done with it.
fn tell(verdicts: &mut Verdicts<'_>, test: Test) {
    let output = test.comments.text(&verdicts.common.secrets);
    let message = match test.outcome {
        Outcome::Pass => String::new(),
        Outcome::Skip => test.reason,
        Outcome::Timeout => joined(&format!("timed out after {} (BATS_TEST_TIMEOUT)", test.reason), &output),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_failed_is_the_reason() {
        let output = "(in test file x, line 3)\n  `[ 1 = 2 ]' failed with status 2\nsome output";
        assert_eq!(failed_command(output), "`[ 1 = 2 ]' failed with status 2");
        assert_eq!(failed_command("no word of it"), "failed");
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
