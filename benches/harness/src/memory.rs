//! Memory of an idle init: alone, over several states of the page cache, and 50 at a time.

use crate::bench::{Bench, entries, series, suffix};
use crate::procfs::{self, Memory};
use crate::subject::{CacheState, Mode};
use crate::sys;
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::io;

const CATATONIT: Reference = Reference::Peer("catatonit");
const MODES: [Mode; 3] = [Mode::Exec, Mode::Run, Mode::Maintenance];
const TOGETHER: usize = 50;

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let mut rows = alone(bench)?;
    rows.extend(together(bench)?);
    Ok(rows)
}

fn alone(bench: &Bench) -> io::Result<Vec<Row>> {
    let mut names = Vec::new();
    let mut idle: Vec<Vec<Memory>> = Vec::new();
    let mut signalled = Vec::new();
    for state in CacheState::ALL {
        let copies: Vec<_> = bench
            .installed
            .iter()
            .map(|subject| subject.copied(&bench.work, state))
            .collect::<io::Result<_>>()?;
        names = entries(&copies, &MODES[1..]);
        let running: Vec<_> = names.iter().map(|entry| bench.idle(entry)).collect::<io::Result<_>>()?;
        let pids: Vec<_> = running.iter().map(|running| running.init().pid).collect();
        let look = || pids.iter().map(|&pid| procfs::memory(pid)).collect::<io::Result<Vec<_>>>();
        procfs::settle(&pids)?;
        idle.push(look()?);
        // The way a signal takes may touch more pages; the app ignores this one.
        for &pid in &pids {
            sys::kill(pid, libc::SIGWINCH)?;
        }
        procfs::settle(&pids)?;
        signalled.push(look()?);
    }

    let mut rows = Vec::new();
    for mode in MODES {
        let row = |key, label: &str, stat, measured: &[Vec<Memory>], field: fn(&Memory) -> f64| {
            let samples: Vec<Vec<f64>> =
                (0..names.len()).map(|at| measured.iter().map(|state| field(&state[at])).collect()).collect();
            series(&names, &samples, mode).map(|series| {
                Row::new(key, format!("{label}, kB{}", suffix(mode)), Unit::Kb, stat, CATATONIT, &series)
            })
        };
        let [resident, worst, after, anonymous, proportional] = keys(mode);
        rows.extend([
            row(resident, "resident, idle", Stat::Median, &idle, |m| m.resident)
                .map(|row| row.limit(Limit::Ratio(0.5))),
            row(worst, "– in the worst of 7 page-cache states", Stat::Max, &idle, |m| m.resident),
            row(after, "– after a signal, idle again", Stat::Median, &signalled, |m| m.resident),
            row(anonymous, "anonymous, idle", Stat::Max, &idle, |m| m.anonymous)
                .map(|row| row.limit(Limit::Value(100.0))),
            row(proportional, "proportional (Pss), idle", Stat::Median, &idle, |m| m.proportional),
        ]);
    }
    Ok(rows.into_iter().flatten().collect())
}

fn keys(mode: Mode) -> [&'static str; 5] {
    match mode {
        Mode::Exec => ["rss_kb", "rss_worst_kb", "rss_after_signal_kb", "anonymous_kb", "pss_kb"],
        Mode::Run => {
            ["run_rss_kb", "run_rss_worst_kb", "run_rss_after_signal_kb", "run_anonymous_kb", "run_pss_kb"]
        }
        Mode::Maintenance => [
            "maintenance_rss_kb",
            "maintenance_rss_worst_kb",
            "maintenance_rss_after_signal_kb",
            "maintenance_anonymous_kb",
            "maintenance_pss_kb",
        ],
    }
}

/// Many of one program, one program after the other.
fn together(bench: &Bench) -> io::Result<Vec<Row>> {
    let entries = entries(&bench.subjects, &[Mode::Run]);
    let mut measured = Vec::new();
    for entry in &entries {
        let running: Vec<_> = (0..TOGETHER).map(|_| bench.idle(entry)).collect::<io::Result<_>>()?;
        let pids: Vec<_> = running.iter().map(|running| running.init().pid).collect();
        procfs::settle(&pids)?;
        measured.push(pids.iter().map(|&pid| procfs::memory(pid)).collect::<io::Result<Vec<_>>>()?);
    }
    let mut rows = Vec::new();
    for mode in [Mode::Exec, Mode::Run] {
        let mut row = |key, label: &str, divisor: usize, field: fn(&Memory) -> f64| {
            let sum = |all: &Vec<Memory>| vec![all.iter().map(field).sum::<f64>() / divisor as f64];
            let samples: Vec<Vec<f64>> = measured.iter().map(sum).collect();
            let label = format!("{label}, kB{}", suffix(mode));
            let row = |series: Vec<Series>| Row::new(key, label, Unit::Kb, Stat::Median, CATATONIT, &series);
            rows.extend(series(&entries, &samples, mode).map(row));
        };
        let exec = mode == Mode::Exec;
        row(if exec { "rss50_kb" } else { "run_rss50_kb" }, "50 at a time: resident of one", TOGETHER, |m| {
            m.resident
        });
        row(if exec { "pss50_kb" } else { "run_pss50_kb" }, "– Pss of all together", 1, |m| m.proportional);
        row(
            if exec { "anonymous50_kb" } else { "run_anonymous50_kb" },
            "– anonymous of one",
            TOGETHER,
            |m| m.anonymous,
        );
    }
    Ok(rows)
}
