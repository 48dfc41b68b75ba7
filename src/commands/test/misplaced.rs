//! Tests that nothing runs because of where they stand: beside the suites, in a folder below one, or in a suite whose name only
//! looks like a probe's. Each is a remark that says where it belongs.

use crate::config::Locations;
use crate::testing::plan;
use crate::words::text::one_line;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Names that people give to the suites of probes, and the suites that they mean.
const MEANT: [(&str, &str); 9] = [
    ("readiness", "ready"),
    ("liveness", "live"),
    ("readyz", "ready"),
    ("livez", "live"),
    ("health", "live"),
    ("healthcheck", "live"),
    ("healthz", "live"),
    ("alive", "live"),
    ("start", "startup"),
];
/// Names that a remark shows.
const SHOWN: usize = 3;
/// How deep below a suite we look, and at how many entries.
const DEPTH: usize = 4;
const ENTRIES: usize = 1000;

/// The remarks, for a command that runs these suites. `has_role` tells whether the configuration makes a suite a probe.
pub(super) fn remarks(
    locations: &Locations,
    suites: &[String],
    has_role: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let beside: Vec<PathBuf> = locations.beside_suites().unwrap_or_default();
    let beside: Vec<&PathBuf> = beside.iter().filter(|path| plan::is_test(path)).collect();
    if !beside.is_empty() {
        remarks.push(format!(
            "tests/{} is not run: a test belongs into the folder of its suite, such as tests/image or tests/ready",
            names(&beside)
        ));
    }
    for suite in suites {
        for folder in locations.folders_of(OsStr::new(suite)).unwrap_or_default() {
            let mut found = Vec::new();
            search(&folder, DEPTH, &mut ENTRIES.clone(), &mut found);
            let found: Vec<&PathBuf> = found.iter().collect();
            if !found.is_empty() {
                let folder = one_line(folder.file_name().unwrap_or_default());
                remarks.push(format!(
                    "{suite}/{folder}/{} is not run: a suite has no folders; move it to tests/{suite}",
                    names(&found)
                ));
            }
        }
    }
    for name in locations.suites().unwrap_or_default() {
        let name = one_line(&name);
        let plain = name.to_ascii_lowercase().replace(['-', '_'], "");
        let plain = plain.strip_suffix("probe").unwrap_or(&plain);
        let same = |(looks, meant): &(&str, &str)| *looks == plain || *meant == plain && name != *meant;
        if let Some((_, meant)) = MEANT.iter().find(|pair| same(pair)).filter(|_| !has_role(&name)) {
            remarks.push(format!(
                "tests/{name} is no probe: call the suite {meant}, or set test.suites.{name}.probe to {meant}, or to none in a \
                 suite that is none"
            ));
        }
    }
    remarks
}

/// Tests in a folder and below it.
fn search(folder: &Path, depth: usize, entries: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(listed) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).take(*entries).collect();
    *entries -= paths.len();
    paths.retain(|path| !path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b"."));
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 1 {
            search(&path, depth - 1, entries, found);
        } else if plan::is_test(&path) {
            found.push(path);
        }
    }
}

/// `10-a.sh`, `10-a.sh, 20-b.sh and 7 more`.
fn names(paths: &[&PathBuf]) -> String {
    let shown: Vec<String> =
        paths.iter().take(SHOWN).map(|path| one_line(path.file_name().unwrap_or_default())).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
