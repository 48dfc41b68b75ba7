//! Who runs a test file: one module a kind, each turns one file into checks.
//!
//! Contract: a runner starts what it starts through the `Executor` alone, and hands every check to `Verdicts` as soon as it is
//! known. A file that cannot be run, was too late, or ended in a way that its checks do not tell, gets a check of its own.

mod bats;
mod goss;
mod shell;

pub use goss::Choice;

use super::check::{Check, Origin, Outcome};
use super::execute::{Ended, Executor, How};
use super::plan::{File, Kind};
use super::text::Secrets;
use crate::process::environment::Environment;
use std::time::{Duration, Instant, SystemTime};

/// What all tests of one command have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// The environment of every test.
    pub env: Environment,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Who runs goss files.
    pub engine: Choice,
    /// What the whole command was given and by what, for the message when it is over: `9s (--timeout)`.
    pub limit: Option<String>,
}

/// Runs one file.
pub(super) fn run(file: &File, common: &Common, executor: &mut Executor, sink: &mut dyn FnMut(Check)) {
    let mut verdicts = Verdicts::new(file, common, sink);
    match &file.kind {
        Kind::Shell => shell::run(executor, &mut verdicts),
        Kind::Bats => bats::run(executor, &mut verdicts),
        Kind::Goss(variables) => goss::run(variables.as_deref(), executor, &mut verdicts),
        Kind::Wrong(why) => verdicts.file(Outcome::Error, why.clone()),
    }
}

/// Takes the checks of one file, and sees to it that their texts are fit to be shown.
pub(super) struct Verdicts<'a> {
    file: &'a File,
    common: &'a Common,
    sink: &'a mut dyn FnMut(Check),
    started: SystemTime,
    clock: Instant,
}

impl<'a> Verdicts<'a> {
    fn new(file: &'a File, common: &'a Common, sink: &'a mut dyn FnMut(Check)) -> Self {
        Self { file, common, sink, started: SystemTime::now(), clock: Instant::now() }
    }

    /// A check of this file that took from the file's start until now.
    fn check(&self, title: &str, outcome: Outcome, message: String, origin: Origin) -> Check {
        Check {
            suite: self.file.suite.clone(),
            file: self.file.name.clone(),
            title: title.to_owned(),
            outcome,
            message,
            started: self.started,
            duration: self.clock.elapsed(),
            origin,
        }
    }

    fn add(&mut self, mut check: Check) {
        let secrets = &self.common.secrets;
        secrets.hide_text(&mut check.title);
        secrets.hide_text(&mut check.message);
        if let Origin::Goss(goss) = &mut check.origin {
            for text in [
                &mut goss.resource_id,
                &mut goss.title,
                &mut goss.summary_line,
                &mut goss.summary_line_compact,
            ] {
                secrets.hide_text(text);
            }
            for value in [&mut goss.meta, &mut goss.matcher_result, &mut goss.err] {
                secrets.hide_value(value);
            }
        }
        (self.sink)(check);
    }

    /// A verdict about the file as a whole.
    fn file(&mut self, outcome: Outcome, message: String) {
        let check = self.check("", outcome, message, Origin::File);
        self.add(check);
    }

    /// A verdict about the file that no check of it can tell: it was not started, was too late, or left something behind that
    /// cannot be ended. `output` is the end of what it printed. False when there is nothing of the kind.
    fn unfinished(&mut self, ended: &Ended, output: &str) -> bool {
        let (outcome, reason) = match &ended.how {
            How::Ended(_) if ended.stuck => (
                Outcome::Fail,
                "left processes behind that KILL does not end (they hang in the kernel)".to_owned(),
            ),
            How::Ended(_) => return false,
            How::Refused(why) => (Outcome::Fail, why.clone()),
            How::NotStarted(diagnosis) => (Outcome::Error, diagnosis.reason.clone()),
            How::TimedOut => (Outcome::Timeout, format!("timed out after {}{}", self.spent(), stuck(ended))),
            How::Cut => (Outcome::Timeout, format!("cut short by a signal{}", stuck(ended))),
        };
        self.file(outcome, joined(&reason, output));
        true
    }

    /// The time that was up: the file's own, or the whole command's.
    fn spent(&self) -> String {
        match &self.common.limit {
            Some(limit) if self.clock.elapsed() < self.file.timeout => limit.clone(),
            _ => spell(self.file.timeout),
        }
    }
}

fn stuck(ended: &Ended) -> &'static str {
    if ended.stuck { ", and KILL does not end it (it hangs in the kernel)" } else { "" }
}

/// What a file that ended left behind, as a remark: it is over, but somebody should know.
fn remark(ended: &Ended) -> String {
    match ended.left {
        0 if ended.held => "a process that is none of its own holds its output open".into(),
        0 => String::new(),
        1 => "left a process behind, which was killed".into(),
        many => format!("left {many} processes behind, which were killed"),
    }
}

/// A reason and the end of the output below it.
fn joined(reason: &str, output: &str) -> String {
    let mut text = reason.to_owned();
    for line in output.lines() {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

/// The reason and the remark in one line.
fn with_remark(reason: String, remark: &str) -> String {
    match (reason.is_empty(), remark.is_empty()) {
        (_, true) => reason,
        (true, _) => remark.to_owned(),
        _ => format!("{reason}; {remark}"),
    }
}

/// `4s`, `1.5s`, `250ms`, as people write it.
pub fn spell(time: Duration) -> String {
    match time.as_millis() {
        ms if ms.is_multiple_of(60_000) && ms > 0 => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms if ms > 1000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        ms => format!("{ms}ms"),
    }
}
