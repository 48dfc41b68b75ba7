//! `bench-harness`: measures programs side by side: `inits` for `benches/init.sh`, `checks` for `benches/test.sh`. They know
//! the options; usage here is `bench-harness inits|checks [--quick] [--only LIST] [--json FILE] --work DIR NAME=FILE...`.
#![deny(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "no measured number comes near 2^53")]

mod bench;
mod checks;
mod file;
mod helper;
mod idle;
mod instance;
mod latency;
mod memory;
mod peak;
mod procfs;
mod reaping;
mod report;
mod startup;
mod stats;
mod subject;
mod sys;
mod table;
mod trace;

use bench::Bench;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use subject::Subject;
use table::Row;

type Measure = fn(&Bench) -> io::Result<Vec<Row>>;

const INITS: &[(&str, Measure)] = &[
    ("startup", startup::measure),
    ("memory", memory::measure),
    ("idle", idle::measure),
    ("latency", latency::measure),
    ("reaping", reaping::measure),
    ("file", file::measure),
];

const CHECKS: &[(&str, Measure)] = &[("speed", checks::speed::measure), ("memory", checks::memory::measure)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("helper", rest)) if !rest.is_empty() => helper::main(rest),
        Some(("launch", [folder])) => checks::launcher::main(folder.as_ref()),
        Some(("inits", rest)) => measure(INITS, rest),
        Some(("checks", rest)) => measure(CHECKS, rest),
        _ => Err(io::Error::other("expected inits or checks; start benches/init.sh or benches/test.sh")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-harness: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Options {
    quick: bool,
    only: Option<Vec<String>>,
    json: Option<PathBuf>,
    work: PathBuf,
    subjects: Vec<Subject>,
}

fn options(words: &[String]) -> io::Result<Options> {
    let mut options = Options::default();
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| io::Error::other(format!("{word}: value missing")));
        match word.as_str() {
            "--quick" => options.quick = true,
            "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
            "--json" => options.json = Some(value()?.into()),
            "--work" => options.work = value()?.into(),
            _ => {
                let (name, file) =
                    word.split_once('=').ok_or_else(|| io::Error::other(format!("{word}: not NAME=FILE")))?;
                options.subjects.push(Subject { name: name.to_owned(), file: file.into() });
            }
        }
    }
    Ok(options)
}

fn measure(measures: &[(&str, Measure)], words: &[String]) -> io::Result<()> {
    let options = options(words)?;
    let machine = report::Machine::look();
    let bench = Bench::new(options.subjects, options.work, options.quick)?;
    let mut rows = Vec::new();
    for (name, measure) in measures {
        if options.only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == name)) {
            eprintln!("measuring {name} ...");
            rows.extend(measure(&bench)?);
        }
    }
    print!("{}", report::markdown(&machine, &rows));
    if let Some(path) = options.json {
        fs::write(path, report::json(&machine, &rows))?;
    }
    Ok(())
}
