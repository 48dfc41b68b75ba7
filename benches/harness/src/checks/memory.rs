//! Peak memory of the wrapper's own processes, the front and its workers: with 1000 checks, and with one that prints 1 GB.

use super::runner::{Checks, Runner};
use crate::bench::Bench;
use crate::peak::{self, Peak};
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::io;

const TARGET_KB: f64 = 3000.0;
const RUNNERS: [Runner; 3] = [Runner::Wrapper, Runner::WrapperSilent, Runner::WrapperDefault];
const QUIET: &str = "#!/bin/sh\nexit 0\n";
const LOUD: &str = "#!/bin/sh\nhead -c 1000000000 /dev/zero\nexit 1\n";

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let many = Checks::write(&bench.work, "checks-many", 1000, QUIET)?;
    let loud = Checks::write(&bench.work, "checks-loud", 1, LOUD)?;
    // The same workers at the same time as in use.
    bench.processors.apply()?;
    let keys = ["peak1000_pss_kb", "peak1000_hwm_kb", "peak1000_largest_kb"];
    let mut rows = rows(bench, &many, 0, "1000 checks", keys)?;
    let keys = ["peak1gb_pss_kb", "peak1gb_hwm_kb", "peak1gb_largest_kb"];
    rows.extend(self::rows(bench, &loud, 1, "1 check that prints 1 GB", keys)?);
    bench.processors.last().apply()?;
    Ok(rows)
}

/// `code` is what the wrapper has to exit with.
fn rows(
    bench: &Bench,
    checks: &Checks,
    code: i32,
    what: &str,
    keys: [&'static str; 3],
) -> io::Result<Vec<Row>> {
    let mut measured: Vec<(Runner, Vec<Peak>)> = Vec::new();
    for runner in RUNNERS {
        let Some(call) = runner.call(bench, checks)? else { continue };
        let mut peaks = Vec::new();
        for _ in 0..bench.rounds(3) {
            let (peak, status) = peak::measure(&call)?;
            if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != code {
                let argv = &call.argv;
                return Err(io::Error::other(format!(
                    "{argv:?} ended with status {status:#x} in place of exit code {code}"
                )));
            }
            peaks.push(peak);
        }
        measured.push((runner, peaks));
    }
    let row = |key, label: String, field: fn(&Peak) -> f64| {
        let named = measured.iter();
        let series: Vec<Series> = named
            .map(|(runner, peaks)| (runner.name().to_owned(), peaks.iter().map(field).collect()))
            .collect();
        Row::new(key, label, Unit::Kb, Stat::Max, Reference::None, &series)
    };
    let [together, sum, largest] = keys;
    Ok(vec![
        row(together, format!("{what}: peak memory, shared pages once, kB"), |peak| peak.together)
            .limit(Limit::Value(TARGET_KB)),
        row(sum, "– shared pages once for each process, kB".into(), |peak| peak.sum),
        row(largest, "– of it the largest process, kB".into(), |peak| peak.largest),
    ])
}
