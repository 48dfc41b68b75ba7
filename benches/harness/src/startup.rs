//! Start-up: the time from the exec of the init until its end, with `true` as the app.
//!
//! Contract: all programs run once a round, in an order that is new each round; ratios are taken within a round.

use crate::bench::{Bench, entries, series, suffix};
use crate::instance::{Instance, Place};
use crate::stats::{Shuffle, median};
use crate::subject::{Call, Mode, bare};
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::ffi::OsStr;
use std::io;
use std::path::Path;

const TINI: Reference = Reference::Peer("tini-static");

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let mut rows = place(bench, Place::Pid1)?;
    rows.extend(place(bench, Place::Child)?);
    rows.push(system_calls(bench)?);
    Ok(rows)
}

pub(crate) fn true_program() -> io::Result<&'static OsStr> {
    let found = ["/usr/bin/true", "/bin/true"].into_iter().find(|path| Path::new(path).exists());
    found.map(OsStr::new).ok_or_else(|| io::Error::other("no `true` in /usr/bin or /bin"))
}

fn place(bench: &Bench, place: Place) -> io::Result<Vec<Row>> {
    let command = [true_program()?];
    let entries = entries(&bench.subjects, &[Mode::Run]);
    let mut calls: Vec<Call> = entries
        .iter()
        .map(|entry| entry.subject.call(entry.mode, &command, &bench.work))
        .collect::<io::Result<_>>()?;
    calls.push(bare(&command)?);

    let mut samples = vec![Vec::new(); calls.len()];
    let mut shuffle = Shuffle::new();
    for round in 0..=bench.rounds(1500) {
        for at in shuffle.order(calls.len()) {
            let time = run(&calls[at], place)?;
            // The first round warms the caches.
            if round > 0 {
                samples[at].push(time);
            }
        }
    }

    let where_ = if place == Place::Pid1 { "as PID 1" } else { "as a plain child" };
    let alone = samples.last().map_or(&[][..], Vec::as_slice);
    let mut rows = Vec::new();
    for mode in [Mode::Exec, Mode::Run] {
        let Some(series) = series(&entries, &samples, mode) else { continue };
        let label = format!("start-up of `true` {where_}, ms{}", suffix(mode));
        let (key, added_key) = keys(place, mode);
        let row = Row::new(key, label, Unit::Ms, Stat::Median, TINI, &series);
        rows.push(if mode == Mode::Exec { row.limit(Limit::Ratio(0.8)) } else { row });
        let added: Vec<Series> =
            series.into_iter().map(|(name, times)| (name, subtract(&times, alone))).collect();
        let label = format!("– of it more than `true` alone ({:.3}), ms{}", median(alone), suffix(mode));
        rows.push(Row::new(added_key, label, Unit::Ms, Stat::MedianDifference, TINI, &added));
    }
    Ok(rows)
}

fn subtract(times: &[f64], others: &[f64]) -> Vec<f64> {
    times.iter().zip(others).map(|(time, other)| time - other).collect()
}

fn keys(place: Place, mode: Mode) -> (&'static str, &'static str) {
    match (place, mode) {
        (Place::Pid1, Mode::Exec) => ("startup_pid1_ms", "startup_pid1_added_ms"),
        (Place::Pid1, _) => ("startup_pid1_run_ms", "startup_pid1_run_added_ms"),
        (_, Mode::Exec) => ("startup_child_ms", "startup_child_added_ms"),
        _ => ("startup_child_run_ms", "startup_child_run_added_ms"),
    }
}

/// One start; milliseconds.
fn run(call: &Call, place: Place) -> io::Result<f64> {
    let mut init = Instance::prepare(call, place, None)?;
    init.go()?;
    let (status, time) = init.finish()?;
    if status == 0 {
        Ok(time as f64 / 1e6)
    } else {
        Err(io::Error::other(format!("{:?} ended with status {status:#x} in place of 0", call.argv)))
    }
}

/// System calls of the init itself from its exec to its exit.
fn system_calls(bench: &Bench) -> io::Result<Row> {
    let command = [true_program()?];
    let count = |subject: &crate::subject::Subject| {
        let call = subject.call(Mode::Exec, &command, &bench.work)?;
        Ok((subject.name.clone(), vec![f64::from(crate::trace::system_calls(&call)?)]))
    };
    let series = bench.subjects.iter().map(count).collect::<io::Result<Vec<_>>>()?;
    Ok(Row::new("syscalls", "system calls of the init for that", Unit::Count, Stat::Median, TINI, &series))
}
