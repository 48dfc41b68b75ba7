//! The portable cases, asked of other inits too: that shows that the tests can fail, and what the wrapper is for.
//!
//! The table goes to stdout and to `peers.md` in the target directory.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::support::process::DEADLINE;
use crate::support::tools::{programs, target_directory, tool};
use crate::support::{Case, Init, Kind};
use crate::{environment, exit, inherited, reaping, shutdown, signals, tty};

const GROUPS: &[(&str, &[Case])] = &[
    ("exit", exit::PORTABLE),
    ("signals", signals::PORTABLE),
    ("inherited", inherited::PORTABLE),
    ("reaping", reaping::PORTABLE),
    ("shutdown", shutdown::PORTABLE),
    ("tty", tty::PORTABLE),
    ("environment", environment::PORTABLE),
];

const KINDS: [Kind; 5] = [Kind::Wrapper, Kind::Tini, Kind::TiniStatic, Kind::DumbInit, Kind::Catatonit];

/// What the others are known to do in each run, by their source: see docs/ for the reasons.
const KNOWN: &[(Kind, &str)] = &[
    (Kind::Tini, "sigchld_ignored_at_the_start"),
    (Kind::Catatonit, "sigchld_ignored_at_the_start"),
    (Kind::Tini, "an_app_that_changed_its_user_is_no_error"),
    (Kind::Tini, "each_signal_from_outside"),
    (Kind::Catatonit, "each_signal_from_outside"),
    (Kind::Tini, "leftovers_get_term_and_the_time_to_finish"),
    (Kind::Catatonit, "leftovers_get_term_and_the_time_to_finish"),
    (Kind::Tini, "listen_pid_names_the_app"),
    (Kind::DumbInit, "listen_pid_names_the_app"),
    (Kind::Tini, "term_to_the_group_at_a_random_moment_of_the_start"),
    (Kind::DumbInit, "term_to_the_group_at_a_random_moment_of_the_start"),
    (Kind::DumbInit, "missing_command_is_127"),
    (Kind::Catatonit, "missing_command_is_127"),
];

/// The first line of why a case failed; none when it passed.
fn ask(kind: Kind, case: &Case) -> Option<String> {
    // Some of the others hang in some cases, and that is known after a few seconds. The wrapper must pass on a busy machine too.
    let init = Init::new(kind).quick();
    let init = if kind == Kind::Wrapper { init.deadline(DEADLINE) } else { init };
    let failure = catch_unwind(AssertUnwindSafe(|| (case.run)(init))).err()?;
    let text = failure.downcast_ref::<String>().cloned();
    let text = text.or_else(|| failure.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let text = text.unwrap_or_default();
    let line = text.lines().next().unwrap_or("failed");
    let line = line.split_once("` failed: ").map_or(line, |(_, reason)| reason);
    Some(line.replace('|', "/").chars().take(70).collect())
}

/// All cases in order, with their groups.
fn cases() -> impl Iterator<Item = (&'static str, &'static Case)> {
    GROUPS.iter().flat_map(|(group, cases)| cases.iter().map(move |case| (*group, case)))
}

#[test]
fn table() {
    // What is missing must fail here, and not be taken for a peer's failure.
    programs();
    for peer in ["tini", "tini-static", "dumb-init", "catatonit"] {
        tool(peer);
    }
    // Side by side: most of the time goes into hangs.
    let answers = thread::scope(|scope| {
        let columns = KINDS
            .map(|kind| scope.spawn(move || cases().map(|(_, case)| ask(kind, case)).collect::<Vec<_>>()));
        columns.map(|column| column.join().expect("a column"))
    });
    let mut table =
        format!("| case | {} |\n|---{}|\n", KINDS.map(Kind::name).join(" | "), "|---".repeat(KINDS.len()));
    let mut unexpected = Vec::new();
    for (row, (group, case)) in cases().enumerate() {
        let _ = write!(table, "| {group}: {} ", case.name.replace('_', " "));
        for (kind, answers) in KINDS.iter().zip(&answers) {
            let failure = &answers[row];
            let known = KNOWN.contains(&(*kind, case.name));
            if known != failure.is_some() && (known || *kind == Kind::Wrapper) {
                unexpected.push(format!("{}: {}: {failure:?}", kind.name(), case.name));
            }
            let _ =
                write!(table, "| {} ", failure.as_ref().map_or("yes".to_owned(), |why| format!("no: {why}")));
        }
        table.push_str("|\n");
    }
    println!("{table}");
    std::fs::write(target_directory().join("peers.md"), &table).expect("write the table");
    assert!(unexpected.is_empty(), "not as expected:\n{}", unexpected.join("\n"));
}
