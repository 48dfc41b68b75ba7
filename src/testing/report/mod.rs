//! Reports: a `Run` in one of the formats.

use super::check::Run;
use std::io::{self, Write};

/// The formats, by the names that people type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The verdict on the first line, 1 KiB in all: what Kubernetes shows of a probe.
    Probe,
    /// A line a check, then the failures in full: for people.
    Documentation,
    /// A letter a check, then the failures in full.
    Rspecish,
    /// Test Anything Protocol.
    Tap,
    /// goss's JSON.
    Json,
    /// `JUnit`'s XML in goss's shape.
    Junit,
    /// A Nagios plugin's line; its exit codes are Nagios' own.
    Nagios,
    /// goss's metrics in Prometheus' text form.
    Prometheus,
    /// Nothing but the exit code.
    Silent,
}

/// How to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether ANSI colours are wanted.
    pub colour: bool,
}

/// Writes `run`.
pub fn write(_run: &Run, _format: Format, _style: Style, _out: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
