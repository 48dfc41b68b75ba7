//! Shell checks: any program; exit 0 passes, 77 is a skip whose reason is the last line, anything else fails with the last
//! lines of what it printed.

use super::super::check::{Origin, Outcome};
use super::super::execute::{Executor, How};
use super::super::plan::{File, first_line};
use super::super::tail::Tail;
use super::{Verdicts, joined, reason, remark, with_remark};
use crate::process::command::Command;
use crate::process::diagnose;
use crate::process::exit::Exit;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// The exit code of a test that was skipped, as automake and other tools have it.
const SKIPPED: u8 = 77;

pub(super) fn run(executor: &mut Executor, verdicts: &mut Verdicts<'_>) {
    let mut command = command(verdicts.file);
    command.env = verdicts.common.env.clone();
    let mut tail = Tail::new(&verdicts.common.secrets);
    let mut ended = executor.run(&command, verdicts.file.timeout, false, &mut |_, piece| tail.push(piece));
    explain_interpreter(&mut ended.how, verdicts.file, &command);
    let output = tail.text(&verdicts.common.secrets);
    if verdicts.unfinished(&ended, &output) {
        return;
    }
    let How::Ended(exit) = ended.how else { return };
    let (outcome, reason, output) = if exit.success() {
        (Outcome::Pass, String::new(), "")
    } else if exit == Exit::Code(SKIPPED) {
        let why = output.lines().map(str::trim).rfind(|line| !line.is_empty());
        (Outcome::Skip, why.map_or_else(|| exit.to_string(), str::to_owned), "")
    } else {
        (Outcome::Fail, reason(exit), output.as_str())
    };
    let message = joined(&with_remark(reason, &remark(&ended)), output);
    let check = verdicts.check("", outcome, message, Origin::Shell);
    verdicts.add(check);
}

/// How to start a file: as it is when it may be executed; else, as for a script on a volume without exec or without the mode
/// bit, by the interpreter that its first line names, or by `sh`.
fn command(file: &File) -> Command {
    let path = file.path.as_os_str().to_owned();
    if nix::unistd::access(&file.path, nix::unistd::AccessFlags::X_OK).is_ok() {
        return Command::new(path, Vec::new());
    }
    let line = first_line(&file.path).unwrap_or_default();
    // A carriage return is part of a name, for the kernel and for us.
    match line.strip_prefix(b"#!").map(blanks_cut) {
        Some(named) if !named.is_empty() => {
            // As the kernel does it: the interpreter, and all the rest as one argument.
            let cut = named.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(named.len());
            let (interpreter, rest) = named.split_at(cut);
            let rest = blanks_cut(rest);
            let mut args: Vec<OsString> = Vec::new();
            if !rest.is_empty() {
                args.push(OsStr::from_bytes(rest).to_owned());
            }
            args.push(path);
            Command::new(OsStr::from_bytes(interpreter), args)
        }
        _ => Command::new("sh", vec![path]),
    }
}

fn blanks_cut(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// When the interpreter that we started in the kernel's place is what is missing, it is the file that is wrong.
fn explain_interpreter(how: &mut How, file: &File, command: &Command) {
    if let How::NotStarted(diagnosis) = how
        && command.program != file.path.as_os_str()
        && command.program != "sh"
    {
        *diagnosis = diagnose::explain(file.path.as_os_str(), std::slice::from_ref(&file.path), libc::ENOENT);
    }
}
