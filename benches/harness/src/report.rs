//! The rows as a Markdown table for people and as JSON for programs.

use crate::sys;
use crate::table::{Cell, Limit, Row, Unit};
use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

/// The kind of machine: enough to judge the numbers, nothing that names it.
pub(crate) struct Machine {
    kernel: String,
    arch: String,
    processor: String,
    processors: usize,
    hypervisor: bool,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let (kernel, arch) = sys::kernel();
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        Self {
            kernel,
            arch,
            processor: field("model name").unwrap_or_else(|| "unknown processor".into()),
            processors: available_parallelism().map_or(1, usize::from),
            hypervisor: field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
        }
    }

    fn line(&self) -> String {
        let Self { kernel, arch, processor, processors, .. } = self;
        let kind = if self.hypervisor { "virtual machine" } else { "machine" };
        format!("Linux {kernel}, {arch} {kind}, {processors} × {processor}")
    }
}

/// A column for each program that any row has, in the order in which they come.
fn names(rows: &[Row]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells) {
        if !names.contains(&cell.name.as_str()) {
            names.push(&cell.name);
        }
    }
    names
}

pub(crate) fn markdown(machine: &Machine, rows: &[Row]) -> String {
    let names = names(rows);
    let mut out = format!("{}\n\n| |", machine.line());
    for name in &names {
        let _ = write!(out, " {name} |");
    }
    out.push_str(" target | |\n|---|");
    out.push_str(&"---:|".repeat(names.len()));
    out.push_str("---|---|\n");
    for row in rows {
        let _ = write!(out, "| {} |", row.label);
        for name in &names {
            let _ =
                write!(out, " {} |", row.cell(name).map_or_else(|| "–".into(), |cell| show(row.unit, cell)));
        }
        let mark = match row.reached() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "",
        };
        let _ = writeln!(
            out,
            " {} | {mark} |",
            row.limit.map(|limit| target(limit, row.unit)).unwrap_or_default()
        );
    }
    out
}

fn show(unit: Unit, cell: &Cell) -> String {
    let value = match unit {
        Unit::Ms => format!("{:.3}", cell.value),
        Unit::Us => format!("{:.1}", cell.value),
        Unit::Kb | Unit::Count => format!("{:.0}", cell.value),
        Unit::YesNo => return if cell.value > 0.0 { "yes" } else { "no" }.into(),
    };
    cell.ratio.map_or(value.clone(), |ratio| format!("{value} ({ratio:.2})"))
}

fn target(limit: Limit, unit: Unit) -> String {
    match (limit, unit) {
        (Limit::Ratio(most), _) => format!("ratio ≤ {most}"),
        (Limit::NoWorse, _) => "no worse than the best".into(),
        (Limit::Value(most), Unit::Ms) => format!("≤ {most:.1} ms"),
        (Limit::Value(most), Unit::Kb) => format!("≤ {most} kB"),
        (Limit::Value(most), _) => format!("≤ {most}"),
        (Limit::Yes, _) => "yes".into(),
    }
}

pub(crate) fn json(machine: &Machine, rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(json_row).collect();
    format!(
        "{{\n  \"machine\": {{\"kernel\": {}, \"arch\": {}, \"processor\": {}, \"processors\": {}, \
         \"virtual\": {}}},\n  \"rows\": [\n{}\n  ]\n}}\n",
        quoted(&machine.kernel),
        quoted(&machine.arch),
        quoted(&machine.processor),
        machine.processors,
        machine.hypervisor,
        rows.join(",\n")
    )
}

fn json_row(row: &Row) -> String {
    let cells: Vec<String> = row
        .cells
        .iter()
        .map(|cell| {
            let ratio = cell.ratio.map_or("null".into(), |ratio| format!("{ratio:.4}"));
            format!("{}: {{\"value\": {:.4}, \"ratio\": {ratio}}}", quoted(&cell.name), cell.value)
        })
        .collect();
    let unit = match row.unit {
        Unit::Ms => "ms",
        Unit::Us => "us",
        Unit::Kb => "kB",
        Unit::Count => "count",
        Unit::YesNo => "bool",
    };
    let reached = row.reached().map_or("null".into(), |reached| reached.to_string());
    format!(
        "    {{\"key\": {}, \"label\": {}, \"unit\": \"{unit}\", \"reached\": {reached}, \"programs\": {{{}}}}}",
        quoted(row.key),
        quoted(&row.label),
        cells.join(", ")
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
