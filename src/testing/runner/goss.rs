//! goss files: run by an engine. The installed `goss` is the only one so far; a built-in one joins it behind [`Engine`].

use super::super::check::{Check, Goss, Origin, Outcome};
use super::super::execute::{Executor, How, Stream};
use super::super::secrets::Secrets;
use super::super::shorten::{CUT, Shorten};
use super::super::tail::Tail;
use super::{Verdicts, installed, joined, reason, remark};
use crate::process::command::Command;
use crate::words::text::{cut, printable};
use serde::Deserialize;
use serde_json::Value;
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
    match installed("goss", &verdicts.common.env) {
        Some(program) => Ok(Box::new(Installed { program })),
        None => {
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
/// More of its JSON than this is not taken: some 5000 results.
const OUTPUT: usize = 4 << 20;
/// Bytes of a text that are shown.
const SHOWN: usize = 2048;
/// Items of a list that are shown.
const ITEMS: usize = 100;

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
        let secrets = &verdicts.common.secrets;
        let mut json = Shorten::new(SHOWN, OUTPUT);
        let mut start = Tail::new(secrets);
        let mut errors = Tail::new(secrets);
        let timeout = verdicts.file.timeout;
        let ended = executor.run(&command, timeout, true, &mut |stream, piece| match stream {
            Stream::Output => {
                json.push(piece);
                start.push(piece);
            }
            Stream::Error => errors.push(piece),
        });
        let said = errors.text(secrets);
        if verdicts.unfinished(&ended, &said) {
            return;
        }
        let How::Ended(exit) = ended.how else { return };
        let Some(text) = json.finish() else {
            return verdicts.file(Outcome::Fail, "goss reported more than 4 MB: split the file".into());
        };
        let report: Report = match serde_json::from_slice(text) {
            Ok(report) => report,
            Err(error) => {
                let (outcome, why) = if exit.code() == NOT_UNDERSTOOD {
                    (Outcome::Error, "goss does not understand it".to_owned())
                } else {
                    (Outcome::Fail, format!("goss {} and printed no report ({error})", reason(exit)))
                };
                let output = [said, start.text(secrets)].join("\n");
                return verdicts.file(outcome, joined(&why, output.trim()));
            }
        };
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
    let secrets = &verdicts.common.secrets;
    let mut goss = entry.goss;
    for text in [
        &mut goss.resource_type,
        &mut goss.resource_id,
        &mut goss.property,
        &mut goss.title,
        &mut goss.summary_line,
        &mut goss.summary_line_compact,
    ] {
        *text = fit(text, secrets);
    }
    for value in [&mut goss.meta, &mut goss.matcher_result, &mut goss.err] {
        fit_value(value, secrets);
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
            let why = goss
                .summary_line_compact
                .strip_prefix(&format!("{title}:"))
                .unwrap_or(&goss.summary_line_compact);
            why.trim().to_owned()
        }
    };
    let check =
        verdicts.check(&title.replace(['\n', '\t'], " "), outcome, message, Origin::Goss(Box::new(goss)));
    Check { duration: Duration::from_nanos(entry.duration), ..check }
}

/// A text as it may be shown: without secrets, printable, and no longer than fits.
fn fit(text: &str, secrets: &Secrets) -> String {
    // A string of JSON is longer than what it says, quotes and newlines taking two bytes: its length does not tell.
    let start = text.strip_suffix(CUT);
    let mut shown = printable(&secrets.hide_piece(start.unwrap_or(text).as_bytes(), false, start.is_some()));
    // Escapes take more room than what they stand for.
    let kept = cut(&shown, SHOWN).len();
    if start.is_some() || kept < shown.len() {
        shown.truncate(kept);
        shown.push_str(" (cut)");
    }
    shown
}

fn fit_value(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => *text = fit(text, secrets),
        Value::Array(items) => {
            items.truncate(ITEMS);
            for item in items {
                fit_value(item, secrets);
            }
        }
        Value::Object(map) => {
            for item in map.values_mut() {
                fit_value(item, secrets);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `fit` makes of a string in goss's JSON.
    fn shown(text: &str, secrets: &Secrets) -> String {
        let mut json = Shorten::new(SHOWN, OUTPUT);
        json.push(serde_json::to_string(text).expect("JSON").as_bytes());
        let text: String = serde_json::from_slice(json.finish().expect("room")).expect("JSON");
        fit(&text, secrets)
    }

    #[test]
    fn what_fits_is_shown_whole() {
        assert_eq!(shown("a\tb\u{1b}[1m", &Secrets::default()), "a\tb\\x1b[1m");
        let longest = "x".repeat(SHOWN);
        assert_eq!(shown(&longest, &Secrets::default()), longest);
    }

    #[test]
    fn a_cut_is_told_and_shows_no_part_of_a_secret() {
        let secrets = Secrets::new([&b"TOPSECRET"[..]]);
        // A newline takes two bytes of JSON: the cut is long before as many characters.
        for filler in ["x", "\n", "\u{e9}"] {
            for length in (SHOWN / 2 - 8)..=(SHOWN / 2) {
                let text = filler.repeat(length * if filler == "x" { 2 } else { 1 })
                    + "TOPSECRET and more".repeat(9).as_str();
                let shown = shown(&text, &secrets);
                assert!(shown.ends_with(" (cut)") && shown.len() <= SHOWN + 6, "{length} of {filler:?}");
                assert!(!shown.contains("TOP"), "{length} of {filler:?}: {:?}", &shown[shown.len() - 20..]);
            }
        }
    }
}
