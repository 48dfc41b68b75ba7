//! `tap`: Test Anything Protocol, a line a check in goss's form. A `#` in a description is written as `＃`: a `# skip` in a
//! test's output must not turn a failure into a skip. Readers disagree on `\#`, the escape of TAP 14: `TAP::Parser` of Perl keeps
//! the backslash, tap.py of Python takes what follows for a directive.

use super::text::{OneLine, escaped};
use super::words::Words;
use crate::testing::check::{Outcome, Run};
use std::fmt::{self, Display};
use std::io::{self, Write};

pub(super) fn write(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "1..{}", run.checks.len())?;
    for (number, check) in (1..).zip(&run.checks) {
        let result = if check.outcome.is_failure() { "not ok" } else { "ok" };
        let directive = if check.outcome == Outcome::Skip { "# SKIP " } else { "" };
        let words = Words::of(check);
        writeln!(out, "{result} {number} - {directive}{}", Description(&words.compact().to_string()))?;
    }
    run.notes.iter().try_for_each(|note| writeln!(out, "# {}", OneLine(note)))
}

struct Description<'a>(&'a str);

impl Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, f, |c| (c == '#').then_some("＃"))
    }
}
