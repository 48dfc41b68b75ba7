//! Time for 1, 10, 100 and 1000 checks that do nothing: `#!/bin/sh`, exit 0.
//!
//! Contract: all runners run once a round, in an order that is new each round; what they take more than the launcher is
//! taken within a round.

use super::runner::{Checks, Runner};
use crate::bench::Bench;
use crate::instance::{Instance, Place};
use crate::stats::Shuffle;
use crate::subject::Call;
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::io;

/// How many checks, and in how many rounds.
const SIZES: [(usize, usize); 4] = [(1, 200), (10, 100), (100, 30), (1000, 10)];

/// Milliseconds of one run.
#[derive(Clone, Copy)]
struct Time {
    wall: f64,
    cpu: f64,
}

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    // As they are used: runners that do more at once than their check shall not pay for it.
    bench.processors.apply()?;
    let mut rows = Vec::new();
    for (count, full) in SIZES {
        rows.extend(size(bench, count, bench.rounds(full))?);
    }
    bench.processors.last().apply()?;
    Ok(rows)
}

fn size(bench: &Bench, count: usize, rounds: usize) -> io::Result<Vec<Row>> {
    eprintln!("  {count} checks, {rounds} rounds ...");
    let checks = Checks::write(&bench.work, &format!("checks-{count}"), count, "#!/bin/sh\nexit 0\n")?;
    let mut runners: Vec<(Runner, Call)> = Vec::new();
    for runner in Runner::ALL {
        runners.extend(runner.call(bench, &checks)?.map(|call| (runner, call)));
    }
    let mut times: Vec<Vec<Time>> = vec![Vec::new(); runners.len()];
    let mut shuffle = Shuffle::new();
    for round in 0..=rounds {
        for at in shuffle.order(runners.len()) {
            // bats is slower by so much that a few rounds tell enough.
            if runners[at].0 == Runner::Bats && (round == 0 || round > rounds.div_ceil(10)) {
                continue;
            }
            let time = run(&runners[at].1)?;
            // The first round warms the caches.
            if round > 0 {
                times[at].push(time);
            }
        }
    }

    let series = |value: &dyn Fn(usize, &Time) -> f64| -> Vec<Series> {
        let named = runners.iter().zip(&times);
        named
            .map(|((runner, _), times)| {
                let values = times.iter().enumerate().map(|(round, time)| value(round, time));
                (runner.name().to_owned(), values.collect())
            })
            .collect()
    };
    let launcher = runners.iter().position(|(runner, _)| *runner == Runner::Launcher);
    let launcher = &times[launcher.ok_or_else(|| io::Error::other("no launcher"))?];
    let row = |key, label: String, stat, series: &[Series]| {
        Row::new(key, label, Unit::Ms, stat, Reference::Peer("launcher"), series)
    };
    let added = |mut series: Vec<Series>| {
        series.retain(|(name, _)| name != "launcher");
        series
    };
    let target = 2.0 + 0.2 * count as f64;
    let plural = if count == 1 { "" } else { "s" };
    let [wall_key, wall_added_key, quickest_key, cpu_key, cpu_added_key] = keys(count);
    let quickest = launcher.iter().map(|time| time.wall).fold(f64::INFINITY, f64::min);
    Ok(vec![
        row(
            wall_key,
            format!("{count} check{plural}: time, ms"),
            Stat::Median,
            &series(&|_, time| time.wall),
        ),
        row(
            wall_added_key,
            "– more than the checks themselves, ms".into(),
            Stat::Median,
            &added(series(&|round, time| time.wall - launcher[round].wall)),
        )
        .limit(Limit::Value(target)),
        row(
            quickest_key,
            "– – the quickest round of each, ms".into(),
            Stat::Min,
            &added(series(&|_, time| time.wall - quickest)),
        ),
        row(cpu_key, "– processor time, ms".into(), Stat::Median, &series(&|_, time| time.cpu)),
        row(
            cpu_added_key,
            "– – more than the checks themselves, ms".into(),
            Stat::Median,
            &added(series(&|round, time| time.cpu - launcher[round].cpu)),
        )
        .limit(Limit::Value(target)),
    ])
}

fn keys(count: usize) -> [&'static str; 5] {
    match count {
        1 => ["time1_ms", "time1_added_ms", "time1_least_added_ms", "cpu1_ms", "cpu1_added_ms"],
        10 => ["time10_ms", "time10_added_ms", "time10_least_added_ms", "cpu10_ms", "cpu10_added_ms"],
        100 => ["time100_ms", "time100_added_ms", "time100_least_added_ms", "cpu100_ms", "cpu100_added_ms"],
        _ => {
            ["time1000_ms", "time1000_added_ms", "time1000_least_added_ms", "cpu1000_ms", "cpu1000_added_ms"]
        }
    }
}

fn run(call: &Call) -> io::Result<Time> {
    let mut runner = Instance::prepare(call, Place::Child, None)?;
    runner.go()?;
    let (status, wall, cpu) = runner.finish_with_cpu()?;
    if status == 0 {
        Ok(Time { wall: wall as f64 / 1e6, cpu: cpu as f64 / 1e6 })
    } else {
        Err(io::Error::other(format!("{:?} ended with status {status:#x} in place of 0", call.argv)))
    }
}
