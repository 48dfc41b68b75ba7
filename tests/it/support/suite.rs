//! `wrapper test` on a tree: running it without an init, as PID 1 or inside of a running one, and reading its verdicts.

use super::init::{Init, Place};
use super::process::{Finished, Process};
use super::running::Running;
use super::tools::{programs, tool};
use super::tree::Tree;

/// One verdict as `--format json` tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) name: String,
    pub(crate) outcome: String,
    pub(crate) message: String,
}

/// Runs `wrapper test` on `tree` where no wrapper is init.
pub(crate) fn test(tree: &Tree, arguments: &[&str]) -> Finished {
    test_by(Init::wrapper().place(Place::Subreaper), tree, arguments)
}

/// The same, started by this init's rules.
pub(crate) fn test_by(init: Init, tree: &Tree, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str(), "test"];
    argv.extend(arguments);
    init.tree(tree).without(&argv).finish()
}

/// Runs it inside a running container.
pub(crate) fn probe(running: &Running, tree: &Tree, arguments: &[&str]) -> Finished {
    let argv = inside(tree, arguments);
    running.enter(&argv.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same without waiting for its end.
pub(crate) fn probe_and_stay(running: &Running, tree: &Tree, arguments: &[&str]) -> Process {
    let argv = inside(tree, arguments);
    running.enter_and_stay(&argv.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Sends a signal to the front: the `wrapper test` whose parent is none of ours.
pub(crate) fn signal_front(running: &Running, signal: &str) {
    let find = "for p in /proc/[0-9]*; do
        read -r name <$p/comm && [ \"$name\" = wrapper ] || continue
        tr '\\0' ' ' <$p/cmdline | grep -q 'wrapper test' || continue
        read -r _ _ _ parent _ <$p/stat
        [ $parent = 0 ] && echo ${p#/proc/}
    done 2>/dev/null; true";
    let front = running.enter(&["sh", "-c", find]).code(0).stdout;
    assert_eq!(front.len(), 1, "one front: {front:?}");
    running.enter(&["sh", "-c", &format!("kill -{signal} {}", front[0])]).code(0);
}

fn inside(tree: &Tree, arguments: &[&str]) -> Vec<String> {
    let mut argv = vec![
        tool("env"),
        format!("WRAPPER_CONFIG_DIR={}", tree.path("")),
        programs().wrapper.clone(),
        "test".into(),
    ];
    argv.extend(arguments.iter().map(|word| (*word).to_owned()));
    argv
}

/// What a run with `--format json` found, in its order.
#[track_caller]
pub(crate) fn verdicts(done: &Finished) -> Vec<Verdict> {
    let value: serde_json::Value = serde_json::from_str(done.stdout.first().map_or("", String::as_str))
        .unwrap_or_else(|error| panic!("no JSON: {error}\n{done}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let results = value["results"].as_array().unwrap_or_else(|| panic!("no results\n{done}"));
    results
        .iter()
        .map(|result| Verdict {
            name: format!("{}/{}", text(&result["suite"]), text(&result["file"])),
            outcome: text(&result["outcome"]),
            message: text(&result["summary-line"]),
        })
        .collect()
}

/// Name and outcome of each.
#[track_caller]
pub(crate) fn outcomes(done: &Finished) -> Vec<(String, String)> {
    verdicts(done).into_iter().map(|verdict| (verdict.name, verdict.outcome)).collect()
}
