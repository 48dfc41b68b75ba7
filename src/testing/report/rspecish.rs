//! `rspecish`: goss's default: a letter a check, then the failures in full.

use super::{Style, people};
use crate::testing::check::{Outcome, Run};
use std::io::{self, Write};

pub(super) fn write(run: &Run, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for check in &run.checks {
        let letter = match check.outcome {
            Outcome::Pass => '.',
            Outcome::Skip => 'S',
            Outcome::Fail | Outcome::Timeout | Outcome::Error => 'F',
        };
        style.paint(check.outcome, &letter, out)?;
    }
    writeln!(out)?;
    people::end(run, style, out)
}
