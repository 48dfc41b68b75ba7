//! The program file: its size, and whether it is a static PIE that the kernel maps at a new address each time.

use crate::bench::{Bench, entries};
use crate::procfs;
use crate::table::{Limit, Reference, Row, Series, Stat, Unit};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

const ET_DYN: u16 = 3;
const PT_INTERP: u32 = 3;

pub(crate) fn measure(bench: &Bench) -> io::Result<Vec<Row>> {
    let entries = entries(&bench.subjects, &[]);
    let collect = |value: &dyn Fn(&crate::bench::Entry) -> io::Result<f64>| {
        entries
            .iter()
            .map(|entry| Ok((entry.subject.name.clone(), vec![value(entry)?])))
            .collect::<io::Result<Vec<Series>>>()
    };
    let sizes = collect(&|entry| Ok(fs::metadata(&entry.subject.file)?.len() as f64 / 1e3))?;
    let pies = collect(&|entry| {
        let random = addresses(bench, entry)?.len() > 1;
        Ok(f64::from(u8::from(random && is_static_pie(&entry.subject.file)?)))
    })?;
    let row = |key, label, unit, series: &[Series]| {
        Row::new(key, label, unit, Stat::Median, Reference::None, series)
    };
    Ok(vec![
        row("size_kb", "file size, kB (1000)", Unit::Kb, &sizes).limit(Limit::Value(1500.0)),
        row("static_pie", "static PIE, at another address each time", Unit::YesNo, &pies).limit(Limit::Yes),
    ])
}

/// Where the kernel puts the program, over a few starts.
fn addresses(bench: &Bench, entry: &crate::bench::Entry) -> io::Result<BTreeSet<String>> {
    (0..4).map(|_| procfs::base_address(bench.idle(entry)?.init().pid)).collect()
}

/// ELF type DYN and no interpreter (64-bit little-endian, as all our platforms are).
fn is_static_pie(file: &Path) -> io::Result<bool> {
    let elf = fs::read(file)?;
    let cut = || io::Error::other(format!("{}: not a 64-bit ELF file", file.display()));
    let bytes = |at: usize, count: usize| elf.get(at..at + count).ok_or_else(cut);
    let number = |at: usize, count: usize| {
        bytes(at, count).map(|bytes| bytes.iter().rev().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    if bytes(0, 5)? != b"\x7fELF\x02" {
        return Err(cut());
    }
    let (table, size, count) = (number(32, 8)? as usize, number(54, 2)? as usize, number(56, 2)? as usize);
    let mut interpreter = false;
    for header in 0..count {
        interpreter |= number(table + header * size, 4)? == u64::from(PT_INTERP);
    }
    Ok(number(16, 2)? == u64::from(ET_DYN) && !interpreter)
}
