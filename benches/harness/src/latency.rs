//! Latency of a forwarded signal: from before our kill(2) on the init to the app's return from sigwaitinfo(2).

use crate::bench::{Bench, entries};
use crate::instance::WithHelper;
use crate::stats::Shuffle;
use crate::sys;
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::io::{self, Read};

/// Longer than any init takes to settle down after work.
const REST_MS: u32 = 250;

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let entries = entries(&bench.subjects, &[]);
    let mut running: Vec<_> =
        entries.iter().map(|entry| bench.helped(entry, "echo", None)).collect::<io::Result<_>>()?;
    let names: Vec<String> = entries.into_iter().map(|entry| entry.subject.name).collect();
    let busy = shoot(&names, &mut running, bench.rounds(4000), 0)?;
    let rested = shoot(&names, &mut running, bench.rounds(200), REST_MS)?;
    let row = |key, label, stat, series: &[Series]| {
        Row::new(key, label, Unit::Us, stat, Reference::BestPeer, series)
    };
    Ok(vec![
        row("latency_us", "forwarded signal, median µs", Stat::Median, &busy).limit(Limit::NoWorse),
        row("latency_p99_us", "– 99th percentile, µs", Stat::P99, &busy).limit(Limit::NoWorse),
        row("latency_rested_us", "– the first after 250 ms of rest, median µs", Stat::Median, &rested),
    ])
}

fn shoot(
    names: &[String],
    running: &mut [WithHelper],
    rounds: usize,
    rest_ms: u32,
) -> io::Result<Vec<Series>> {
    let mut series: Vec<Series> = names.iter().map(|name| (name.clone(), Vec::new())).collect();
    let mut shuffle = Shuffle::new();
    for round in 0..rounds + 10 {
        if rest_ms > 0 {
            sys::idle_ms(rest_ms);
        }
        for at in shuffle.order(running.len()) {
            let time = one(&mut running[at]).map_err(|error| {
                io::Error::other(format!("{}: no answer to a signal: {error}", names[at]))
            })?;
            // The first rounds warm the caches.
            if round >= 10 {
                series[at].1.push(time);
            }
        }
    }
    Ok(series)
}

/// One signal; microseconds.
fn one(running: &mut WithHelper) -> io::Result<f64> {
    let mut arrival = [0; 8];
    let sent = sys::now_ns();
    sys::kill(running.init.pid, libc::SIGUSR1)?;
    running.helper.read_exact(&mut arrival)?;
    Ok(u64::from_ne_bytes(arrival).saturating_sub(sent) as f64 / 1e3)
}
