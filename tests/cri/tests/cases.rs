//! The cases: each gets a pod of its own with a server that is ready.

use std::fs;

use tonic::Code;

use crate::pod::{Answer, Pod};
use crate::processes::anonymous_memory;

type Case = (&'static str, fn(&Pod));

/// Name and code of each.
pub(crate) const ALL: [Case; 6] = [
    ("pass", pass),
    ("fail", fail),
    ("hang", hang),
    ("hang_longer_than_the_runtime_waits", hang_longer_than_the_runtime_waits),
    ("orphans", orphans),
    ("two_hundred", two_hundred),
];

/// Tests that every pod has beside its image's own, as (suite, script). They are named 50-case.sh.
pub(crate) const TESTS: [(&str, &str); 4] = [
    ("live", "[ ! -e \"$PGDATA/../broken\" ] || { echo 'somebody broke it'; exit 1; }"),
    ("hang", "sleep 1000"),
    ("orphan", "(setsid sleep 1000 &)"),
    ("failing-orphan", "(setsid sleep 1000 &); echo 'it left an orphan'; exit 3"),
];

/// Longer than any of the tests' own timeouts, so that the runtime's is not the one that ends them.
const LONG: i64 = 45;

/// What `wrapper test` with these words says to the kubelet.
#[track_caller]
fn probe(pod: &Pod, words: &[&str]) -> Answer {
    let command = [&["/usr/bin/wrapper", "test"], words].concat();
    pod.exec(&command, LONG).unwrap_or_else(|e| panic!("{command:?}: {e}; in the pod: {:?}", pod.strangers()))
}

/// It ended with this code and these words on its first line.
#[track_caller]
fn expect(answer: &Answer, code: i32, words: &[&str]) {
    let verdict = answer.stdout.lines().next().unwrap_or_default();
    let so = answer.code == code && words.iter().all(|word| verdict.contains(word));
    assert!(so, "wanted {code} and {words:?} on the first line: {answer:?}");
}

/// Nothing is left of the tests, now: not even for the moment that whoever reaps needs.
#[track_caller]
fn nothing_left(pod: &Pod) {
    let sleepers: Vec<_> = pod.strangers().into_iter().filter(|process| process.name == "sleep").collect();
    assert!(sleepers.is_empty(), "left behind: {sleepers:?}");
}

/// The runtime's own part of an exec'd command may end a little later than its answer is here.
#[track_caller]
fn nothing_stays(pod: &Pod) {
    pod.until("the pod has no more processes than before", || pod.strangers().is_empty());
}

fn pass(pod: &Pod) {
    for suite in ["startup", "live", "ready"] {
        expect(&probe(pod, &[suite]), 0, &[suite, "pass"]);
    }
    nothing_stays(pod);
}

fn fail(pod: &Pod) {
    fs::write(pod.data().join("broken"), "").expect("write into the volume");
    let answer = probe(pod, &["live"]);
    expect(&answer, 1, &["live: fail: 1 of 2 checks", "50-case.sh"]);
    assert!(answer.stdout.len() <= 1024 && answer.stdout.contains("somebody broke it"), "{answer:?}");
    fs::remove_file(pod.data().join("broken")).expect("remove it");
    expect(&probe(pod, &["live"]), 0, &["live: pass: 2 checks"]);
    nothing_stays(pod);
}

/// `sh -c 'sleep 1000'` as a probe never returns: see `hang_longer_than_the_runtime_waits`.
fn hang(pod: &Pod) {
    let answer = probe(pod, &["--timeout", "1s", "hang"]);
    nothing_left(pod);
    assert!(answer.code == 1 && answer.stdout.contains("timed out after"), "{answer:?}");
    nothing_stays(pod);
}

/// The runtime KILLs `wrapper test` and nothing else, then waits for whoever has its pipes: nobody may.
fn hang_longer_than_the_runtime_waits(pod: &Pod) {
    let answer = pod.exec(&["/usr/bin/wrapper", "test", "hang"], 1);
    let error = answer.expect_err("a test of 1000 seconds is not over in one");
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    nothing_stays(pod);
}

fn orphans(pod: &Pod) {
    for (suite, code) in [("orphan", 0), ("failing-orphan", 1)] {
        let answer = probe(pod, &["--format", "probe", suite]);
        nothing_left(pod);
        expect(&answer, code, &[suite]);
    }
    nothing_stays(pod);
}

fn two_hundred(pod: &Pod) {
    let probes = |times| {
        for _ in 0..times {
            assert_eq!(probe(pod, &["live"]).code, 0);
            assert_eq!(probe(pod, &["orphan"]).code, 0);
        }
        nothing_stays(pod);
    };
    // What grows once is no leak.
    probes(5);
    let (descriptors, own, all) =
        (pod.init().descriptors(), pod.init().anonymous_memory(), anonymous_memory(pod.cgroup()));
    probes(100);
    assert_eq!(pod.init().descriptors(), descriptors, "descriptors of PID 1");
    let grown = pod.init().anonymous_memory() - own;
    assert!(grown <= 16, "PID 1 had {own} kB and has {grown} kB more: 16 kB are 82 bytes a probe");
    // The server's own helpers come and go.
    pod.until(&format!("the container is back at {all} bytes, give or take 512 kB"), || {
        anonymous_memory(pod.cgroup()) <= all + (512 << 10)
    });
}
