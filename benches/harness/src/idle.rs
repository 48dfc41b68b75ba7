//! Wake-ups and processor time of idle inits, all of them over the same seconds.

use crate::bench::{Bench, entries, series, suffix};
use crate::procfs::{self, Usage};
use crate::subject::Mode;
use crate::sys;
use crate::table::{Limit, Reference, Row, Stat, Unit};
use std::io;

const MODES: [Mode; 3] = [Mode::Exec, Mode::Run, Mode::Maintenance];

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let seconds = if bench.quick { 5 } else { 30 };
    let entries = entries(&bench.subjects, &MODES[1..]);
    let running: Vec<_> = entries.iter().map(|entry| bench.idle(entry)).collect::<io::Result<_>>()?;
    let pids: Vec<_> = running.iter().map(|running| running.init().pid).collect();
    procfs::settle(&pids)?;
    let look = || pids.iter().map(|&pid| procfs::usage(pid)).collect::<io::Result<Vec<_>>>();
    let before = look()?;
    sys::idle_ms(seconds * 1000);
    let after = look()?;

    let mut rows = Vec::new();
    for mode in MODES {
        let row = |key, label, unit, field: fn(&Usage, &Usage) -> f64| {
            let samples: Vec<Vec<f64>> = before.iter().zip(&after).map(|(b, a)| vec![field(b, a)]).collect();
            series(&entries, &samples, mode)
                .map(|series| Row::new(key, label, unit, Stat::Median, Reference::None, &series))
        };
        let (wakeups, cpu) = match mode {
            Mode::Exec => ("wakeups", "idle_cpu_us"),
            Mode::Run => ("run_wakeups", "run_idle_cpu_us"),
            Mode::Maintenance => ("maintenance_wakeups", "maintenance_idle_cpu_us"),
        };
        let label = format!("wake-ups in {seconds} idle seconds{}", suffix(mode));
        rows.extend(
            row(wakeups, label, Unit::Count, |b, a| (a.wakeups - b.wakeups) as f64)
                .map(|row| row.limit(Limit::Value(0.0))),
        );
        let label = format!("– processor time in them, µs{}", suffix(mode));
        rows.extend(row(cpu, label, Unit::Us, |b, a| (a.cpu_ns - b.cpu_ns) as f64 / 1e3));
    }
    Ok(rows)
}
