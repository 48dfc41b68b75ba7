//! goss files: run by an engine. The installed `goss` is the only one so far; a built-in one joins it behind [`Engine`].

use super::super::check::{Check, Goss, Origin, Outcome};
use super::super::execute::{Executor, How, Stream};
use super::super::text::{Tail, printable};
use super::{Verdicts, joined, remark};
use crate::process::command::Command;
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which engine people want.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Choice {
    /// The built-in one where it can, else the installed `goss`.
    #[default]
    Auto,
    /// The built-in one.
    Builtin,
    /// The installed `goss`.
    Goss,
}

/// What turns a goss file into checks. Every engine gives the same verdicts: type, id, property and result.
trait Engine {
    /// Runs the file of `verdicts` with these variables.
    fn run(&self, variables: Option<&Path>, executor: &mut Executor, verdicts: &mut Verdicts<'_>);
}

pub(super) fn run(variables: Option<&Path>, executor: &mut Executor, verdicts: &mut Verdicts<'_>) {
    match engine(verdicts) {
        Ok(engine) => engine.run(variables, executor, verdicts),
        Err(why) => verdicts.file(Outcome::Error, why),
    }
}

fn engine(verdicts: &Verdicts<'_>) -> Result<Box<dyn Engine>, String> {
    if verdicts.common.engine == Choice::Builtin {
        return Err("there is no built-in goss engine in this version: use --engine goss".into());
    }
    let path = verdicts.common.env.get("PATH").unwrap_or_default();
    match which::which_in("goss", Some(path), "/") {
        Ok(program) => Ok(Box::new(Installed { program })),
        Err(_) => {
            Err("goss is not in this image's PATH: install it (Debian: goss), or write the test as *.sh"
                .into())
        }
    }
}

/// The installed `goss`.
struct Installed {
    program: PathBuf,
}

/// goss's exit code for a file that it does not understand.
const NOT_UNDERSTOOD: u8 = 78;
/// More of its JSON than this is not taken: about 20 000 results.
const OUTPUT: usize = 16 << 20;

#[derive(Deserialize)]
struct Report {
    results: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    /// 0 pass, 1 fail, 2 skip.
    result: u8,
    /// Nanoseconds.
    duration: u64,
    #[serde(flatten)]
    goss: Goss,
}

impl Engine for Installed {
    fn run(&self, variables: Option<&Path>, executor: &mut Executor, verdicts: &mut Verdicts<'_>) {
        let file = verdicts.file.path.clone().into_os_string();
        let mut args: Vec<OsString> = vec!["--gossfile".into(), file];
        if let Some(variables) = variables {
            args.extend(["--vars".into(), variables.into()]);
        }
        args.extend(["validate", "--no-color", "--format", "json"].map(OsString::from));
        let mut command = Command::new(&self.program, args);
        command.env = verdicts.common.env.clone();
        let mut json = Vec::new();
        let mut errors = Tail::default();
        let timeout = verdicts.file.timeout;
        let ended = executor.run(&command, timeout, true, &mut |stream, piece| match stream {
            Stream::Output => json.extend_from_slice(&piece[..piece.len().min(OUTPUT - json.len())]),
            Stream::Error => errors.push(piece),
        });
        let said = errors.text(&verdicts.common.secrets);
        if verdicts.unfinished(&ended, &said) {
            return;
        }
        let How::Ended(exit) = ended.how else { return };
        let report: Report = match serde_json::from_slice(&json) {
            Ok(report) => report,
            Err(error) => {
                let (outcome, reason) = if exit.code() == NOT_UNDERSTOOD {
                    (Outcome::Error, "goss does not understand it".to_owned())
                } else {
                    (Outcome::Fail, format!("goss {exit} and printed no report ({error})"))
                };
                let mut output = Tail::default();
                output.push(&json);
                let printed = output.text(&verdicts.common.secrets);
                let output = [said, printed].join("\n");
                return verdicts.file(outcome, joined(&reason, output.trim()));
            }
        };
        drop(json);
        for entry in sorted(report.results) {
            let check = check(verdicts, entry);
            verdicts.add(check);
        }
        if ended.left > 0 || ended.held {
            let check = verdicts.check("", Outcome::Pass, remark(&ended), Origin::File);
            verdicts.add(check);
        }
    }
}

/// goss runs resources at the same time and reports them as they come; in one resource its order tells something.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    let key = |entry: &Entry| (entry.goss.resource_type.clone(), entry.goss.resource_id.clone());
    entries.sort_by_cached_key(key);
    entries
}

fn check(verdicts: &Verdicts<'_>, entry: Entry) -> Check {
    let mut goss = entry.goss;
    for text in [
        &mut goss.resource_type,
        &mut goss.resource_id,
        &mut goss.property,
        &mut goss.title,
        &mut goss.summary_line,
        &mut goss.summary_line_compact,
    ] {
        // Before the cut, which could leave half a secret.
        verdicts.common.secrets.hide_text(text);
        *text = bounded(printable(text.as_bytes()));
    }
    let outcome = match entry.result {
        0 => Outcome::Pass,
        2 => Outcome::Skip,
        _ => Outcome::Fail,
    };
    let title = format!("{}: {}: {}", goss.resource_type, goss.resource_id, goss.property);
    let message = match outcome {
        Outcome::Pass => String::new(),
        Outcome::Skip => "skipped".into(),
        _ => {
            let lead = format!("{}: {}: {}:", goss.resource_type, goss.resource_id, goss.property);
            let why =
                goss.summary_line_compact.strip_prefix(lead.as_str()).unwrap_or(&goss.summary_line_compact);
            why.trim().to_owned()
        }
    };
    let check =
        verdicts.check(&title.replace(['\n', '\t'], " "), outcome, message, Origin::Goss(Box::new(goss)));
    Check { duration: Duration::from_nanos(entry.duration), ..check }
}

/// A result can hold a whole file.
fn bounded(text: String) -> String {
    const MOST: usize = 2048;
    if text.len() <= MOST {
        return text;
    }
    let cut = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{} (cut, {} bytes in all)", &text[..cut], text.len())
}
