//! Reports: a `Run` in one of the formats.
//!
//! Contract: the same `Run` gives the same bytes; nothing of it is held a second time; an error of the writer is returned.
//! json, junit, tap, nagios and prometheus have the shapes of goss 0.4.9, so that what reads those reads these.

mod documentation;
mod json;
mod junit;
mod nagios;
mod page;
mod people;
mod probe;
mod prometheus;
mod rspecish;
mod tap;
mod text;
mod words;

#[cfg(test)]
mod tests;

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

/// Writes `run` in small pieces, so `out` had better be buffered.
pub fn write(run: &Run, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Probe => probe::write(run, out),
        Format::Documentation => documentation::write(run, style, out),
        Format::Rspecish => rspecish::write(run, style, out),
        Format::Tap => tap::write(run, out),
        Format::Json => json::write(run, out),
        Format::Junit => junit::write(run, out),
        Format::Nagios => nagios::write(run, out),
        Format::Prometheus => prometheus::write(run, out),
        Format::Silent => Ok(()),
    }
}
