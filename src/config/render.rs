//! The effective configuration as text, for `wrapper config`.
//!
//! Contract: the YAML can be pasted back as `wrapper.yaml` and gives the same configuration, except for values
//! that look like secrets: they are shown as `***` unless asked for. Each line says where it came from.

use std::fmt::Write as _;

use super::keys::{KEYS, sections};
use super::resolve::{Loaded, Origin};
use super::secret::{shown_value, shown_words};
use super::slot::{SUITE_KEYS, Slot};
use super::value::{Rendered, quoted};
use crate::words::text::one_line;

/// One line of output.
struct Line {
    key: &'static str,
    entry: Option<String>,
    yaml: String,
    json: String,
    origin: Origin,
}

/// YAML, with the origin of each value as a comment.
pub fn render_yaml(loaded: &Loaded, show_secrets: bool) -> String {
    let lines = lines(loaded, show_secrets);
    let mut rows: Vec<(String, Option<&Origin>)> = Vec::new();
    for section in sections() {
        rows.push((format!("{section}:"), None));
        for key in KEYS.iter().filter(|key| key.parts().0 == section) {
            let mut suite = "";
            for line in lines.iter().filter(|line| line.key == key.name) {
                let field = key.parts().1;
                let Some(entry) = &line.entry else {
                    rows.push((format!("  {field}: {}", line.yaml), Some(&line.origin)));
                    continue;
                };
                if rows.last().is_none_or(|(last, _)| !last.starts_with("    ")) {
                    rows.push((format!("  {field}:"), None));
                }
                if key.name == "test.suites" {
                    let (name, part) = entry.rsplit_once('.').unwrap_or((entry, ""));
                    if suite != name {
                        suite = name;
                        rows.push((format!("    {}:", Rendered::Text(name.to_owned()).yaml()), None));
                    }
                    rows.push((format!("      {part}: {}", line.yaml), Some(&line.origin)));
                } else {
                    let name = Rendered::Text(entry.clone()).yaml();
                    rows.push((format!("    {name}: {}", line.yaml), Some(&line.origin)));
                }
            }
        }
    }
    let width =
        rows.iter().map(|(text, _)| text.chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    let mut out = String::new();
    for (text, origin) in rows {
        let _ = match origin {
            Some(origin) => writeln!(out, "{text:width$}  # {}", one_line(origin.to_string())),
            None => writeln!(out, "{text}"),
        };
    }
    out
}

/// JSON: an object of keys, each with `value` and `origin`; entries of maps as objects of the same form.
pub fn render_json(loaded: &Loaded, show_secrets: bool) -> String {
    let item =
        |line: &Line| format!("{{\"value\":{},\"origin\":{}}}", line.json, quoted(&line.origin.to_string()));
    let lines = lines(loaded, show_secrets);
    let keys = KEYS.iter().map(|key| {
        let of_key: Vec<&Line> = lines.iter().filter(|line| line.key == key.name).collect();
        let value = match of_key.as_slice() {
            [line] if line.entry.is_none() => item(line),
            entries => {
                let entry = |line: &&Line| {
                    format!("{}:{}", quoted(line.entry.as_deref().unwrap_or_default()), item(line))
                };
                format!("{{\"entries\":{{{}}}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        };
        format!("{}:{value}", quoted(key.name))
    });
    format!("{{{}}}\n", keys.collect::<Vec<_>>().join(","))
}

fn lines(loaded: &Loaded, show_secrets: bool) -> Vec<Line> {
    // The table gives mutable views only; this is one command's copy.
    let mut config = loaded.config.clone();
    if !show_secrets {
        config.run.args = shown_words(&config.run.args);
    }
    let mut lines = Vec::new();
    for key in KEYS {
        let whole = |yaml, json| Line {
            key: key.name,
            entry: None,
            yaml,
            json,
            origin: loaded.origin(key.name, None),
        };
        let single = |entry: String, value: &Rendered| Line {
            key: key.name,
            origin: loaded.origin(key.name, Some(&entry)),
            entry: Some(entry),
            yaml: value.yaml(),
            json: value.json(),
        };
        match (key.slot)(&mut config) {
            Slot::Scalar(slot) => lines.push(whole(slot.render().yaml(), slot.render().json())),
            Slot::List(slot) => {
                let items = slot.render();
                let flow = |each: fn(&Rendered) -> String| {
                    format!("[{}]", items.iter().map(each).collect::<Vec<_>>().join(", "))
                };
                lines.push(whole(flow(Rendered::yaml), flow(Rendered::json)));
            }
            Slot::Map(slot) => {
                let entries = slot.render();
                if entries.is_empty() {
                    lines.push(whole("{}".to_owned(), "{}".to_owned()));
                }
                for (Rendered::Bare(name) | Rendered::Text(name), value) in entries {
                    let value = match value {
                        Rendered::Text(text) if !show_secrets => Rendered::Text(shown_value(&name, &text)),
                        value => value,
                    };
                    lines.push(single(name, &value));
                }
            }
            Slot::Suites(suites) => {
                let names = suites.iter().map(|suite| suite.name.as_str());
                let builtin = ["live", "ready", "startup"];
                let others = names.filter(|name| !builtin.contains(name)).map(str::to_owned);
                let names: Vec<String> = builtin.map(str::to_owned).into_iter().chain(others).collect();
                for name in names {
                    let (timeout, probe) = loaded.config.test.suite(&name);
                    for (part, value) in SUITE_KEYS
                        .into_iter()
                        .zip([super::value::Value::render(&timeout), super::value::Value::render(&probe)])
                    {
                        lines.push(single(format!("{name}.{part}"), &value));
                    }
                }
            }
        }
    }
    lines
}
