//! Every key of the configuration, in the order in which it is documented and printed.
//!
//! Contract: files, variables, options, `wrapper config`, suggestions and the test of `docs/reference.md` are
//! all derived from `KEYS`. A new key is a field of `Config` and a line here.

use super::model::Config;
use super::slot::Slot;

/// One key.
pub struct Key {
    /// `stop.grace`
    pub name: &'static str,
    /// One line about it.
    pub help: &'static str,
    /// A value, as YAML.
    pub example: &'static str,
    pub(super) slot: fn(&mut Config) -> Slot<'_>,
    pub(super) reset: fn(&mut Config),
}

/// The prefix of every variable of ours.
pub(super) const PREFIX: &str = "WRAPPER_";

/// Variables of ours that are no keys; the last three are those that PID 1 sets for its scripts.
pub const OTHER_VARIABLES: [&str; 8] = [
    "WRAPPER_RUN",
    "WRAPPER_CONFIG_DIR",
    "WRAPPER_MODE",
    "WRAPPER_LOG",
    "WRAPPER_LOG_FORMAT",
    "WRAPPER_APP_PID",
    "WRAPPER_STOP_SIGNAL",
    "WRAPPER_APP_EXIT",
];

/// Keys that this version reads, checks, and does nothing with: whoever sets one is told.
pub(super) const WITHOUT_EFFECT: [&str; 6] = [
    "maintenance.flag_files",
    "maintenance.annotations_file",
    "maintenance.annotation",
    "maintenance.watch",
    "status.listen",
    "status.interval",
];

macro_rules! keys {
    ($($section:ident.$field:ident: $shape:ident, $example:literal, $help:literal;)+) => {
        /// Every key.
        pub static KEYS: &[Key] = &[$(Key {
            name: concat!(stringify!($section), ".", stringify!($field)),
            help: $help,
            example: $example,
            slot: |config| Slot::$shape(&mut config.$section.$field),
            reset: |config| config.$section.$field = Config::default().$section.$field,
        }),+];
    };
}

keys! {
    run.args: List, "[-v]", "arguments put before those given on the command line";
    run.env: Map, "{LANG: C.UTF-8}", "variables added to the environment";
    run.file_env: List, "[DB_PASSWORD]", "variables read from the file that NAME_FILE names";
    run.user: Scalar, "app", "user name or uid that the app runs as";
    run.group: Scalar, "app", "group name or gid that the app runs as";
    run.workdir: Scalar, "/srv", "working directory";
    run.umask: Scalar, "\"022\"", "file mode creation mask, octal";
    signals.target: Scalar, "pid", "who receives a forwarded signal: pid, group or all";
    signals.session: Scalar, "setsid", "what the app leads: pgrp, a process group, or setsid, a session";
    signals.rewrite: Map, "{SIGTERM: SIGINT}", "signals that become another one, or none: dropped";
    stop.signals: List, "[SIGTERM, SIGINT]", "signals that start the stop sequence; all others are only forwarded";
    stop.grace: Scalar, "25s", "from the stop signal's arrival to the last KILL; null never escalates";
    stop.drain_delay: Scalar, "5s", "between failing readiness and stopping the app";
    stop.leftovers: Scalar, "3s", "what the app left behind gets this long after TERM";
    exit.map: Map, "{143: 0}", "exit codes that become another one";
    exit.message_file: Scalar, "/run/message", "file that gets a line about the end, when it exists";
    maintenance.flag_files: List, "[/data/maintenance]", "files that switch maintenance on while they exist";
    maintenance.annotations_file: Scalar, "/etc/podinfo/annotations", "the pod's annotations, from a downwardAPI volume";
    maintenance.annotation: Scalar, "wrapper/maintenance", "the annotation that switches maintenance on";
    maintenance.watch: Scalar, "false", "watch flag files and annotations";
    maintenance.on_crash: Scalar, "true", "an app that fails leads into maintenance, not out of the container";
    test.timeout: Scalar, "30s", "deadline of one test file";
    test.jobs: Scalar, "4", "test files that run at the same time";
    test.engine: Scalar, "builtin", "who runs goss files: auto, builtin or goss";
    test.suites: Suites, "{live: {timeout: 2s}}", "timeout and probe (startup, live, ready, none) of single suites";
    status.listen: Scalar, "\"0.0.0.0:9180\"", "where the status endpoint listens; null: nowhere";
    status.interval: Scalar, "10s", "how often the status is refreshed";
}

impl Key {
    /// The key of this name, with its place in the table.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key that `WRAPPER_` and this text set.
    pub(super) fn of_variable(suffix: &[u8]) -> Option<&'static Self> {
        KEYS.iter().find(|key| {
            key.name.len() == suffix.len()
                && key.name.bytes().zip(suffix).all(|(ours, theirs)| match ours {
                    b'.' => *theirs == b'_',
                    _ => *theirs == ours.to_ascii_uppercase(),
                })
        })
    }

    /// The variable that sets it.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }

    /// `stop` and `grace`.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or((self.name, ""))
    }
}

/// The sections, in order.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.chunk_by(|a, b| a.parts().0 == b.parts().0).map(|section| section[0].parts().0)
}

/// The candidate that looks most like `word`, unless none looks like it.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let limit = word.len().div_ceil(4);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known key that a wrong one most likely means: one spelt alike, or the same word in another section.
pub(super) fn nearest_key(word: &str) -> Option<&'static str> {
    let last = word.rsplit('.').next().unwrap_or(word);
    nearest(word, KEYS.iter().map(|key| key.name).chain(sections())).or_else(|| {
        let by_last = nearest(last, KEYS.iter().map(|key| key.parts().1))?;
        KEYS.iter().map(|key| key.name).find(|name| name.ends_with(by_last))
    })
}

/// Insertions, deletions, replacements and swaps of neighbours that make one word the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
