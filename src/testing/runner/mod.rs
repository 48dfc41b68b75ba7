//! Who runs a test file: one module a kind, each turns one file into checks.
//!
//! Contract: a runner starts what it starts through the `Executor` alone, and hands every check to `Verdicts` as soon as it is
//! known. A file that cannot be run, was too late, or ended in a way that its checks do not tell, gets a check of its own.

mod bats;
mod goss;
mod shell;
mod tap;

pub use goss::Choice;

use super::check::{Check, Origin, Outcome};
use super::execute::{Ended, Executor, How};
use super::plan::{File, Kind};
use super::secrets::Secrets;
use crate::process::command::Command;
use crate::process::environment::Environment;
use crate::process::exit::Exit;
use crate::sys::signal::SignalNo;
use nix::unistd::{AccessFlags, access};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

/// What all tests of one command have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// The environment of every test.
    pub env: Environment,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Who runs goss files.
    pub engine: Choice,
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

/// Where a program is that a test's own environment finds; without a `PATH`, where the shell looks too.
fn installed(name: &str, env: &Environment) -> Option<PathBuf> {
    let mut command = Command::new(name, Vec::new());
    command.env = env.clone();
    let runs = |path: &PathBuf| {
        path.is_absolute() && path.is_file() && access(path.as_path(), AccessFlags::X_OK).is_ok()
    };
    command.candidates().into_iter().find(runs)
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
        // The messages are made of texts that are free of them already; a title is the test's own.
        self.common.secrets.hide_text(&mut check.title);
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
            How::Ended(_) if ended.stuck => (Outcome::Fail, format!("left processes behind{}", stuck(ended))),
            How::Ended(_) => return false,
            How::Refused(why) => (Outcome::Fail, why.clone()),
            How::NotStarted(diagnosis) => (Outcome::Error, diagnosis.reason.clone()),
            How::TimedOut(time) => (Outcome::Timeout, format!("timed out after {time}{}", stuck(ended))),
            How::Cut => (Outcome::Timeout, format!("cut short by a signal{}", stuck(ended))),
        };
        self.file(outcome, joined(&reason, output));
        true
    }
}

fn stuck(ended: &Ended) -> &'static str {
    match (ended.stuck, ended.blind) {
        (false, _) => "",
        (true, false) => ", and KILL does not end what is left (it hangs in the kernel)",
        (true, true) => ", and without /proc what is left cannot be found",
    }
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

/// Why a program's end is a failure.
fn reason(exit: Exit) -> String {
    if exit == Exit::Signal(SignalNo::KILL) {
        format!("{exit}, and not by us: out of memory, or from outside")
    } else {
        exit.to_string()
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
