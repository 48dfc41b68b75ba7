//! `junit`: `JUnit`'s XML in goss's shape. `classname` is the suite, and in it no two cases have the same name: the name of a goss
//! check begins with its file, and one that comes again has a number. What could not be run is an `<error>`; valid XML 1.0
//! whatever the texts.

use super::text::{escaped, writable};
use super::words::{self, Words, reason};
use crate::testing::check::{Check, Origin, Outcome, Run};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io::{self, Write};

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let errors = run.count(|outcome| outcome == Outcome::Error);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuite name=\"{}\" errors=\"{errors}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\" \
         timestamp=\"{}\">",
        Attribute(&run.suites.join(", ")),
        run.checks.len(),
        run.failures() - errors,
        run.count(|outcome| outcome == Outcome::Skip),
        run.duration.as_secs_f64(),
        humantime::format_rfc3339_seconds(writable(run.started)),
    )?;
    let mut seen = BTreeMap::new();
    for check in &run.checks {
        let name = name(check);
        let times: &mut u32 = seen.entry((&check.suite, name.clone())).or_default();
        *times += 1;
        let name = if *times == 1 { name } else { format!("{name} ({times})") };
        case(check, &name, out)?;
    }
    if !run.notes.is_empty() {
        writeln!(out, "<system-out>{}</system-out>", Content(&run.notes.join("\n")))?;
    }
    writeln!(out, "</testsuite>")
}

/// Of a goss check `File image/10-a.goss.yaml: /etc/passwd exists`: several files may look at the same resource.
fn name(check: &Check) -> String {
    let words = Words::of(check);
    let file =
        if let Origin::Goss(_) = check.origin { format!("{}: ", words::file(check)) } else { String::new() };
    format!("{} {file}{} {}", words.kind, words.id, words.property)
}

fn case(check: &Check, name: &str, out: &mut dyn Write) -> io::Result<()> {
    let words = Words::of(check);
    writeln!(
        out,
        "<testcase name=\"{}\" classname=\"{}\" file=\"{}\" time=\"{:.3}\">",
        Attribute(name),
        Attribute(&check.suite),
        Attribute(&check.file),
        check.duration.as_secs_f64(),
    )?;
    let compact = words.compact().to_string();
    let element = match check.outcome {
        Outcome::Fail | Outcome::Timeout => "failure",
        Outcome::Error => "error",
        Outcome::Skip | Outcome::Pass => {
            let skipped = if check.outcome == Outcome::Skip { "<skipped/>" } else { "" };
            writeln!(out, "{skipped}<system-out>{}</system-out>", Content(&compact))?;
            return writeln!(out, "</testcase>");
        }
    };
    writeln!(out, "<system-err>{}</system-err>", Content(&compact))?;
    let (message, summary) = (reason(check), Content(&words.summary));
    writeln!(out, "<{element} message=\"{}\">{summary}</{element}>", Attribute(&message))?;
    writeln!(out, "</testcase>")
}

/// Text between tags.
struct Content<'a>(&'a str);

impl Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, f, escape)
    }
}

/// Text between double quotes, where a parser would make a blank of a line's end.
struct Attribute<'a>(&'a str);

impl Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, f, |c| match c {
            '\n' => Some("&#10;"),
            '\t' => Some("&#9;"),
            _ => escape(c),
        })
    }
}

/// The references for what may not stand as it is; what may not stand at all is replaced.
const fn escape(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '"' => Some("&#34;"),
        '\'' => Some("&#39;"),
        '\r' => Some("&#13;"),
        '\t' | '\n' => None,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => Some("\u{fffd}"),
        _ => None,
    }
}
