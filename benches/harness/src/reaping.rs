//! Reaping: many orphans that end at the same moment; the time until the last is gone and what it costs the init.

use crate::bench::{Bench, entries};
use crate::procfs;
use crate::stats::Shuffle;
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::io::{self, Read, Write};

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let mut rows = on_processors(bench, "one processor", ["reap_ms", "reap_cpu_ms"])?;
    bench.processors.apply()?;
    rows.extend(on_processors(bench, "all processors", ["reap_all_ms", "reap_all_cpu_ms"])?);
    bench.processors.last().apply()?;
    Ok(rows)
}

fn on_processors(bench: &Bench, which: &str, keys: [&'static str; 2]) -> io::Result<Vec<Row>> {
    let (orphans, rounds) = if bench.quick { ("1000", 3) } else { ("10000", 9) };
    let entries = entries(&bench.subjects, &[]);
    let empty =
        || entries.iter().map(|entry| (entry.subject.name.clone(), Vec::new())).collect::<Vec<Series>>();
    let (mut elapsed, mut cpu) = (empty(), empty());
    let mut shuffle = Shuffle::new();
    for _ in 0..rounds {
        for at in shuffle.order(entries.len()) {
            let mut running = bench.helped(&entries[at], "orphans", Some(orphans))?;
            procfs::settle(&[running.init.pid])?;
            let before = procfs::usage(running.init.pid)?;
            let mut time = [0; 8];
            running.helper.write_all(b"R")?;
            running.helper.read_exact(&mut time).map_err(|error| {
                io::Error::other(format!("{}: orphans not reaped: {error}", entries[at].subject.name))
            })?;
            let after = procfs::usage(running.init.pid)?;
            elapsed[at].1.push(u64::from_ne_bytes(time) as f64 / 1e6);
            cpu[at].1.push((after.cpu_ns - before.cpu_ns) as f64 / 1e6);
        }
    }
    let row = |key, label: String, series: &[Series]| {
        Row::new(key, label, Unit::Ms, Stat::Median, Reference::BestPeer, series).limit(Limit::NoWorse)
    };
    Ok(vec![
        row(keys[0], format!("{orphans} orphans reaped, {which}, ms"), &elapsed),
        row(keys[1], "– processor time of the init, ms".to_owned(), &cpu),
    ])
}
